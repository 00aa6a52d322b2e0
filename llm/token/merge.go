package token

// pair is two neighbouring tokens.
type pair struct{ left, right int32 }

// merge is what a pair becomes; lower ranks go first.
type merge struct{ rank, id int32 }

// symbol is a token of a word in the making, in a list of neighbours.
type symbol struct {
	id         int32 // none once merged into its left neighbour
	prev, next int32 // -1 at the ends
}

// candidate is a possible merge of the symbol at and its right neighbour. It
// is void if the two are not of this pair any more.
type candidate struct {
	rank, at int32
	of       pair
}

func (a candidate) before(b candidate) bool {
	return a.rank < b.rank || a.rank == b.rank && a.at < b.at
}

// mergeBytes merges a word's bytes: always the pair of lowest rank, the
// leftmost of equals. It takes time n log n in the word's length.
func (t *Tokenizer) mergeBytes(word string) []int32 {
	symbols := make([]symbol, len(word))
	for i := range symbols {
		symbols[i] = symbol{t.bytes[word[i]], int32(i) - 1, int32(i) + 1}
	}
	symbols[len(symbols)-1].next = -1

	var queue candidates
	consider := func(at int32) {
		if at < 0 || symbols[at].next < 0 {
			return
		}
		of := pair{symbols[at].id, symbols[symbols[at].next].id}
		if m, ok := t.merges[of]; ok {
			queue.push(candidate{m.rank, at, of})
		}
	}
	for i := range symbols {
		consider(int32(i))
	}
	left := len(symbols)
	for len(queue) > 0 {
		c := queue.pop()
		s := &symbols[c.at]
		if s.id != c.of.left || s.next < 0 || symbols[s.next].id != c.of.right {
			continue
		}
		r := &symbols[s.next]
		s.id = t.merges[c.of].id
		r.id = none
		s.next = r.next
		if s.next >= 0 {
			symbols[s.next].prev = c.at
		}
		left--
		consider(s.prev)
		consider(c.at)
	}
	ids := make([]int32, 0, left)
	for i := int32(0); i >= 0; i = symbols[i].next {
		if id := symbols[i].id; id != none {
			ids = append(ids, id)
		}
	}
	return ids
}

// candidates is a heap with the next merge first.
type candidates []candidate

func (q *candidates) push(c candidate) {
	h := append(*q, c)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	*q = h
}

func (q *candidates) pop() candidate {
	h := *q
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			break
		}
		if down+1 < last && h[down+1].before(h[down]) {
			down++
		}
		if !h[down].before(h[i]) {
			break
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
	*q = h
	return top
}

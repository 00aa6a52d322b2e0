package engine

// Drafts make answers that copy from their prompt faster: a step with a few rows takes hardly longer
// than one with a single row, because both read all weights. If the end of the answer has occurred
// before, in the prompt or in the answer, the tokens that followed it there are computed with the next
// step, as if the answer continued with them. The outputs of the rows then confirm the tokens, one
// after the other. Where an output differs, the rows after it are dropped. An answer therefore has the
// tokens, in every bit of their scores, that it has without drafts.

const (
	// maxDraft is the maximum number of tokens in a draft. With the row before it, they fill a tile of
	// the kernels for AVX-512.
	maxDraft = 11
	// maxDraftRows is the number of rows in a step up to which drafts are added. With more rows, another
	// row costs what it costs alone.
	maxDraftRows = 12
	// coldMatch is the number of tokens that must have occurred before, after a draft that failed;
	// hotMatch is the number after one that was confirmed.
	coldMatch, hotMatch = 3, 2
	// Drafts that fail cost time, so each drafted token costs credit, and each confirmed one gives
	// some. An answer begins with some credit and gains one for every creditEvery tokens.
	firstCredit, maxCredit, confirmedCredit, creditEvery = 8, 48, 4, 16
)

// draft is the tokens that a step computes after the known tokens of a sequence, and what is known
// about earlier ones.
type draft struct {
	tokens    []int32
	base      int // the index of the first one in the answer
	confirmed int // of tokens
	credit    int
	length    int // of the next draft
	hot       bool
	gained    int // tokens of the answer that gave credit
}

func newDraft() *draft { return &draft{credit: firstCredit, length: 3} }

// propose sets the tokens: those that followed the last occurrence of the longest end of text that
// occurred before. text is the prompt in parts and then the answer; answer is the length of the answer. The
// draft has at most limit tokens and ends before a token for which allowed returns false.
func (d *draft) propose(text history, answer, limit int, allowed func(id int32) bool) {
	d.tokens, d.confirmed = d.tokens[:0], 0
	for ; d.gained+creditEvery <= answer; d.gained += creditEvery {
		d.credit = min(maxCredit, d.credit+1)
	}
	limit = min(limit, d.length, d.credit)
	if limit <= 0 {
		return
	}
	least := coldMatch
	if d.hot {
		least = hotMatch
	}
	from := text.repeated(least)
	if from < 0 {
		return
	}
	for ; from < text.len() && len(d.tokens) < limit; from++ {
		id := text.at(from)
		if !allowed(id) {
			break
		}
		d.tokens = append(d.tokens, id)
	}
	d.credit -= len(d.tokens)
}

// settle ends a step. It returns the number of tokens that were not confirmed.
func (d *draft) settle() (dropped int) {
	if len(d.tokens) == 0 {
		return 0
	}
	dropped = len(d.tokens) - d.confirmed
	d.credit = min(maxCredit, d.credit+confirmedCredit*d.confirmed)
	d.hot = d.confirmed > 0
	if dropped == 0 {
		d.length = min(maxDraft, 2*d.length)
	} else {
		d.length = max(3, d.confirmed+1)
	}
	d.tokens = d.tokens[:0]
	return dropped
}

// history is the tokens of a sequence so far, in parts.
type history [3][]int32

func (h *history) len() int { return len(h[0]) + len(h[1]) + len(h[2]) }

func (h *history) at(i int) int32 {
	for _, part := range h {
		if i < len(part) {
			return part[i]
		}
		i -= len(part)
	}
	panic("engine: the token is not in the history")
}

// repeated returns the index after the last occurrence of the longest end of the tokens that occurred
// before, or -1 if it has fewer than least tokens. Of ends of more than maxMatch tokens, the last
// occurrence is taken.
func (h *history) repeated(least int) int {
	const maxMatch = 8
	n := h.len()
	if n <= least {
		return -1
	}
	var end [maxMatch]int32 // the last tokens, the last one first
	size := min(maxMatch, n)
	for i := range size {
		end[i] = h.at(n - 1 - i)
	}
	best, found := least-1, -1
	// The tokens from the end, the candidate's last token at base+i.
	base := n
	for p := len(h) - 1; p >= 0; p-- {
		part := h[p]
		base -= len(part)
		for i := len(part) - 1; i >= 0; i-- {
			at := base + i
			if part[i] != end[0] || at == n-1 {
				continue
			}
			match := 1
			for match < size && match <= at && h.at(at-match) == end[match] {
				match++
			}
			if match > best {
				if best, found = match, at+1; best == size {
					return found
				}
			}
		}
	}
	return found
}

package tokenizer

import "fmt"

// trie maps strings to ids. It is traversed byte by byte. All edges are in one hash table, so a
// step is one lookup, and building takes time proportional to the total length of the strings.
type trie struct {
	edges []edge // their number is a power of two; at most half are used
	used  int
	shift uint
	ids   []int32 // by node, the id of the string that ends there, or none; node 0 is the root
}

// edge leads from a node to another by a byte. No edge leads to the root, so an edge to node 0 is a
// free slot.
type edge struct{ from, to uint32 } // from: node<<8 | byte

const maxNodes = 1 << 24

func newTrie() *trie {
	return &trie{edges: make([]edge, 64), shift: 32 - 6, ids: []int32{none}}
}

// slot returns the index of the edge from, or of the free slot for it.
func (t *trie) slot(from uint32) int {
	mask := len(t.edges) - 1
	i := int(from * 0x9e3779b1 >> t.shift)
	for t.edges[i].to != 0 && t.edges[i].from != from {
		i = (i + 1) & mask
	}
	return i
}

// step returns the node that a byte leads to, or 0.
func (t *trie) step(node uint32, b byte) uint32 {
	return t.edges[t.slot(node<<8|uint32(b))].to
}

// add adds a string, which must not be empty. It replaces the id of an equal string.
func (t *trie) add(s string, id int32) error {
	node := uint32(0)
	for i := range len(s) {
		from := node<<8 | uint32(s[i])
		at := t.slot(from)
		if t.edges[at].to == 0 {
			if len(t.ids) == maxNodes {
				return fmt.Errorf("the vocabulary is too large: its tokens need more than %d tree nodes", maxNodes)
			}
			if 2*t.used >= len(t.edges) {
				t.grow()
				at = t.slot(from)
			}
			t.edges[at] = edge{from, uint32(len(t.ids))}
			t.used++
			t.ids = append(t.ids, none)
		}
		node = t.edges[at].to
	}
	t.ids[node] = id
	return nil
}

func (t *trie) grow() {
	old := t.edges
	t.edges = make([]edge, 2*len(old))
	t.shift--
	for _, e := range old {
		if e.to != 0 {
			t.edges[t.slot(e.from)] = e
		}
	}
}

// find returns the node of a string, or -1.
func (t *trie) find(s string) int {
	node := uint32(0)
	for i := range len(s) {
		if node = t.step(node, s[i]); node == 0 {
			return -1
		}
	}
	return int(node)
}

// exclude removes ids.
func (t *trie) exclude(ids map[int32]bool) {
	for node, id := range t.ids {
		if ids[id] {
			t.ids[node] = none
		}
	}
}

package engine

import (
	"fmt"
	"math"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/llm"
)

// A labelTrie holds the tokens of all labels, so that beginnings they have in
// common are computed once and all of them in one pass.
//
// The score of a label is log p(its tokens | prompt): the sum over its tokens.
// If a label is the beginning of another ("not", "not sure"), that sum would
// always favour it, because it counts the longer one's probability too. So
// where the model may go on to a longer label it must not: to the score is
// added the log of the probability that the token after it is none by which
// another label goes on. Scores are thus of events that exclude each other,
// whatever the labels, and no label is charged for an end of turn.
type labelTrie struct {
	nodes  []labelNode // a parent stands before its children; 0 is the prompt
	labels []int       // the node of each label
	// inner lists the nodes with children, but for the prompt: the tokens that
	// have to be computed. Parents stand before children.
	inner []int
}

type labelNode struct {
	token    int32
	parent   int
	depth    int // tokens from the prompt
	children []int
	label    bool
	row      int // its place in inner; -1 if it has none
}

func newLabelTrie(tok *tokenizer.Tokenizer, labels []string) (*labelTrie, error) {
	if len(labels) == 0 {
		return nil, fmt.Errorf("%w: a choice without labels", llm.ErrRequest)
	}
	t := &labelTrie{nodes: []labelNode{{row: -1}}}
	for i, label := range labels {
		at := 0
		for _, id := range tok.Encode(label) {
			at = t.child(at, id)
		}
		if at == 0 {
			return nil, sensitive.Errorf("%w: label %d of %d, %s, has no tokens", llm.ErrRequest, i+1, len(labels), sensitive.Text(label))
		}
		t.nodes[at].label = true
		t.labels = append(t.labels, at)
	}
	for i := range t.nodes {
		t.nodes[i].row = -1
		if i > 0 && len(t.nodes[i].children) > 0 {
			t.nodes[i].row = len(t.inner)
			t.inner = append(t.inner, i)
		}
	}
	return t, nil
}

func (t *labelTrie) child(at int, id int32) int {
	for _, c := range t.nodes[at].children {
		if t.nodes[c].token == id {
			return c
		}
	}
	c := len(t.nodes)
	t.nodes = append(t.nodes, labelNode{token: id, parent: at, depth: t.nodes[at].depth + 1})
	t.nodes[at].children = append(t.nodes[at].children, c)
	return c
}

// depth is the number of tokens of the longest label.
func (t *labelTrie) depth() int {
	deepest := 0
	for _, n := range t.nodes {
		deepest = max(deepest, n.depth)
	}
	return deepest
}

// ancestors gives the slots of the inner nodes on the way from the prompt to
// node, itself included, where inner nodes lie in slots from first on.
func (t *labelTrie) ancestors(node, first int) []int32 {
	slots := make([]int32, t.nodes[node].depth)
	for n := node; n != 0; n = t.nodes[n].parent {
		slots[t.nodes[n].depth-1] = int32(first + t.nodes[n].row)
	}
	return slots
}

// labelScores adds up scores as the logits of nodes come in, parents first.
type labelScores struct {
	trie *labelTrie
	sums []float64 // by node: log p of the way to it
	// ends is, by node, the log of the probability of not going on to a
	// longer label.
	ends []float64
}

func newLabelScores(t *labelTrie) *labelScores {
	return &labelScores{t, make([]float64, len(t.nodes)), make([]float64, len(t.nodes))}
}

// add takes the logits after a node; exps is memory for as many numbers.
func (s *labelScores) add(node int, logits []float32, exps expFunc) error {
	greatest, e := exps(logits)
	total := 0.0
	for _, x := range e {
		total += float64(x)
	}
	log := float64(greatest) + math.Log(total)
	if math.IsNaN(log) || math.IsInf(log, 0) {
		return errNotFinite
	}
	n := &s.trie.nodes[node]
	for _, c := range n.children {
		id := s.trie.nodes[c].token
		s.sums[c] = s.sums[node] + float64(logits[id]) - log
		e[id] = 0
	}
	if n.label {
		rest := 0.0
		for _, x := range e {
			rest += float64(x)
		}
		s.ends[node] = math.Log(rest / total)
	}
	return nil
}

// scores gives the score of each label.
func (s *labelScores) scores() []float64 {
	out := make([]float64, len(s.trie.labels))
	for i, n := range s.trie.labels {
		out[i] = s.sums[n] + s.ends[n]
	}
	return out
}

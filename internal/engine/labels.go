package engine

import (
	"fmt"
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/llm"
)

// labelTrie holds the tokens of all labels, so that common beginnings are computed once and all
// labels in one pass.
//
// The score of a label is log p(its tokens | prompt), the sum over its tokens. If a label is the
// beginning of another ("not", "not sure"), this sum includes the probability of the longer label.
// Therefore the score of the shorter label is the log probability that its tokens are followed by
// none of the tokens that continue another label. Scores are the probabilities of disjoint events
// for any labels, and do not include the probability of an end of turn.
type labelTrie struct {
	nodes  []labelNode // parents precede their children; node 0 is the prompt
	labels []int       // the node of each label
	// inner lists the nodes with children, except the prompt: the tokens that must be computed.
	// Parents precede their children.
	inner []int
}

type labelNode struct {
	token    int32
	parent   int
	depth    int // tokens from the prompt
	children []int
	label    bool
	row      int // index in inner; -1 if the node has no children
}

func newLabelTrie(tok *tokenizer.Tokenizer, labels []string) (*labelTrie, error) {
	if len(labels) == 0 {
		return nil, fmt.Errorf("%w: the choice has no labels", llm.ErrRequest)
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

// child returns the child of a node for a token, and adds it if necessary.
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

// depth returns the number of tokens of the longest label.
func (t *labelTrie) depth() int {
	deepest := 0
	for _, n := range t.nodes {
		deepest = max(deepest, n.depth)
	}
	return deepest
}

// ancestors returns the slots of the inner nodes on the path from the prompt to node, including
// node. The inner nodes are in the slots from first on.
func (t *labelTrie) ancestors(node, first int) []int32 {
	slots := make([]int32, t.nodes[node].depth)
	for n := node; n != 0; n = t.nodes[n].parent {
		slots[t.nodes[n].depth-1] = int32(first + t.nodes[n].row)
	}
	return slots
}

// labelScores computes the scores from the logits after each node. Parents come first.
type labelScores struct {
	trie *labelTrie
	sums []float64 // by node: log p of the path to it
	// ends has, for each node, the log probability that no longer label follows.
	ends []float64
}

func newLabelScores(t *labelTrie) *labelScores {
	return &labelScores{t, make([]float64, len(t.nodes)), make([]float64, len(t.nodes))}
}

// add adds the logits after a node.
func (s *labelScores) add(node int, logits []float32, exps expFunc) error {
	maximum, e := exps(logits)
	total := 0.0
	for _, x := range e {
		total += float64(x)
	}
	log := float64(maximum) + math.Log(total)
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

// scores returns the score of each label.
func (s *labelScores) scores() []float64 {
	out := make([]float64, len(s.trie.labels))
	for i, n := range s.trie.labels {
		out[i] = s.sums[n] + s.ends[n]
	}
	return out
}

// expFunc returns the maximum of logits and e^(logit - maximum) of each. The next call
// overwrites e.
type expFunc func(logits []float32) (maximum float32, e []float32)

// newExpFunc returns an expFunc for at most n logits.
func newExpFunc(kernels *kernel.Set, n int) expFunc {
	in, out := make([]float32, kernel.Pad(n)), make([]float32, kernel.Pad(n))
	return func(logits []float32) (float32, []float32) {
		maximum := float32(math.Inf(-1))
		for _, x := range logits {
			maximum = max(maximum, x)
		}
		copy(in, logits)
		kernels.Exp(out, in, maximum)
		return maximum, out[:len(logits)]
	}
}

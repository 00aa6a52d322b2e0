package engine

import (
	"fmt"
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/llm"
)

var errNotFinite = fmt.Errorf("%w: it computed numbers that are not finite; the file may be damaged", llm.ErrModel)

// A sequence is one computation: a prompt to run through the network, and what
// is to be made of it. Equal requests of a call share one.
type sequence struct {
	call   *call
	input  []int32 // of the encoder, where there is one
	prompt []int32 // after the prefix
	prefix *prefix // nil for none

	trie  *labelTrie     // to score labels; nil to generate
	rule  *constrained   // that the generated text follows; nil for none
	stop  map[int32]bool // nil goes on to max
	max   int            // tokens to generate; 0, without a trie or a pool, computes a prefix only
	pool  *pool          // of hidden states, for a vector; nil for none
	cut   bool           // the text was longer than the prompt
	alone bool           // it takes no other into its steps: one of an earlier step panicked

	cache  *nn.Cache         // while it is active
	memory *nn.EncoderOutput // of what the encoder has read
	fed    int               // rows of the prompt and the trie, or of prompt and output
	scores *labelScores
	output []int32
	finish llm.Finish
	done   bool
	err    error
	over   bool // its call has been told that it is done, or dropped
}

// start is how many tokens the prefix holds.
func (s *sequence) start() int {
	if s.prefix == nil {
		return 0
	}
	return len(s.prefix.tokens)
}

// unread is the encoder's input until it has been read.
func (s *sequence) unread() []int32 {
	if s.memory != nil {
		return nil
	}
	return s.input
}

// feed is the number of rows that are known and not computed yet.
func (s *sequence) feed() int {
	n := len(s.unread()) + len(s.prompt) + len(s.output) - s.fed
	if s.trie != nil {
		n += len(s.trie.inner)
	}
	return n
}

// reserve is the number of tokens it reads, and that its own cache may come to
// hold.
func (s *sequence) reserve() (read, own int) {
	read, own = len(s.input), len(s.prompt)+s.max
	if s.trie != nil {
		own += len(s.trie.inner)
	}
	return read, own
}

// total is reserve's sum.
func (s *sequence) total() int {
	read, own := s.reserve()
	return read + own
}

// rows gives the next rows to compute, at most limit.
func (s *sequence) rows(limit int) []model.Row {
	rows := make([]model.Row, min(limit, s.feed()-len(s.unread())))
	start := s.start()
	for i := range rows {
		n := s.fed + i
		row := &rows[i]
		if known := n - len(s.prompt); s.trie != nil && known >= 0 {
			node := s.trie.inner[known]
			row.Token = s.trie.nodes[node].token
			row.Position = start + len(s.prompt) + s.trie.nodes[node].depth - 1
			row.View = nn.View{Leading: start + len(s.prompt), Extra: s.trie.ancestors(node, start+len(s.prompt))}
			row.Want = model.Logits
			continue
		} else if known >= 0 {
			row.Token = s.output[known]
		} else {
			row.Token = s.prompt[n]
		}
		row.Position = start + n
		row.View = nn.View{Leading: start + n + 1}
		if s.pool != nil {
			if s.pool.wants(n) {
				row.Want = model.Hidden
			}
		} else if s.trie != nil && n == len(s.prompt)-1 {
			row.Want = model.Logits
		} else if s.max > 0 && n == len(s.prompt)+len(s.output)-1 {
			row.Want = model.Best
			if s.rule != nil {
				row.Want = model.Logits
			}
		}
	}
	return rows
}

// take reads what was wanted after the row that many rows beyond fed. Of logits
// the first tokens are those of the tokenizer.
func (s *sequence) take(row int, out model.Out, tokens int, exps expFunc) {
	if s.err != nil {
		return
	}
	if s.pool != nil {
		s.pool.add(s.fed+row, out.Values)
		return
	}
	if s.trie != nil {
		node := 0
		if n := s.fed + row - len(s.prompt); n >= 0 {
			node = s.trie.inner[n]
		}
		if s.err = errNotFinite; out.Best >= 0 {
			s.err = s.scores.add(node, out.Values[:tokens], exps)
		}
		return
	}
	id := out.Best
	if id < 0 {
		s.err = errNotFinite
		return
	}
	if s.rule != nil {
		var more bool
		if id, more, s.err = s.rule.next(out.Values[:tokens], s.max-len(s.output), s.stop); !more {
			s.finish, s.done = llm.FinishStop, true
			return
		}
	} else if s.stop[id] {
		s.finish, s.done = llm.FinishStop, true
		return
	}
	s.output = append(s.output, id)
	if s.rule != nil {
		s.output = append(s.output, s.rule.forced(s.max-len(s.output))...)
		if s.rule.complete(s.max - len(s.output)) {
			s.finish, s.done = llm.FinishStop, true
			return
		}
	}
	switch {
	case len(s.output) == s.max:
		s.finish, s.done = llm.FinishLength, true
	case s.stop != nil && s.rule == nil && repeats(s.output):
		s.finish, s.done = llm.FinishRepeat, true
	}
}

// release gives up the memory of a sequence that is no longer active.
func (s *sequence) release() {
	if s.cache != nil {
		s.cache.Release()
	}
	if s.memory != nil {
		s.memory.Release()
	}
	s.cache, s.memory = nil, nil
}

// restart forgets what has been computed, and the memory that it is in.
func (s *sequence) restart() {
	s.cache, s.memory = nil, nil
	s.fed, s.output, s.finish, s.done, s.err = 0, nil, "", false, nil
	if s.trie != nil {
		s.scores = newLabelScores(s.trie)
	}
	if s.pool != nil {
		s.pool.state = nil
	}
	if s.rule != nil {
		s.rule.state = s.rule.begin
	}
}

// A generated text goes round in circles if it ends with the same tokens, at
// most longestCircle of them, at least circles times, which are at least
// circling tokens.
const (
	longestCircle = 48
	circles       = 4
	circling      = 32
)

func repeats(tokens []int32) bool {
	n := len(tokens)
	for period := 1; period <= longestCircle && period*circles <= n; period++ {
		need := max(circling, period*circles)
		if need > n {
			continue
		}
		i := n - 1
		for i >= n-need+period && tokens[i] == tokens[i-period] {
			i--
		}
		if i < n-need+period {
			return true
		}
	}
	return false
}

// advance counts rows as computed.
func (s *sequence) advance(rows int) {
	s.fed += rows
	if s.err != nil || s.feed() == 0 {
		s.done = true
	}
}

// expFunc gives the greatest of some logits and e^(logit - greatest) of each,
// in memory that the next use overwrites.
type expFunc func(logits []float32) (greatest float32, e []float32)

// newExpFunc makes one for up to n logits.
func newExpFunc(kernels *kernel.Set, n int) expFunc {
	in, out := make([]float32, kernel.Pad(n)), make([]float32, kernel.Pad(n))
	return func(logits []float32) (float32, []float32) {
		greatest := float32(math.Inf(-1))
		for _, x := range logits {
			greatest = max(greatest, x)
		}
		copy(in, logits)
		kernels.Exp(out, in, greatest)
		return greatest, out[:len(logits)]
	}
}

package engine

import (
	"fmt"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/llm"
)

var errNotFinite = fmt.Errorf("%w: the result is not finite; the file may be damaged", llm.ErrModel)

// sequence is one computation: a prompt to run through the network, and the output to produce.
// Equal requests of a call share a sequence.
type sequence struct {
	call   *call
	input  []int32 // of the encoder, if the network has one
	prompt []int32 // without the prefix
	prefix *prefix // may be nil

	trie        *labelTrie     // labels to score; nil to generate
	constrained *constrained   // constraint of the generated text; may be nil
	stop        map[int32]bool // tokens that end the text; nil to continue up to max
	max         int            // tokens to generate; 0 without trie and pooler means to compute a prefix
	pooler      *pooler        // for an embedding; may be nil
	cut         bool           // the text was longer than the prompt
	isolated    bool           // no other sequence is in its steps, because an earlier step panicked

	cache    *nn.Cache         // while the sequence is active
	encoded  *nn.EncoderOutput // of input
	computed int               // rows of the prompt, and then of the trie or the output
	scores   *labelScores
	output   []int32
	finish   llm.Finish
	done     bool
	err      error
	reported bool // the call has counted it as done
}

// start returns the number of tokens of the prefix.
func (s *sequence) start() int {
	if s.prefix == nil {
		return 0
	}
	return len(s.prefix.tokens)
}

// pendingInput returns the input of the encoder until it is encoded.
func (s *sequence) pendingInput() []int32 {
	if s.encoded != nil {
		return nil
	}
	return s.input
}

// pending returns the number of rows that are known but not computed.
func (s *sequence) pending() int {
	n := len(s.pendingInput()) + len(s.prompt) + len(s.output) - s.computed
	if s.trie != nil {
		n += len(s.trie.inner)
	}
	return n
}

// sizes returns the number of input tokens of the encoder and the maximum number of tokens in the
// sequence's own cache.
func (s *sequence) sizes() (input, own int) {
	input, own = len(s.input), len(s.prompt)+s.max
	if s.trie != nil {
		own += len(s.trie.inner)
	}
	return input, own
}

// total returns the sum of sizes.
func (s *sequence) total() int {
	input, own := s.sizes()
	return input + own
}

// rows returns the next rows to compute, at most limit.
func (s *sequence) rows(limit int) []model.Row {
	rows := make([]model.Row, min(limit, s.pending()-len(s.pendingInput())))
	start := s.start()
	for i := range rows {
		n := s.computed + i
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
		if s.pooler != nil {
			if s.pooler.wants(n) {
				row.Want = model.Hidden
			}
		} else if s.trie != nil && n == len(s.prompt)-1 {
			row.Want = model.Logits
		} else if s.max > 0 && n == len(s.prompt)+len(s.output)-1 {
			row.Want = model.Best
			if s.constrained != nil {
				row.Want = model.Logits
			}
		}
	}
	return rows
}

// accept processes the output of a row; row counts from the first row of the step. tokens is the
// size of the tokenizer: later logits are ignored.
func (s *sequence) accept(row int, out model.Out, tokens int, exps expFunc) {
	if s.err != nil {
		return
	}
	if s.pooler != nil {
		s.pooler.add(s.computed+row, out.Values)
		return
	}
	if s.trie != nil {
		node := 0
		if n := s.computed + row - len(s.prompt); n >= 0 {
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
	if s.constrained != nil {
		var more bool
		if id, more, s.err = s.constrained.next(out.Values[:tokens], s.max-len(s.output), s.stop); !more {
			s.finish, s.done = llm.FinishStop, true
			return
		}
	} else if s.stop[id] {
		s.finish, s.done = llm.FinishStop, true
		return
	}
	s.output = append(s.output, id)
	if s.constrained != nil {
		s.output = append(s.output, s.constrained.forced(s.max-len(s.output))...)
		if s.constrained.complete(s.max - len(s.output)) {
			s.finish, s.done = llm.FinishStop, true
			return
		}
	}
	switch {
	case len(s.output) == s.max:
		s.finish, s.done = llm.FinishLength, true
	case s.stop != nil && s.constrained == nil && repeats(s.output):
		s.finish, s.done = llm.FinishRepeat, true
	}
}

// release returns the memory of a sequence that is no longer active.
func (s *sequence) release() {
	if s.cache != nil {
		s.cache.Release()
	}
	if s.encoded != nil {
		s.encoded.Release()
	}
	s.cache, s.encoded = nil, nil
}

// restart resets the sequence to its beginning. It does not release its memory.
func (s *sequence) restart() {
	s.cache, s.encoded = nil, nil
	s.computed, s.output, s.finish, s.done, s.err = 0, nil, "", false, nil
	if s.trie != nil {
		s.scores = newLabelScores(s.trie)
	}
	if s.pooler != nil {
		s.pooler.state = nil
	}
	if s.constrained != nil {
		s.constrained.state = s.constrained.begin
	}
}

// advance counts rows as computed. It sets done if nothing is left to compute.
func (s *sequence) advance(rows int) {
	s.computed += rows
	if s.err != nil || s.pending() == 0 {
		s.done = true
	}
}

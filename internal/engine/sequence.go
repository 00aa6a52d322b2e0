package engine

import (
	"fmt"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/grammar"
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
	draft       *draft         // nil for none
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

// rows returns the next rows to compute, at most limit. The number of rows of a draft is at most
// drafted.
func (s *sequence) rows(limit, drafted int) []model.Row {
	known := s.pending() - len(s.pendingInput())
	if s.draft != nil {
		s.propose(min(drafted, limit-known))
		known += len(s.draft.tokens)
	}
	rows := make([]model.Row, min(limit, known))
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
		} else if known >= len(s.output) {
			row.Token = s.draft.tokens[known-len(s.output)]
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
		} else if s.max > 0 && n >= len(s.prompt)+len(s.output)-1 {
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
	if n := s.computed + row - len(s.prompt); s.done || s.draft != nil && !s.confirm(n) {
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

// propose drafts tokens that may follow the output.
func (s *sequence) propose(limit int) {
	text := history{nil, s.prompt, s.output}
	if s.prefix != nil {
		text[0] = s.prefix.tokens
	}
	var state grammar.State
	if s.constrained != nil {
		state = s.constrained.state
	}
	s.draft.propose(text, len(s.output), min(limit, s.max-len(s.output)-1), func(id int32) (ok bool) {
		if ok = !s.stop[id]; ok && s.constrained != nil {
			state, ok = state.Advance(id)
		}
		return ok
	})
	s.draft.base = len(s.output)
}

// confirm reports whether the output of row n of the output is the next token: all tokens up to n are
// those of the answer, and the constraint has not determined the token after them.
func (s *sequence) confirm(n int) bool {
	d := s.draft
	if drafted := n - d.base; drafted >= 0 {
		if drafted != d.confirmed || n >= len(s.output) || s.output[n] != d.tokens[drafted] {
			return false
		}
		d.confirmed++
	}
	return n == len(s.output)-1
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
	if s.draft != nil {
		s.draft = newDraft()
	}
}

// advance counts rows as computed, except those of a draft that were not confirmed: they leave the cache.
// It sets done if nothing is left to compute.
func (s *sequence) advance(rows int) {
	if s.draft != nil {
		if dropped := s.draft.settle(); dropped > 0 {
			rows -= dropped
			s.cache.Truncate(s.cache.Len() - dropped)
		}
	}
	s.computed += rows
	if s.err != nil || s.pending() == 0 {
		s.done = true
	}
}

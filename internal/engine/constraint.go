package engine

import (
	"fmt"
	"sync"

	"github.com/firesteel/firesteel/internal/grammar"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/llm"
)

// grammars compiles constraints for the tokens of a tokenizer and caches them.
type grammars struct {
	vocabulary func() (*grammar.Vocabulary, error) // built for the first constraint

	mu     sync.Mutex
	cached map[llm.Constraint]*grammar.Grammar
}

// maxGrammars limits the cached grammars. A query uses a few.
const maxGrammars = 32

func newGrammars(tokens *tokenizer.Tokenizer, stop map[int32]bool) *grammars {
	g := &grammars{cached: map[llm.Constraint]*grammar.Grammar{}}
	g.vocabulary = sync.OnceValues(func() (*grammar.Vocabulary, error) {
		texts := make([][]byte, tokens.Size())
		var ends []int32
		for i := range texts {
			id := int32(i)
			if text := tokens.Bytes(id); text != "" && !tokens.IsControl(id) && !tokens.IsReserved(id) {
				texts[i] = []byte(text)
			}
			if stop[id] {
				ends = append(ends, id)
			}
		}
		return grammar.NewVocabulary(texts, ends...)
	})
	return g
}

func (g *grammars) get(c llm.Constraint) (*grammar.Grammar, error) {
	g.mu.Lock()
	cached := g.cached[c]
	g.mu.Unlock()
	if cached != nil {
		return cached, nil
	}
	vocabulary, err := g.vocabulary()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	compiled, err := grammar.Compile(vocabulary, c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", llm.ErrRequest, err)
	}
	if j, ok := c.(llm.JSON); ok && j.Source != "" {
		return compiled, nil // for the text of one request only
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.cached) >= maxGrammars {
		clear(g.cached)
	}
	g.cached[c] = compiled
	return compiled, nil
}

// constrained is the state of an answer that follows a grammar.
type constrained struct {
	tokens *tokenizer.Tokenizer
	begin  grammar.State // the state at the beginning of the answer
	state  grammar.State
}

// next returns the allowed token with the highest logit. At most left tokens may follow, including
// this one. ok is false if the answer is complete.
func (c *constrained) next(logits []float32, left int, stop map[int32]bool) (id int32, ok bool, err error) {
	id = c.state.Allowed(left).Best(logits)
	if id < 0 && !c.state.Done() {
		return 0, false, fmt.Errorf("%w: no token can continue the answer within the constraint", llm.ErrModel)
	}
	if id < 0 || stop[id] {
		return 0, false, nil
	}
	if c.state, ok = c.state.Advance(id); !ok {
		return 0, false, fmt.Errorf("%w: the constraint allowed token %d but cannot continue with it", llm.ErrModel, id)
	}
	return id, true, nil
}

// forced returns the tokens that the constraint determines, if they leave enough of the left tokens
// to complete the answer.
func (c *constrained) forced(left int) []int32 {
	text := c.state.Forced()
	if len(text) == 0 {
		return nil
	}
	ids := c.tokens.Encode(string(text))
	state := c.state
	for _, id := range ids {
		var ok bool
		if state, ok = state.Advance(id); !ok {
			return nil
		}
	}
	if len(ids) == 0 || state.Need() > left-len(ids) {
		return nil
	}
	c.state = state
	return ids
}

// complete reports whether only the end can follow: with no tokens left only end tokens
// are allowed.
func (c *constrained) complete(left int) bool {
	return c.state.Done() && c.state.Allowed(left).Count() == c.state.Allowed(0).Count()
}

package engine

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/llm"
)

var _ llm.Model = (*Engine)(nil)

// Embed returns a normalized vector for each text, computed from the final hidden states of its
// tokens. Prefix, suffix and pooling are those of the model's files; the default pooling is the
// mean. A text longer than the context is cut. For models that were not trained for embeddings the
// vectors are a rough measure of meaning only.
func (e *Engine) Embed(ctx context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	if e.encodes {
		return nil, fmt.Errorf("%w: embeddings of models with an encoder are not supported", llm.ErrModel)
	}
	if e.embeddingErr != nil {
		return nil, e.embeddingErr
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	embeddings := make([]llm.Embedding, len(requests))
	byRequest := map[llm.EmbedRequest]*sequence{}
	var sequences []*sequence
	for _, r := range requests {
		if byRequest[r] != nil {
			continue
		}
		s := e.embeddingSequence(r)
		byRequest[r] = s
		if s.err == nil {
			sequences = append(sequences, s)
		}
	}
	longestFirst(sequences)
	if err := e.scheduler.run(ctx, sequences); err != nil {
		return nil, err
	}
	for i, r := range requests {
		embeddings[i] = byRequest[r].embedding(e.embedding)
	}
	return embeddings, nil
}

// embeddingSequence returns the sequence that computes the embedding of a text. A panic becomes the
// error of the text.
func (e *Engine) embeddingSequence(r llm.EmbedRequest) *sequence {
	s := &sequence{}
	s.prompt, s.cut, s.err = embeddingTokens(e.tokens, e.embedding, e.info.Context, e.embedding.PromptOf(r.Prompt)+r.Text)
	s.pooler = &pooler{pooling: e.embedding.Pooling, count: len(s.prompt)}
	return s
}

var errNoTokens = fmt.Errorf("%w: the text has no tokens", llm.ErrRequest)

// embeddingTokens returns the tokens of a text with those that the model expects around it, and
// whether the text was cut. A panic becomes the error.
func embeddingTokens(t *tokenizer.Tokenizer, settings model.EmbeddingSettings, context int, text string) (ids []int32, cut bool, err error) {
	defer panics.Catch(&err, "reading a text")
	prefix, suffix := t.Affixes()
	ids = t.Append(slices.Clone(prefix), text)
	limit := context
	if settings.Tokens > 0 {
		limit = min(limit, settings.Tokens)
	}
	if limit -= len(suffix); len(ids) > limit {
		ids, cut = ids[:max(limit, 0)], true
	}
	if ids = append(ids, suffix...); len(ids) == 0 {
		return nil, cut, errNoTokens
	}
	return ids, cut, nil
}

// textTokens returns the number of tokens of a text that embeddingTokens does not cut.
func textTokens(t *tokenizer.Tokenizer, settings model.EmbeddingSettings, context int) int {
	limit := context
	if settings.Tokens > 0 {
		limit = min(limit, settings.Tokens)
	}
	prefix, suffix := t.Affixes()
	return max(0, limit-len(prefix)-len(suffix)-t.Count(settings.PromptOf("")))
}

func (s *sequence) embedding(settings model.EmbeddingSettings) llm.Embedding {
	out := llm.Embedding{Tokens: len(s.prompt), Cut: s.cut, Err: s.err}
	if out.Err == nil {
		out.Vector, out.Err = s.pooler.vector(settings)
	}
	return out
}

// pooler combines the hidden states of a text to one vector, which is not normalized.
type pooler struct {
	pooling model.Pooling
	count   int // tokens
	state   []float64
}

// wants reports whether the vector depends on the state of token n.
func (p *pooler) wants(n int) bool {
	switch p.pooling {
	case model.First:
		return n == 0
	case model.Last:
		return n == p.count-1
	}
	return true
}

// add adds the state of token n.
func (p *pooler) add(n int, state []float32) {
	first := len(p.state) == 0
	if first {
		p.state = make([]float64, len(state))
	}
	for i, x := range state {
		switch x := float64(x); p.pooling {
		case model.Weighted:
			p.state[i] += float64(n+1) * x
		case model.Max:
			if first {
				p.state[i] = x
			}
			p.state[i] = max(p.state[i], x)
		default:
			p.state[i] += x
		}
	}
}

// vector returns the normalized vector, after the dense layers of the settings.
func (p *pooler) vector(settings model.EmbeddingSettings) ([]float32, error) {
	state := p.state
	if len(settings.Dense) > 0 {
		p.divide()
	}
	for _, d := range settings.Dense {
		state = d.Apply(state)
	}
	length := 0.0
	for _, x := range state {
		length += x * x
	}
	length = math.Sqrt(length)
	if !(length > 0) || math.IsInf(length, 0) {
		return nil, errNotFinite
	}
	vector := make([]float32, len(state))
	for i, x := range state {
		vector[i] = float32(x / length)
	}
	return vector, nil
}

// divide makes a mean of a sum, which has the same direction.
func (p *pooler) divide() {
	n := float64(p.count)
	switch p.pooling {
	case model.Weighted:
		n *= float64(p.count+1) / 2
	case model.Mean:
	default:
		return
	}
	for i := range p.state {
		p.state[i] /= n
	}
}

package engine

import (
	"context"
	"math"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/llm"
)

// Tag returns the probabilities of the classes of each token, and the spans that they mark. A text
// that is longer than the context is read in overlapping windows; the probabilities of a token are
// those of the window in which it is farthest from an end that is not one of the text.
func (e *Encoder) Tag(ctx context.Context, texts []string) ([]llm.Tagging, error) {
	if e.network.Head() != model.TokenLogits {
		return e.Unsupported.Tag(ctx, texts)
	}
	type distinct struct {
		tokens  []tokenizer.Token
		logits  [][]float32 // by token
		windows []*encoding
		err     error
	}
	byText := map[string]*distinct{}
	var all []*encoding
	for _, text := range texts {
		if byText[text] != nil {
			continue
		}
		d := &distinct{}
		byText[text] = d
		if d.tokens, d.err = e.readTokens(text); d.err != nil {
			continue
		}
		d.logits = make([][]float32, len(d.tokens))
		single, _ := e.tokens.SpecialTokens()
		for _, w := range windows(len(d.tokens), e.limit-single) {
			s := e.tokens.Single(tokenizer.IDs(d.tokens[w.first:w.end]))
			one := &encoding{input: model.EncoderInput{Tokens: s.IDs, Types: s.Types}}
			one.accept = func(rows model.Rows) {
				// Windows write different tokens, so workers need no lock.
				for i := w.from; i < w.to; i++ {
					d.logits[i] = append([]float32(nil), rows.Row(s.Texts[0][0]+i-w.first)...)
				}
			}
			d.windows = append(d.windows, one)
		}
		all = append(all, d.windows...)
	}
	if err := e.scheduler.run(ctx, all); err != nil {
		return nil, err
	}
	for _, d := range byText {
		for _, w := range d.windows {
			if d.err == nil {
				d.err = w.err
			}
		}
	}
	taggings := make([]llm.Tagging, len(texts))
	for i, text := range texts {
		d := byText[text]
		t := &taggings[i]
		if t.Err = d.err; t.Err != nil {
			continue
		}
		t.Tokens = make([]llm.TagToken, len(d.tokens))
		for j, token := range d.tokens {
			p := softmax(d.logits[j])
			if p == nil {
				t.Err = errNotFinite
				break
			}
			t.Tokens[j] = llm.TagToken{Start: token.Start, End: token.End, Probabilities: p}
		}
		if t.Err != nil {
			t.Tokens = nil
			continue
		}
		t.Spans = e.scheme.spans(text, t.Tokens)
	}
	return taggings, nil
}

// readTokens returns the tokens of a text with their offsets. A panic becomes the error.
func (e *Encoder) readTokens(text string) (tokens []tokenizer.Token, err error) {
	defer panics.Catch(&err, "reading a text")
	return e.tokens.Tokens(text), nil
}

// window is the tokens from first to end-1 of a text. The results of those from from to to-1 are
// used.
type window struct{ first, end, from, to int }

// windows divides n tokens into windows of at most size tokens. Consecutive windows have a quarter
// of their tokens in common, the last two perhaps more.
func windows(n, size int) []window {
	size = max(size, 1)
	var all []window
	step := max(1, size-size/4)
	for first := 0; ; first += step {
		if first+size >= n {
			first = max(0, n-size)
			all = append(all, window{first: first, end: n})
			break
		}
		all = append(all, window{first: first, end: first + size})
	}
	for i := range all {
		w := &all[i]
		if i > 0 {
			w.from = all[i-1].to
		}
		w.to = n
		if i+1 < len(all) {
			// In the middle of the common tokens both windows have as many tokens beside it.
			w.to = (w.end + all[i+1].first + 1) / 2
		}
	}
	return all
}

// softmax returns the probabilities of logits, or nil if a logit is not finite.
func softmax(logits []float32) []float32 {
	maximum := math.Inf(-1)
	for _, x := range logits {
		maximum = max(maximum, float64(x))
	}
	if math.IsNaN(maximum) || math.IsInf(maximum, 0) {
		return nil
	}
	p := make([]float32, len(logits))
	exps := make([]float64, len(logits))
	sum := 0.0
	for i, x := range logits {
		exps[i] = math.Exp(float64(x) - maximum)
		sum += exps[i]
	}
	for i, x := range exps {
		p[i] = float32(x / sum)
	}
	return p
}

package engine

import (
	"context"
	"math"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// Rank returns the logits of the classes of each text or pair of texts. Texts that are longer than
// the context together are cut: the longer one first, and then both.
func (e *Encoder) Rank(ctx context.Context, pairs []llm.Pair) ([]llm.Ranking, error) {
	if e.network.Head() != model.SequenceLogits {
		return e.Unsupported.Rank(ctx, pairs)
	}
	type distinct struct {
		encoding
		ranking llm.Ranking
	}
	byPair := map[llm.Pair]*distinct{}
	var all []*encoding
	for _, p := range pairs {
		if byPair[p] != nil {
			continue
		}
		d := &distinct{}
		byPair[p] = d
		d.input, d.ranking.Cut, d.err = e.pairTokens(p)
		d.ranking.Tokens = len(d.input.Tokens)
		d.accept = func(rows model.Rows) {
			d.ranking.Logits = make([]float64, rows.Size)
			for i, x := range rows.Row(0) {
				d.ranking.Logits[i] = float64(x)
			}
		}
		if d.err == nil {
			all = append(all, &d.encoding)
		}
	}
	if err := e.scheduler.run(ctx, all); err != nil {
		return nil, err
	}
	rankings := make([]llm.Ranking, len(pairs))
	for i, p := range pairs {
		d := byPair[p]
		r := d.ranking
		if r.Err = d.err; r.Err == nil && !finite(r.Logits) {
			r.Err = errNotFinite
		}
		if r.Err != nil {
			r.Logits = nil
		}
		rankings[i] = r
	}
	return rankings, nil
}

// pairTokens returns the tokens of a text or a pair, and whether it was cut. A panic becomes the
// error.
func (e *Encoder) pairTokens(p llm.Pair) (in model.EncoderInput, cut bool, err error) {
	defer panics.Catch(&err, "reading a text")
	single, pair := e.tokens.SpecialTokens()
	a, b := e.tokens.Encode(p.A), []int32(nil)
	s := e.tokens.Single(a)
	if p.B == "" {
		if limit := max(e.limit-single, 0); len(a) > limit {
			s, cut = e.tokens.Single(a[:limit]), true
		}
	} else {
		b = e.tokens.Encode(p.B)
		na, nb := cutPair(len(a), len(b), max(e.limit-pair, 0))
		cut = na < len(a) || nb < len(b)
		s = e.tokens.Pair(a[:na], b[:nb])
	}
	if len(s.IDs) == 0 {
		return in, cut, errNoTokens
	}
	return model.EncoderInput{Tokens: s.IDs, Types: s.Types}, cut, nil
}

// cutPair returns the number of tokens that are left of two texts of a and b tokens, which together
// have at most limit, as the library tokenizers does with its strategy longest_first.
func cutPair(a, b, limit int) (int, int) {
	if a+b <= limit {
		return a, b
	}
	if a > b {
		b, a = cutPair(b, a, limit)
		return a, b
	}
	if a <= limit/2 {
		return a, limit - a
	}
	return limit / 2, limit/2 + limit%2
}

func finite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

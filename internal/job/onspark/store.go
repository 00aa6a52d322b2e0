package onspark

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// store keeps the answers of a call.
type store interface {
	// known returns the answers: key, answer.
	known() query
	// add computes and stores a wave: key, answer. It returns the stored rows.
	add(ctx context.Context, wave query) (query, error)
}

// store returns the ledger, or without one a store that ends with the job.
func (r *run) store(ctx context.Context, c *sqlexpr.Call) (store, error) {
	f := c.Function
	if f.Of != nil {
		f = f.Of
	}
	if r.ledger != "" {
		l := newLedger(r, f, c)
		return l, l.open(ctx)
	}
	none, err := r.session.sql(ctx, fmt.Sprintf("SELECT '' AS %s, %s AS %s WHERE false", keyColumn, nullAnswer(f), answerColumn))
	return &cachedAnswers{r: r, name: fmt.Sprintf("answers%d", len(r.calls)), answers: none}, err
}

// nullAnswer is a NULL of the type of a function's answers.
func nullAnswer(f *ai.Function) string {
	return fmt.Sprintf("CAST(NULL AS STRUCT<result: %s, error: STRING, raw: STRING>)", f.Returns)
}

// cachedAnswers keeps each wave as a cached table.
type cachedAnswers struct {
	r       *run
	name    string
	waves   int
	answers query // of all waves
}

func (k *cachedAnswers) known() query { return k.answers }

func (k *cachedAnswers) add(ctx context.Context, wave query) (query, error) {
	w, err := k.r.cache(ctx, fmt.Sprintf("%s_%d", k.name, k.waves), wave)
	if err == nil {
		k.waves++
		k.answers = k.answers.union(w)
	}
	return w, err
}

package ai

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/registry"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// asked is a row that needs work: what it gives, and its answer to be.
type asked[In any] struct {
	in In
	*Answer
}

// define registers a function of this package.
func define[In any](f *Function, read func(Row) (in In, ok bool, err error), answer func(context.Context, Source, []asked[In]) error) *Function {
	evaluate(f, read, answer)
	if err := register(&registry.Functions, f); err != nil {
		panic("ai: " + err.Error())
	}
	return f
}

// evaluate says how a function answers rows. read takes a row's arguments, and is not ok
// where the answer is NULL; its error is an ArgumentError. answer fills in the
// answers of the rows that have one; the model is opened by it, so that rows
// which need none do not wait for it.
func evaluate[In any](f *Function, read func(Row) (in In, ok bool, err error), answer func(context.Context, Source, []asked[In]) error) {
	f.eval = func(ctx context.Context, model Source, rows []Row, try bool) ([]Answer, error) {
		answers := make([]Answer, len(rows))
		var need []asked[In]
		for i, row := range rows {
			row = full(row, len(f.Params))
			in, ok, err := read(row)
			content, isText := row[0].(string)
			switch a := &answers[i]; {
			case err != nil && !try:
				return nil, err
			case err != nil:
				a.Err = err
			case f.rewrites && isText && isBlank(content):
				a.Value = content
			case ok:
				need = append(need, asked[In]{in, a})
			}
		}
		if len(need) > 0 {
			if err := answer(ctx, model, need); err != nil {
				return nil, err
			}
		}
		for i := range answers {
			a := &answers[i]
			if a.Err == nil {
				continue
			}
			if a.fatal && !try {
				return nil, a.Err
			}
			a.Value = nil
		}
		return answers, nil
	}
}

// withModel opens the default model for answer.
func withModel[In any](answer func(context.Context, llm.Model, []asked[In]) error) func(context.Context, Source, []asked[In]) error {
	return func(ctx context.Context, model Source, need []asked[In]) error {
		m, err := model(ctx, llm.DefaultModel)
		if err != nil {
			return err
		}
		return answer(ctx, m, need)
	}
}

// full gives a row of n arguments: those that were left out are nil.
func full(row Row, n int) Row {
	if len(row) >= n {
		return row
	}
	return append(append(make(Row, 0, n), row...), make(Row, n-len(row))...)
}

// text reads a STRING argument. Not ok means NULL or blank.
func text(v any) (string, bool) {
	s, ok := v.(string)
	return s, ok && !isBlank(s)
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// do is m.Do, held to its contract. An answer that goes round in circles, or
// that the end of the context window cut off, is that request's error.
func do(ctx context.Context, m llm.Model, requests []llm.Request) ([]llm.Result, error) {
	if len(requests) == 0 {
		return nil, ctx.Err()
	}
	results, err := m.Do(ctx, requests)
	if err != nil {
		return nil, err
	}
	if len(results) != len(requests) {
		return nil, fmt.Errorf("%w: %s gave %d results for %d requests", llm.ErrModel, m.Info().Name, len(results), len(requests))
	}
	for i := range results {
		r := &results[i]
		// Tokens may be parts of characters, and the last one be cut off.
		r.Text = strings.ToValidUTF8(r.Text, "")
		if r.Err == nil && r.Finish == llm.FinishRepeat {
			r.Err = sensitive.Errorf("%w: %s", ErrRepeats, sensitive.Text(r.Text))
		}
	}
	return results, nil
}

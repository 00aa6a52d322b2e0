package ai

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// text reads a STRING argument. Not ok means NULL or blank: such a row's
// answer is NULL, and no model is asked.
func text(v any) (string, bool) {
	s, ok := v.(string)
	return s, ok && strings.TrimSpace(s) != ""
}

// asked is a row that needs the model: what it gives, and its answer to be.
type asked[In any] struct {
	in In
	*Answer
}

// ask reads each row's input, and lets answer fill in those rows that have
// one. The others' answers are NULL, or the error that input gave; if there are
// no others than those, the model is not even opened.
func ask[In any](ctx context.Context, model Source, rows []Row,
	input func(Row) (in In, ok bool, err error), answer func(llm.Model, []asked[In]) error,
) ([]Answer, error) {
	answers := make([]Answer, len(rows))
	var need []asked[In]
	for i, row := range rows {
		in, ok, err := input(row)
		answers[i].Err = err
		if ok && err == nil {
			need = append(need, asked[In]{in, &answers[i]})
		}
	}
	if len(need) == 0 {
		return answers, nil
	}
	m, err := model(ctx)
	if err != nil {
		return nil, err
	}
	if err := answer(m, need); err != nil {
		return nil, err
	}
	return answers, nil
}

// do is m.Do, held to its contract.
func do(ctx context.Context, m llm.Model, requests []llm.Request) ([]llm.Result, error) {
	results, err := m.Do(ctx, requests)
	if err == nil && len(results) != len(requests) {
		err = fmt.Errorf("%w: %s gave %d results for %d requests", llm.ErrModel, m.Info().Name, len(results), len(requests))
	}
	return results, err
}

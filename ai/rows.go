package ai

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/registry"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// task is a row that requires work: its input, and the answer to fill in.
type task[In any] struct {
	in In
	*Answer
}

// define registers a function of this package.
func define[In any](f *Function, read func(Row) (in In, ok bool, err error), answer func(context.Context, Source, []task[In]) error) *Function {
	return defineReader(f, func() func(Row) (In, bool, error) { return read }, answer)
}

// defineReader is define for a function whose rows are read by a new reader in each
// evaluation, which need not read an argument again that several rows have.
func defineReader[In any](f *Function, reader func() func(Row) (in In, ok bool, err error), answer func(context.Context, Source, []task[In]) error) *Function {
	evaluate(f, reader, answer)
	if err := register(&registry.Functions, f); err != nil {
		panic("ai: " + err.Error())
	}
	return f
}

// evaluate sets f.eval. reader returns read, which reads the arguments of a row; ok is false if the
// answer is NULL, and its error is an *ArgumentError. answer fills in the answers
// of the other rows. It opens the model, so that rows without work do not wait for
// it.
func evaluate[In any](f *Function, reader func() func(Row) (in In, ok bool, err error), answer func(context.Context, Source, []task[In]) error) {
	f.eval = func(ctx context.Context, model Source, rows []Row, try bool) ([]Answer, error) {
		answers := make([]Answer, len(rows))
		need := make([]task[In], 0, len(rows))
		read := reader()
		for i, row := range rows {
			row = padRow(row, len(f.Params))
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
				need = append(need, task[In]{in, a})
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

// withModel opens the default model of a role and calls answer.
func withModel[In any](role llm.ModelRole, answer func(context.Context, llm.Model, []task[In]) error) func(context.Context, Source, []task[In]) error {
	return func(ctx context.Context, model Source, need []task[In]) error {
		m, err := open(ctx, model, role, "")
		if err != nil {
			return err
		}
		return answer(ctx, m, need)
	}
}

// open returns a model of a source. Its error is an *llm.RoleError if the model does not have the
// role.
func open(ctx context.Context, source Source, role llm.ModelRole, name string) (llm.Model, error) {
	m, err := source(ctx, role, name)
	if err != nil {
		return nil, err
	}
	if info := m.Info(); !info.Has(role) {
		return nil, &llm.RoleError{Model: info.Name, Have: info.Roles, Role: role}
	}
	return m, nil
}

// padRow returns a row of n arguments, with nil for those that are left out.
func padRow(row Row, n int) Row {
	if len(row) >= n {
		return row
	}
	return append(append(make(Row, 0, n), row...), make(Row, n-len(row))...)
}

// text reads a STRING argument. ok is false for NULL and blank text.
func text(v any) (string, bool) {
	s, ok := v.(string)
	return s, ok && !isBlank(s)
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// do calls m.Do and checks the number of results. An answer that repeats itself is
// an error of its request.
func do(ctx context.Context, m llm.Model, requests []llm.Request) ([]llm.Result, error) {
	if len(requests) == 0 {
		return nil, ctx.Err()
	}
	results, err := m.Do(ctx, requests)
	if err != nil {
		return nil, err
	}
	if len(results) != len(requests) {
		return nil, fmt.Errorf("%w: %s returned %d results for %d requests", llm.ErrModel, m.Info().Name, len(results), len(requests))
	}
	for i := range results {
		r := &results[i]
		// A token may be part of a character, so the last character may be
		// incomplete.
		r.Text = strings.ToValidUTF8(r.Text, "")
		if r.Err == nil && r.Finish == llm.FinishRepeat {
			r.Err = sensitive.Errorf("%w: %s", ErrRepeats, sensitive.Text(r.Text))
		}
	}
	return results, nil
}

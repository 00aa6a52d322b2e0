package inprocess

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/llm"
)

// start starts to compute a window's columns; before is the number of rows of
// the windows before it.
func (p *pipeline) start(ctx context.Context, w *window, before int64) {
	w.reached = w.len()
	if limit := p.Budget.Rows; limit != nil {
		w.reached = int(max(0, min(int64(w.len()), *limit-before)))
	}
	p.work.Go(func() {
		defer close(w.computed)
		defer panics.Handle("computing rows", p.fail)
		if err := p.compute(ctx, w); err != nil {
			p.fail(p.atRows(w, err))
		}
	})
}

// compute adds the computed columns to a window.
func (p *pipeline) compute(ctx context.Context, w *window) error {
	n := w.len()
	w.nulls = make([]bool, n)
	columns := make([]arrow.Array, len(p.Pass))
	for k, i := range p.Pass {
		columns[k] = w.rows.Column(i)
	}
	var added []arrow.Array
	defer func() {
		for _, c := range added {
			c.Release()
		}
	}()
	reached := w.rows.NewSlice(0, int64(w.reached))
	defer reached.Release()
	for i := w.reached; i < n; i++ {
		w.note(i, p.Budget.RowsSpent())
	}
	for _, a := range p.Add {
		c, err := p.column(ctx, w, a, reached)
		if err != nil {
			return err
		}
		added = append(added, c)
		for i := range n {
			w.nulls[i] = w.nulls[i] || c.IsNull(i)
		}
	}
	if p.Errors != "" {
		added = append(added, p.errorColumn(w))
	}
	rows := array.NewRecordBatch(p.Output, append(columns, added...), int64(n))
	w.rows.Release()
	w.rows = rows
	return nil
}

// column computes a column for the rows that the budget reaches. For the others
// it is NULL.
func (p *pipeline) column(ctx context.Context, w *window, a job.Column, reached arrow.RecordBatch) (arrow.Array, error) {
	var parts []arrow.Array
	defer func() {
		for _, c := range parts {
			c.Release()
		}
	}()
	if w.reached > 0 {
		c, err := a.Expr.Eval(ctx, p.Allocator, reached, p.asking(w))
		if err != nil {
			return nil, err
		}
		if w.reached == w.len() {
			return c, nil
		}
		parts = append(parts, c)
	}
	parts = append(parts, array.MakeArrayOfNull(p.Allocator, a.Expr.Type, w.len()-w.reached))
	return array.Concatenate(parts, p.Allocator)
}

// errorColumn is the column of the reasons why rows have no answer.
func (p *pipeline) errorColumn(w *window) arrow.Array {
	b := array.NewStringBuilder(p.Allocator)
	defer b.Release()
	for _, reason := range w.reasons {
		switch {
		case reason == nil:
			b.AppendNull()
		case job.AsSpent(reason) != nil:
			b.Append(job.SkippedPrefix + reason.Error())
		default:
			b.Append(sensitive.Shown(reason)) // the column is data
		}
	}
	return b.NewArray()
}

// asking returns the function that answers the calls of a window. It notes the
// rows without an answer.
func (p *pipeline) asking(w *window) sqlexpr.Ask {
	return func(ctx context.Context, c *sqlexpr.Call, at []int, rows []ai.Row) ([]ai.Answer, error) {
		failed := func(i int, err error) {
			if job.AsSpent(err) == nil {
				err = fmt.Errorf("%s: %w", c.Function.Name, err)
			}
			if w.note(at[i], err) {
				p.countError()
			}
		}
		if len(c.Asks()) == 0 {
			return p.byRules(ctx, c.Function, rows, failed)
		}
		if c.Function.Direct {
			return p.asker.Direct(p.toAsk, c.Function, rows, failed)
		}
		return p.asker.Ask(ctx, p.toAsk, c.Function, w.numbers[0], rows, failed)
	}
}

// byRules answers rows without a model. It costs less than to find equal rows
// or their answers in a ledger.
func (p *pipeline) byRules(ctx context.Context, f *ai.Function, rows []ai.Row, failed func(row int, err error)) (answers []ai.Answer, err error) {
	defer panics.Catch(&err, "computing "+f.Name)
	p.byRulesCalls.Add(int64(len(rows)))
	answers, err = f.Eval(ctx, func(context.Context, llm.ModelRole, string) (llm.Model, error) {
		return nil, errors.New("a call that needs no model asks one: this is a bug in firesteel")
	}, rows)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	for i, a := range answers {
		if a.Err != nil {
			failed(i, a.Err)
		}
	}
	return answers, nil
}

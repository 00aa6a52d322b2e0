package sqlexpr

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/columns"
)

// Ask returns the answers of a call, one for each row of its arguments. at holds
// the positions of the rows in the batch. The texts of a call that rules answer
// share memory with the batch: they and the answers are valid until Eval or Keep
// returns.
type Ask func(ctx context.Context, c *Call, at []int, rows []ai.Row) ([]ai.Answer, error)

// Eval returns the values of the expression over a batch of the schema that it is
// bound to. As on Spark, every call is asked for every row, even if a CASE or an
// AND does not use its answer. The caller releases the array.
func (b *Bound) Eval(ctx context.Context, mem memory.Allocator, batch arrow.RecordBatch, ask Ask) (arrow.Array, error) {
	r := &run{mem: mem, batch: batch, answers: map[*Call]arrow.Array{}}
	defer r.release()
	if err := b.ask(ctx, r, all(batch), ask); err != nil {
		return nil, err
	}
	return b.root.guarded(r, int(batch.NumRows()))
}

// Keep reports for which rows of a batch the condition is true. The operands of
// its AND without calls come first, and calls are asked for the remaining rows
// only.
func (b *Bound) Keep(ctx context.Context, mem memory.Allocator, batch arrow.RecordBatch, ask Ask) ([]bool, error) {
	r := &run{mem: mem, batch: batch, answers: map[*Call]arrow.Array{}}
	defer r.release()
	keep := all(batch)
	if err := b.narrow(r, keep, false); err != nil || len(b.calls) == 0 {
		return keep, err
	}
	if err := b.ask(ctx, r, keep, ask); err != nil {
		return nil, err
	}
	return keep, b.narrow(r, keep, true)
}

// KeepPlain is Keep for the operands without calls only.
func (b *Bound) KeepPlain(mem memory.Allocator, batch arrow.RecordBatch) ([]bool, error) {
	r := &run{mem: mem, batch: batch}
	defer r.release()
	keep := all(batch)
	return keep, b.narrow(r, keep, false)
}

// all keeps every row.
func all(batch arrow.RecordBatch) []bool {
	keep := make([]bool, batch.NumRows())
	for i := range keep {
		keep[i] = true
	}
	return keep
}

// narrow applies the operands of the AND with calls, or those without. An operand is not evaluated for rows that an earlier one
// removed. The error is a *ValueError.
func (b *Bound) narrow(r *run, keep []bool, calls bool) error {
	for _, c := range b.conditions {
		if c.calls != calls {
			continue
		}
		at := -1
		if err := guard(&at, func() error {
			v := c.values(r)
			for at = range keep {
				keep[at] = keep[at] && v(at) == true
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// ask gets the answers of all calls for the rows of keep. Those of other rows are
// NULL.
func (b *Bound) ask(ctx context.Context, r *run, keep []bool, ask Ask) error {
	var at []int
	for i, k := range keep {
		if k {
			at = append(at, i)
		}
	}
	for _, c := range b.calls {
		answers := make([]ai.Answer, len(keep))
		if len(at) > 0 {
			rows, err := c.rows(r, at)
			if err != nil {
				return fmt.Errorf("%s: %w", Mask(c.Text), err)
			}
			asked, err := ask(ctx, c, at, rows)
			if err != nil {
				return err
			}
			if len(asked) != len(rows) {
				return fmt.Errorf("%s: there are %d answers for %d rows", Mask(c.Text), len(asked), len(rows))
			}
			for k, i := range at {
				answers[i] = asked[k]
			}
		}
		var err error
		if r.answers[c], err = (columns.Types{}).Answers(r.mem, c.Function.Returns, answers); err != nil {
			return fmt.Errorf("%s: %w", Mask(c.Text), err)
		}
	}
	return nil
}

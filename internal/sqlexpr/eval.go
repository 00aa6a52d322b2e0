package sqlexpr

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/columns"
)

// Ask gives the answers of a call for rows of its arguments, one for each; at
// says which rows of the batch they are.
type Ask func(ctx context.Context, c *Call, at []int, rows []ai.Row) ([]ai.Answer, error)

// Eval gives the expression's values over a batch of the schema that it was
// bound to. Every call is asked for every row, as Spark does, whatever a CASE or
// an AND may make of its answer. The caller releases the array.
func (b *Bound) Eval(ctx context.Context, mem memory.Allocator, batch arrow.RecordBatch, ask Ask) (arrow.Array, error) {
	r := &run{mem: mem, batch: batch, answers: map[*Call]arrow.Array{}}
	defer r.release()
	if err := b.ask(ctx, r, all(batch), ask); err != nil {
		return nil, err
	}
	return b.root.made(r, int(batch.NumRows()))
}

// Keep tells for which rows of a batch the condition is true. Of conditions
// that AND puts together, those without calls come first: the calls are asked
// only for the rows that are left.
func (b *Bound) Keep(ctx context.Context, mem memory.Allocator, batch arrow.RecordBatch, ask Ask) ([]bool, error) {
	r := &run{mem: mem, batch: batch, answers: map[*Call]arrow.Array{}}
	defer r.release()
	keep := all(batch)
	b.narrow(r, keep, false)
	if len(b.calls) == 0 {
		return keep, nil
	}
	if err := b.ask(ctx, r, keep, ask); err != nil {
		return nil, err
	}
	b.narrow(r, keep, true)
	return keep, nil
}

// KeepPlain is Keep by the conditions without calls only.
func (b *Bound) KeepPlain(mem memory.Allocator, batch arrow.RecordBatch) []bool {
	r := &run{mem: mem, batch: batch}
	defer r.release()
	keep := all(batch)
	b.narrow(r, keep, false)
	return keep
}

// all chooses every row.
func all(batch arrow.RecordBatch) []bool {
	keep := make([]bool, batch.NumRows())
	for i := range keep {
		keep[i] = true
	}
	return keep
}

// narrow takes the conditions with calls, or those without.
func (b *Bound) narrow(r *run, keep []bool, calls bool) {
	for _, c := range b.conditions {
		if c.calls != calls {
			continue
		}
		v := c.values(r)
		for i := range keep {
			keep[i] = keep[i] && v(i) == true
		}
	}
}

// ask gets the answers of all calls for the rows that keep says. The others'
// are NULL.
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
				return fmt.Errorf("%s: %d answers came for %d rows", Mask(c.Text), len(asked), len(rows))
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

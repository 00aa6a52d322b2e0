// Package estimate says before a job what it will take: it counts its rows and
// distinct inputs, runs it over a sample of them, and draws the conclusions.
package estimate

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/llm/models"
)

const (
	// exactInputs is up to how many distinct inputs are counted exactly; it
	// takes some 50 MB a call.
	exactInputs = 1 << 20
	// sampledRows is how many rows there are to calibrate with, and sampleBytes
	// what they may take.
	sampledRows = 1024
	sampleBytes = 32 << 20
)

// Census is what a pass over the input finds. Nothing is asked for it.
type Census struct {
	Read    int64 // rows of the input
	Rows    int64 // that the job takes; those that a condition with calls may leave out are among them
	Bytes   int64 // of the input's file; 0 if unknown
	Took    time.Duration
	Calls   []*Count
	Decided bool // a condition has calls, so that how many rows are left is not known
	plan    *job.Plan
	sample  *chosen
	sampled int64 // bytes
	models  *models.Opened
	known   func(f *ai.Function, id string) bool
	dry     bool
}

// Count is that of a call's inputs.
type Count struct {
	Call     *sqlexpr.Call
	Rows     int64
	Distinct float64
	// Exact: Distinct is not an estimate. It is one, of at most so many, where
	// the arguments hold answers of other calls.
	Exact  bool
	Nested bool
	// Known is how many of Distinct the ledger has.
	Known float64

	inputs *sketch
	known  *sketch
}

// Ask is how many inputs will be asked for.
func (c *Count) Ask() float64 { return max(0, c.Distinct-c.Known) }

// sampleRow is one row, with memory of its own.
type sampleRow struct{ arrow.RecordBatch }

// Take reads the input. The models are those that will answer, and known, if not
// nil, tells what a ledger has.
func Take(ctx context.Context, in files.Reader, plan *job.Plan, opened *models.Opened, known func(f *ai.Function, id string) bool) (*Census, error) {
	c := &Census{plan: plan, sample: newChosen(sampledRows), models: opened, known: known}
	c.Decided = plan.Where != nil && len(plan.Where.Calls()) > 0
	for _, call := range plan.ModelCalls() {
		if !slices.ContainsFunc(c.Calls, func(n *Count) bool { return n.Call.Text == call.Text }) {
			c.Calls = append(c.Calls, &Count{Call: call, Nested: nested(call), inputs: newSketch(exactInputs), known: newSketch(exactInputs)})
		}
	}
	begun := time.Now()
	for enough := false; !enough; {
		batch, err := in.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		enough, err = c.take(ctx, batch)
		batch.Release()
		if err != nil {
			return nil, err
		}
	}
	c.Took = time.Since(begun)
	_, c.Bytes = in.Progress()
	for _, n := range c.Calls {
		n.Distinct, n.Exact = n.inputs.count(), n.inputs.exact() && !n.Nested
		n.Known = n.known.count()
		if n.Nested {
			n.Distinct = c.inner(n).Distinct
		}
		n.inputs, n.known = nil, nil
	}
	return c, nil
}

// nested tells whether a call's arguments hold answers of others.
func nested(c *sqlexpr.Call) bool {
	found := false
	for _, a := range c.Args {
		a.SQL(func(*sqlexpr.Call) string { found = true; return "" })
	}
	return found
}

// inner is the call in a call's arguments that has the most inputs.
func (c *Census) inner(n *Count) *Count {
	most := &Count{}
	for _, a := range n.Call.Args {
		a.SQL(func(in *sqlexpr.Call) string {
			for _, of := range c.Calls {
				if of.Call.Text == in.Text && of.Distinct > most.Distinct {
					most = of
				}
			}
			return ""
		})
	}
	return most
}

// take counts a batch; enough says that no more rows are wanted.
func (c *Census) take(ctx context.Context, batch arrow.RecordBatch) (enough bool, err error) {
	c.Read += batch.NumRows()
	keep := c.plan.Sample.Keep(memory.DefaultAllocator, batch)
	hashes := make([]uint64, len(keep))
	whole := make([]bool, len(keep)) // the ledger has all that is asked for
	for i := range whole {
		whole[i] = true
	}
	// Answers are not known, so that a condition keeps all that its other parts do.
	if where := c.plan.Where; where != nil {
		for i, kept := range where.KeepPlain(memory.DefaultAllocator, batch) {
			keep[i] = keep[i] && kept
		}
	}
	limit := c.plan.Limit
	for i := range keep {
		if limit != nil && c.Rows >= *limit {
			keep[i], enough = false, true
		}
		if keep[i] {
			c.Rows++
		}
	}
	ask := func(_ context.Context, call *sqlexpr.Call, at []int, rows []ai.Row) ([]ai.Answer, error) {
		for _, n := range c.Calls {
			if n.Call.Text == call.Text {
				c.count(n, at, rows, keep, hashes, whole)
			}
		}
		return make([]ai.Answer, len(rows)), nil
	}
	expressions := c.plan.Expressions()
	for _, e := range expressions {
		if len(e.Calls()) == 0 {
			continue
		}
		a, err := e.Eval(ctx, memory.DefaultAllocator, batch, ask)
		if err != nil {
			return false, err
		}
		a.Release()
	}
	for i := range keep {
		if keep[i] && !whole[i] && c.sampled < sampleBytes && c.sample.wants(hashes[i]) {
			row, err := alone(batch, int64(i))
			if err != nil {
				return false, err
			}
			c.sampled += rowBytes(row)
			c.sample.add(hashes[i], sampleRow{row})
		}
	}
	return enough, nil
}

// count counts the inputs of a call.
func (c *Census) count(n *Count, at []int, rows []ai.Row, keep []bool, hashes []uint64, whole []bool) {
	for k, i := range at {
		if !keep[i] {
			continue
		}
		n.Rows++
		if n.Nested {
			whole[i] = false
			continue // of answers that are not there yet
		}
		id := job.Identity(c.models, n.Call.Function, rows[k])
		digest := sha256.Sum256([]byte(id))
		if id == "" { // equal to none
			digest = sha256.Sum256(fmt.Appendf(nil, "%s %d", n.Call.Text, n.Rows))
		}
		hash := binary.LittleEndian.Uint64(digest[:])
		hashes[i] = hashes[i]*0x9e3779b97f4a7c15 + hash
		isNew := n.inputs.add(hash)
		known := c.known != nil && id != "" && (!isNew && n.known.kept[hash] || isNew && c.known(n.Call.Function, id))
		if known {
			n.known.add(hash)
		} else {
			whole[i] = false
		}
	}
}

// alone is a row of a batch with memory of its own.
func alone(batch arrow.RecordBatch, i int64) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, batch.NumCols())
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for k := range columns {
		slice := array.NewSlice(batch.Column(k), i, i+1)
		var err error
		columns[k], err = array.Concatenate([]arrow.Array{slice}, memory.DefaultAllocator)
		slice.Release()
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", batch.ColumnName(k), err)
		}
	}
	return array.NewRecordBatch(batch.Schema(), columns, 1), nil
}

func rowBytes(row arrow.RecordBatch) (n int64) {
	for _, c := range row.Columns() {
		for _, b := range c.Data().Buffers() {
			if b != nil {
				n += int64(b.Len())
			}
		}
	}
	return n
}

// Close lets go of the sample.
func (c *Census) Close() {
	for _, row := range c.sample.rows {
		row.Release()
	}
	c.sample = newChosen(sampledRows)
}

// Leaves says what the calls send to a model: columns by name.
func (c *Census) Leaves() string {
	var columns []string
	for _, n := range c.Calls {
		for _, column := range n.Call.Columns {
			if !slices.Contains(columns, column) {
				columns = append(columns, column)
			}
		}
	}
	return strings.Join(columns, ", ")
}

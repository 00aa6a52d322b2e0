// Package estimate predicts what a job takes: it counts the rows and the distinct
// inputs, runs the job over a sample of the inputs, and extrapolates.
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
	// exactInputs is the number of distinct inputs up to which the count is exact.
	// It takes some 50 MB for each call.
	exactInputs = 1 << 20
	// sampledRows and sampleBytes bound the sample for the calibration.
	sampledRows = 1024
	sampleBytes = 32 << 20
)

// Census is the result of one pass over the input. It asks no model.
type Census struct {
	Read  int64 // rows of the input
	Rows  int64 // rows of the job, including those that calls in the condition may remove
	Bytes int64 // size of the input's file; 0 if unknown
	Took  time.Duration
	Calls []*Count
	// ConditionAsks means that the condition calls a model, so that the number of
	// rows that meet it is unknown.
	ConditionAsks bool

	plan    *job.Plan
	sample  *rowSample
	sampled int64 // bytes of the sample
	models  *models.Opened
	known   func(f *ai.Function, id string) bool
	dry     bool
}

// Count counts the inputs of a call.
type Count struct {
	Call     *sqlexpr.Call
	Rows     int64
	Distinct float64
	// Exact means that Distinct is not an estimate.
	Exact bool
	// Nested means that the arguments contain other calls, so that Distinct is an
	// upper bound.
	Nested bool
	// Known is the number of distinct inputs in the ledger.
	Known float64

	inputs *sketch
	known  *sketch
}

// Ask returns the number of inputs to ask.
func (c *Count) Ask() float64 { return max(0, c.Distinct-c.Known) }

// Take reads the input of a job whose models are given. known, if not nil, reports
// whether a ledger has an answer.
func Take(ctx context.Context, in files.Reader, plan *job.Plan, opened *models.Opened, known func(f *ai.Function, id string) bool) (*Census, error) {
	c := &Census{plan: plan, sample: newRowSample(sampledRows), models: opened, known: known}
	c.ConditionAsks = plan.Where != nil && len(plan.Where.Calls()) > 0
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
	c.Read += files.Skipped(in).Rows
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

// nested reports whether the arguments of a call contain other calls.
func nested(c *sqlexpr.Call) bool {
	found := false
	for _, a := range c.Args {
		a.SQL(func(*sqlexpr.Call) string { found = true; return "" })
	}
	return found
}

// inner returns the call with the most inputs among those in the arguments of a call.
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

// take counts a batch. It reports whether the limit is reached.
func (c *Census) take(ctx context.Context, batch arrow.RecordBatch) (enough bool, err error) {
	c.Read += batch.NumRows()
	keep := c.plan.Sample.Keep(memory.DefaultAllocator, batch)
	hashes := make([]uint64, len(keep))
	known := make([]bool, len(keep)) // whether the ledger has all answers of a row
	for i := range known {
		known[i] = true
	}
	// Without answers, only the operands of the condition without calls apply.
	if where := c.plan.Where; where != nil {
		kept, err := where.KeepPlain(memory.DefaultAllocator, batch)
		if err != nil {
			return false, fmt.Errorf("the condition: %w", err)
		}
		for i, k := range kept {
			keep[i] = keep[i] && k
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
				c.count(n, at, rows, keep, hashes, known)
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
		if keep[i] && !known[i] && c.sampled < sampleBytes && c.sample.wants(hashes[i]) {
			row, err := copyRow(batch, int64(i))
			if err != nil {
				return false, err
			}
			c.sampled += rowBytes(row)
			c.sample.add(hashes[i], row)
		}
	}
	return enough, nil
}

// count counts the inputs of a call. It updates the hashes of the rows' inputs, and
// which rows the ledger has all answers of.
func (c *Census) count(n *Count, at []int, rows []ai.Row, keep []bool, hashes []uint64, all []bool) {
	for k, i := range at {
		if !keep[i] {
			continue
		}
		n.Rows++
		if n.Nested {
			all[i] = false
			continue // its arguments are not known yet
		}
		id := job.Identity(c.models, n.Call.Function, rows[k])
		digest := sha256.Sum256([]byte(id))
		if id == "" { // the input equals no other
			digest = sha256.Sum256(fmt.Appendf(nil, "%s %d", n.Call.Text, n.Rows))
		}
		hash := binary.LittleEndian.Uint64(digest[:])
		hashes[i] = hashes[i]*0x9e3779b97f4a7c15 + hash
		isNew := n.inputs.add(hash)
		known := c.known != nil && id != "" && (!isNew && n.known.kept[hash] || isNew && c.known(n.Call.Function, id))
		if known {
			n.known.add(hash)
		} else {
			all[i] = false
		}
	}
}

// copyRow copies a row of a batch.
func copyRow(batch arrow.RecordBatch, i int64) (arrow.RecordBatch, error) {
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

// Close releases the sample.
func (c *Census) Close() {
	for _, row := range c.sample.rows {
		row.Release()
	}
	c.sample = newRowSample(sampledRows)
}

// Leaves names the columns whose values the calls send to a model.
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

package estimate

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/llm"
)

// round is one part of a calibration.
type round struct {
	rows  int
	kept  int // rows that meet the condition
	calls map[string]*work
}

// work is the work of one call in a round.
type work struct {
	inputs         int
	seconds        float64
	prompt, output []float64 // tokens of each input

	smaller, larger int64 // inputs of a cascade that the smaller model answers, and that it sends on
}

// promptWeight is the work for a token of a prompt, in tokens of an answer, each
// of which takes one step over all weights. It is a rule of thumb, and compares
// rows of a sample only.
const promptWeight = 1. / 8

// weight returns the work of the inputs in tokens of answers.
func (w *work) weight() (total float64, each []float64) {
	for i := range w.output {
		x := w.output[i] + promptWeight*w.prompt[i]
		each = append(each, x)
		total += x
	}
	return total, each
}

// calibrate runs the plan over the sample for about length, and asks each input
// once. The first round loads the model into memory. The sizes of the other rounds
// grow, so that the work that does not depend on the number of rows shows.
func (c *Census) calibrate(ctx context.Context, threads int, length time.Duration) (rounds []round, err error) {
	order := c.sample.sorted()
	through := &counters{dry: c.dry}
	through.models = c.models.Wrap(through.wrap)
	begun := time.Now()
	size := 2 * threads
	for len(order) > 0 {
		n := min(size, len(order))
		r, err := c.round(ctx, through, order[:n])
		if err != nil {
			return nil, err
		}
		order = order[n:]
		rounds = append(rounds, r)
		spent := time.Since(begun)
		last := 0.0
		for _, w := range r.calls {
			last += w.seconds
		}
		left := (length - spent).Seconds()
		if left <= 0 || len(rounds) > 1 && left < last/4 {
			break
		}
		// The second round takes a third of the remaining time, the last one the rest.
		share := left / 3
		if len(rounds) > 1 {
			share = left
		}
		size = max(2*threads, int(float64(n)*min(64, share/max(last, 1e-3))))
		if len(rounds) > 2 {
			break
		}
	}
	return rounds, nil
}

// sorted returns the rows of the sample in the order of their hashes, which is
// random.
func (c *rowSample) sorted() []arrow.RecordBatch {
	order := append(hashes{}, c.order...)
	rows := make([]arrow.RecordBatch, len(order))
	slices.Sort(order)
	for i, h := range order {
		rows[i] = c.rows[h]
	}
	return rows
}

// round runs the plan over rows.
func (c *Census) round(ctx context.Context, through *counters, rows []arrow.RecordBatch) (round, error) {
	batch, err := concatenate(rows)
	if err != nil {
		return round{}, err
	}
	defer batch.Release()
	r := round{rows: len(rows), kept: len(rows), calls: map[string]*work{}}
	ask := func(ctx context.Context, call *sqlexpr.Call, at []int, rows []ai.Row) ([]ai.Answer, error) {
		return c.answer(ctx, &r, through, call, rows)
	}
	if where := c.plan.Where; where != nil && c.ConditionAsks {
		keep, err := where.Keep(ctx, memory.DefaultAllocator, batch, ask)
		if err != nil {
			return r, err
		}
		r.kept = 0
		for _, k := range keep {
			if k {
				r.kept++
			}
		}
	}
	for _, a := range c.plan.Add {
		column, err := a.Expr.Eval(ctx, memory.DefaultAllocator, batch, ask)
		if err != nil {
			return r, err
		}
		column.Release()
	}
	return r, nil
}

// answer answers the rows of a call, each distinct one once.
func (c *Census) answer(ctx context.Context, r *round, through *counters, call *sqlexpr.Call, rows []ai.Row) ([]ai.Answer, error) {
	places := map[string]int{}
	index := make([]int, len(rows))
	var distinct []ai.Row
	for i, row := range rows {
		id := job.Identity(c.models, call.Function, row)
		at, known := places[id]
		if !known || id == "" {
			at = len(distinct)
			places[id] = at
			distinct = append(distinct, row)
		}
		index[i] = at
	}
	w := r.calls[call.Text]
	if w == nil {
		w = &work{}
		r.calls[call.Text] = w
	}
	w.inputs += len(distinct)
	begun := time.Now()
	answers, err := call.Function.Eval(ctx, through.models.Source, distinct)
	w.seconds += time.Since(begun).Seconds()
	if err != nil {
		return nil, err
	}
	smaller, larger := job.Stages(answers)
	fitted := func(a ai.Ask) bool { return a.Role == llm.Predict }
	if !c.dry || smaller+larger > 0 && slices.ContainsFunc(call.Function.Asks(distinct[0]), fitted) { // a dry text model is sure of nothing
		w.smaller, w.larger = w.smaller+smaller, w.larger+larger
	}
	prompt, output := through.take()
	w.prompt, w.output = append(w.prompt, prompt...), append(w.output, output...)
	all := make([]ai.Answer, len(rows))
	for i, at := range index {
		all[i] = answers[at]
	}
	return all, nil
}

// concatenate returns the rows as one batch.
func concatenate(rows []arrow.RecordBatch) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, rows[0].NumCols())
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for k := range columns {
		parts := make([]arrow.Array, len(rows))
		for i, r := range rows {
			parts[i] = r.Column(k)
		}
		var err error
		if columns[k], err = array.Concatenate(parts, memory.DefaultAllocator); err != nil {
			return nil, err
		}
	}
	return array.NewRecordBatch(rows[0].Schema(), columns, int64(len(rows))), nil
}

// Interval is an estimate with its 95 % confidence interval.
type Interval struct{ Value, Low, High float64 }

// spread returns the mean of values and its standard error.
func spread(values []float64) (mean, err float64) {
	n := float64(len(values))
	if n == 0 {
		return 0, 0
	}
	for _, v := range values {
		mean += v / n
	}
	if n < 2 {
		return mean, mean
	}
	sum := 0.0
	for _, v := range values {
		sum += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(sum / (n - 1) / n)
}

package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/llm"
)

// pipeline is a job that runs: windows are read, filtered and answered, many at
// the same time, and pass from one stage to the next in the order of the file.
type pipeline struct {
	*Plan
	Parts
	schema *arrow.Schema
	asker  *asker
	spent  *spending
	room   *room
	tally  tally
	counts counts
	errors atomic.Int64

	fail   context.CancelCauseFunc
	work   sync.WaitGroup // all goroutines
	enough chan struct{}  // closed when no more rows are to be read
	given  int64          // rows that the reader gave
	read   progress       // with them
}

func newPipeline(p *Plan, with Parts) *pipeline {
	return &pipeline{Plan: p, Parts: with, room: newRoom(with.Memory), enough: make(chan struct{})}
}

func (p *pipeline) run(ctx context.Context) (Summary, error) {
	var err error
	if p.schema, err = p.Schema(p.In.Schema()); err != nil {
		return Summary{}, err
	}
	if p.Model == nil && len(p.Asks()) > 0 {
		return Summary{}, errors.New("there is a function to ask, but no model")
	}
	ctx, p.fail = context.WithCancelCause(ctx)
	p.tally.begun, p.tally.points.Most = time.Now(), maxPoints
	if p.Model != nil {
		asking := ctx
		if p.Budget.Time != nil {
			limit := *p.Budget.Time
			var stop context.CancelFunc
			asking, stop = context.WithTimeoutCause(ctx, limit, spentTime(limit))
			defer stop()
		}
		p.spent = newSpending(p.Budget, p.Price)
		p.asker = newAsker(asking, &p.counts, p.Models, p.spent, p.Ledger, 4*p.Threads, int(p.Memory/4))
	}
	err = p.guardedStages(ctx)
	p.fail(err)
	p.work.Wait()
	s := p.summary()
	if err == nil {
		err = p.check(s)
	}
	return s, err
}

// guardedStages is stages; a panic is its error.
func (p *pipeline) guardedStages(ctx context.Context) (err error) {
	defer panics.Catch(&err, "writing rows")
	return p.stages(ctx)
}

// stages runs the stages, and returns when the last row is written.
func (p *pipeline) stages(ctx context.Context) error {
	// Equal rows and what the ledger has take no time, so more rows are under
	// way than the model has room for.
	most := p.Threads + 2
	read, chosen := make(chan *window, most), make(chan *window, most)
	stage := func(out chan *window, run func(context.Context) error) {
		p.work.Go(func() {
			defer close(out)
			defer panics.Handle("reading and choosing rows", p.fail)
			if err := run(ctx); err != nil {
				p.fail(err)
			}
		})
	}
	stage(read, func(ctx context.Context) error { return p.readAll(ctx, read) })
	stage(chosen, func(ctx context.Context) error { return p.chooseAll(ctx, read, chosen) })
	if p.Progress != nil {
		stop := make(chan struct{})
		defer close(stop)
		p.work.Go(func() {
			defer panics.Handle("telling the progress", p.fail)
			p.report(stop)
		})
	}
	for w := range chosen {
		if err := await(ctx, w.added); err != nil {
			return err
		}
		if err := p.write(w); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
	case <-ctx.Done():
	}
	return context.Cause(ctx)
}

func send(ctx context.Context, to chan<- *window, w *window) error {
	select {
	case to <- w:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// readAll cuts what is read into windows, and has them filtered.
func (p *pipeline) readAll(ctx context.Context, out chan<- *window) error {
	for {
		batch, err := p.In.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err
		}
		enough, err := p.cut(ctx, batch, out)
		batch.Release()
		if enough || err != nil {
			return err
		}
	}
}

// cut cuts a batch; enough says that no more rows are wanted.
func (p *pipeline) cut(ctx context.Context, batch arrow.RecordBatch, out chan<- *window) (enough bool, err error) {
	// The rows, their arguments, and what is written.
	bytes := int64(0)
	for _, c := range batch.Columns() {
		bytes += 3 * int64(c.Data().SizeInBytes())
	}
	if err := p.room.take(ctx, bytes); err != nil {
		return false, err
	}
	n := batch.NumRows()
	src := &source{bytes: bytes, free: p.room.free}
	src.left.Store(int32((n + windowRows - 1) / windowRows))
	before := p.read
	p.read.done, p.read.total = p.In.Progress()
	for from := int64(0); from < n; from += windowRows {
		select {
		case <-p.enough:
			return true, nil
		default:
		}
		to := min(n, from+windowRows)
		w := &window{
			rows: batch.NewSlice(from, to), source: src,
			read: progress{before.done + (p.read.done-before.done)*to/n, p.read.total},

			numbers: make([]int64, to-from), why: make([]error, to-from),
			filtered: make(chan struct{}), added: make(chan struct{}),
		}
		for i := range w.numbers {
			w.numbers[i] = p.given + from + int64(i)
		}
		for i, reason := range p.Bad.take(p.given+from, to-from) {
			if w.noteError(i, reason) {
				p.countError()
			}
		}
		p.work.Go(func() {
			defer close(w.filtered)
			defer panics.Handle("choosing rows", p.fail)
			if err := p.filter(ctx, w); err != nil {
				p.fail(err)
			}
		})
		if err := send(ctx, out, w); err != nil {
			return false, err
		}
	}
	p.given += n
	return false, nil
}

// filter leaves the rows of the sample for which the condition is true. Rows
// that could not be decided about stay: they are told of.
func (p *pipeline) filter(ctx context.Context, w *window) error {
	before := w.len()
	if p.Sample != nil {
		keep := make([]bool, w.len())
		for i := range keep {
			keep[i] = p.Sampled(w.numbers[i])
		}
		if err := w.choose(p.Allocator, keep); err != nil {
			return err
		}
	}
	if p.Where != nil && w.len() > 0 {
		keep, err := p.Where.Keep(ctx, p.Allocator, w.rows, p.asking(w))
		if err != nil {
			return p.within(w, err)
		}
		for i := range keep {
			keep[i] = keep[i] || w.why[i] != nil && !p.decided(w.why[i])
		}
		if err := w.choose(p.Allocator, keep); err != nil {
			return err
		}
	}
	p.tally.leftOut(before - w.len())
	return nil
}

// decided tells whether an error left the condition what it needs: a part of the
// row could not be read, but none of the condition's columns.
func (p *pipeline) decided(why error) bool {
	u, ok := why.(*unread)
	return ok && !u.missing(p.Where.Columns())
}

// sampled chooses rows by their number, so that the same are chosen again.
func sampled(seed uint64, row int64, share float64) bool {
	// A multiplication of 128 bits mixes well.
	high, low := bits.Mul64(seed^0x9e3779b97f4a7c15, uint64(row)*0xa0761d6478bd642f+0xe7037ed1a0b428db)
	high, low = bits.Mul64(high^low^0x8ebc6af09c88c6e3, low^0x589965cc75374cc3)
	return float64((high^low)>>11)/(1<<53) < share
}

// asking asks for a window's rows, and notes which could not be answered.
func (p *pipeline) asking(w *window) sqlexpr.Ask {
	return func(ctx context.Context, c *sqlexpr.Call, at []int, rows []ai.Row) ([]ai.Answer, error) {
		failed := func(i int, err error) {
			if asSpent(err) == nil {
				err = fmt.Errorf("%s: %w", c.Function.Name, err)
			}
			if w.noteError(at[i], err) {
				p.countError()
			}
		}
		if c.ByRules() {
			return p.byRules(ctx, c.Function, rows, failed)
		}
		return p.asker.ask(ctx, c.Function, w.numbers[0], rows, failed)
	}
}

// byRules answers rows without a model. It costs less than finding equal rows,
// or their answers in a ledger.
func (p *pipeline) byRules(ctx context.Context, f *ai.Function, rows []ai.Row, failed func(row int, err error)) (answers []ai.Answer, err error) {
	defer panics.Catch(&err, "computing "+f.Name)
	p.counts.addByRules(len(rows))
	answers, err = f.Eval(ctx, func(context.Context, string) (llm.Model, error) {
		return nil, errors.New("rules alone must answer, but a model is asked: this is a bug in firesteel")
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

// countError counts a row's error against the budget.
func (p *pipeline) countError() {
	n := p.errors.Add(1)
	if limit := p.Budget.Errors; limit != nil && n > *limit && p.spent != nil {
		p.spent.exhaust(spentErrors(*limit))
	}
}

// within says which rows an error is of.
func (p *pipeline) within(w *window, err error) error {
	if errors.Is(err, context.Canceled) || w.len() == 0 {
		return err
	}
	return fmt.Errorf("rows %d to %d: %w", w.numbers[0]+1, w.numbers[w.len()-1]+1, err)
}

// chooseAll takes windows in their order, up to the limit, and has them
// answered, up to the budget of rows.
func (p *pipeline) chooseAll(ctx context.Context, in <-chan *window, out chan<- *window) error {
	taken := int64(0)
	for w := range in {
		if err := await(ctx, w.filtered); err != nil {
			return err
		}
		if p.Limit != nil && taken+int64(w.len()) >= *p.Limit {
			w.cutAt(int(*p.Limit - taken))
			close(p.enough)
			p.start(ctx, w, taken)
			return send(ctx, out, w)
		}
		rows := int64(w.len()) // once it is started, it is others' to change
		p.start(ctx, w, taken)
		taken += rows
		if err := send(ctx, out, w); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// start has a window answered; before are the rows before it.
func (p *pipeline) start(ctx context.Context, w *window, before int64) {
	w.reached = w.len()
	if limit := p.Budget.Rows; limit != nil {
		w.reached = int(max(0, min(int64(w.len()), *limit-before)))
	}
	p.work.Go(func() {
		defer close(w.added)
		defer panics.Handle("computing rows", p.fail)
		if err := p.add(ctx, w); err != nil {
			p.fail(p.within(w, err))
		}
	})
}

// add computes the columns that are added, and makes w the rows to be written.
func (p *pipeline) add(ctx context.Context, w *window) error {
	n := w.len()
	w.nulls = make([]bool, n)
	columns := append([]arrow.Array(nil), w.rows.Columns()...)
	var made []arrow.Array
	defer func() {
		for _, c := range made {
			c.Release()
		}
	}()
	reached := w.rows.NewSlice(0, int64(w.reached))
	defer reached.Release()
	for i := w.reached; i < n; i++ {
		w.noteError(i, spentRows(*p.Budget.Rows))
	}
	for _, a := range p.Add {
		c, err := p.column(ctx, w, a, reached)
		if err != nil {
			return err
		}
		made = append(made, c)
		for i := range n {
			w.nulls[i] = w.nulls[i] || c.IsNull(i)
		}
	}
	if p.Errors != "" {
		made = append(made, p.reasons(w))
	}
	rows := array.NewRecordBatch(p.schema, append(columns, made...), int64(n))
	w.rows.Release()
	w.rows = rows
	return nil
}

// column is an added one: of the rows that the budget reaches, and NULL for
// the others.
func (p *pipeline) column(ctx context.Context, w *window, a Add, reached arrow.RecordBatch) (arrow.Array, error) {
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

// reasons is the column that says why rows have no answer.
func (p *pipeline) reasons(w *window) arrow.Array {
	b := array.NewStringBuilder(p.Allocator)
	defer b.Release()
	for _, why := range w.why {
		switch {
		case why == nil:
			b.AppendNull()
		case asSpent(why) != nil:
			b.Append("skipped: " + why.Error())
		default:
			b.Append(sensitive.Shown(why)) // is data
		}
	}
	return b.NewArray()
}

func (p *pipeline) write(w *window) error {
	if w.len() > 0 {
		if err := p.Out.Write(w.rows); err != nil {
			return err
		}
	}
	p.tally.written(w)
	w.drop()
	return nil
}

func (p *pipeline) report(stop <-chan struct{}) {
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.Progress(p.snapshot())
		case <-stop:
			return
		}
	}
}

func (p *pipeline) snapshot() Snapshot {
	var usage Usage
	if p.spent != nil {
		usage = p.spent.usage()
	}
	s := p.tally.snapshot(usage, p.Limit)
	c := &p.counts
	c.Lock()
	defer c.Unlock()
	s.Calls, s.ByRules, s.Kept, s.Equal, s.Asking = c.calls, c.byRules, c.kept, c.equal, c.asking
	return s
}

// summary is what the job did, with rates over all of it.
func (p *pipeline) summary() Summary {
	now := p.snapshot()
	s := p.tally.s
	s.Snapshot, s.Points = now, p.tally.points.Kept()
	seconds := max(s.Elapsed.Seconds(), 1e-9)
	s.RowsPerSecond = float64(s.Rows) / seconds
	s.TokensPerSecond = float64(s.PromptTokens+s.OutputTokens) / seconds
	s.Left = 0
	return s
}

// check holds the counts against each other.
func (p *pipeline) check(s Summary) error {
	if s.Rows != s.OK+s.Null+s.Errors+s.Skipped {
		return fmt.Errorf("%d rows, but %d + %d + %d + %d are counted: this is a bug in firesteel", s.Rows, s.OK, s.Null, s.Errors, s.Skipped)
	}
	if s.Rows+s.LeftOut != p.given && p.Limit == nil {
		return fmt.Errorf("%d rows are read, but %d written and %d left out: this is a bug in firesteel", p.given, s.Rows, s.LeftOut)
	}
	return nil
}

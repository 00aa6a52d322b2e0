package inprocess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/job/asking"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// openedModels are asked by an asking.Asker.
type openedModels struct{ *models.Opened }

func (m openedModels) Infos(asks []ai.Ask) []llm.Info { return job.Infos(m.Opened, asks) }

// pipeline is a running job. Windows of rows are read, filtered and computed,
// many at the same time, and pass from one stage to the next in the order of
// the file.
type pipeline struct {
	*job.Plan
	Executor
	asker        *asking.Asker   // nil if no model is asked
	toAsk        context.Context // ends with the budget of time
	spent        *asking.Spending
	quota        *quota
	tally        tally
	byRulesCalls atomic.Int64
	errors       atomic.Int64

	fail   context.CancelCauseFunc
	work   sync.WaitGroup // all goroutines
	enough chan struct{}  // closed when the limit is reached
	given  int64          // rows that the reader returned or skipped
	passed int64          // rows that the reader skipped
	read   progress       // after them
}

func newPipeline(p *job.Plan, e Executor) *pipeline {
	return &pipeline{Plan: p, Executor: e, quota: newQuota(e.Memory), enough: make(chan struct{})}
}

func (p *pipeline) run(ctx context.Context) (job.Summary, error) {
	if p.Models == nil && len(p.ModelCalls()) > 0 {
		return job.Summary{}, errors.New("the job calls a function that needs a model, and there is none")
	}
	ctx, p.fail = context.WithCancelCause(ctx)
	p.tally.begun, p.tally.points.Most = time.Now(), maxPoints
	if p.Models != nil {
		p.toAsk = ctx
		if p.Budget.Time != nil {
			var stop context.CancelFunc
			p.toAsk, stop = context.WithTimeoutCause(ctx, *p.Budget.Time, p.Budget.TimeSpent())
			defer stop()
		}
		p.spent = asking.NewSpending(p.Budget, p.Price)
		p.asker = asking.New(openedModels{p.Models}, p.spent, p.Ledger, 4*p.Threads, int(p.Memory/4))
	}
	err := p.stages(ctx)
	p.fail(err)
	p.work.Wait()
	s := p.summary()
	if err == nil {
		err = p.check(s)
	}
	return s, err
}

// stages runs the stages and returns when the last row is written.
func (p *pipeline) stages(ctx context.Context) (err error) {
	defer panics.Catch(&err, "writing rows")
	// Equal rows and rows of the ledger take no time, so more windows are under
	// way than the model can answer at once.
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
			defer panics.Handle("reporting the progress", p.fail)
			p.reportProgress(stop)
		})
	}
	for w := range chosen {
		if err := await(ctx, w.computed); err != nil {
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

// readAll cuts batches into windows and starts to filter them.
func (p *pipeline) readAll(ctx context.Context, out chan<- *window) error {
	for {
		batch, err := p.In.Next(ctx)
		p.passOver()
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

// passOver counts the rows that the reader skipped before the latest batch.
func (p *pipeline) passOver() {
	unread, rows := Skipped(p.In)
	p.given += rows - p.passed
	p.tally.passOver(unread, rows-p.passed)
	p.passed = rows
}

// cut cuts a batch into windows. It reports whether the limit is reached.
func (p *pipeline) cut(ctx context.Context, batch arrow.RecordBatch, out chan<- *window) (enough bool, err error) {
	// The rows, their arguments, and the output.
	bytes := int64(0)
	for _, c := range batch.Columns() {
		bytes += 3 * int64(c.Data().SizeInBytes())
	}
	if err := p.quota.take(ctx, bytes); err != nil {
		return false, err
	}
	n := batch.NumRows()
	src := &source{bytes: bytes, free: p.quota.free}
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

			numbers: make([]int64, to-from), reasons: make([]error, to-from),
			filtered: make(chan struct{}), computed: make(chan struct{}),
		}
		for i := range w.numbers {
			w.numbers[i] = p.given + from + int64(i)
		}
		for i, reason := range p.BadRows.take(p.given+from, to-from) {
			if w.note(i, reason) {
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

// filter keeps the rows of the sample that meet the condition. A row whose
// condition has no value because of an error is kept too, with the error.
func (p *pipeline) filter(ctx context.Context, w *window) error {
	before := w.len()
	if p.Sample != nil {
		if err := w.filter(p.Allocator, p.Sample.Keep(p.Allocator, w.rows)); err != nil {
			return err
		}
	}
	if p.Where != nil && w.len() > 0 {
		keep, err := p.Where.Keep(ctx, p.Allocator, w.rows, p.asking(w))
		if err != nil {
			return p.atRows(w, err)
		}
		for i := range keep {
			keep[i] = keep[i] || w.reasons[i] != nil && !p.conditionReadable(w.reasons[i])
		}
		if err := w.filter(p.Allocator, keep); err != nil {
			return err
		}
	}
	p.tally.leftOut(before - w.len())
	return nil
}

// conditionReadable reports whether a row's error is that a part of it could not
// be read, and none of the condition's columns is in that part.
func (p *pipeline) conditionReadable(reason error) bool {
	e, ok := reason.(*readError)
	return ok && !e.affects(p.Where.Columns())
}

// countError counts a row's error against the budget.
func (p *pipeline) countError() {
	n := p.errors.Add(1)
	if limit := p.Budget.Errors; limit != nil && n > *limit && p.spent != nil {
		p.spent.Exhaust(p.Budget.ErrorsSpent())
	}
}

// atRows adds the rows of a window to an error.
func (p *pipeline) atRows(w *window, err error) error {
	if errors.Is(err, context.Canceled) || w.len() == 0 {
		return err
	}
	var value *sqlexpr.ValueError
	if errors.As(err, &value) && value.Row >= 0 && value.Row < w.len() {
		return fmt.Errorf("row %d: %w", w.numbers[value.Row]+1, err)
	}
	return fmt.Errorf("rows %d to %d: %w", w.numbers[0]+1, w.numbers[w.len()-1]+1, err)
}

// chooseAll takes windows in their order up to the limit and starts to compute
// their columns.
func (p *pipeline) chooseAll(ctx context.Context, in <-chan *window, out chan<- *window) error {
	taken := int64(0)
	for w := range in {
		if err := await(ctx, w.filtered); err != nil {
			return err
		}
		if p.Limit != nil && taken+int64(w.len()) >= *p.Limit {
			w.truncate(int(*p.Limit - taken))
			close(p.enough)
			p.start(ctx, w, taken)
			return send(ctx, out, w)
		}
		rows := int64(w.len()) // compute changes w as soon as it is started
		p.start(ctx, w, taken)
		taken += rows
		if err := send(ctx, out, w); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
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

func (p *pipeline) reportProgress(stop <-chan struct{}) {
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

func (p *pipeline) snapshot() job.Snapshot {
	var usage job.Usage
	if p.spent != nil {
		usage = p.spent.Usage()
	}
	s := p.tally.snapshot(usage, p.Limit)
	s.ByRules = p.byRulesCalls.Load()
	s.Calls = s.ByRules
	if p.asker != nil {
		c := p.asker.Counts()
		s.Calls += c.Calls
		s.Kept, s.Equal, s.Refused, s.Asking = c.Kept, c.Equal, c.Refused, c.Asking
		s.Smaller, s.Larger = c.Smaller, c.Larger
	}
	return s
}

// summary returns the counts, with rates over the whole job.
func (p *pipeline) summary() job.Summary {
	now := p.snapshot()
	s := p.tally.s
	s.Snapshot, s.Points = now, p.tally.points.Kept()
	seconds := max(s.Elapsed.Seconds(), 1e-9)
	s.RowsPerSecond = float64(s.Rows) / seconds
	s.TokensPerSecond = float64(s.PromptTokens+s.OutputTokens) / seconds
	s.Left = 0
	return s
}

// check compares the counts with each other.
func (p *pipeline) check(s job.Summary) error {
	if s.Rows != s.OK+s.Null+s.Errors+s.Skipped {
		return fmt.Errorf("%d rows, but %d + %d + %d + %d are counted: this is a bug in firesteel", s.Rows, s.OK, s.Null, s.Errors, s.Skipped)
	}
	if s.Rows+s.LeftOut != p.given && p.Limit == nil {
		return fmt.Errorf("%d rows are read, but %d written and %d left out: this is a bug in firesteel", p.given, s.Rows, s.LeftOut)
	}
	return nil
}

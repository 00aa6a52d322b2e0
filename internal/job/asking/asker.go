// Package asking answers rows of arguments for jobs in this process and for
// workers of Spark: each distinct row is asked once, a row whose answer the
// ledger has is not asked, and budgets bound what is asked.
package asking

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/lru"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/usage"
	"github.com/firesteel/firesteel/llm"
)

// chunkRows is the number of distinct rows that are asked together and written
// to the ledger together. A crash loses the chunks under way.
const chunkRows = 16

// Models are the models that rows ask.
type Models interface {
	// Source opens a model; see ai.Source.
	Source(ctx context.Context, role llm.ModelRole, name string) (llm.Model, error)
	// Infos describes the models of asks, in order. If there is no such model, or if
	// rows name it, its Info is zero.
	Infos(asks []ai.Ask) []llm.Info
}

// Asker answers rows of arguments. Equal rows are asked once, and rows whose
// answer the ledger has are not asked. Its methods may be called concurrently.
type Asker struct {
	models   Models
	spending *Spending
	ledger   *ledger.Ledger // nil keeps answers in memory
	// Finish, if not nil, reports whether a row that is being asked is asked to its
	// end, even if the context ends: its answer is paid for.
	Finish func(f *ai.Function, row ai.Row) bool
	// Claims, if not nil, are those of the ledger, whose other processes may ask the
	// same rows.
	Claims *ledger.Claims
	// NotKept, if not nil, gets the errors of writing to the ledger, which then are
	// none of the rows.
	NotKept func(error)

	begun time.Time
	turns *turns // one for each chunk under way

	mu       sync.Mutex
	underway map[string]*flight
	memory   *lru.Map[string, []byte]
	failures *lru.Map[string, ai.Answer] // errors of this job; the ledger keeps none

	countsMu sync.Mutex
	counts   Counts
}

// Counts count calls; see job.Snapshot.
type Counts struct{ Calls, Kept, Equal, Refused, Asking, Smaller, Larger int64 }

// Counts returns the counts.
func (a *Asker) Counts() Counts {
	a.countsMu.Lock()
	defer a.countsMu.Unlock()
	return a.counts
}

// count changes the counts.
func (a *Asker) count(change func(c *Counts)) {
	a.countsMu.Lock()
	defer a.countsMu.Unlock()
	change(&a.counts)
}

// flight is a distinct row that is being answered. Its fields are set before
// done is closed.
type flight struct {
	done   chan struct{}
	answer ai.Answer
	err    error // ends the job
	// abandoned means that the context of the ask ended. Another ask of the row goes
	// on by itself.
	abandoned bool
}

// entryBytes is about the memory of a remembered answer besides its key and value.
const entryBytes = 160

// New returns an Asker. Its ledger may be nil. It asks a number of chunks of 16
// rows at a time, and memory bounds, in bytes, what it remembers.
func New(m Models, s *Spending, l *ledger.Ledger, chunks, memory int) *Asker {
	return &Asker{
		begun: time.Now(), models: m, spending: s,
		ledger: l, turns: newTurns(chunks),
		underway: map[string]*flight{},
		memory:   lru.New(memory, func(id string, b []byte) int { return entryBytes + len(id) + len(b) }),
		failures: lru.New(memory/8, func(key string, a ai.Answer) int { return entryBytes + len(key) + 256 + len(a.Raw) }),
	}
}

// distinct stands for the equal rows of one ask.
type distinct struct {
	id       string // empty if the row equals no other
	row      ai.Row
	models   string // the names of the models that the row asks
	model    string // the first of them
	at       []int  // positions of the rows
	owned    bool   // no other ask is answering the row
	reported bool   // its error, to failed
	known    bool   // the answer was not asked by this ask
	*flight
}

func (d *distinct) report(failed func(row int, err error)) {
	d.reported = true
	if d.answer.Err == nil {
		return
	}
	for _, i := range d.at {
		failed(i, d.answer.Err)
	}
}

// Ask returns the answers of rows; first is the position of rows[0] in the
// table. Rows are asked until asking ends, whose cause may be a *job.Spent; ctx
// bounds the whole call. An error ends the job. failed is called with each row
// that has an error, a *job.Spent if the row is skipped; calls may be concurrent.
func (a *Asker) Ask(ctx, asking context.Context, f *ai.Function, first int64, rows []ai.Row, failed func(row int, err error)) ([]ai.Answer, error) {
	all := a.distinct(f, rows)
	need, kept, err := a.lookUp(f, all)
	a.count(func(c *Counts) {
		c.Calls += int64(len(rows))
		c.Kept += int64(kept)
		c.Equal += int64(len(rows) - len(need) - kept)
	})
	if err != nil {
		return nil, err // it ends the job, so that no row waits for the others
	}
	a.note(f, all)
	a.evalAll(asking, f, first, need, failed)
	for pending := all; len(pending) > 0; {
		if pending, err = a.await(ctx, asking, f, first, pending, failed); err != nil {
			return nil, err
		}
	}
	answers := make([]ai.Answer, len(rows))
	for _, d := range all {
		for _, i := range d.at {
			answers[i] = d.answer
		}
		if !d.reported {
			d.report(failed)
		}
		a.noteFailed(f, d)
	}
	return answers, nil
}

// noteFailed counts the rows that have an error or were skipped.
func (a *Asker) noteFailed(f *ai.Function, d *distinct) {
	if d.answer.Err == nil {
		return
	}
	a.spending.Note(f, d.model, func(u *usage.Use) {
		if job.AsSpent(d.answer.Err) != nil {
			u.Skipped += int64(len(d.at))
		} else {
			u.Errors += int64(len(d.at))
		}
	})
}

// await waits for the answers of rows. It asks again for the rows that it joined
// to another ask which was given up, and returns them.
func (a *Asker) await(ctx, asking context.Context, f *ai.Function, first int64, rows []*distinct, failed func(int, error)) (again []*distinct, err error) {
	for _, d := range rows {
		select {
		case <-d.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		switch {
		case d.err == nil:
		case d.owned || !d.abandoned || ctx.Err() != nil:
			return nil, d.err
		default:
			again = append(again, d)
		}
	}
	a.mu.Lock()
	for _, d := range again {
		a.join(f, d)
	}
	a.mu.Unlock()
	need, _, err := a.lookUp(f, again)
	if err == nil {
		a.evalAll(asking, f, first, need, failed)
	}
	return again, err
}

// note counts the rows of an ask by function and model.
func (a *Asker) note(f *ai.Function, all []*distinct) {
	for _, d := range all {
		n := int64(len(d.at))
		a.spending.Note(f, d.model, func(u *usage.Use) {
			u.Rows += n
			if d.known && d.answer.Err == nil {
				u.Kept += n
			}
		})
	}
}

// distinct groups equal rows, and joins them to the flights of other asks.
func (a *Asker) distinct(f *ai.Function, rows []ai.Row) []*distinct {
	var all []*distinct
	known := map[string]*distinct{}
	for i, row := range rows {
		asked := a.models.Infos(f.Asks(row))
		id := f.Identity(asked, row)
		d := known[id]
		if d == nil || id == "" {
			d = &distinct{id: id, row: row, models: job.Names(asked)}
			d.model, _, _ = strings.Cut(d.models, ", ")
			all = append(all, d)
			known[id] = d
		}
		d.at = append(d.at, i)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range all {
		a.join(f, d)
	}
	return all
}

// join joins a row to the flight of an equal one, or begins one, which the row
// owns. The caller holds a.mu.
func (a *Asker) join(f *ai.Function, d *distinct) {
	d.flight = a.underway[flightKey(f, d.id)]
	if d.id == "" || d.flight == nil {
		d.owned = true
		d.flight = &flight{done: make(chan struct{})}
		if d.id != "" {
			a.underway[flightKey(f, d.id)] = d.flight
		}
	}
}

// flightKey distinguishes a function from its try_ form, whose identities are
// equal but whose answers are not.
func flightKey(f *ai.Function, id string) string { return f.Name + " " + id }

// evalAll asks for rows in chunks and returns when all have an answer.
func (a *Asker) evalAll(asking context.Context, f *ai.Function, first int64, need []*distinct, failed func(int, error)) {
	var chunks sync.WaitGroup
	defer chunks.Wait()
	for len(need) > 0 {
		n := min(chunkRows, len(need))
		chunk := need[:n]
		need = need[n:]
		if err := a.turns.take(asking, first); err != nil {
			answers, err := refusals(err, len(chunk))
			a.finishAll(asking, f, chunk, answers, err)
			continue
		}
		chunks.Go(func() {
			defer a.turns.give()
			defer panics.Handle("answering rows", func(err error) { a.finishAll(asking, f, chunk, nil, err) })
			if a.Claims == nil {
				a.chunk(asking, f, chunk)
			} else {
				a.claimed(asking, f, chunk)
			}
			for _, d := range chunk {
				d.report(failed)
			}
		})
	}
}

// chunk asks for rows. Those that the budget of rows does not reach are refused.
func (a *Asker) chunk(asking context.Context, f *ai.Function, chunk []*distinct) {
	n, spent := a.spending.rows(asking, f, len(chunk))
	if n < len(chunk) {
		answers, err := refusals(spent, len(chunk)-n)
		a.finishAll(asking, f, chunk[n:], answers, err)
		chunk = chunk[:n]
	}
	if n == 0 {
		return
	}
	rows := make([]ai.Row, n)
	for i, d := range chunk {
		rows[i] = d.row
	}
	answers, err := a.eval(asking, f, rows)
	if err == nil {
		err = a.keep(f, chunk, answers)
	}
	a.finishAll(asking, f, chunk, answers, err)
}

// refusals returns answers that hold a spent budget as their error. Any other
// cause is an error of the job.
func refusals(cause error, rows int) ([]ai.Answer, error) {
	spent := job.AsSpent(cause)
	if spent == nil {
		return nil, cause
	}
	answers := make([]ai.Answer, rows)
	for i := range answers {
		answers[i].Err = spent
	}
	return answers, nil
}

// Direct returns the answers of rows of a function whose answers are neither
// shared by equal rows nor kept; see Ask.
func (a *Asker) Direct(asking context.Context, f *ai.Function, rows []ai.Row, failed func(row int, err error)) ([]ai.Answer, error) {
	answers, err := a.eval(asking, f, rows)
	if err != nil {
		return nil, err
	}
	refused := int64(0)
	for i, answer := range answers {
		if answer.Err == nil {
			continue
		}
		if job.AsSpent(answer.Err) != nil {
			refused++
		}
		failed(i, answer.Err)
	}
	a.count(func(c *Counts) {
		c.Calls += int64(len(rows))
		c.Refused += refused
	})
	return answers, nil
}

// eval asks for rows. Rows that the budget does not reach are refused.
func (a *Asker) eval(asking context.Context, f *ai.Function, rows []ai.Row) (answers []ai.Answer, err error) {
	defer panics.Catch(&err, "computing "+f.Name)
	if spent := a.spending.exhausted(); spent != nil {
		return refusals(spent, len(rows))
	}
	a.count(func(c *Counts) { c.Asking += int64(len(rows)) })
	defer a.count(func(c *Counts) { c.Asking -= int64(len(rows)) })
	if a.Finish != nil && asking.Err() == nil && a.Finish(f, rows[0]) {
		var cancel context.CancelFunc
		asking, cancel = context.WithTimeout(context.WithoutCancel(asking), finishTime)
		defer cancel()
	}
	source := func(ctx context.Context, role llm.ModelRole, name string) (llm.Model, error) {
		m, err := a.models.Source(ctx, role, name)
		if err != nil {
			return nil, err
		}
		return metered(m, a.spending, f), nil
	}
	answers, err = f.Eval(asking, source, rows)
	if cause := context.Cause(asking); err != nil && cause != nil {
		return refusals(cause, len(rows))
	}
	if err == nil && len(answers) != len(rows) {
		err = fmt.Errorf("the function returned %d answers for %d rows", len(answers), len(rows))
	}
	if err != nil {
		return nil, &EvalError{f.Name, err}
	}
	smaller, larger := job.Stages(answers)
	a.count(func(c *Counts) {
		c.Smaller += smaller
		c.Larger += larger
	})
	return answers, nil
}

// EvalError is the error of a function that answered no row.
type EvalError struct {
	Function string
	Err      error
}

func (e *EvalError) Error() string { return e.Function + ": " + e.Err.Error() }
func (e *EvalError) Unwrap() error { return e.Err }

// finishTime bounds how long rows are asked after the end of their context.
const finishTime = 2 * time.Minute

func (a *Asker) finishAll(asking context.Context, f *ai.Function, chunk []*distinct, answers []ai.Answer, err error) {
	for i, d := range chunk {
		if err != nil {
			a.finish(f, d, ai.Answer{}, err, asking.Err() != nil)
		} else {
			a.finish(f, d, answers[i], nil, false)
		}
	}
}

// finish ends a flight. Its answer was kept before, so that a later row finds
// one of them.
func (a *Asker) finish(f *ai.Function, d *distinct, answer ai.Answer, err error, abandoned bool) {
	select {
	case <-d.done:
		return // a panic followed the end of the flight
	default:
	}
	d.answer, d.err, d.abandoned = answer, err, abandoned
	if job.AsSpent(answer.Err) != nil {
		a.count(func(c *Counts) { c.Refused++ })
	} else if err == nil && !d.known {
		a.spending.Note(f, d.model, func(u *usage.Use) { u.Asked++ })
	}
	if d.id != "" {
		a.mu.Lock()
		delete(a.underway, flightKey(f, d.id))
		a.mu.Unlock()
	}
	close(d.done)
}

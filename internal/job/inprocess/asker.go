package inprocess

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/lru"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// chunkRows is the number of distinct rows that are asked together and written
// to the ledger together. A crash loses the chunks under way.
const chunkRows = 16

// asker answers rows of arguments. Equal rows are asked once, and rows whose
// answer the ledger has are not asked.
type asker struct {
	begun  time.Time
	asking context.Context // ends with the budget of time
	models *models.Opened  // metered
	spent  *spending
	ledger *ledger.Ledger // nil keeps answers in memory
	turns  *turns         // one for each chunk under way

	mu       sync.Mutex
	underway map[string]*flight
	memory   *lru.Map[string, []byte]
	failures *lru.Map[string, ai.Answer] // errors of this job; the ledger keeps none

	counts *counts
}

// counts are the counts of calls in a job.Snapshot.
type counts struct {
	sync.Mutex
	calls, byRules, kept, equal, refused, asking int64
	smaller, larger                              int64 // answers of cascades
}

// update changes the counts.
func (c *counts) update(change func(c *counts)) {
	c.Lock()
	defer c.Unlock()
	change(c)
}

// flight is a distinct row that is being answered. Its fields are set before
// done is closed.
type flight struct {
	done   chan struct{}
	answer ai.Answer
	err    error // ends the job
}

// entryBytes is about the memory of a remembered answer besides its key and value.
const entryBytes = 160

func newAsker(asking context.Context, c *counts, m *models.Opened, s *spending, l *ledger.Ledger, chunks, memory int) *asker {
	return &asker{
		begun: time.Now(), asking: asking, counts: c,
		models: m.Wrap(func(m llm.Model) llm.Model { return metered(m, s) }), spent: s,
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
	at       []int // positions of the rows
	owned    bool  // no other ask is answering the row
	reported bool  // its error, to failed
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

// ask returns the answers of rows; first is the position of rows[0] in the
// table. An error ends the job. failed is called with each row that has an
// error, a *job.Spent if the row is skipped; calls may be concurrent.
func (a *asker) ask(ctx context.Context, f *ai.Function, first int64, rows []ai.Row, failed func(row int, err error)) ([]ai.Answer, error) {
	all := a.distinct(f, rows)
	need, kept, err := a.lookUp(f, all)
	a.counts.update(func(c *counts) {
		c.calls += int64(len(rows))
		c.kept += int64(kept)
		c.equal += int64(len(rows) - len(need) - kept)
	})
	if err != nil {
		return nil, err // it ends the job, so that no row waits for the others
	}
	a.evalAll(f, first, need, failed)
	answers := make([]ai.Answer, len(rows))
	for _, d := range all {
		select {
		case <-d.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if d.err != nil {
			return nil, d.err
		}
		for _, i := range d.at {
			answers[i] = d.answer
		}
		if !d.reported {
			d.report(failed)
		}
	}
	return answers, nil
}

// distinct groups equal rows, and joins them to the flights of other asks.
func (a *asker) distinct(f *ai.Function, rows []ai.Row) []*distinct {
	var all []*distinct
	known := map[string]*distinct{}
	for i, row := range rows {
		id := job.Identity(a.models, f, row)
		d := known[id]
		if d == nil || id == "" {
			d = &distinct{id: id, row: row}
			all = append(all, d)
			known[id] = d
		}
		d.at = append(d.at, i)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range all {
		d.flight = a.underway[flightKey(f, d.id)]
		if d.id == "" || d.flight == nil {
			d.owned = true
			d.flight = &flight{done: make(chan struct{})}
			if d.id != "" {
				a.underway[flightKey(f, d.id)] = d.flight
			}
		}
	}
	return all
}

// flightKey distinguishes a function from its try_ form, whose identities are
// equal but whose answers are not.
func flightKey(f *ai.Function, id string) string { return f.Name + " " + id }

// evalAll asks for rows in chunks and returns when all have an answer.
func (a *asker) evalAll(f *ai.Function, first int64, need []*distinct, failed func(int, error)) {
	var chunks sync.WaitGroup
	defer chunks.Wait()
	for len(need) > 0 {
		n := min(chunkRows, len(need))
		chunk := need[:n]
		need = need[n:]
		if err := a.turns.take(a.asking, first); err != nil {
			answers, err := refusals(err, len(chunk))
			a.finishAll(f, chunk, answers, err)
			continue
		}
		chunks.Go(func() {
			defer a.turns.give()
			defer panics.Handle("answering rows", func(err error) { a.finishAll(f, chunk, nil, err) })
			rows := make([]ai.Row, len(chunk))
			for i, d := range chunk {
				rows[i] = d.row
			}
			answers, err := a.eval(f, rows)
			if err == nil {
				err = a.keep(f, chunk, answers)
			}
			a.finishAll(f, chunk, answers, err)
			for _, d := range chunk {
				d.report(failed)
			}
		})
	}
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

// direct returns the answers of rows of a function whose answers are neither
// shared by equal rows nor kept; see ask.
func (a *asker) direct(f *ai.Function, rows []ai.Row, failed func(row int, err error)) ([]ai.Answer, error) {
	answers, err := a.eval(f, rows)
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
	a.counts.update(func(c *counts) {
		c.calls += int64(len(rows))
		c.refused += refused
	})
	return answers, nil
}

// eval asks for rows. Rows that the budget does not reach are refused.
func (a *asker) eval(f *ai.Function, rows []ai.Row) (answers []ai.Answer, err error) {
	defer panics.Catch(&err, "computing "+f.Name)
	if spent := a.spent.exhausted(); spent != nil {
		return refusals(spent, len(rows))
	}
	a.counts.update(func(c *counts) { c.asking += int64(len(rows)) })
	defer a.counts.update(func(c *counts) { c.asking -= int64(len(rows)) })
	answers, err = f.Eval(a.asking, a.models.Source, rows)
	if cause := context.Cause(a.asking); err != nil && cause != nil {
		return refusals(cause, len(rows))
	}
	if err == nil && len(answers) != len(rows) {
		err = fmt.Errorf("the function returned %d answers for %d rows", len(answers), len(rows))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	smaller, larger := job.Stages(answers)
	a.counts.update(func(c *counts) {
		c.smaller += smaller
		c.larger += larger
	})
	return answers, nil
}

func (a *asker) finishAll(f *ai.Function, chunk []*distinct, answers []ai.Answer, err error) {
	for i, d := range chunk {
		if err != nil {
			a.finish(f, d, ai.Answer{}, err)
		} else {
			a.finish(f, d, answers[i], nil)
		}
	}
}

// finish ends a flight. Its answer was kept before, so that a later row finds
// one of them.
func (a *asker) finish(f *ai.Function, d *distinct, answer ai.Answer, err error) {
	select {
	case <-d.done:
		return // a panic followed the end of the flight
	default:
	}
	d.answer, d.err = answer, err
	if job.AsSpent(answer.Err) != nil {
		a.counts.update(func(c *counts) { c.refused++ })
	}
	if d.id != "" {
		a.mu.Lock()
		delete(a.underway, flightKey(f, d.id))
		a.mu.Unlock()
	}
	close(d.done)
}

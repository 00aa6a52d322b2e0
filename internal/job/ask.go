package job

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/lru"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// chunkRows are asked together, and kept in the ledger together: a crash
// loses the chunks that are under way.
const chunkRows = 16

// asker answers rows of arguments, each distinct one once: rows that are equal
// wait for the one that is asked, and what the ledger has is not asked at all.
type asker struct {
	begun  time.Time
	asking context.Context // ends when the budget of time does
	models Models          // metered
	spent  *spending
	ledger *ledger.Ledger // nil: answers are kept in memory, as far as they fit
	turns  *turns         // one for each chunk under way

	mu       sync.Mutex
	underway map[string]*flight
	memory   *lru.Map[string, []byte]
	failures *lru.Map[string, ai.Answer] // are not kept in the ledger, but met once a job

	counts *counts
}

// counts of rows' calls: all, those answered by rules, those answered from
// before this job, those that are equal to another one of this job, and those
// that are asked now.
type counts struct {
	sync.Mutex
	calls, byRules, kept, equal, asking int64
}

func (c *counts) addByRules(calls int) {
	c.Lock()
	defer c.Unlock()
	c.calls += int64(calls)
	c.byRules += int64(calls)
}

// began counts calls that are asked now; ended ones with a minus.
func (c *counts) began(calls int) {
	c.Lock()
	defer c.Unlock()
	c.asking += int64(calls)
}

func (c *counts) add(calls, kept, equal int) {
	c.Lock()
	defer c.Unlock()
	c.calls += int64(calls)
	c.kept += int64(kept)
	c.equal += int64(equal)
}

// flight is a distinct row that is being answered. Its fields are set before
// done is closed.
type flight struct {
	done   chan struct{}
	answer ai.Answer
	err    error // of the whole job
}

// entryBytes is about what a remembered answer takes beside its key and value.
const entryBytes = 160

func newAsker(asking context.Context, c *counts, m Models, s *spending, l *ledger.Ledger, atOnce, memory int) *asker {
	return &asker{
		begun: time.Now(), asking: asking, counts: c,
		models: m.Through(func(m llm.Model) llm.Model { return metered(m, s) }), spent: s,
		ledger: l, turns: newTurns(atOnce),
		underway: map[string]*flight{},
		memory:   lru.New(memory, func(id string, b []byte) int { return entryBytes + len(id) + len(b) }),
		failures: lru.New(memory/8, func(key string, a ai.Answer) int { return entryBytes + len(key) + 256 + len(a.Raw) }),
	}
}

// distinct is one of a call's rows that stands for those that are equal to it.
type distinct struct {
	id   string // empty if it equals none
	row  ai.Row
	at   []int // the rows
	mine bool  // no other call asks for it
	told bool  // of its error
	*flight
}

func (d *distinct) tell(failed func(row int, err error)) {
	d.told = true
	if d.answer.Err == nil {
		return
	}
	for _, i := range d.at {
		failed(i, d.answer.Err)
	}
}

// ask answers the rows in order, the first of which is the table's row of that
// number. Its error is the job's. failed is told of rows that have an error, as
// soon as they do, and at the same time of others; a row that is skipped has a
// *Spent.
func (a *asker) ask(ctx context.Context, f *ai.Function, first int64, rows []ai.Row, failed func(row int, err error)) ([]ai.Answer, error) {
	all := a.distinct(f, rows)
	need, kept, err := a.lookUp(f, all)
	a.counts.add(len(rows), kept, len(rows)-len(need)-kept)
	if err != nil {
		return nil, err // it ends the job, so that nobody waits for the others
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
		if !d.told {
			d.tell(failed)
		}
	}
	return answers, nil
}

// distinct finds equal rows, and joins those that another call is asking for.
func (a *asker) distinct(f *ai.Function, rows []ai.Row) []*distinct {
	var all []*distinct
	known := map[string]*distinct{}
	for i, row := range rows {
		id := a.models.Identity(f, row)
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
			d.mine = true
			d.flight = &flight{done: make(chan struct{})}
			if d.id != "" {
				a.underway[flightKey(f, d.id)] = d.flight
			}
		}
	}
	return all
}

// flightKey tells a function from the one that tries it, whose identities are
// the same but whose answers look different.
func flightKey(f *ai.Function, id string) string { return f.Name + " " + id }

// lookUp answers what is known, and gives the rest; kept counts the rows that
// were answered before this job.
func (a *asker) lookUp(f *ai.Function, all []*distinct) (need []*distinct, kept int, err error) {
	for _, d := range all {
		if !d.mine {
			continue
		}
		answer, when, err := a.known(f, d.id)
		if err != nil {
			return nil, 0, err
		}
		if when.IsZero() {
			need = append(need, d)
			continue
		}
		if when.Before(a.begun) {
			kept += len(d.at)
		}
		a.finish(f, d, answer, nil)
	}
	return need, kept, nil
}

// known gives an answer that was had before, and when; zero is never.
func (a *asker) known(f *ai.Function, id string) (answer ai.Answer, when time.Time, err error) {
	if id == "" {
		return answer, when, nil
	}
	if answer, found := a.failures.Get(flightKey(f, id)); found {
		return answer, a.begun, nil
	}
	var text []byte
	found := false
	if a.ledger == nil {
		when = a.begun
		text, found = a.memory.Get(id)
	} else if key, keyErr := ledger.ParseKey(id); keyErr == nil {
		var e ledger.Entry
		e, found, err = a.ledger.Get(key)
		when, text = e.Time, e.Answer
	}
	if found {
		if answer, readErr := f.Kept(text); readErr == nil {
			return answer, when, nil
		}
	}
	return ai.Answer{}, time.Time{}, err // what cannot be read is asked again
}

// evalAll asks for what is needed, in chunks, and returns when all are done.
func (a *asker) evalAll(f *ai.Function, first int64, need []*distinct, failed func(int, error)) {
	var chunks sync.WaitGroup
	defer chunks.Wait()
	for len(need) > 0 {
		n := min(chunkRows, len(need))
		chunk := need[:n]
		need = need[n:]
		if err := a.turns.take(a.asking, first); err != nil {
			answers, err := unasked(err, len(chunk))
			a.finishAll(f, chunk, answers, err)
			continue
		}
		chunks.Go(func() {
			defer a.turns.give()
			defer panics.Handle("answering rows", func(err error) { a.finishAll(f, chunk, nil, err) })
			answers, err := a.eval(f, chunk)
			if err == nil {
				err = a.keep(f, chunk, answers)
			}
			a.finishAll(f, chunk, answers, err)
			for _, d := range chunk {
				d.tell(failed)
			}
		})
	}
}

// unasked gives answers that say why they are none; not if it is the job that
// has failed.
func unasked(cause error, rows int) ([]ai.Answer, error) {
	why := asSpent(cause)
	if why == nil {
		return nil, cause
	}
	answers := make([]ai.Answer, rows)
	for i := range answers {
		answers[i].Err = why
	}
	return answers, nil
}

// eval asks for a chunk. What the budget does not reach is skipped.
func (a *asker) eval(f *ai.Function, chunk []*distinct) (answers []ai.Answer, err error) {
	defer panics.Catch(&err, "computing "+f.Name)
	if why := a.spent.exhausted(); why != nil {
		return unasked(why, len(chunk))
	}
	rows := make([]ai.Row, len(chunk))
	for i, d := range chunk {
		rows[i] = d.row
	}
	a.counts.began(len(rows))
	defer a.counts.began(-len(rows))
	answers, err = f.Eval(a.asking, a.models.Source, rows)
	if cause := context.Cause(a.asking); err != nil && cause != nil {
		return unasked(cause, len(chunk))
	}
	if err == nil && len(answers) != len(rows) {
		err = fmt.Errorf("it gave %d answers for %d rows", len(answers), len(rows))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return answers, nil
}

// keep writes answers where they are found again. Errors are kept for this job
// only: another may have more luck.
func (a *asker) keep(f *ai.Function, chunk []*distinct, answers []ai.Answer) error {
	name := f.Name
	if f.Of != nil {
		name = f.Of.Name
	}
	var entries []ledger.Entry
	now := time.Now()
	for i, d := range chunk {
		if d.id == "" || asSpent(answers[i].Err) != nil {
			continue
		}
		if answers[i].Err != nil {
			a.failures.Put(flightKey(f, d.id), answers[i])
			continue
		}
		text, ok := f.Keep(answers[i])
		if !ok {
			continue
		}
		if a.ledger == nil {
			a.memory.Put(d.id, text)
			continue
		}
		key, err := ledger.ParseKey(d.id)
		if err != nil {
			return err
		}
		entries = append(entries, ledger.Entry{Key: key, Time: now, Function: name, Model: a.models.info(f, d.row).Name, Answer: text})
	}
	if a.ledger == nil {
		return nil
	}
	return a.ledger.Put(entries...)
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

// finish ends a flight: after what it found was kept, so that a later row
// finds either of them.
func (a *asker) finish(f *ai.Function, d *distinct, answer ai.Answer, err error) {
	select {
	case <-d.done:
		return // a panic came after its end
	default:
	}
	d.answer, d.err = answer, err
	if d.id != "" {
		a.mu.Lock()
		delete(a.underway, flightKey(f, d.id))
		a.mu.Unlock()
	}
	close(d.done)
}

package asking

import (
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/ledger"
)

// lookUp finishes the rows whose answer is known and returns the others. kept
// counts the rows that were answered before this job.
func (a *Asker) lookUp(f *ai.Function, all []*distinct) (need []*distinct, kept int, err error) {
	for _, d := range all {
		if !d.owned {
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
		d.known = true
		if when.Before(a.begun) {
			kept += len(d.at)
		}
		a.finish(f, d, answer, nil, false)
	}
	return need, kept, nil
}

// known returns an earlier answer and its time, which is zero if there is none.
func (a *Asker) known(f *ai.Function, id string) (answer ai.Answer, when time.Time, err error) {
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
	return ai.Answer{}, time.Time{}, err // an entry that cannot be read is asked again
}

// keep stores answers in the ledger, or in memory if there is none. Errors are
// stored in memory only: the next job asks again.
func (a *Asker) keep(f *ai.Function, chunk []*distinct, answers []ai.Answer) error {
	name := f.Name
	if f.Of != nil {
		name = f.Of.Name
	}
	var entries []ledger.Entry
	now := time.Now()
	for i, d := range chunk {
		if d.id == "" || job.AsSpent(answers[i].Err) != nil {
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
		entries = append(entries, ledger.Entry{Key: key, Time: now, Function: name, Model: d.models, Answer: text})
	}
	if a.ledger == nil {
		return nil
	}
	err := a.ledger.Put(entries...)
	if err != nil && a.NotKept != nil {
		a.NotKept(err)
		return nil
	}
	return err
}

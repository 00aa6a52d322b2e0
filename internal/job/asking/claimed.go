package asking

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/usage"
)

// claimed asks for rows that no other process is asking, and waits for the answers
// of the others. If these do not come, it asks for them too.
func (a *Asker) claimed(asking context.Context, f *ai.Function, waiting []*distinct) {
	for len(waiting) > 0 {
		keys := make([]ledger.Key, len(waiting))
		for i, d := range waiting {
			keys[i], _ = ledger.ParseKey(d.id) // zero if the row equals no other
		}
		mine, err := a.claim(keys)
		if err != nil {
			a.notKept(err)
			a.chunk(asking, f, waiting)
			return
		}
		var ask, others []*distinct
		var held []ledger.Key
		for i, d := range waiting {
			switch {
			case keys[i] == ledger.Key{}:
				ask = append(ask, d)
			case mine[i]:
				ask, held = append(ask, d), append(held, keys[i])
			default:
				others = append(others, d)
			}
		}
		a.held(asking, f, ask, held)
		if waiting = others; len(waiting) == 0 {
			return
		}
		select {
		case <-time.After(20*time.Millisecond + rand.N(80*time.Millisecond)):
		case <-asking.Done():
			answers, err := refusals(context.Cause(asking), len(waiting))
			a.finishAll(asking, f, waiting, answers, err)
			return
		}
		waiting = a.lookAgain(f, waiting)
	}
}

// held asks for rows, whose claims it then releases.
func (a *Asker) held(asking context.Context, f *ai.Function, rows []*distinct, claims []ledger.Key) {
	defer func() {
		if len(claims) == 0 {
			return
		}
		if err := a.Claims.Release(claims); err != nil {
			a.notKept(err)
		}
	}()
	// Another process may have answered between the look-up and the claim.
	if rows = a.lookAgain(f, rows); len(rows) > 0 {
		a.chunk(asking, f, rows)
	}
}

// claim claims the keys of rows that may equal others.
func (a *Asker) claim(keys []ledger.Key) (mine []bool, err error) {
	var shared []ledger.Key
	for _, k := range keys {
		if k != (ledger.Key{}) {
			shared = append(shared, k)
		}
	}
	mine = make([]bool, len(keys))
	if len(shared) == 0 {
		return mine, nil
	}
	got, err := a.Claims.Claim(shared)
	for i, k := range keys {
		if k != (ledger.Key{}) {
			mine[i], got = got[0], got[1:]
		}
	}
	return mine, err
}

// lookAgain reads what other processes have written, and finishes the rows whose
// answer is there. It returns the others.
func (a *Asker) lookAgain(f *ai.Function, rows []*distinct) []*distinct {
	err := a.ledger.Refresh()
	need := rows
	if err == nil {
		need, _, err = a.lookUp(f, rows)
	}
	if err != nil {
		a.notKept(err)
		return rows
	}
	for _, d := range rows {
		if d.known && d.answer.Err == nil {
			a.spending.Note(f, d.model, func(u *usage.Use) { u.Kept += int64(len(d.at)) })
		}
	}
	return need
}

func (a *Asker) notKept(err error) {
	if a.NotKept != nil {
		a.NotKept(err)
	}
}

package usage

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func open(t *testing.T, ledger, query string) *Query {
	t.Helper()
	q, err := Open(ledger, query)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// The totals are those of all other processes of the same query.
func TestExchange(t *testing.T) {
	dir := t.TempDir()
	a, b, c := open(t, dir, "q 1"), open(t, dir, "q 1"), open(t, dir, "q-2")
	begun := time.Now().Add(-time.Minute).Truncate(time.Microsecond)
	for q, s := range map[*Query]State{
		b: {Begun: begun.UnixMicro(), Used: Tokens{Requests: 1, Prompt: 10, Output: 2}, Reserved: Tokens{Prompt: 5}, Asked: 3, Errors: 1},
		c: {Used: Tokens{Prompt: 1000}, Asked: 1000},
	} {
		if err := q.Publish(s); err != nil {
			t.Fatal(err)
		}
	}
	want := Totals{Used: Tokens{Requests: 1, Prompt: 10, Output: 2}, Reserved: Tokens{Prompt: 5}, Asked: 3, Errors: 1, Begun: begun}
	if got, err := a.Exchange(State{Asked: 7}); got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := b.Exchange(State{}); got.Asked != 7 || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// What a killed process had reserved counts as used.
func TestAbandoned(t *testing.T) {
	defer func(d time.Duration) { abandonedAfter = d }(abandonedAfter)
	dir := t.TempDir()
	a, killed := open(t, dir, "q"), open(t, dir, "q")
	if err := killed.Publish(State{Reserved: Tokens{Prompt: 5}}); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Exchange(State{}); got.Reserved.Prompt != 5 || got.Used.Prompt != 0 || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	abandonedAfter = 0
	if got, err := a.Exchange(State{}); got.Reserved.Prompt != 0 || got.Used.Prompt != 5 || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestLatest(t *testing.T) {
	dir := t.TempDir()
	if r, err := Latest(dir, "s", ""); r.Query != "" || err != nil {
		t.Errorf("without usage: %+v, %v", r, err)
	}
	for _, s := range []struct {
		query, session string
		use            Use
	}{
		{"first", "s", Use{Function: "f", Rows: 1}},
		{"second", "s", Use{Function: "f", Model: "m", Rows: 2, Kept: 1, Tokens: Tokens{Prompt: 4}}},
		{"second", "s", Use{Function: "f", Model: "m", Rows: 3, Asked: 3, Tokens: Tokens{Prompt: 5, Cost: .5}}},
		{"third", "other", Use{Function: "f", Rows: 4}},
	} {
		if err := open(t, dir, s.query).Publish(State{Session: s.session, Uses: []Use{s.use}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	want := Report{"second", []Use{{Function: "f", Model: "m", Rows: 5, Asked: 3, Kept: 1, Tokens: Tokens{Prompt: 9, Cost: .5}}}}
	if r, err := Latest(dir, "s", ""); !reflect.DeepEqual(r, want) || err != nil {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := Latest(dir, "s", "third"); len(r.Uses) != 1 || r.Uses[0].Rows != 4 || err != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// The usage of old queries is removed when a new query begins.
func TestRemoveOld(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, "old")
	old := filepath.Join(dir, "usage", "old")
	past := time.Now().Add(-2 * keepFor)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	open(t, dir, "new")
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

package registry

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

type plain struct{ id int }

type tried struct{ id int }

func TestNamesAreUniqueOverAllKinds(t *testing.T) {
	var r Registry
	if err := r.Add(Entry{"Shout", plain{1}}, Entry{"try_shout", tried{2}}); err != nil {
		t.Fatal(err)
	}
	for _, entries := range [][]Entry{
		{{"SHOUT", plain{3}}},
		{{"shout", tried{3}}},
		{{"free", plain{3}}, {"try_SHOUT", plain{3}}},
		{{"free", plain{3}}, {"Free", tried{3}}},
	} {
		var taken *TakenError
		if err := r.Add(entries...); !errors.As(err, &taken) || taken.Name != entries[len(entries)-1].Name {
			t.Errorf("%v: %v", entries, err)
		}
	}
	if _, ok := Lookup[plain](&r, "free"); ok {
		t.Error("an entry was added together with one whose name is taken")
	}
	if f, ok := Lookup[plain](&r, "sHOUT"); !ok || f.id != 1 {
		t.Errorf("got %v, %v", f, ok)
	}
	if f, ok := Lookup[tried](&r, "shout"); ok {
		t.Errorf("a function of another type was found: %v", f)
	}
	r.Add(Entry{"bang", plain{4}})
	if got := All[plain](&r); !slices.Equal(got, []plain{{1}, {4}}) {
		t.Errorf("got %v", got)
	}
	if got := Names[any](&r); !slices.Equal(got, []string{"Shout", "bang", "try_shout"}) {
		t.Errorf("got %q", got)
	}
}

// Run with -race. Of the functions that are added at once under one name, one is
// added.
func TestConcurrentUse(t *testing.T) {
	var r Registry
	var added atomic.Int32
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			if r.Add(Entry{"one", plain{i}}, Entry{fmt.Sprintf("own_%d", i), plain{i}}) == nil {
				added.Add(1)
			}
			Lookup[plain](&r, "one")
			All[plain](&r)
			Names[any](&r)
		})
	}
	all.Wait()
	if f, ok := Lookup[plain](&r, "one"); !ok || added.Load() != 1 || !slices.Equal(Names[plain](&r), []string{"one", fmt.Sprintf("own_%d", f.id)}) {
		t.Errorf("added %d times: %v, %q", added.Load(), f, Names[plain](&r))
	}
}

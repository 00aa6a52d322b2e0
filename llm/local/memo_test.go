package local

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

func TestMemo(t *testing.T) {
	m := newMemo(20 * (entryBytes + 8))
	key := func(i int) memoKey { return (&plan{max: i}).memoKey() }
	for i := range 100 {
		m.put(key(i), llm.Result{Text: "t", Scores: []float64{1}, OutputTokens: i})
		if i > 0 { // asked for again and again, so kept
			if r, ok := m.get(key(0)); !ok || r.OutputTokens != 0 {
				t.Fatalf("after %d more the first answer is gone", i)
			}
		}
	}
	if n := m.answers.Len(); n > 21 {
		t.Errorf("%d answers are kept", n)
	}
	if r, ok := m.get(key(99)); !ok || r.OutputTokens != 99 {
		t.Error("the last answer is gone")
	}
	if _, ok := m.get(key(50)); ok {
		t.Error("an answer that nobody asked for is still there")
	}
	m.put(key(7), llm.Result{Err: fmt.Errorf("no")})
	if r, _ := m.get(key(7)); r.Err != nil {
		t.Error("an error is kept")
	}
}

// What is asked again in another call is answered without computing.
func TestAnswersAreKept(t *testing.T) {
	e := openTiny(t, Options{})
	requests := mixed(12)
	want := do(t, e, requests...)
	e.scheduler.close() // nothing can be computed any more
	if got := do(t, e, requests...); !reflect.DeepEqual(got, want) {
		t.Error("kept answers differ")
	}
}

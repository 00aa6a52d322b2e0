package answercache

import (
	"fmt"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

func TestMemo(t *testing.T) {
	m := Answers(20 * (entryBytes + 8))
	key := func(i int) Key { return KeyOf(fmt.Sprint(i)) }
	for i := range 100 {
		m.Keep(key(i), llm.Result{Text: "t", Scores: []float64{1}, OutputTokens: i})
		if i > 0 { // asked for again and again, so kept
			if r, ok := m.Get(key(0)); !ok || r.OutputTokens != 0 {
				t.Fatalf("after %d more the first answer is gone", i)
			}
		}
	}
	if n := m.values.Len(); n > 21 {
		t.Errorf("%d answers are kept", n)
	}
	if r, ok := m.Get(key(99)); !ok || r.OutputTokens != 99 {
		t.Error("the last answer is gone")
	}
	if _, ok := m.Get(key(50)); ok {
		t.Error("an answer that nobody asked for is still there")
	}
	m.Keep(key(7), llm.Result{Err: fmt.Errorf("no")})
	if r, _ := m.Get(key(7)); r.Err != nil {
		t.Error("an error is kept")
	}
}

// What is kept does not change with what was given or taken.
func TestKeptAsItWas(t *testing.T) {
	m := Vectors(1 << 20)
	key := KeyOf("a")
	given := llm.Embedding{Vector: []float32{1, 2}, Tokens: 3}
	m.Keep(key, given)
	m.Keep(KeyOf("b"), llm.Embedding{Err: fmt.Errorf("no")})
	given.Vector[0] = 9
	for range 2 {
		e, ok := m.Get(key)
		if !ok || e.Vector[0] != 1 || e.Tokens != 3 {
			t.Fatalf("%+v, %v", e, ok)
		}
		e.Vector[0] = 9
	}
	if _, ok := m.Get(KeyOf("b")); ok {
		t.Error("an error is kept")
	}
	vectors, answers := Vectors(0), Answers(0)
	vectors.Keep(key, given)
	answers.Keep(key, llm.Result{})
	_, vector := vectors.Get(key)
	if _, answer := answers.Get(key); vector || answer {
		t.Error("a memo without room keeps something")
	}
}

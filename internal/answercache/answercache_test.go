package answercache

import (
	"fmt"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

func TestLeastRecentlyUsedIsEvicted(t *testing.T) {
	m := NewResults(20 * (entryBytes + 8))
	key := func(i int) Key { return KeyOf(fmt.Sprint(i)) }
	for i := range 100 {
		m.Put(key(i), llm.Result{Text: "t", Scores: []float64{1}, OutputTokens: i})
		if i > 0 { // used in every step, so never evicted
			if r, ok := m.Get(key(0)); !ok || r.OutputTokens != 0 {
				t.Fatalf("the first answer was evicted after %d more", i)
			}
		}
	}
	if n := m.values.Len(); n > 21 {
		t.Errorf("the cache has %d answers, expected at most 21", n)
	}
	if r, ok := m.Get(key(99)); !ok || r.OutputTokens != 99 {
		t.Error("the last answer was evicted")
	}
	if _, ok := m.Get(key(50)); ok {
		t.Error("an answer that was not used again is still in the cache")
	}
	m.Put(key(7), llm.Result{Err: fmt.Errorf("no")})
	if r, _ := m.Get(key(7)); r.Err != nil {
		t.Error("the cache has an error")
	}
}

// Changes to a value that was put, or that Get returned, do not change the cached value.
func TestValuesAreCopied(t *testing.T) {
	m := NewEmbeddings(1 << 20)
	key := KeyOf("a")
	given := llm.Embedding{Vector: []float32{1, 2}, Tokens: 3}
	m.Put(key, given)
	m.Put(KeyOf("b"), llm.Embedding{Err: fmt.Errorf("no")})
	given.Vector[0] = 9
	for range 2 {
		e, ok := m.Get(key)
		if !ok || e.Vector[0] != 1 || e.Tokens != 3 {
			t.Fatalf("%+v, %v", e, ok)
		}
		e.Vector[0] = 9
	}
	if _, ok := m.Get(KeyOf("b")); ok {
		t.Error("the cache has an error")
	}
	vectors, answers := NewEmbeddings(0), NewResults(0)
	vectors.Put(key, given)
	answers.Put(key, llm.Result{})
	_, vector := vectors.Get(key)
	if _, answer := answers.Get(key); vector || answer {
		t.Error("a cache of size 0 has a value")
	}
}

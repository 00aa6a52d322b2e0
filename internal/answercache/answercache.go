// Package answercache keeps what a model has answered, since tables repeat themselves
// beyond one batch, and Spark asks again for a column that is used twice. An
// answer depends on nothing but its request, so a kept one is as good as new,
// or better: a server may answer otherwise the second time.
package answercache

import (
	"crypto/sha256"
	"slices"

	"github.com/firesteel/firesteel/internal/lru"
	"github.com/firesteel/firesteel/llm"
)

// Memo keeps the values that were asked for last, if they are no errors. Its
// methods may be called at the same time.
type Memo[V any] struct {
	max    int
	values *lru.Map[Key, V]
	copied func(V) V
	err    func(V) error
}

// Key is what is asked, in a form of the model's choice.
type Key [sha256.Size]byte

// KeyOf makes a Key of all that an answer depends on.
func KeyOf(request string) Key { return sha256.Sum256([]byte(request)) }

// entryBytes is about what an entry takes besides its text and numbers.
const entryBytes = 200

// Answers makes a Memo of answers that takes at most max bytes; it keeps none
// if max is not positive.
func Answers(max int) *Memo[llm.Result] {
	return &Memo[llm.Result]{
		max:    max,
		values: lru.New(max, func(_ Key, r llm.Result) int { return entryBytes + len(r.Text) + 8*len(r.Scores) }),
		copied: func(r llm.Result) llm.Result { r.Scores = slices.Clone(r.Scores); return r },
		err:    func(r llm.Result) error { return r.Err },
	}
}

// Vectors is Answers for the vectors of texts.
func Vectors(max int) *Memo[llm.Embedding] {
	return &Memo[llm.Embedding]{
		max:    max,
		values: lru.New(max, func(_ Key, e llm.Embedding) int { return entryBytes + 4*len(e.Vector) }),
		copied: func(e llm.Embedding) llm.Embedding { e.Vector = slices.Clone(e.Vector); return e },
		err:    func(e llm.Embedding) error { return e.Err },
	}
}

// Get gives a kept value, which is the caller's.
func (m *Memo[V]) Get(key Key) (V, bool) {
	v, ok := m.values.Get(key)
	return m.copied(v), ok
}

// Keep keeps a value that is no error.
func (m *Memo[V]) Keep(key Key, v V) {
	if m.max > 0 && m.err(v) == nil {
		m.values.Put(key, m.copied(v))
	}
}

// Package memo keeps what a model has answered, since tables repeat themselves
// beyond one batch, and Spark asks again for a column that is used twice. An
// answer depends on nothing but its request, so a kept one is as good as new,
// or better: a server may answer otherwise the second time.
package memo

import (
	"crypto/sha256"
	"slices"

	"github.com/firesteel/firesteel/internal/recent"
	"github.com/firesteel/firesteel/llm"
)

// Memo keeps the answers and vectors that were asked for last. Its methods may
// be called at the same time.
type Memo struct {
	max     int
	answers *recent.Map[Key, llm.Result]
	vectors *recent.Map[Key, llm.Embedding]
}

// Key is what is asked, in a form of the model's choice.
type Key [sha256.Size]byte

// KeyOf makes a Key of all that an answer depends on.
func KeyOf(request string) Key { return sha256.Sum256([]byte(request)) }

// entryBytes is about what an entry takes besides its text and numbers.
const entryBytes = 200

// New makes a Memo that takes at most max bytes for answers, and as many for
// vectors; it keeps none if max is not positive.
func New(max int) *Memo {
	return &Memo{
		max:     max,
		answers: recent.New(max, func(_ Key, r llm.Result) int { return entryBytes + len(r.Text) + 8*len(r.Scores) }),
		vectors: recent.New(max, func(_ Key, e llm.Embedding) int { return entryBytes + 4*len(e.Vector) }),
	}
}

// Answer gives a kept answer.
func (m *Memo) Answer(key Key) (llm.Result, bool) {
	r, ok := m.answers.Get(key)
	r.Scores = slices.Clone(r.Scores)
	return r, ok
}

// Keep keeps an answer that is no error.
func (m *Memo) Keep(key Key, r llm.Result) {
	if m.max <= 0 || r.Err != nil {
		return
	}
	r.Scores = slices.Clone(r.Scores)
	m.answers.Put(key, r)
}

// Vector gives a kept vector, which is the caller's.
func (m *Memo) Vector(key Key) (llm.Embedding, bool) {
	e, ok := m.vectors.Get(key)
	e.Vector = slices.Clone(e.Vector)
	return e, ok
}

// KeepVector keeps a vector that is no error.
func (m *Memo) KeepVector(key Key, e llm.Embedding) {
	if m.max <= 0 || e.Err != nil {
		return
	}
	e.Vector = slices.Clone(e.Vector)
	m.vectors.Put(key, e)
}

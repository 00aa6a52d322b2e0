// Package answercache keeps the latest answers of a model in memory. Columns repeat values
// in more than one batch, and Spark evaluates a column twice if a query uses it twice.
// An answer depends on its request only, so a cached answer can replace a computed one.
package answercache

import (
	"crypto/sha256"
	"slices"

	"github.com/firesteel/firesteel/internal/lru"
	"github.com/firesteel/firesteel/llm"
)

// Cache is a least-recently-used cache of answers or embeddings. It does not keep errors.
// Its methods are safe for concurrent use.
type Cache[V any] struct {
	max    int
	values *lru.Map[Key, V]
	copied func(V) V
	err    func(V) error
}

// Key identifies a request.
type Key [sha256.Size]byte

// KeyOf returns the Key of a request. The text must contain everything that the answer depends on.
func KeyOf(request string) Key { return sha256.Sum256([]byte(request)) }

// entryBytes is the approximate overhead of an entry, in bytes.
const entryBytes = 200

// NewResults returns a Cache of answers that uses at most max bytes. If max is 0 or negative,
// it keeps nothing.
func NewResults(max int) *Cache[llm.Result] {
	return &Cache[llm.Result]{
		max:    max,
		values: lru.New(max, func(_ Key, r llm.Result) int { return entryBytes + len(r.Text) + 8*len(r.Scores) }),
		copied: func(r llm.Result) llm.Result { r.Scores = slices.Clone(r.Scores); return r },
		err:    func(r llm.Result) error { return r.Err },
	}
}

// NewEmbeddings returns a Cache of embeddings that uses at most max bytes. If max is 0 or
// negative, it keeps nothing.
func NewEmbeddings(max int) *Cache[llm.Embedding] {
	return &Cache[llm.Embedding]{
		max:    max,
		values: lru.New(max, func(_ Key, e llm.Embedding) int { return entryBytes + 4*len(e.Vector) }),
		copied: func(e llm.Embedding) llm.Embedding { e.Vector = slices.Clone(e.Vector); return e },
		err:    func(e llm.Embedding) error { return e.Err },
	}
}

// Get returns a copy of the value of key, and whether the cache has it.
func (m *Cache[V]) Get(key Key) (V, bool) {
	v, ok := m.values.Get(key)
	return m.copied(v), ok
}

// Put adds a copy of v, unless v is an error.
func (m *Cache[V]) Put(key Key, v V) {
	if m.max > 0 && m.err(v) == nil {
		m.values.Put(key, m.copied(v))
	}
}

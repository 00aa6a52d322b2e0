package local

import (
	"crypto/sha256"
	"slices"
	"sync"

	"github.com/firesteel/firesteel/llm"
)

// memo keeps answers, since tables repeat themselves beyond one batch. An
// answer depends on nothing but its request, so a kept one is as good as new.
type memo struct {
	max int // bytes, of both generations; none are kept if it is not positive

	mu sync.Mutex
	// Answers are put into the young generation, also when they are found in
	// the old one. When that is full, it becomes the old one.
	young, old map[memoKey]llm.Result
	bytes      int // of the young generation
}

type memoKey [sha256.Size]byte

func newMemo(max int) *memo { return &memo{max: max, young: map[memoKey]llm.Result{}} }

func (p *plan) memoKey() memoKey { return sha256.Sum256([]byte(p.key())) }

func (m *memo) get(key memoKey) (llm.Result, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.young[key]
	if !ok {
		if r, ok = m.old[key]; ok {
			m.add(key, r)
		}
	}
	r.Scores = slices.Clone(r.Scores)
	return r, ok
}

func (m *memo) put(key memoKey, r llm.Result) {
	if m.max <= 0 || r.Err != nil {
		return
	}
	r.Scores = slices.Clone(r.Scores)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(key, r)
}

// entryBytes is about what an entry takes besides its text and scores.
const entryBytes = 200

func (m *memo) add(key memoKey, r llm.Result) {
	size := entryBytes + len(r.Text) + 8*len(r.Scores)
	if m.bytes+size > m.max/2 {
		m.old, m.young, m.bytes = m.young, map[memoKey]llm.Result{}, 0
	}
	m.young[key] = r
	m.bytes += size
}

package local

import (
	"crypto/sha256"
	"slices"

	"github.com/firesteel/firesteel/internal/recent"
	"github.com/firesteel/firesteel/llm"
)

// memo keeps answers, since tables repeat themselves beyond one batch. An
// answer depends on nothing but its request, so a kept one is as good as new.
type memo struct {
	max     int // bytes; none are kept if it is not positive
	answers *recent.Map[memoKey, llm.Result]
}

type memoKey [sha256.Size]byte

// entryBytes is about what an entry takes besides its text and scores.
const entryBytes = 200

func newMemo(max int) *memo {
	return &memo{max, recent.New(max, func(_ memoKey, r llm.Result) int { return entryBytes + len(r.Text) + 8*len(r.Scores) })}
}

func (p *plan) memoKey() memoKey { return sha256.Sum256([]byte(p.key())) }

func (m *memo) get(key memoKey) (llm.Result, bool) {
	r, ok := m.answers.Get(key)
	r.Scores = slices.Clone(r.Scores)
	return r, ok
}

func (m *memo) put(key memoKey, r llm.Result) {
	if m.max <= 0 || r.Err != nil {
		return
	}
	r.Scores = slices.Clone(r.Scores)
	m.answers.Put(key, r)
}

// Package lru remembers what was asked for last, within a bound of memory.
package lru

import "sync"

// Map is values by key, in two generations. Values are put into the young one,
// also when they are found in the old one. When that is full, it becomes the
// old one. Its methods may be called at the same time.
type Map[K comparable, V any] struct {
	most int
	size func(K, V) int

	mu         sync.Mutex
	young, old map[K]V
	bytes      int // of the young generation
}

// New makes a Map of at most so many bytes, in both generations. size tells how
// many an entry takes.
func New[K comparable, V any](most int, size func(K, V) int) *Map[K, V] {
	return &Map[K, V]{most: most, size: size, young: map[K]V{}}
}

// Get gives the value of a key, if it is still there.
func (m *Map[K, V]) Get(key K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.young[key]
	if !ok {
		if v, ok = m.old[key]; ok {
			m.add(key, v)
		}
	}
	return v, ok
}

// Put remembers a value.
func (m *Map[K, V]) Put(key K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(key, v)
}

// Len counts what is remembered, twice where it is in both generations.
func (m *Map[K, V]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.young) + len(m.old)
}

func (m *Map[K, V]) add(key K, v V) {
	size := m.size(key, v)
	if m.bytes+size > m.most/2 {
		m.old, m.young, m.bytes = m.young, map[K]V{}, 0
	}
	m.young[key] = v
	m.bytes += size
}

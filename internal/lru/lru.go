// Package lru caches recently used values within a memory limit.
package lru

import "sync"

// Map is a cache in two generations, which approximates least-recently-used
// eviction. New values, and old values that are read, go to the young
// generation. When it is full it replaces the old generation, whose values are
// dropped. Methods may be called concurrently.
type Map[K comparable, V any] struct {
	most int
	size func(K, V) int

	mu         sync.Mutex
	young, old map[K]V
	bytes      int // of the young generation
}

// New returns a Map of at most most bytes for both generations together. size
// returns the bytes that an entry takes.
func New[K comparable, V any](most int, size func(K, V) int) *Map[K, V] {
	return &Map[K, V]{most: most, size: size, young: map[K]V{}}
}

// Get returns the value of a key, if the cache still holds it.
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

// Put stores a value.
func (m *Map[K, V]) Put(key K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(key, v)
}

// Len returns the number of entries. An entry in both generations counts twice.
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

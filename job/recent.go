package job

import "sync"

// recent remembers what was asked for last, within a bound of bytes. What is
// found in the old generation moves to the young one.
type recent[V any] struct {
	most int // bytes of both generations
	size func(V) int

	mu         sync.Mutex
	young, old map[string]V
	bytes      int // of the young generation
}

func newRecent[V any](most int, size func(V) int) *recent[V] {
	return &recent[V]{most: most, size: size, young: map[string]V{}}
}

func (r *recent[V]) get(key string) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.young[key]
	if !ok {
		if v, ok = r.old[key]; ok {
			r.add(key, v)
		}
	}
	return v, ok
}

func (r *recent[V]) put(key string, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(key, v)
}

// entryBytes is about what an entry takes beside its value.
const entryBytes = 160

func (r *recent[V]) add(key string, v V) {
	size := entryBytes + len(key) + r.size(v)
	if r.bytes+size > r.most/2 {
		r.old, r.young, r.bytes = r.young, map[string]V{}, 0
	}
	r.young[key] = v
	r.bytes += size
}

// Package downsample keeps an evenly spaced subset of a series of unknown length.
package downsample

// Series keeps every value until Most values have come, then every second
// value, then every fourth, and so on.
type Series[T any] struct {
	// Most is the number of values at which half of them are dropped. It is even.
	Most int

	kept  []T
	every int // one of every so many values is kept; 0 means all
	since int // values added since the last one that was kept
}

// Add adds the next value.
func (s *Series[T]) Add(v T) {
	if s.since++; s.since < s.every {
		return
	}
	s.since = 0
	s.kept = append(s.kept, v)
	if len(s.kept) < s.Most {
		return
	}
	half := s.kept[:len(s.kept)/2]
	for i := range half {
		half[i] = s.kept[2*i+1]
	}
	s.kept, s.every = half, 2*max(s.every, 1)
}

// Kept returns the values that are kept, fewer than Most, in order. The slice
// is valid until the next Add and must not be changed.
func (s *Series[T]) Kept() []T { return s.kept }

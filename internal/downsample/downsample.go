// Package downsample keeps some values of a series that may be long.
package downsample

// Series takes values one by one, and keeps all of them; when they are too
// many, every second one, then every fourth, ...
type Series[T any] struct {
	// Most bounds the values that are kept: an even number.
	Most int

	kept  []T
	every int // values that come for one that is kept, if not 0
	since int // that came after the last one of those
}

// Add takes the next value.
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

// Kept are the values that are kept, in their order, below Most: those of the
// Series, to be read only, and only until the next Add.
func (s *Series[T]) Kept() []T { return s.kept }

package downsample

import (
	"slices"
	"testing"
)

func TestSeries(t *testing.T) {
	for n, want := range map[int][]int{
		0: nil, 3: {1, 2, 3}, 7: {1, 2, 3, 4, 5, 6, 7}, 8: {2, 4, 6, 8}, 9: {2, 4, 6, 8}, 10: {2, 4, 6, 8, 10}, 16: {4, 8, 12, 16}, 33: {8, 16, 24, 32},
	} {
		s := Series[int]{Most: 8}
		for v := range n {
			s.Add(v + 1)
		}
		if got := s.Kept(); !slices.Equal(got, want) {
			t.Errorf("of %d values %v are kept, want %v", n, got, want)
		}
	}
}

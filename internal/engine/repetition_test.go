package engine

import "testing"

func TestRepeats(t *testing.T) {
	for _, c := range []struct {
		period, count int
		want          bool
	}{{1, 31, false}, {1, 32, true}, {3, 30, false}, {3, 33, true}, {10, 39, false}, {10, 40, true}, {48, 192, true}, {49, 400, false}} {
		tokens := []int32{9000, 9001}
		for i := range c.count {
			tokens = append(tokens, int32(i%c.period))
		}
		if got := repeats(tokens); got != c.want {
			t.Errorf("%d tokens with a period of %d: %v", c.count, c.period, got)
		}
	}
	if repeats(nil) {
		t.Error("repeats(nil) is true")
	}
}

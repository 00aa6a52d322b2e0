package lru

import "testing"

func TestMap(t *testing.T) {
	const each = 10
	m := New(20*each, func(int, string) int { return each })
	for i := range 100 {
		m.Put(i, "v")
		if _, ok := m.Get(0); !ok { // read again and again, so kept
			t.Fatalf("the first value was dropped after %d more", i)
		}
	}
	if n := m.Len(); n > 21 {
		t.Errorf("%d values are kept", n)
	}
	if _, ok := m.Get(99); !ok {
		t.Error("the last value was dropped")
	}
	if _, ok := m.Get(50); ok {
		t.Error("a value that nobody read was kept")
	}
}

package offheap

import "testing"

func TestAllocate(t *testing.T) {
	for _, n := range []int{0, 1, 3, 4, 5, 100_000} {
		data, free, err := Allocate(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) < n {
			t.Errorf("%d bytes, want %d", len(data), n)
		}
		floats := Floats(data)
		if len(floats) != len(data)/4 {
			t.Errorf("%d numbers in %d bytes", len(floats), len(data))
		}
		for i := range floats {
			if floats[i] != 0 {
				t.Fatal("the memory is not zero")
			}
			floats[i] = 1
		}
		if len(floats) > 0 && data[3] == 0 {
			t.Error("Floats returned other memory")
		}
		if err := free(); err != nil {
			t.Error(err)
		}
	}
	if Floats(nil) != nil {
		t.Error("Floats(nil) is not nil")
	}
}

package ledger

import "testing"

// BenchmarkGet finds answers in a ledger of 300,000, most of them in full
// segments.
func BenchmarkGet(b *testing.B) {
	dir := b.TempDir()
	l, err := Open(b.Context(), dir)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	const n = 300_000
	for from := 0; from < n; from += 100 {
		entries := make([]Entry, 100)
		for i := range entries {
			entries[i] = entry(from + i)
		}
		if err := l.Put(entries...); err != nil {
			b.Fatal(err)
		}
	}
	i := 0
	for b.Loop() {
		if _, found, err := l.Get(keyOf(i * 7919 % n)); !found || err != nil {
			b.Fatal(found, err)
		}
		i++
	}
}

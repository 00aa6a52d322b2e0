package files

import (
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
)

// endless produces different rows of about 1 KB each, up to a number of bytes.
type endless struct {
	left  int
	row   func(text []byte) []byte
	rest  []byte
	noise []byte
}

func newEndless(bytes int, row func(text []byte) []byte) *endless {
	e := &endless{left: bytes, row: row, noise: make([]byte, 1<<20)}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range e.noise {
		e.noise[i] = 'a' + byte(r.IntN(26))
	}
	return e
}

func (e *endless) Read(b []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.left <= 0 {
			return 0, io.EOF
		}
		from := e.left * 7919 % (len(e.noise) - 1000)
		e.rest = e.row(e.noise[from : from+1000])
		e.left -= len(e.rest)
	}
	n := copy(b, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// A Reader and a Writer hold only a few batches in memory, for a file of any size.
func TestBoundedMemory(t *testing.T) {
	const size, most = 64 << 20, 56 << 20
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	for _, f := range []Format{CSV, JSON, Parquet} {
		before, worst, rows := heap(), int64(0), int64(0)
		o := ReadOptions{Format: f, Rows: 256, Bytes: 1 << 20}
		from := "-"
		switch f {
		case CSV:
			o.NoHeader = true
			o.Stdin = newEndless(size, func(text []byte) []byte { return append(append([]byte("7,"), text...), '\n') })
		case JSON:
			o.Stdin = newEndless(size, func(text []byte) []byte { return fmt.Appendf(nil, "{\"id\": 7, \"text\": %q}\n", text) })
		default:
			from = path
		}
		r, err := Open(t.Context(), from, o)
		if err != nil {
			t.Fatal(err)
		}
		var w Writer
		if f == JSON {
			if w, err = Create(path, r.Schema(), WriteOptions{RowGroup: 4 << 20}); err != nil {
				t.Fatal(err)
			}
		}
		for n := 0; ; n++ {
			b, err := r.Next(t.Context())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			rows += b.NumRows()
			if w != nil {
				if err := w.Write(b); err != nil {
					t.Fatal(err)
				}
			}
			b.Release()
			if n%20 == 0 {
				worst = max(worst, heap()-before)
			}
		}
		if w != nil {
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d rows, at most %.1f MiB", f, rows, float64(worst)/(1<<20))
		if worst > most || rows < size/1100 {
			t.Errorf("%s: %d rows of %d MiB took %.1f MiB", f, rows, size>>20, float64(worst)/(1<<20))
		}
	}
}

package files

import (
	"context"
	"errors"
	"io"
	"testing"
)

// Reading what never comes ends with its context, and an input that comes is
// read as it is.
func TestReadingEndsWithItsContext(t *testing.T) {
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	failed := make(chan error, 1)
	go func() {
		_, err := Open(ctx, "-", ReadOptions{Format: CSV, Stdin: r})
		failed <- err
	}()
	if _, err := w.Write([]byte("id,te")); err != nil { // it reads by now
		t.Fatal(err)
	}
	cancel(gone)
	if err := <-failed; !errors.Is(err, gone) {
		t.Errorf("%v; want the context's", err)
	}
	in := &waiting{ctx: t.Context(), r: io.LimitReader(zeros{}, 200_000)}
	if b, err := io.ReadAll(in); len(b) != 200_000 || err != nil {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

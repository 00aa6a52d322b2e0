package files

import (
	"context"
	"io"
	"os"

	"github.com/firesteel/firesteel/internal/panics"
)

// result is the result of a read or an open.
type result struct {
	file *os.File
	n    int
	err  error
}

// await runs a function that may block, such as opening a pipe, and returns early
// if ctx is done.
func await(ctx context.Context, what func() result) result {
	done := make(chan result, 1)
	go func() {
		defer panics.Handle("reading an input", func(panicked error) { done <- result{err: panicked} })
		done <- what()
	}()
	select {
	case c := <-done:
		return c
	case <-ctx.Done():
		return result{err: context.Cause(ctx)}
	}
}

// waiting reads a pipe, a device or standard input until its context is done.
type waiting struct {
	ctx    context.Context
	r      io.Reader
	buffer []byte // buffer of a read that may continue after the context is done
}

func (w *waiting) Read(b []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	if w.buffer == nil {
		w.buffer = make([]byte, 64<<10)
	}
	buffer := w.buffer[:min(len(b), len(w.buffer))]
	c := await(w.ctx, func() result {
		n, err := w.r.Read(buffer)
		return result{n: n, err: err}
	})
	return copy(b, buffer[:c.n]), c.err
}

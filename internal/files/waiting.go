package files

import (
	"context"
	"io"
	"os"

	"github.com/firesteel/firesteel/internal/panics"
)

// came is what a read, or an open, has brought.
type came struct {
	file *os.File
	n    int
	err  error
}

// await runs what may wait for ever, such as for the other end of a pipe, until
// ctx ends.
func await(ctx context.Context, what func() came) came {
	done := make(chan came, 1)
	go func() {
		defer panics.Handle("reading an input", func(panicked error) { done <- came{err: panicked} })
		done <- what()
	}()
	select {
	case c := <-done:
		return c
	case <-ctx.Done():
		return came{err: context.Cause(ctx)}
	}
}

// waiting reads a pipe, a device or standard input until its context ends.
type waiting struct {
	ctx    context.Context
	r      io.Reader
	buffer []byte // of a read that may still go on when the context has ended
}

func (w *waiting) Read(b []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	if w.buffer == nil {
		w.buffer = make([]byte, 64<<10)
	}
	buffer := w.buffer[:min(len(b), len(w.buffer))]
	c := await(w.ctx, func() came {
		n, err := w.r.Read(buffer)
		return came{n: n, err: err}
	})
	return copy(b, buffer[:c.n]), c.err
}

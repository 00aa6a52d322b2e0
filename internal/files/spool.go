package files

import (
	"context"
	"fmt"
	"io"
	"os"
)

// spool copies an input that can be read once only to a temporary file, so that
// all of it is seen before types are chosen.
func (in *input) spool(ctx context.Context) error {
	if err := in.open(); err != nil {
		return err
	}
	f, err := os.CreateTemp("", "firesteel-input-")
	if err != nil {
		return fmt.Errorf("%s is kept in a temporary file while its types are found: %w", in.name, err)
	}
	os.Remove(f.Name()) // what is open stays; where that cannot be, Close removes it
	n, err := io.Copy(f, interruptible{ctx, in})
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return fmt.Errorf("%s is kept in a temporary file while its types are found: %w", in.name, err)
	}
	in.Close()
	in.file, in.again, in.total, in.packed, in.spooled = f, true, n, "", true
	return nil
}

// interruptible is a reader that ends with a context.
type interruptible struct {
	ctx context.Context
	io.Reader
}

func (i interruptible) Read(b []byte) (int, error) {
	if i.ctx.Err() != nil {
		return 0, context.Cause(i.ctx)
	}
	return i.Reader.Read(b)
}

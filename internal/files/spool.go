package files

import (
	"context"
	"fmt"
	"io"
	"os"
)

// spool copies an input that is not seekable to a temporary file, so that types can
// be inferred from all of it.
func (in *input) spool(ctx context.Context) error {
	if err := in.open(); err != nil {
		return err
	}
	f, err := os.CreateTemp("", "firesteel-input-")
	if err != nil {
		return fmt.Errorf("copying %s to a temporary file to infer its types: %w", in.name, err)
	}
	os.Remove(f.Name()) // the open file stays readable; on systems that refuse this, Close removes it
	n, err := io.Copy(f, interruptible{ctx, in})
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return fmt.Errorf("copying %s to a temporary file to infer its types: %w", in.name, err)
	}
	in.Close()
	in.file, in.seekable, in.total, in.packed, in.spooled = f, true, n, "", true
	return nil
}

// interruptible is a reader that fails when its context is done.
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

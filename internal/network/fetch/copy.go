package fetch

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/fsys/regularfile"
)

// Copy is like Client.Get, but copies the file at from. It ignores r.URL and
// r.Header.
func Copy(ctx context.Context, from string, r Request) error {
	if r.Name == "" {
		r.Name = filepath.Base(r.Path)
	}
	return once(ctx, r, func() error {
		p := openPart(r.Path)
		err := copyPart(ctx, from, r, p)
		if err == nil {
			err = p.finish(r)
		}
		if err != nil {
			p.discard() // copies are not resumed
			return fmt.Errorf("copying %s to %s: %w", from, r.Path, err)
		}
		return nil
	})
}

func copyPart(ctx context.Context, from string, r Request, p *part) error {
	in, err := regularfile.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := CheckSpace(filepath.Dir(r.Path), info.Size()); err != nil {
		return err
	}
	out, err := privatefile.OpenFile(p.file(), os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	defer out.Close()
	h := r.Sum.New()
	n, err := digest.Copy(ctx, io.MultiWriter(out, h), in)
	if err != nil {
		return err
	}
	return p.check(r, out, h, n)
}

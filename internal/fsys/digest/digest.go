// Package digest computes the SHA-256 of files, and remembers it as long as a
// file stays what it was, so that gigabytes need not be read again to know what
// is in them.
package digest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/firesteel/firesteel/internal/fsys/regularfile"
)

// Identity tells a file in one state from every other file, and from itself in
// another state: a change of its content changes it, as Changed cannot be set.
// Paths and links do not matter.
type Identity struct {
	Device   uint64 `json:"device"`
	Inode    uint64 `json:"inode"`
	Size     int64  `json:"size"`     // bytes
	Modified int64  `json:"modified"` // nanoseconds since 1970
	Changed  int64  `json:"changed"`  // the same, of content or attributes
}

// File gives the SHA-256, in hex, of the file that a path leads to, remembered
// or computed. It must be a regular file.
func File(ctx context.Context, path string) (string, error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	id, err := Of(f)
	if err != nil {
		return "", err
	}
	if sum := recall(id); sum != "" {
		return sum, nil
	}
	settled, err := settle(ctx, id)
	if err != nil {
		return "", err
	}
	sum, err := Compute(ctx, f, id)
	if err == nil && settled {
		remember(id, sum)
	}
	return sum, err
}

// Read is File without a memory, for files that are soon gone.
func Read(ctx context.Context, path string) (string, error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	id, err := Of(f)
	if err != nil {
		return "", err
	}
	return Compute(ctx, f, id)
}

// Known is the digest that File would give without reading the file, or "".
func Known(path string) string {
	f, err := regularfile.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	id, err := Of(f)
	if err != nil {
		return ""
	}
	return recall(id)
}

// Remember notes the digest of a file that this process has just written, in a
// directory where no other user could have changed it since.
func Remember(path, sum string) {
	f, err := regularfile.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	if id, err := Of(f); err == nil && isSum(sum) {
		remember(id, sum)
	}
}

// Compute reads a file from its start. It fails if the file is not, or does
// not stay, what id says.
func Compute(ctx context.Context, f *os.File, id Identity) (string, error) {
	h := sha256.New()
	if _, err := Copy(ctx, h, io.NewSectionReader(f, 0, id.Size)); err != nil {
		return "", err
	}
	after, err := Of(f)
	if err != nil {
		return "", err
	}
	if after != id {
		return "", fmt.Errorf("%s was changed while it was read; try again when it is written", f.Name())
	}
	return hexOf(h), nil
}

// Copy copies until the end of r, or of ctx.
func Copy(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	return io.Copy(w, reader{ctx, r})
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(b []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.r.Read(b)
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func isSum(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

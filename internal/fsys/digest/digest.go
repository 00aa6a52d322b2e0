// Package digest computes the SHA-256 of files and caches it as long as a file
// does not change, so that gigabytes are not read again.
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

// Identity identifies a file in one state. It changes when the content changes,
// because no program can set Changed. It does not depend on paths and links.
type Identity struct {
	Device   uint64 `json:"device"`
	Inode    uint64 `json:"inode"`
	Size     int64  `json:"size"`     // bytes
	Modified int64  `json:"modified"` // nanoseconds since 1970
	Changed  int64  `json:"changed"`  // change of content or attributes, nanoseconds since 1970
}

// File returns the SHA-256, in hexadecimal, of a regular file, from the cache or
// computed.
func File(ctx context.Context, path string) (string, error) {
	f, id, err := open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if sum := lookup(id); sum != "" {
		return sum, nil
	}
	settled, err := settle(ctx, id)
	if err != nil {
		return "", err
	}
	sum, err := Compute(ctx, f, id)
	if err == nil && settled {
		store(id, sum)
	}
	return sum, err
}

// Read is like File, but does not use the cache. It is for temporary files.
func Read(ctx context.Context, path string) (string, error) {
	f, id, err := open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return Compute(ctx, f, id)
}

// Known returns the digest of a file if it is in the cache, and otherwise "".
func Known(path string) string {
	f, id, err := open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	return lookup(id)
}

// Remember stores the digest of a file that this process has just written in a
// directory where no other user can write.
func Remember(path, sum string) {
	f, id, err := open(path)
	if err != nil {
		return
	}
	defer f.Close()
	if isSum(sum) {
		store(id, sum)
	}
}

// open opens a regular file and reads its identity.
func open(path string) (*os.File, Identity, error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return nil, Identity{}, err
	}
	id, err := Of(f)
	if err != nil {
		f.Close()
		return nil, Identity{}, err
	}
	return f, id, nil
}

// Compute returns the digest of an open file. It returns an error if the
// identity of the file is not id after reading.
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
		return "", fmt.Errorf("%s changed while it was read; try again when it is complete", f.Name())
	}
	return hexOf(h), nil
}

// Copy copies r to w until r ends or ctx is done.
func Copy(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	return io.Copy(w, reader{ctx, r})
}

// reader returns an error when its context is done.
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

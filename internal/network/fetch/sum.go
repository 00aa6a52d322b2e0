package fetch

import (
	"context"
	"crypto/sha1" // Maven Central has no other checksum for many of its files
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/fsys/regularfile"
)

// Sum is a file's checksum in hexadecimal.
type Sum struct {
	Algorithm string // "sha256", "sha512" or "sha1"
	Hex       string
}

// SHA256 returns a SHA-256 Sum, or the zero Sum if hex is empty.
func SHA256(hex string) Sum {
	if hex == "" {
		return Sum{}
	}
	return Sum{"sha256", hex}
}

// IsZero reports whether s is the zero Sum, which matches every file.
func (s Sum) IsZero() bool { return s.Hex == "" }

// New returns a hash of the algorithm; SHA-256 for the zero Sum.
func (s Sum) New() hash.Hash {
	switch s.Algorithm {
	case "sha1":
		return sha1.New()
	case "sha512":
		return sha512.New()
	default:
		return sha256.New()
	}
}

// Check compares the digest of a hash made by New with s.
func (s Sum) Check(h hash.Hash) error {
	if s.IsZero() {
		return nil
	}
	if got := hex.EncodeToString(h.Sum(nil)); !strings.EqualFold(got, s.Hex) {
		return &SumError{Algorithm: s.Algorithm, Want: s.Hex, Got: got}
	}
	return nil
}

// File checks a file. It does not read the file if the cache has its SHA-256.
func (s Sum) File(ctx context.Context, path string) error {
	if s.Algorithm == "sha256" {
		got, err := digest.File(ctx, path)
		if err == nil && !strings.EqualFold(got, s.Hex) {
			err = &SumError{Algorithm: s.Algorithm, Want: s.Hex, Got: got}
		}
		return err
	}
	f, err := regularfile.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := s.New()
	if _, err := digest.Copy(ctx, h, f); err != nil {
		return err
	}
	return s.Check(h)
}

// SumError reports a digest that differs from the expected one.
type SumError struct{ Algorithm, Want, Got string }

func (e *SumError) Error() string {
	return fmt.Sprintf("wrong content: %s is %s, expected %s", e.Algorithm, e.Got, e.Want)
}

// Package dirhash keeps, in a directory of unpacked files, the digest of each,
// so that what is run or loaded from there later is what was unpacked.
//
// A file that is still the one that was unpacked (see digest.Identity) is not
// read again, so checking hundreds of megabytes takes milliseconds. One that is
// not, in a cache that was copied for instance, is read and compared.
package dirhash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/fsys/regularfile"
)

// name is the seal's, in the directory.
const name = ".sealed.json"

// maxSeal bounds it, in bytes.
const maxSeal = 64 << 20

// Files are those of a directory, by their paths in it, with slashes.
type Files map[string]File

// File is one of them.
type File struct {
	SHA256 string          `json:"sha256"`
	Was    digest.Identity `json:"was"` // when the digest was computed
}

// BrokenError: a directory does not hold what was unpacked there.
type BrokenError struct{ Dir, File, Why string }

func (e *BrokenError) Error() string {
	return fmt.Sprintf("%s is not what was unpacked: %s %s", e.Dir, e.File, e.Why)
}

// ErrNone: a directory has no seal.
var ErrNone = errors.New("it is not known what was unpacked there")

// Seal writes down what is in a directory, which this process has just
// unpacked and nobody else can write.
func Seal(ctx context.Context, dir string) error {
	files := Files{}
	err := each(dir, func(path, full string) error {
		f, err := read(ctx, full)
		files[path] = f
		return err
	})
	if err != nil {
		return err
	}
	return files.write(dir)
}

func (f Files) write(dir string) error {
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return privatefile.Replace(filepath.Join(dir, name), b)
}

// Check compares a directory with its seal, and gives what is there. A
// BrokenError names a file that is another one, missing, or too many; an
// owned.UntrustedError says that other users could change them at any time.
func Check(ctx context.Context, dir string) (Files, error) {
	if err := privatefile.Check(dir); err != nil {
		return nil, err
	}
	b, err := privatefile.ReadFile(filepath.Join(dir, name), maxSeal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNone)
	}
	if err != nil {
		return nil, err
	}
	var sealed Files
	if err := json.Unmarshal(b, &sealed); err != nil {
		return nil, &BrokenError{dir, name, "is damaged"}
	}
	moved := false
	found := Files{}
	err = each(dir, func(path, full string) error {
		want, listed := sealed[path]
		if !listed {
			return &BrokenError{dir, path, "has been added"}
		}
		is, err := identity(full)
		if err != nil {
			return err
		}
		if is != want.Was {
			moved = true
			got, err := read(ctx, full)
			if err != nil {
				return err
			}
			if got.SHA256 != want.SHA256 {
				return &BrokenError{dir, path, "has been changed"}
			}
			want = got
		}
		found[path] = want
		return nil
	})
	if err != nil {
		return nil, err
	}
	for path := range sealed {
		if _, there := found[path]; !there {
			return nil, &BrokenError{dir, path, "is missing"}
		}
	}
	if moved {
		found.write(dir) // or the next time is as slow
	}
	return found, nil
}

// each calls f with every file of a directory but the seal. Folders in it are
// checked as it is.
func each(dir string, f func(path, full string) error) error {
	return filepath.WalkDir(dir, func(full string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return privatefile.Check(full)
		}
		path, err := filepath.Rel(dir, full)
		if err != nil || path == name {
			return err
		}
		if path = filepath.ToSlash(path); !entry.Type().IsRegular() {
			return &BrokenError{dir, path, "is not a regular file"}
		}
		return f(path, full)
	})
}

func identity(path string) (digest.Identity, error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return digest.Identity{}, err
	}
	defer f.Close()
	return digest.Of(f)
}

func read(ctx context.Context, path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	id, err := digest.Of(f)
	if err != nil {
		return File{}, err
	}
	sum, err := digest.Compute(ctx, f, id)
	return File{sum, id}, err
}

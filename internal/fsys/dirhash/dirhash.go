// Package dirhash stores the digest of each file of an unpacked archive in a
// manifest in its directory, and verifies the directory against the manifest.
//
// A file whose digest.Identity has not changed is not read again, so verifying
// hundreds of megabytes takes milliseconds. Another file, in a copied cache for
// instance, is read and compared.
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

// name is the name of the manifest in the directory.
const name = ".sealed.json"

// IsManifest reports whether a path relative to a directory is that of its
// manifest.
func IsManifest(path string) bool { return path == name }

// maxManifest is the largest size of a manifest in bytes.
const maxManifest = 64 << 20

// Files are the files of a directory by their slash-separated relative paths.
type Files map[string]File

// File is an entry of a manifest.
type File struct {
	SHA256   string          `json:"sha256"`
	Identity digest.Identity `json:"was"` // when the digest was computed
}

// MismatchError reports a directory that differs from its manifest.
type MismatchError struct{ Dir, File, Why string }

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s has changed since it was unpacked: %s %s", e.Dir, e.File, e.Why)
}

// ErrNoManifest reports a directory without a manifest.
var ErrNoManifest = errors.New("the directory has no manifest of its files")

// Write writes the manifest of a directory. The caller has just unpacked the
// files, and no other user can write in the directory.
func Write(ctx context.Context, dir string) error {
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

// Check verifies a directory against its manifest and returns its files. A
// *MismatchError names a file that was changed, added or removed. A
// *privatefile.UntrustedError reports a directory that other users can change.
func Check(ctx context.Context, dir string) (Files, error) {
	if err := privatefile.Check(dir); err != nil {
		return nil, err
	}
	b, err := privatefile.ReadFile(filepath.Join(dir, name), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoManifest)
	}
	if err != nil {
		return nil, err
	}
	var manifest Files
	if err := json.Unmarshal(b, &manifest); err != nil {
		return nil, &MismatchError{dir, name, "is damaged"}
	}
	moved := false
	found := Files{}
	err = each(dir, func(path, full string) error {
		want, listed := manifest[path]
		if !listed {
			return &MismatchError{dir, path, "has been added"}
		}
		is, err := identity(full)
		if err != nil {
			return err
		}
		if is != want.Identity {
			moved = true
			got, err := read(ctx, full)
			if err != nil {
				return err
			}
			if got.SHA256 != want.SHA256 {
				return &MismatchError{dir, path, "has been changed"}
			}
			want = got
		}
		found[path] = want
		return nil
	})
	if err != nil {
		return nil, err
	}
	for path := range manifest {
		if _, ok := found[path]; !ok {
			return nil, &MismatchError{dir, path, "is missing"}
		}
	}
	if moved {
		found.write(dir) // so that the next check is fast
	}
	return found, nil
}

// each calls f with every file of a directory except the manifest, and checks
// its subdirectories like the directory itself.
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
			return &MismatchError{dir, path, "is not a regular file"}
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

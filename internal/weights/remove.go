package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Remove deletes a downloaded model. A reference without a version deletes all versions. Files of the hub's cache
// are deleted with their blobs, unless another revision uses the same blobs. ErrRef is the
// error for a path; Remove does not delete files that it did not download.
func Remove(ref string) error {
	if p, ok, err := newPacked(ref); ok {
		if err == nil {
			err = notDownloaded(ref, p.remove())
		}
		return err
	}
	scheme, rest, _ := strings.Cut(ref, ":")
	if scheme == "hf" {
		r, err := parseHub(ref, rest)
		if err != nil {
			return err
		}
		dir, err := r.dir()
		if err != nil {
			return err
		}
		model, err := r.cached(dir, cachedHash)
		if err != nil {
			return notDownloaded(ref, err)
		}
		return removeHub(dir, r.commit(dir), model)
	}
	return fmt.Errorf("%w %q: only downloaded models can be removed; such a reference begins with hf, pypi, maven or https", ErrRef, ref)
}

func notDownloaded(ref string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not on this machine: %w", ref, err)
	}
	return err
}

// removeHub deletes a model's files in the snapshot of a commit, their blobs, and what is then
// empty: the snapshot, the references to its commit and the repository.
func removeHub(dir, commit string, model Model) error {
	paths := []string{model.Path}
	if len(model.Files) > 0 {
		paths = nil
		for _, f := range model.Files {
			paths = append(paths, filepath.Join(model.Folder(), filepath.FromSlash(f.Name)))
		}
	}
	var blobs []string
	for _, path := range paths {
		if _, err := os.Readlink(path); err == nil {
			blob, err := filepath.EvalSymlinks(path)
			if err != nil {
				return err
			}
			blobs = append(blobs, blob)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	snapshots := filepath.Join(dir, "snapshots")
	used := map[string]bool{} // by the remaining files
	err := filepath.WalkDir(snapshots, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if blob, err := filepath.EvalSymlinks(path); err == nil {
			used[blob] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, blob := range blobs {
		if used[blob] {
			continue
		}
		if err := os.Remove(blob); err != nil && !errors.Is(err, fs.ErrNotExist) { // two files may share a blob
			return err
		}
	}
	if err := removeEmpty(snapshots); err != nil {
		return err
	}
	if exists(filepath.Join(snapshots, commit)) {
		return nil
	}
	refs := filepath.Join(dir, "refs")
	err = filepath.WalkDir(refs, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if b, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(b)) == commit {
			return os.Remove(path)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a commit may have no reference
		return err
	}
	// Python lists here the files that a commit does not have.
	if err := os.RemoveAll(filepath.Join(dir, ".no_exist", commit)); err != nil {
		return err
	}
	return removeEmpty(dir)
}

// removeEmpty deletes the folders below folder, and folder itself, that contain no files.
func removeEmpty(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeEmpty(filepath.Join(folder, entry.Name())); err != nil {
				return err
			}
		}
	}
	if entries, err = os.ReadDir(folder); err != nil || len(entries) > 0 {
		return err
	}
	return os.Remove(folder)
}

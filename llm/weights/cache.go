package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/cachedir"
)

// List gives the models that are on this machine, by reference: those of
// packages, and the GGUF files of the Hugging Face hub's cache.
func List() ([]Model, error) {
	cache, err := cachedir.Dir()
	if err != nil {
		return nil, err
	}
	var models []Model
	add := func(ref, path, sum string) {
		info, err := os.Stat(path)
		if err == nil {
			models = append(models, Model{Name: displayName(path), Ref: ref, Path: path, Size: info.Size(), SHA256: sum})
		}
	}
	versions, err := below(filepath.Join(cache, "models", "pypi"), "*/[0-9A-Za-z]*")
	if err != nil {
		return nil, err
	}
	for _, dir := range versions {
		path, err := onlyGGUF(dir)
		if err != nil {
			continue
		}
		sum := ""
		if file, err := recordFile(path); err == nil {
			if info, err := os.Stat(path); err == nil {
				sum = recall(file, path, info)
			}
		}
		add("pypi:"+filepath.Base(filepath.Dir(dir))+"=="+filepath.Base(dir), path, sum)
	}
	hub, err := hubCache()
	if err != nil {
		return models, nil // without a home folder there is no such cache
	}
	snapshots, err := below(hub, "models--*--*/snapshots/*")
	if err != nil {
		return nil, err
	}
	for _, snapshot := range snapshots {
		names, err := ggufBelow(snapshot)
		if err != nil {
			continue
		}
		repository := filepath.Base(filepath.Dir(filepath.Dir(snapshot)))
		id := strings.Replace(strings.TrimPrefix(repository, "models--"), "--", "/", 1)
		for _, name := range names {
			ref := "hf:" + id + "@" + filepath.Base(snapshot) + ":" + name
			path := filepath.Join(snapshot, filepath.FromSlash(name))
			add(ref, path, blobDigest(path))
		}
	}
	slices.SortFunc(models, func(a, b Model) int { return strings.Compare(a.Ref, b.Ref) })
	return models, nil
}

// below gives the paths in a folder that fit a pattern. The folder's own name
// is no pattern, whatever stands in it.
func below(folder, pattern string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(folder), pattern)
	for i, name := range names {
		names[i] = filepath.Join(folder, filepath.FromSlash(name))
	}
	return names, err
}

// blobDigest is the digest that a snapshot's file was verified by, or "".
func blobDigest(path string) string {
	blob, err := filepath.EvalSymlinks(path)
	if err != nil || !digestForm.MatchString(filepath.Base(blob)) {
		return ""
	}
	return filepath.Base(blob)
}

// Remove deletes a model that was downloaded. pypi:name removes all versions;
// a file of the hub's cache goes with its content. Paths are never removed.
func Remove(ref string) error {
	scheme, rest, _ := strings.Cut(ref, ":")
	switch scheme {
	case "pypi":
		project, version, err := splitPackage(ref, rest)
		if err != nil {
			return err
		}
		dir, err := packageDir(project)
		if err != nil {
			return err
		}
		dir = filepath.Join(dir, version)
		if _, err := os.Stat(dir); err != nil {
			return notHere(ref, err)
		}
		return os.RemoveAll(dir)
	case "hf":
		r, err := parseHub(ref, rest)
		if err != nil {
			return err
		}
		dir, err := r.dir()
		if err != nil {
			return err
		}
		model, err := r.cached(dir)
		if err != nil {
			return notHere(ref, err)
		}
		blob, err := filepath.EvalSymlinks(model.Path)
		if err != nil {
			return err
		}
		if err := os.Remove(model.Path); err != nil {
			return err
		}
		if blob == model.Path {
			return nil
		}
		return os.Remove(blob)
	}
	return fmt.Errorf("%w %q: only what was downloaded can be removed, named as firesteel models lists it", ErrRef, ref)
}

func notHere(ref string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not on this machine: %w", ref, err)
	}
	return err
}

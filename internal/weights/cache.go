package weights

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// List gives the models that are on this machine, by reference: those of
// packages, and those of the Hugging Face hub's cache. Digests that are not
// known yet are left empty.
func List() ([]Model, error) {
	models, err := listPackages()
	if err != nil {
		return nil, err
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
		models = append(models, listSnapshot(snapshot)...)
	}
	slices.SortFunc(models, func(a, b Model) int { return strings.Compare(a.Ref, b.Ref) })
	return models, nil
}

func listPackages() ([]Model, error) {
	cache, err := cachedir.Dir()
	if err != nil {
		return nil, err
	}
	versions, err := below(filepath.Join(cache, "models", "pypi"), "*/[0-9A-Za-z]*")
	if err != nil {
		return nil, err
	}
	var models []Model
	for _, dir := range versions {
		path, err := onlyGGUF(dir)
		if err != nil {
			continue
		}
		ref := "pypi:" + filepath.Base(filepath.Dir(dir)) + "==" + filepath.Base(dir)
		if m, err := fileModel(ref, path, remembered); err == nil {
			models = append(models, m)
		}
	}
	return models, nil
}

// listSnapshot gives the models of one commit of a repository: its GGUF files,
// and its folders with weights and all that belongs to them.
func listSnapshot(snapshot string) (models []Model) {
	names, err := filesBelow(snapshot)
	if err != nil {
		return nil
	}
	repository := filepath.Base(filepath.Dir(filepath.Dir(snapshot)))
	owner, name, _ := strings.Cut(strings.TrimPrefix(repository, "models--"), "--")
	r := repo{owner: owner, name: name, revision: filepath.Base(snapshot)}
	folders := map[string][]string{}
	var files []string
	for _, name := range names {
		folders[path.Dir(name)] = append(folders[path.Dir(name)], path.Base(name))
		if isGGUF(name) && isFirst(name) {
			files = append(files, name)
		}
	}
	for folder, names := range folders {
		if weights, err := safetensors.Choose(names); err == nil {
			files = append(files, path.Join(folder, weights))
		}
	}
	for _, file := range files {
		r.ref = r.base() + ":" + file
		if m, err := r.model(snapshot, file, "", remembered); err == nil {
			models = append(models, m)
		}
	}
	return models
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

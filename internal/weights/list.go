package weights

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// List returns the models that were downloaded from package indexes or that are in the cache
// of the Hugging Face hub, sorted by reference. SHA256 is empty if the digest is not cached.
func List() ([]Model, error) {
	models, err := listPackages()
	if err != nil {
		return nil, err
	}
	hub, err := hubCache()
	if err != nil {
		return models, nil // no home folder, so no hub cache
	}
	snapshots, err := globIn(hub, "models--*--*/snapshots/*")
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
	cache, err := modelsDir()
	if err != nil {
		return nil, err
	}
	var models []Model
	for pattern, reference := range map[string]func(dir string) string{
		"pypi/*/[0-9A-Za-z]*":    packageReference,
		"maven/*/*/[0-9A-Za-z]*": mavenReference,
		"web/*/*/[0-9A-Za-z]*":   webReference,
	} {
		versions, err := globIn(cache, pattern)
		if err != nil {
			return nil, err
		}
		for _, dir := range versions {
			if ref := reference(dir); ref != "" && filepath.Base(dir) != noteFile {
				if m, err := sealedModel(ref, dir, cachedHash); err == nil {
					models = append(models, m)
				}
			}
		}
	}
	return models, nil
}

// listSnapshot returns the models of one commit of a repository: GGUF files, and folders
// with safetensors weights, a configuration and a tokenizer.
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
		if isGGUF(name) && isFirstPart(name) {
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
		if m, err := r.model(snapshot, file, "", cachedHash); err == nil {
			models = append(models, m)
		}
	}
	return models
}

// globIn returns the paths in folder that match pattern. Special characters in the name of
// the folder have no effect.
func globIn(folder, pattern string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(folder), pattern)
	for i, name := range names {
		names[i] = filepath.Join(folder, filepath.FromSlash(name))
	}
	return names, err
}

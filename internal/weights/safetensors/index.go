package safetensors

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/regularfile"
	"github.com/firesteel/firesteel/internal/weights/malformed"
)

// The names that weights have by convention.
const (
	Single = "model.safetensors"
	Index  = "model.safetensors.index.json"
)

// maxIndex bounds an index file.
const maxIndex = maxHeader

// IsFile tells by its name whether a file holds weights, as one of several or
// alone.
func IsFile(name string) bool { return hasSuffix(name, ".safetensors") }

// IsIndex tells by its name whether a file is an index.
func IsIndex(name string) bool { return hasSuffix(name, ".safetensors.index.json") }

func hasSuffix(name, suffix string) bool { return strings.HasSuffix(strings.ToLower(name), suffix) }

// ErrNone: there are no weights to choose from.
var ErrNone = errors.New("no .safetensors file")

// Choose says which of a folder's files holds its weights: Single, or Index,
// or else the only one.
func Choose(names []string) (string, error) {
	var found []string
	for _, name := range names {
		if name == Single {
			return name, nil
		}
		if IsFile(name) || IsIndex(name) {
			found = append(found, name)
		}
	}
	switch {
	case slices.Contains(found, Index):
		return Index, nil
	case len(found) == 0:
		return "", ErrNone
	case len(found) > 1:
		slices.Sort(found)
		return "", fmt.Errorf("several .safetensors files, but neither %s nor %s: %s", Single, Index, strings.Join(found, ", "))
	}
	return found[0], nil
}

// Find gives the path of the file or the index in a folder that holds its
// weights; see Choose.
func Find(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	var names []string
	for _, entry := range entries {
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	name, err := Choose(names)
	if err != nil {
		return "", fmt.Errorf("the folder %s holds %w", folder, err)
	}
	return filepath.Join(folder, name), nil
}

// Parts gives the names of the files that the index at path names, sorted.
func Parts(path string) ([]string, error) {
	x, err := readIndex(path)
	if err != nil {
		return nil, err
	}
	return x.files(), nil
}

// index says in which file of its folder each tensor is.
type index struct {
	file   string
	places map[string]placed
}

type placed struct {
	file string
	at   int64 // where the index says so
}

func readIndex(path string) (*index, error) {
	file, err := regularfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxIndex+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(text) > maxIndex {
		return nil, &malformed.Error{File: path, Offset: maxIndex, What: fmt.Sprintf("an index of more than %d bytes is too large", maxIndex)}
	}
	return parseIndex(path, text)
}

func parseIndex(path string, text []byte) (*index, error) {
	s, err := newScanner(path, 0, text)
	if err != nil {
		return nil, err
	}
	x := &index{file: path, places: map[string]placed{}}
	err = s.object("the index", func(key string, at int64) error {
		if key != "weight_map" {
			return s.skip(fmt.Sprintf("%.100q", key))
		}
		return s.object("weight_map", func(tensor string, at int64) error {
			name, err := s.string("the name of a file")
			if err != nil {
				return err
			}
			// Plain names: nothing outside of the folder.
			if !IsFile(name) || strings.ContainsAny(name, "/\\:\x00") || !filepath.IsLocal(name) || len(name) > maxName {
				return s.fail(at, "it places %.100q in the file %.100q; the name of a .safetensors file beside the index is needed", tensor, name)
			}
			x.places[tensor] = placed{name, at}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	if err := s.end("the index"); err != nil {
		return nil, err
	}
	if len(x.places) == 0 {
		return nil, s.fail(0, "its weight_map is missing or empty")
	}
	return x, nil
}

func (x *index) path(name string) string { return filepath.Join(filepath.Dir(x.file), name) }

func (x *index) files() []string {
	names := map[string]bool{}
	for _, p := range x.places {
		names[p.file] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// check demands that each tensor is where the index says, and no other there.
func (x *index) check(f *File) error {
	for _, name := range slices.Sorted(maps.Keys(x.places)) {
		p := x.places[name]
		fail := func(format string, args ...any) error {
			return &malformed.Error{File: x.file, Offset: p.at, Tensor: name, What: fmt.Sprintf(format, args...)}
		}
		t, ok := f.Tensor(name)
		if !ok {
			return fail("it is said to be in %s, but is in no file", p.file)
		}
		if t.part.path != x.path(p.file) {
			return fail("it is said to be in %s, but is in %s", p.file, filepath.Base(t.part.path))
		}
	}
	for _, t := range f.Tensors {
		if _, ok := x.places[t.Name]; !ok {
			return t.Errorf("the index %s does not name it", x.file)
		}
	}
	return nil
}

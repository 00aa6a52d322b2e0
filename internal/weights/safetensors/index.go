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

// Conventional names of weights.
const (
	Single = "model.safetensors"
	Index  = "model.safetensors.index.json"
)

// maxIndex limits the size of an index file, in bytes.
const maxIndex = maxHeader

// IsFile reports whether name is the name of a safetensors file.
func IsFile(name string) bool { return hasSuffix(name, ".safetensors") }

// IsIndex reports whether name is the name of an index.
func IsIndex(name string) bool { return hasSuffix(name, ".safetensors.index.json") }

func hasSuffix(name, suffix string) bool { return strings.HasSuffix(strings.ToLower(name), suffix) }

// ErrNone reports that a folder holds no weights in the safetensors format.
var ErrNone = errors.New("no .safetensors file")

// Choose returns the file with the weights among the files of a folder: Single, else Index,
// else the only safetensors file or index.
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

// Find returns the path of the file or the index that Choose selects in a folder.
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

// Parts returns the sorted names of the files that the index at path refers to.
func Parts(path string) ([]string, error) {
	x, err := readIndex(path)
	if err != nil {
		return nil, err
	}
	return x.files(), nil
}

// index maps each tensor to the file that holds it.
type index struct {
	path      string
	locations map[string]location
}

// location is where a tensor is.
type location struct {
	file string
	at   int64 // offset of the statement in the index
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
		return nil, &malformed.Error{File: path, Offset: maxIndex, What: fmt.Sprintf("the index is too large; the limit is %d bytes", maxIndex)}
	}
	return parseIndex(path, text)
}

func parseIndex(path string, text []byte) (*index, error) {
	s, err := newScanner(path, 0, text)
	if err != nil {
		return nil, err
	}
	x := &index{path: path, locations: map[string]location{}}
	err = s.object("the index", func(key string, at int64) error {
		if key != "weight_map" {
			return s.skip(fmt.Sprintf("%.100q", key))
		}
		return s.object("weight_map", func(tensor string, at int64) error {
			name, err := s.string("the name of a file")
			if err != nil {
				return err
			}
			// A name without a path, so that the file is in the folder of the index.
			if !IsFile(name) || strings.ContainsAny(name, "/\\:\x00") || !filepath.IsLocal(name) || len(name) > maxName {
				return s.fail(at, "the file of tensor %.100q is %.100q, expected the name of a .safetensors file in the folder of the index", tensor, name)
			}
			x.locations[tensor] = location{name, at}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	if err := s.end("the index"); err != nil {
		return nil, err
	}
	if len(x.locations) == 0 {
		return nil, s.fail(0, "weight_map is missing or empty")
	}
	return x, nil
}

// filePath returns the path of a file of the index.
func (x *index) filePath(name string) string { return filepath.Join(filepath.Dir(x.path), name) }

func (x *index) files() []string {
	names := map[string]bool{}
	for _, p := range x.locations {
		names[p.file] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// check verifies that each tensor is in the file that the index states, and that the index
// lists all tensors.
func (x *index) check(f *File) error {
	for _, name := range slices.Sorted(maps.Keys(x.locations)) {
		p := x.locations[name]
		fail := func(format string, args ...any) error {
			return &malformed.Error{File: x.path, Offset: p.at, Tensor: name, What: fmt.Sprintf(format, args...)}
		}
		t, ok := f.Tensor(name)
		if !ok {
			return fail("the index states the file %s, but no file has the tensor", p.file)
		}
		if t.part.path != x.filePath(p.file) {
			return fail("the index states the file %s, but the tensor is in %s", p.file, filepath.Base(t.part.path))
		}
	}
	for _, t := range f.Tensors {
		if _, ok := x.locations[t.Name]; !ok {
			return t.Errorf("the index %s does not list it", x.path)
		}
	}
	return nil
}

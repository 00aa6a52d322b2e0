package weights

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/firesteel/firesteel/internal/weights/gguf"
)

// partsOf gives the paths of all files of the split GGUF model of which one is
// named, the first one first; nil if it is no such file.
func partsOf(file string) []string {
	folder, name := path.Split(file)
	parts := gguf.Parts(name)
	for i, part := range parts {
		parts[i] = folder + part
	}
	return parts
}

// isFirst tells whether a GGUF file is a model, or the first file of a split one.
func isFirst(file string) bool {
	parts := partsOf(file)
	return parts == nil || parts[0] == file
}

// first gives the first file of a split GGUF model; of any other file itself.
func first(file string) string {
	if parts := partsOf(file); parts != nil {
		return parts[0]
	}
	return file
}

// lackingPart is the error of a split model of which a file is missing; nil if
// none is.
func lackingPart(file string, names []string) error {
	for _, part := range partsOf(file) {
		if !slices.Contains(names, part) {
			return fmt.Errorf("%s, but not %s, which belongs to it", file, part)
		}
	}
	return nil
}

// fileModel describes the model in a GGUF file, or in the files of a split one. sum
// gives a file's digest, which may be unknown: "".
func fileModel(ref, file string, sum summer) (Model, error) {
	names := gguf.Parts(filepath.Base(file))
	if names == nil {
		info, err := os.Stat(file)
		if err != nil {
			return Model{}, err
		}
		digest, err := sum(file)
		return Model{Name: displayName(file), Ref: ref, Path: file, Size: info.Size(), SHA256: digest}, err
	}
	folder := filepath.Dir(file)
	m := Model{Name: displayName(file), Ref: ref, Path: filepath.Join(folder, names[0])}
	err := m.addFiles(folder, names, sum, func(name string) error {
		return fmt.Errorf("%w: the folder %s holds %s, but not %s, which belongs to it", ErrRef, folder, filepath.Base(file), name)
	})
	if err != nil {
		return Model{}, err
	}
	return m, nil
}

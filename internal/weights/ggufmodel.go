package weights

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/firesteel/firesteel/internal/weights/gguf"
)

// partsOf returns the paths of all files of the split GGUF model that file belongs to, in
// order. It returns nil if file is not a part of a split model.
func partsOf(file string) []string {
	folder, name := path.Split(file)
	parts := gguf.Parts(name)
	for i, part := range parts {
		parts[i] = folder + part
	}
	return parts
}

// isFirstPart reports whether a GGUF file is a whole model or the first file of a split model.
func isFirstPart(file string) bool {
	parts := partsOf(file)
	return parts == nil || parts[0] == file
}

// firstPart returns the first file of the split GGUF model that file belongs to, or file.
func firstPart(file string) string {
	if parts := partsOf(file); parts != nil {
		return parts[0]
	}
	return file
}

// checkParts returns an error if names lacks a file of the split model that file belongs to.
func checkParts(file string, names []string) error {
	for _, part := range partsOf(file) {
		if !slices.Contains(names, part) {
			return fmt.Errorf("%s, but not %s, which belongs to the same model", file, part)
		}
	}
	return nil
}

// ggufModel describes the model in a GGUF file, or in the files of a split model.
func ggufModel(ref, file string, hash hashFunc) (Model, error) {
	names := gguf.Parts(filepath.Base(file))
	if names == nil {
		info, err := os.Stat(file)
		if err != nil {
			return Model{}, err
		}
		digest, err := hash(file)
		return Model{Name: displayName(file), Ref: ref, Path: file, Size: info.Size(), SHA256: digest}, err
	}
	folder := filepath.Dir(file)
	m := Model{Name: displayName(file), Ref: ref, Path: filepath.Join(folder, names[0])}
	err := m.addFiles(folder, names, hash, func(name string) error {
		return fmt.Errorf("%w: the folder %s holds %s, but not %s, which belongs to the same model", ErrRef, folder, filepath.Base(file), name)
	})
	if err != nil {
		return Model{}, err
	}
	return m, nil
}

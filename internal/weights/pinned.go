package weights

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/weights/onnx"
)

// ContentError reports a source that serves another file than the expected one.
type ContentError struct {
	Ref       string // of the source
	File      string // in the model's folder
	Want, Got string // SHA-256, in hex
}

func (e *ContentError) Error() string {
	return fmt.Sprintf("%s serves another file: the SHA-256 of %s is %s, expected %s", e.Ref, e.File, e.Got, e.Want)
}

// pinned describes the model that consists of the given files of a folder. It compares their
// digests; the error is a *ContentError. A single GGUF file may have another name.
func pinned(ref, folder string, want []File, hash hashFunc) (Model, error) {
	if len(want) == 1 && isGGUF(want[0].Name) {
		m, err := sealedModel(ref, folder, hash)
		if err == nil && m.SHA256 != want[0].SHA256 {
			err = &ContentError{ref, filepath.Base(m.Path), want[0].SHA256, m.SHA256}
		}
		if err != nil {
			return Model{}, err
		}
		return m, nil
	}
	m := Model{Name: filepath.Base(filepath.Dir(folder)), Ref: ref, Path: folder}
	var names []string
	sums := map[string]string{}
	for _, f := range want {
		names = append(names, f.Name)
		sums[f.Name] = f.SHA256
	}
	err := m.addFiles(folder, names, hash, func(name string) error {
		return fmt.Errorf("%w: %s holds no file %s", fs.ErrNotExist, strings.TrimSpace(ref), name)
	})
	if err != nil {
		return Model{}, err
	}
	for _, f := range m.Files {
		if sums[f.Name] != f.SHA256 {
			return Model{}, &ContentError{ref, f.Name, sums[f.Name], f.SHA256}
		}
		if onnx.IsFile(f.Name) {
			m.Path = filepath.Join(folder, filepath.FromSlash(f.Name))
		}
	}
	return m, nil
}

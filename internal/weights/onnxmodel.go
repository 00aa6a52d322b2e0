package weights

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/firesteel/firesteel/internal/weights/onnx"
)

// tagVocabulary has the labels of a tagger without a config.json.
const tagVocabulary = "tag_vocab.json"

// onnxFiles returns the names of the files that belong to an ONNX model, besides its external data.
// names are the files of the model's folder, with slashes. A config.json is optional: the engine
// infers the settings from the graph.
func onnxFiles(file string, names []string) ([]string, error) {
	files := []string{file}
	for _, name := range onnx.TokenizerNames(file) {
		if slices.Contains(names, name) {
			files = append(files, name)
			break
		}
	}
	if len(files) == 1 {
		return nil, fmt.Errorf("%s, but no tokenizer.json; %s", file, tokenizerAdvice)
	}
	for _, name := range names {
		if name == "config.json" || name == tagVocabulary || slices.Contains(optional, name) || isPooling(name) {
			files = append(files, name)
		}
	}
	return files, nil
}

// onnxModel describes the model whose graph is a file, by its path. The error is of class ErrRef if
// files of the model are missing.
func onnxModel(ref, file string, hash hashFunc) (Model, error) {
	folder := onnx.Folder(file)
	fail := func(err error) error { return fmt.Errorf("%w: the folder %s holds %w", ErrRef, folder, err) }
	names, err := modelFiles(folder)
	if err != nil {
		return Model{}, err
	}
	name, err := filepath.Rel(folder, file)
	if err != nil {
		return Model{}, err
	}
	name = filepath.ToSlash(name)
	if _, err := os.Stat(file); err != nil { // before the files that belong to it
		return Model{}, err
	}
	files, err := onnxFiles(name, names)
	if err != nil {
		return Model{}, fail(err)
	}
	external, err := onnx.ExternalFiles(file)
	if err != nil {
		return Model{}, err
	}
	for _, other := range external {
		files = append(files, path.Join(path.Dir(name), other))
	}
	slices.Sort(files)
	m := Model{Name: filepath.Base(folder), Ref: ref, Path: file}
	err = m.addFiles(folder, files, hash, func(missing string) error {
		return fail(fmt.Errorf("%s, but not %s, which it refers to", name, missing))
	})
	return m, err
}

// modelFiles returns the names of the files in a folder, of the configurations of its pooling
// layers, and of its ONNX files in onnx.Subfolder, with slashes.
func modelFiles(folder string) ([]string, error) {
	names, err := filesIn(folder)
	if err != nil {
		return nil, err
	}
	for _, pattern := range []string{"*_Pooling/config.json", onnx.Subfolder + "/*"} {
		found, err := globIn(folder, pattern)
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			if info, err := os.Stat(file); err == nil && info.IsDir() {
				continue
			}
			names = append(names, path.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file)))
		}
	}
	return names, nil
}

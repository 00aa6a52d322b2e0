package onnx

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Subfolder is the name of the folder in a model's folder that may have the ONNX files.
const Subfolder = "onnx"

// conventional are the names, without .onnx, that exporters give the files of one model, from the
// most exact to the least.
var conventional = []string{
	"model", "model_fp16", "model_float16", "model_bf16", "model_quantized", "model_int8", "model_qint8", "model_uint8", "model_quint8", "model_q8", "model_q4", "model_q4f16",
}

// ErrNone reports that a folder holds no ONNX file.
var ErrNone = errors.New("no .onnx file")

// Choose returns the ONNX file to read among the files of a model's folder, which are at the top or
// in Subfolder: the only one, or the most exact one with a conventional name, such as model.onnx
// before model_quantized.onnx. Names have slashes.
func Choose(names []string) (string, error) {
	var found []string
	for _, name := range names {
		if folder := path.Dir(name); IsFile(name) && (folder == "." || folder == Subfolder) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	switch len(found) {
	case 0:
		return "", ErrNone
	case 1:
		return found[0], nil
	}
	for _, base := range conventional {
		for _, name := range found {
			if strings.TrimSuffix(strings.ToLower(path.Base(name)), ".onnx") == base {
				return name, nil
			}
		}
	}
	return "", fmt.Errorf("several .onnx files, none of which is named as model.onnx or model_quantized.onnx; name one of: %s", strings.Join(found, ", "))
}

// Folder returns the folder of the model whose graph is the file at path: that of the file or, if
// this is Subfolder and has no tokenizer, the one above.
func Folder(file string) string {
	folder := filepath.Dir(file)
	if filepath.Base(folder) != Subfolder {
		return folder
	}
	if _, ok := Tokenizer(folder, file); ok {
		return folder
	}
	return filepath.Dir(folder)
}

// Tokenizer returns the path of the tokenizer in the folder of a model, and whether it exists:
// tokenizer.json, or NAME-tokenizer.json for the graph NAME.onnx.
func Tokenizer(folder, file string) (string, bool) {
	for _, name := range TokenizerNames(file) {
		p := filepath.Join(folder, name)
		if _, err := os.Stat(p); err == nil {
			return p, true
		}
	}
	return filepath.Join(folder, "tokenizer.json"), false
}

// TokenizerNames returns the possible names of the tokenizer of a graph.
func TokenizerNames(file string) []string {
	base := filepath.Base(file)
	return []string{"tokenizer.json", strings.TrimSuffix(base, filepath.Ext(base)) + "-tokenizer.json"}
}

// Find returns the path of the file that Choose selects in a folder.
func Find(folder string) (string, error) {
	var names []string
	for _, sub := range []string{"", Subfolder} {
		entries, err := os.ReadDir(filepath.Join(folder, sub))
		if err != nil && sub == "" {
			return "", err
		}
		for _, entry := range entries {
			if !entry.IsDir() {
				names = append(names, path.Join(sub, entry.Name()))
			}
		}
	}
	name, err := Choose(names)
	if err != nil {
		return "", fmt.Errorf("the folder %s holds %w", folder, err)
	}
	return filepath.Join(folder, filepath.FromSlash(name)), nil
}

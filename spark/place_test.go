package spark

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

func TestPlaceOf(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	const large = 3 << 30
	for _, c := range []struct {
		place       string
		size        int64
		want, wrong string
	}{
		{"", 1, "", ""},
		{"archive", large, "", ""},
		{"", large, "", "WithModelAt(InArchive"},
		{"path", large, filepath.Join(here, "m.gguf"), ""},
		{"/mnt/m.gguf", 1, "/mnt/m.gguf", ""},
		{"file:///mnt/a%20b.gguf", 1, "/mnt/a b.gguf", ""},
		{"https://host/m.gguf?sig=x", 1, "https://host/m.gguf?sig=x", ""},
		{"file://host/m.gguf", 1, "", "is not a place"},
		{"models/m.gguf", 1, "", "is not a place"},
		{"s3://bucket/m.gguf?key=secret", 1, "", `"s3://bucket/m.gguf" is not a place`},
	} {
		got, err := placeOf(c.place, &models.Resolved{Info: llm.Info{Name: "m"}, Root: "m.gguf", Size: c.size})
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%q: %q, %v; want %q, %q", c.place, got, err, c.want, c.wrong)
		}
	}
	// The place of a split model is its folder, even if the first file is named.
	files := []models.File{{Name: "m-00001-of-00002.gguf"}, {Name: "m-00002-of-00002.gguf"}}
	split := &models.Resolved{Info: llm.Info{Name: "m"}, Root: "/models", Files: files}
	for place, want := range map[string]string{
		"path": "/models", "/mnt/m": "/mnt/m", "/mnt/m/m-00001-of-00002.gguf": "/mnt/m", "https://host/m/m-00001-of-00002.gguf": "https://host/m",
	} {
		m := shippedModel(nil, split)
		if err := (shipment{place: place}).placed(&m, split, place); err != nil || m.Place != want {
			t.Errorf("%s: %s, %v; want %s", place, m.Place, err, want)
		}
	}
	if err := (shipment{nodeCopy: true}).placed(&bundle.Model{}, &models.Resolved{}, ""); !errors.Is(err, ErrNodeCopy) {
		t.Error("a model in the archive can have a copy on each node")
	}
}

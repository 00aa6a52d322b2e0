package models

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/head"
	"github.com/firesteel/firesteel/llm"
)

// writeHead writes a head for an embedder with the digest d1.
func writeHead(t *testing.T, path string) {
	t.Helper()
	h := &head.Head{
		Description: head.Description{Predicts: llm.PredictsLabel, Labels: []string{"a", "b"}, Temperature: 1, Embedder: head.Embedder{Role: llm.Embed, Name: "e", Digest: "d1", Dimensions: 2}},
		Weights:     []float32{1, 0, 0, 1}, Bias: []float32{0, 0},
	}
	var b bytes.Buffer
	if err := h.Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A head is a model by the name of its file, and never the default text model.
func TestHeads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topic.safetensors")
	writeHead(t, path)
	for _, text := range []string{path, "topic=" + path} {
		set, err := ParseSet(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(set) != 1 || !set[0].Named("topic") || set[0].Named(llm.DefaultModel) || set.Default(llm.Text) != -1 || set.Default(llm.Predict) != -1 {
			t.Errorf("%s: %+v", text, set)
		}
	}
	found, err := Resolve(t.Context(), parsed(t, path), Options{Precision: llm.Int8})
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Check(); err != nil || found.Root != path || len(found.Files) != 0 || found.Info.Name != "topic" || len(found.Info.Digest) != 64 {
		t.Errorf("%+v, %v", found, err)
	}
	m, err := found.Open(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if identity(found.Info) != identity(m.Info()) || !m.Info().Has(llm.Predict) {
		t.Errorf("resolved as %+v, opened as %+v", found.Info, m.Info())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte(`\"temperature\":1`), []byte(`\"temperature\":0`), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if found, err = Resolve(t.Context(), parsed(t, path), Options{}); err == nil {
		err = found.Check()
	}
	if err == nil || !strings.Contains(err.Error(), "the temperature is 0") {
		t.Errorf("a damaged head: %v", err)
	}
}

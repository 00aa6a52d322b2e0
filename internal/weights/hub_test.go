package weights

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// hub is a Hugging Face hub with the repository org/tiny. Like the real hub, it sends the digest
// of a file and redirects to a store of blobs.
type hub struct {
	t        *testing.T
	files    []string
	body     string
	etag     string
	texts    map[string]string // content of each file; nil if all files have the content body
	missing  string            // a file that is listed, but fails to download
	wrong    string            // a file that is sent with wrong content
	sent     sync.Map          // names of the files that were sent
	refuse   int               // status of every answer, or 0
	code     string            // X-Error-Code of that answer
	requests atomic.Int64
	server   *httptest.Server
	store    *httptest.Server
}

func newHub(t *testing.T, files ...string) *hub {
	t.Helper()
	h := &hub{t: t, files: files, body: tinyText, etag: hexSum([]byte(tinyText))}
	h.server = httptest.NewServer(h)
	h.store = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the token was sent to the store of blobs")
		}
		body := h.body
		if name := r.URL.Query().Get("name"); h.texts != nil {
			if name == h.missing {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			body = h.content(name)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader([]byte(body)))
	}))
	t.Cleanup(h.server.Close)
	t.Cleanup(h.store.Close)
	t.Setenv("HF_ENDPOINT", h.server.URL+"/")
	t.Setenv("HF_TOKEN", "hf_secret")
	return h
}

// content returns the content that is sent for a file.
func (h *hub) content(name string) string {
	h.sent.Store(name, true)
	if name == h.wrong {
		return strings.Repeat("x", len(h.texts[name]))
	}
	return h.texts[name]
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.requests.Add(1)
	if r.Header.Get("Authorization") != "Bearer hf_secret" {
		h.t.Errorf("%s: Authorization %q", r.URL, r.Header.Get("Authorization"))
	}
	if h.refuse != 0 {
		w.Header().Set("X-Error-Code", h.code)
		w.WriteHeader(h.refuse)
		return
	}
	switch {
	case r.URL.EscapedPath() == "/api/models/org/tiny/revision/main", r.URL.EscapedPath() == "/api/models/org/tiny/revision/refs%2Fpr%2F1":
		var names []string
		for _, f := range h.files {
			names = append(names, fmt.Sprintf(`{"rfilename":%q}`, f))
		}
		fmt.Fprintf(w, `{"sha":%q,"siblings":[%s]}`, commit, strings.Join(names, ","))
	case h.texts != nil && strings.HasPrefix(r.URL.Path, "/org/tiny/resolve/"+commit+"/"):
		h.resolve(w, r, strings.TrimPrefix(r.URL.Path, "/org/tiny/resolve/"+commit+"/"))
	case strings.HasPrefix(r.URL.Path, "/org/tiny/resolve/"+commit+"/"):
		w.Header().Set("X-Linked-Etag", `"`+h.etag+`"`)
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(h.body)))
		w.Header().Set("ETag", `"something-else"`)
		http.Redirect(w, r, h.store.URL+"/blob?signature=secret", http.StatusFound)
	default:
		w.Header().Set("X-Error-Code", "RepoNotFound")
		w.WriteHeader(http.StatusNotFound)
	}
}

func (h *hub) resolve(w http.ResponseWriter, r *http.Request, name string) {
	text, ok := h.texts[name]
	redirected := strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".gguf")
	switch {
	case !ok || name == h.missing && r.Method != http.MethodHead && !redirected:
		w.WriteHeader(http.StatusNotFound)
	case redirected:
		w.Header().Set("X-Linked-Etag", fmt.Sprintf("%q", hexSum([]byte(text))))
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(text)))
		http.Redirect(w, r, h.store.URL+"/blob?signature=secret&name="+url.QueryEscape(name), http.StatusFound)
	default:
		w.Header().Set("ETag", fmt.Sprintf("%q", gitSum(text)))
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
			return
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(h.content(name)))
	}
}

func TestHub(t *testing.T) {
	root := isolate(t)
	h := newHub(t, "README.md", "tiny.gguf", "../evil.gguf")
	repository := filepath.Join(root, "hf/hub/models--org--tiny")
	want := Model{Name: "tiny", Ref: "hf:org/tiny", Path: filepath.Join(repository, "snapshots", commit, "tiny.gguf"), Size: int64(len(tinyText)), SHA256: h.etag}
	m, err := Resolve(t.Context(), "hf:org/tiny", options())
	if err != nil || !reflect.DeepEqual(m, want) {
		t.Fatalf("%+v, %v; expected %+v", m, err, want)
	}
	if to, err := os.Readlink(m.Path); err != nil || to != "../../blobs/"+h.etag {
		t.Errorf("the snapshot links to %q, %v", to, err)
	}
	if ref, err := os.ReadFile(filepath.Join(repository, "refs/main")); err != nil || string(ref) != commit {
		t.Errorf("refs/main holds %q, %v", ref, err)
	}
	before := h.requests.Load()
	for _, ref := range []string{"hf:org/tiny", "hf:org/tiny@main:tiny.gguf", "hf:org/tiny@" + commit} {
		if _, err := Resolve(t.Context(), ref, options()); err != nil {
			t.Error(err)
		}
	}
	if h.requests.Load() != before {
		t.Error("a cached model was requested again")
	}
	list, err := List()
	if err != nil || len(list) != 1 || list[0].SHA256 != h.etag {
		t.Fatalf("List: %+v, %v", list, err)
	}
	if m, err := Resolve(t.Context(), list[0].Ref, options()); err != nil || m.Path != want.Path {
		t.Errorf("the listed reference: %+v, %v", m, err)
	}
	if err := Remove(list[0].Ref); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(repository, "blobs", "*")); len(left) > 0 {
		t.Errorf("Remove left %v", left)
	}
}

// A model that Python downloaded is used.
func TestHubSharedWithPython(t *testing.T) {
	root := isolate(t)
	t.Setenv("HF_HUB_CACHE", filepath.Join(root, "shared"))
	repository := filepath.Join(root, "shared/models--org--tiny")
	snapshot := filepath.Join(repository, "snapshots", commit)
	for _, dir := range []string{filepath.Join(repository, "blobs"), filepath.Join(repository, "refs"), filepath.Join(snapshot, "sub")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sum := hexSum([]byte(tinyText))
	err := errors.Join(
		os.WriteFile(filepath.Join(repository, "blobs", sum), []byte(tinyText), 0o644),
		os.WriteFile(filepath.Join(repository, "refs/main"), []byte(commit), 0o644),
		os.Symlink("../../../blobs/"+sum, filepath.Join(snapshot, "sub/tiny.gguf")))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	m, err := Resolve(t.Context(), "hf:org/tiny:sub/tiny.gguf", options())
	if err != nil || m.SHA256 != sum {
		t.Errorf("%+v, %v", m, err)
	}
	_, err = Resolve(t.Context(), "hf:org/other", options())
	if err == nil || !strings.Contains(err.Error(), "HF_HUB_OFFLINE") || !strings.Contains(err.Error(), "/org/other/resolve/main/") {
		t.Errorf("offline: %v", err)
	}
}

func TestHubChoice(t *testing.T) {
	isolate(t)
	newHub(t, "tiny-q4.gguf", "big/tiny-q8.gguf", "config.json")
	_, err := Resolve(t.Context(), "hf:org/tiny@refs/pr/1", options())
	if !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), "hf:org/tiny@refs/pr/1:big/tiny-q8.gguf") || !strings.Contains(err.Error(), "\n  tiny-q4.gguf") {
		t.Errorf("several files: %v", err)
	}
	if _, err := Resolve(t.Context(), "hf:org/tiny:tiny-q5.gguf", options()); !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), "big/tiny-q8.gguf, tiny-q4.gguf") {
		t.Errorf("missing file: %v", err)
	}
	m, err := Resolve(t.Context(), "hf:org/tiny:big/tiny-q8.gguf", options())
	if err != nil || m.Name != "tiny-q8" {
		t.Fatalf("%+v, %v", m, err)
	}
	if to, err := os.Readlink(m.Path); err != nil || to != "../../../blobs/"+m.SHA256 {
		t.Errorf("the snapshot links to %q, %v", to, err)
	}
}

func TestHubRefusals(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		want   string
	}{
		{401, "GatedRepo", "accept its terms at "},
		{403, "GatedRepo", "accept its terms at "},
		{401, "RepoNotFound", "HF_TOKEN"},
		{403, "", "no read access"},
		{404, "RevisionNotFound", `no revision "main"`},
		{404, "RepoNotFound", "does not exist"},
		{500, "", "To use it without a network"},
	} {
		isolate(t)
		h := newHub(t)
		h.refuse, h.code = test.status, test.code
		_, err := Resolve(t.Context(), "hf:org/tiny", options())
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%d %s: %v", test.status, test.code, err)
		}
	}
	isolate(t)
	h := newHub(t, "tiny.gguf")
	h.body = strings.ToLower(tinyText)
	_, err := Resolve(t.Context(), "hf:org/tiny", options())
	if err == nil || !strings.Contains(err.Error(), "wrong content: sha256") || strings.Contains(err.Error(), "secret") {
		t.Errorf("wrong content: %v", err)
	}
	isolate(t)
	h = newHub(t, "tiny.gguf")
	h.etag = "../../../evil"
	if _, err = Resolve(t.Context(), "hf:org/tiny", options()); err == nil || !strings.Contains(err.Error(), "HF_ENDPOINT") {
		t.Errorf("ETag that is a path: %v", err)
	}
}

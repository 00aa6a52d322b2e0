package worker

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
	"github.com/firesteel/firesteel/llm"
)

// installOutside is like install, but moves the model out of the archive. place
// is the model's path.
func installOutside(t *testing.T, text string) (root, place string, m *bundle.Model) {
	t.Helper()
	root, manifest := install(t, "4.3.0", text)
	m = &manifest.Models[0]
	place = filepath.Join(t.TempDir(), m.File)
	if err := os.Rename(filepath.Join(root, modelFolder, m.File), place); err != nil {
		t.Fatal(err)
	}
	m.Place = place
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(t.TempDir(), "cache"))
	return root, place, m
}

// openedPath returns the path from which a new worker opens the model.
func openedPath(t *testing.T, root string, m *bundle.Model) (string, error) {
	t.Helper()
	f := serveProcess(t, "4.3.0", []bundle.Model{*m}, root)
	model, err := f.models.get(t.Context(), llm.Text, "default")
	if err != nil {
		return "", err
	}
	return model.(*fakeModel).path, nil
}

func TestModelAtPath(t *testing.T) {
	root, place, m := installOutside(t, "fine")
	if got, err := openedPath(t, root, m); got != place || err != nil {
		t.Errorf("opened %s, %v; want %s", got, err, place)
	}
	if err := os.WriteFile(place, []byte("FINE"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openedPath(t, root, m); err == nil || !strings.Contains(err.Error(), place) || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("a changed file: %v", err)
	}
	m.Place = "models/m.gguf"
	if _, err := openedPath(t, root, m); err == nil || !strings.Contains(err.Error(), "neither an absolute path nor") {
		t.Errorf("a relative place: %v", err)
	}
}

// After an error with the model's place, the next task tries again.
func TestRetryOfPlace(t *testing.T) {
	root, place, m := installOutside(t, "fine")
	if err := os.Rename(place, place+".away"); err != nil {
		t.Fatal(err)
	}
	shared := serveProcess(t, "4.3.0", []bundle.Model{*m}, root).models.all[0]
	if _, err := shared.get(t.Context()); err == nil || !strings.Contains(err.Error(), place) {
		t.Fatalf("without the file: %v", err)
	}
	if err := os.Rename(place+".away", place); err != nil {
		t.Fatal(err)
	}
	if model, err := shared.get(t.Context()); err != nil || model == nil {
		t.Errorf("with the file: %v, %v", model, err)
	}
}

// A model that is in the node's cache is not copied again.
func TestModelIsCopiedOnce(t *testing.T) {
	root, place, m := installOutside(t, "fine")
	m.NodeCopy = true
	want := filepath.Join(os.Getenv("FIRESTEEL_CACHE"), "shipped", m.SHA256, m.File)
	for range 2 {
		if got, err := openedPath(t, root, m); got != want || err != nil {
			t.Fatalf("opened %s, %v; want %s", got, err, want)
		}
		os.Remove(place) // the second worker must not need it
	}
	// A changed copy is not used; copying again fails without the place.
	if err := os.WriteFile(want, []byte("FINE"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openedPath(t, root, m); err == nil || !strings.Contains(err.Error(), place+": no such file") {
		t.Errorf("without the place: %v", err)
	}
}

// serveModel serves text as a file, and counts the downloads.
func serveModel(t *testing.T, text string) (url string, downloads *atomic.Int64) {
	t.Helper()
	downloads = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/models/model.gguf" {
			http.NotFound(w, r)
			return
		}
		downloads.Add(1)
		w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/models/model.gguf", downloads
}

// Workers of a node that open the model concurrently download it once.
func TestModelIsDownloadedOnce(t *testing.T) {
	root, _, m := installOutside(t, "fine")
	url, downloads := serveModel(t, "fine")
	m.Place = url
	var wait sync.WaitGroup
	for range 8 {
		f := serveProcess(t, "4.3.0", []bundle.Model{*m}, root)
		wait.Go(func() {
			if _, err := f.models.get(t.Context(), llm.Text, "default"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := downloads.Load(); n != 1 {
		t.Errorf("downloaded %d times, expected once", n)
	}
	left, err := filepath.Glob(filepath.Join(os.Getenv("FIRESTEEL_CACHE"), "shipped", m.SHA256, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("the cache contains %v, %v", left, err)
	}
}

func TestModelOfSeveralFiles(t *testing.T) {
	root, place, m := installOutside(t, "fine")
	sum := m.SHA256
	m.Files = []bundle.File{{Name: "a", Size: 4, SHA256: sum}, {Name: "b", Size: 4, SHA256: sum}}
	m.File, m.Size, m.NodeCopy = "folder", 8, true
	folder := filepath.Join(filepath.Dir(place), "folder")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		if err := os.WriteFile(filepath.Join(folder, f.Name), []byte("fine"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m.Place = folder
	f := serveProcess(t, "4.3.0", []bundle.Model{*m}, root)
	path, hashed, err := f.models.all[0].locate(t.Context())
	if err != nil || !hashed {
		t.Fatal(hashed, err)
	}
	for _, part := range m.Files {
		if b, err := os.ReadFile(filepath.Join(path, part.Name)); string(b) != "fine" || err != nil {
			t.Errorf("%s: %q, %v", part.Name, b, err)
		}
	}
}

// A damaged or missing model gives an error, and does not stay in the cache.
func TestDamagedModel(t *testing.T) {
	root, place, m := installOutside(t, "fine")
	url, _ := serveModel(t, "fin")
	for name, c := range map[string]struct {
		place, want string
	}{
		"truncated download": {url, "3"},
		"unknown URL":        {url + ".x", "404"},
		"unknown path":       {place + ".x", place + ".x: no such file"},
	} {
		m.Place, m.NodeCopy = c.place, true
		if _, err := openedPath(t, root, m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
	if err := os.WriteFile(place, []byte("fin"), 0o644); err != nil {
		t.Fatal(err)
	}
	m.Place = place
	if _, err := openedPath(t, root, m); err == nil || !strings.Contains(err.Error(), "expected 4") {
		t.Errorf("truncated file: %v", err)
	}
	if _, err := os.Stat(filepath.Join(os.Getenv("FIRESTEEL_CACHE"), "shipped", m.SHA256, m.File)); !os.IsNotExist(err) {
		t.Errorf("a damaged model is in the cache: %v", err)
	}
}

// A cache that cannot be written does not fail the job.
func TestUnusableCache(t *testing.T) {
	root, place, m := installOutside(t, "fine")
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(place, "below a file"))
	m.NodeCopy = true
	if got, err := openedPath(t, root, m); got != place || err != nil {
		t.Errorf("opened %s, %v; want %s", got, err, place)
	}
	url, downloads := serveModel(t, "fine")
	m.Place, m.NodeCopy = url, false
	want := filepath.Join(root, modelFolder, m.File)
	if got, err := openedPath(t, root, m); got != want || err != nil || downloads.Load() != 1 {
		t.Errorf("opened %s, %v, after %d downloads; want %s", got, err, downloads.Load(), want)
	}
}

// A cache that other users can write is not used; the job goes on without it.
func TestUntrustedCache(t *testing.T) {
	root, place, m := installOutside(t, "fine")
	m.NodeCopy = true
	shared := otheruser.Dir(t)
	t.Setenv("FIRESTEEL_CACHE", shared)
	planted := filepath.Join(shared, "shipped", m.SHA256, m.File)
	otheruser.Run(t, `mkdir -p "$(dirname "$1")" && printf evil >"$1"`, planted)
	if got, err := openedPath(t, root, m); got != place || err != nil {
		t.Errorf("a copy of a file: opened %s, %v; want %s", got, err, place)
	}
	m.Place, _ = serveModel(t, "fine")
	if got, err := openedPath(t, root, m); got != filepath.Join(root, modelFolder, m.File) || err != nil {
		t.Errorf("a download: opened %s, %v; want the executor's own folder", got, err)
	}
	if b, _ := os.ReadFile(planted); string(b) != "evil" {
		t.Errorf("the planted file holds %q", b)
	}
	// In a trusted directory the content is still compared with the manifest.
	t.Setenv(privatefile.TrustVariable, shared)
	if got, err := openedPath(t, root, m); got != planted || err != nil {
		t.Fatalf("in a trusted directory: opened %s, %v", got, err)
	}
	if b, _ := os.ReadFile(planted); string(b) != "fine" {
		t.Errorf("the file in the trusted directory holds %q", b)
	}
}

package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

func TestModelErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		text string
		harm func(file string, m *bundle.Model) error
		want string
	}{
		{"missing", "fine", func(file string, _ *bundle.Model) error { return os.Remove(file) }, "model.gguf: no such file"},
		{"truncated", "fine", func(file string, _ *bundle.Model) error { return os.Truncate(file, 2) }, "model.gguf has 2 bytes, but the manifest says 4"},
		{"changed", "fine", func(file string, _ *bundle.Model) error { return os.WriteFile(file, []byte("FINE"), 0o644) }, "model.gguf has the SHA-256 "},
		{"damaged", "damaged", nil, "no magic at offset 0"},
		{"panic", "panics", nil, "panic while opening a model: index out of range"},
		{"elsewhere", "fine", func(_ string, m *bundle.Model) error { m.File = "../../secret"; return nil }, `"../../secret" is not a plain file name`},
		{"nowhere", "fine", func(_ string, m *bundle.Model) error { m.File = ".."; return nil }, `".." is not a plain file name`},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, m := install(t, "4.3.0", c.text)
			if c.harm != nil {
				if err := c.harm(filepath.Join(root, modelFolder, m.Models[0].File), &m.Models[0]); err != nil {
					t.Fatal(err)
				}
			}
			f := serveProcess(t, "4.3.0", m.Models, root)
			batch := textBatch("text")
			stream := arrowBytes(t, batch.Schema(), batch)
			// The second task gets the same error without opening the file again.
			for range 2 {
				a := f.connect(t, "4.3.0").do(ask(bundle.Command{Kind: bundle.AI, Function: "ai_gen"}, 0), stream)
				if !strings.Contains(a.failure, "firesteel: ai_gen: ") || !strings.Contains(a.failure, c.want) {
					t.Errorf("%q does not say %q", a.failure, c.want)
				}
			}
			if n := strings.Count(f.log.String(), "model not loaded"); n != 1 {
				t.Errorf("the model was opened %d times", n)
			}
		})
	}
}

func TestModelIsShared(t *testing.T) {
	root, m := install(t, "4.3.0", "fine")
	f := serveProcess(t, "4.3.0", m.Models, root)
	shared := f.models.all[0]
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(errCancelled)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if model, err := shared.get(t.Context()); err != nil || model == nil {
				t.Errorf("got %v, %v", model, err)
			}
		})
	}
	// Cancelling one task does not stop the opening of the model.
	if _, err := shared.get(cancelled); err != nil && !errors.Is(err, errCancelled) {
		t.Errorf("a cancelled task got %v", err)
	}
	wait.Wait()
	if n := shared.loads(); n != 1 {
		t.Errorf("loaded %d times", n)
	}
	model, _ := shared.get(t.Context())
	threads := &model.(*fakeModel).threads
	all := runtime.NumCPU()
	for _, c := range []struct{ add, want int }{{1, 1}, {1, min(2, all)}, {all, all}, {-all, min(2, all)}, {-2, 1}} {
		if shared.begin(c.add); int(threads.Load()) != c.want {
			t.Errorf("after adding %d CPUs the model has %d threads, expected %d", c.add, threads.Load(), c.want)
		}
	}
	for cpus, want := range map[int]int{-5: 1, 0: 1, 1: 1, 1 << 30: all} {
		if got := cpusOf(cpus); got != want {
			t.Errorf("%d CPUs count as %d, expected %d", cpus, got, want)
		}
	}
}

// A model that no task has used for a while is closed, and opened again for the
// next task.
func TestModelIsReleased(t *testing.T) {
	root, m := install(t, "4.3.0", "fine")
	f := serveProcess(t, "4.3.0", m.Models, root)
	shared := f.models.all[0]
	shared.idleTime = 20 * time.Millisecond
	get := func() llm.Model {
		t.Helper()
		model, err := shared.get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return model
	}
	released := func() bool { return strings.Contains(f.log.String(), "model closed") }

	shared.begin(1)
	first := get()
	time.Sleep(5 * shared.idleTime)
	if released() || get() != first {
		t.Fatal("the model was released while a task ran")
	}
	shared.begin(2)
	shared.end(1)
	time.Sleep(5 * shared.idleTime)
	if released() {
		t.Fatal("the model was released while the second task ran")
	}
	shared.end(2)
	for end := time.Now().Add(20 * time.Second); !released() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if !first.(*fakeModel).closed.Load() {
		t.Fatal("the idle model was not closed")
	}
	shared.begin(1)
	defer shared.end(1)
	if second := get(); second == first || shared.loads() != 2 {
		t.Errorf("loaded %d times", shared.loads())
	}
}

// A model of several files is opened by its folder, after each file was compared
// with the manifest.
func TestFolderModel(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(folder string, m *bundle.Model) error
		want string
	}{
		{"fine", func(string, *bundle.Model) error { return nil }, ""},
		{"missing", func(folder string, _ *bundle.Model) error { return os.Remove(filepath.Join(folder, "config.json")) }, "config.json: no such file"},
		{"truncated", func(folder string, _ *bundle.Model) error {
			return os.Truncate(filepath.Join(folder, "model.safetensors"), 3)
		}, "model.safetensors has 3 bytes, but the manifest says 17"},
		{"changed", func(folder string, _ *bundle.Model) error {
			return os.WriteFile(filepath.Join(folder, "config.json"), []byte("CONFIG.JSON"), 0o644)
		}, "config.json has the SHA-256 "},
		{"elsewhere", func(_ string, m *bundle.Model) error { m.Files[0].Name = "../../secret"; return nil }, `"../../secret" is not the name of a file in its folder`},
		{"above", func(_ string, m *bundle.Model) error { m.Files[1].Name = ".."; return nil }, `".." is not the name of a file in its folder`},
		{"no folder", func(folder string, _ *bundle.Model) error {
			return errors.Join(os.RemoveAll(folder), os.WriteFile(folder, nil, 0o644))
		}, "config.json: not a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, m := install(t, "4.3.0", "fine")
			spec := &m.Models[0]
			spec.File, spec.SHA256 = "flan", "of them all"
			folder := filepath.Join(root, modelFolder, spec.File)
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"config.json", "model.safetensors"} {
				sum := sha256.Sum256([]byte(name))
				spec.Files = append(spec.Files, bundle.File{Name: name, Size: int64(len(name)), SHA256: hex.EncodeToString(sum[:])})
				if err := os.WriteFile(filepath.Join(folder, name), []byte(name), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.harm(folder, spec); err != nil {
				t.Fatal(err)
			}
			var opened, digest string
			before := OpenModel
			t.Cleanup(func() { OpenModel = before })
			OpenModel = func(_ context.Context, m *models.Resolved, _ models.Options) (llm.Model, error) {
				opened, digest = m.Path(), m.Info.Digest
				return nil, nil
			}
			_, _, err := newSharedModel(nil, root, spec).open()
			switch {
			case c.want == "" && (err != nil || opened != folder || digest != "of them all"):
				t.Errorf("opened %q with the digest %q, %v", opened, digest, err)
			case c.want != "" && (err == nil || opened != "" || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}

// A split model is opened by its first file. Its files may be in subfolders.
func TestSplitModel(t *testing.T) {
	root, m := install(t, "4.3.0", "fine")
	spec := &m.Models[0]
	spec.File, spec.SHA256 = "big", "of them all"
	folder := filepath.Join(root, modelFolder, spec.File)
	for _, name := range []string{"big-00001-of-00002.gguf", "big-00002-of-00002.gguf", "1_Pooling/config.json"} {
		sum := sha256.Sum256([]byte(name))
		spec.Files = append(spec.Files, bundle.File{Name: name, Size: int64(len(name)), SHA256: hex.EncodeToString(sum[:])})
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	before := OpenModel
	t.Cleanup(func() { OpenModel = before })
	opened := ""
	OpenModel = func(_ context.Context, m *models.Resolved, _ models.Options) (llm.Model, error) {
		opened = m.Path()
		return nil, nil
	}
	if _, _, err := newSharedModel(nil, root, spec).open(); err != nil || opened != filepath.Join(folder, "big-00001-of-00002.gguf") {
		t.Errorf("opened %q, %v", opened, err)
	}
}

// A query's model is found by name, and only models that are asked are opened.
func TestModelsByName(t *testing.T) {
	root, m := install(t, "4.3.0", "fine")
	second := m.Models[0]
	second.Aliases, second.Ref, second.Name = []string{"big", "databricks-gpt"}, "/models/big.gguf", "big.v2"
	if err := os.CopyFS(filepath.Join(root, bundle.ModelDir, "big"), os.DirFS(filepath.Join(root, modelFolder))); err != nil {
		t.Fatal(err)
	}
	f := serveProcess(t, "4.3.0", append(m.Models, second), root)
	ctx := t.Context()
	var unknown *llm.UnknownModelError
	if _, err := f.models.get(ctx, llm.Text, "gpt-4"); !errors.As(err, &unknown) || f.models.loads() != 0 ||
		!strings.Contains(err.Error(), "default (test:model), big (/models/big.gguf), databricks-gpt (/models/big.gguf)") {
		t.Errorf("%v, after %d models were opened", err, f.models.loads())
	}
	path := func(name string) string {
		t.Helper()
		model, err := f.models.get(ctx, llm.Text, name)
		if err != nil {
			t.Fatal(err)
		}
		return model.(*fakeModel).path
	}
	small := path(llm.DefaultModel)
	if small != filepath.Join(root, bundle.ModelDir, "default", "model.gguf") || f.models.loads() != 1 {
		t.Errorf("the default is %s, after %d models were opened", small, f.models.loads())
	}
	big := filepath.Join(root, bundle.ModelDir, "big", "model.gguf")
	for _, name := range []string{"big", "Databricks-GPT", "/models/big.gguf", "big.v2"} {
		if got := path(name); got != big {
			t.Errorf("%s is %s", name, got)
		}
	}
	if f.models.loads() != 2 {
		t.Errorf("%d models were opened", f.models.loads())
	}
	if _, err := new(archiveModels).get(ctx, llm.Text, ""); err == nil || !errors.Is(err, llm.ErrNoModel) {
		t.Errorf("without models: %v", err)
	}
}

// The default model of a role arrives in an archive of its own while the worker runs.
func TestModelsOfRoles(t *testing.T) {
	root, m := install(t, "4.3.0", "fine")
	root = moved(t, root, filepath.Join(t.TempDir(), bundle.Dir))
	f := serveProcess(t, "4.3.0", m.Models, root)
	ctx := t.Context()
	f.models.begin(3)
	if _, err := f.models.get(ctx, llm.Embed, ""); err == nil || !strings.Contains(err.Error(), "the session has no model with the role embed") {
		t.Errorf("without a model: %v", err)
	}
	other := m.Models[0]
	other.Aliases, other.Ref, other.Name = []string{"embed"}, "/models/vectors.gguf", "vectors"
	folder := filepath.Join(filepath.Dir(root), bundle.RoleDir("embed"))
	manifest, err := json.Marshal(bundle.Manifest{Models: []bundle.Model{other}})
	if err == nil {
		err = errors.Join(os.CopyFS(filepath.Join(folder, bundle.ModelDir, "embed"), os.DirFS(filepath.Join(root, modelFolder))),
			os.WriteFile(filepath.Join(folder, bundle.ManifestName), manifest, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := f.models.get(ctx, llm.Embed, "")
		if err != nil || got.(*fakeModel).path != filepath.Join(folder, bundle.ModelDir, "embed", "model.gguf") || got.(*fakeModel).threads.Load() == 0 {
			t.Errorf("the model of the role: %v, %v", got, err)
		}
	}
	if f.models.loads() != 1 {
		t.Errorf("%d models were opened", f.models.loads())
	}
	if got, err := f.models.get(ctx, llm.Text, "default"); err != nil || !strings.HasPrefix(got.(*fakeModel).path, root) {
		t.Errorf("the text model: %v, %v", got, err)
	}
	if m, all, err := f.models.arrived(); err != nil || len(all) != 2 || len(m.Models) != 2 || m.Models[1].Name != "vectors" {
		t.Errorf("%v, %v", m, err)
	}
	if err := os.MkdirAll(filepath.Join(filepath.Dir(root), bundle.RoleDir("tag")), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(root), bundle.RoleDir("tag"), bundle.ManifestName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.models.get(ctx, llm.Tag, ""); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a damaged manifest: %v", err)
	}
}

// moved renames a folder and returns its new path.
func moved(t *testing.T, from, to string) string {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
	return to
}

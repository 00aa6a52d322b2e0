package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCommandRoundTrip(t *testing.T) {
	want := Command{Kind: AI, Function: "ai_classify"}
	got, err := DecodeCommand(want.Encode())
	if err != nil || got != want {
		t.Fatalf("got %+v, %v; want %+v", got, err, want)
	}
}

// If Spark passes a command to Python, Python's error explains it.
func TestPythonMessage(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	load := exec.Command(python, "-c", "import pickle, sys; pickle.loads(sys.stdin.buffer.read())")
	load.Stdin = bytes.NewReader(Command{Kind: AI, Function: "ai_gen"}.Encode())
	output, err := load.CombinedOutput()
	if err == nil || !bytes.HasSuffix(bytes.TrimSpace(output), []byte("RuntimeError: "+PythonMessage)) {
		t.Errorf("%v: %s", err, output)
	}
}

func TestDecodeCommandErrors(t *testing.T) {
	for _, c := range []struct {
		name, bytes, want string
		is                error
	}{
		{name: "a pickle", bytes: "\x80\x05\x95", is: ErrForeign},
		{name: "nothing", bytes: "", is: ErrForeign},
		{name: "cut off", bytes: string(magic) + "{\"kind\":", want: "unexpected EOF"},
		{name: "unknown field", bytes: string(magic) + `{"kind":"ai","function":"x","model":"y"}`, want: "different versions"},
		{name: "unknown kind", bytes: string(magic) + `{"kind":"sql","function":"x"}`, want: `"sql"`},
	} {
		_, err := DecodeCommand([]byte(c.bytes))
		if err == nil || (c.is != nil && !errors.Is(err, c.is)) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func FuzzDecodeCommand(f *testing.F) {
	f.Add(Command{Kind: Host, Function: "shout"}.Encode())
	f.Add(append(bytes.Clone(magic), "{}"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCommand(b)
		if err != nil {
			return
		}
		if again, err := DecodeCommand(c.Encode()); err != nil || again != c {
			t.Fatalf("%q reads as %+v, which reads back as %+v, %v", b, c, again, err)
		}
	})
}

func TestArchive(t *testing.T) {
	dir := t.TempDir()
	program, model := filepath.Join(dir, "prog"), filepath.Join(dir, "m.gguf")
	os.WriteFile(program, []byte("program"), 0o755)
	os.WriteFile(model, []byte("weights"), 0o644)
	a := Archive{
		Manifest:   Manifest{Firesteel: "v1", Spark: "4.3.0", Models: []Model{{Aliases: []string{"default"}, Name: "m", File: "m.gguf", Size: 7, SHA256: sumOf("weights")}, {Aliases: []string{"big", "huge"}, Name: "m", File: "m.gguf", Size: 7, SHA256: sumOf("weights")}}},
		Programs:   []Program{{program, "amd64"}},
		ModelPaths: []string{model, model},
	}
	var first, second bytes.Buffer
	n, err := a.WriteTo(&first)
	if err != nil || n != int64(first.Len()) {
		t.Fatalf("wrote %d of %d bytes: %v", n, first.Len(), err)
	}
	touched := os.Chtimes(program, time.Now(), time.Now().Add(time.Hour))
	if _, err := a.WriteTo(&second); err != nil || touched != nil {
		t.Fatal(err, touched)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same content gives different bytes")
	}

	entries := entries(t, &first)
	if entries["bin/firesteel"] != "program" || entries["model/default/m.gguf"] != "weights" || entries["model/big/m.gguf"] != "weights" || len(entries) != 4 || !strings.Contains(entries["manifest.json"], `"4.3.0"`) {
		t.Errorf("the archive holds %v", entries)
	}

	before, _ := a.Digest()
	a.Manifest.Models[0].SHA256 = "01"
	if after, _ := a.Digest(); after == before || before == "" {
		t.Error("the digest does not depend on the model")
	}
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// A file that changed after its digest was computed is not sent with that digest,
// even if its size and time are the same.
func TestArchiveOfChangedFile(t *testing.T) {
	dir := t.TempDir()
	program, model := filepath.Join(dir, "prog"), filepath.Join(dir, "m.gguf")
	if err := errors.Join(os.WriteFile(program, []byte("program"), 0o755), os.WriteFile(model, []byte("WEIGHTS"), 0o644)); err != nil {
		t.Fatal(err)
	}
	a := Archive{
		Manifest: Manifest{Models: []Model{{Aliases: []string{"default"}, File: "m.gguf", Size: 7, SHA256: sumOf("weights")}}},
		Programs: []Program{{program, "amd64"}}, ModelPaths: []string{model},
	}
	if _, err := a.WriteTo(io.Discard); err == nil || !strings.Contains(err.Error(), model+" changed after") {
		t.Error(err)
	}
	size, err := a.Size()
	a.Manifest.Models[0].SHA256 = sumOf("WEIGHTS")
	if n, writeErr := a.WriteTo(io.Discard); n != size || err != nil || writeErr != nil {
		t.Errorf("wrote %d bytes, %v; Size returned %d, %v", n, writeErr, size, err)
	}
}

func TestArchiveOfMissingFile(t *testing.T) {
	_, err := Archive{Programs: []Program{{"/no/such/program", "amd64"}}}.WriteTo(io.Discard)
	if err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Error(err)
	}
}

func TestArchiveOfFolder(t *testing.T) {
	dir := t.TempDir()
	program, model := filepath.Join(dir, "prog"), filepath.Join(dir, "0123456789abcdef")
	if err := errors.Join(os.Mkdir(model, 0o755), os.WriteFile(program, []byte("program"), 0o755)); err != nil {
		t.Fatal(err)
	}
	m := &Model{Aliases: []string{"default"}, Name: "flan", File: "flan", SHA256: "00"}
	for _, name := range []string{"config.json", "model.safetensors", "README.md"} {
		if err := os.WriteFile(filepath.Join(model, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		if name != "README.md" {
			m.Files = append(m.Files, File{name, int64(len(name)), sumOf(name)})
		}
	}
	a := Archive{Manifest: Manifest{Spark: "4.3.0", Models: []Model{*m}}, Programs: []Program{{program, "amd64"}}, ModelPaths: []string{model}}
	var b bytes.Buffer
	if _, err := a.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	got := entries(t, &b)
	delete(got, ManifestName)
	want := map[string]string{"bin/firesteel": "program", "model/default/flan/config.json": "config.json", "model/default/flan/model.safetensors": "model.safetensors"}
	if !maps.Equal(got, want) {
		t.Errorf("the archive holds %v; want %v", got, want)
	}
	before, _ := a.Digest()
	a.Manifest.Models[0].Files[0].SHA256 = "01"
	if after, _ := a.Digest(); after == before || before == "" {
		t.Error("the digest does not depend on the files of the model")
	}
}

// entries returns the files of an archive by name.
func entries(t *testing.T, archive io.Reader) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]string{}
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if err == io.EOF {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		entries[h.Name] = string(b)
	}
}

// If there are several programs, a script runs the one for its processor.
func TestArchiveOfSeveralPrograms(t *testing.T) {
	dir := t.TempDir()
	a := Archive{Manifest: Manifest{Models: []Model{{Aliases: []string{"default"}, File: "m.gguf", Place: "/mnt/m.gguf"}}}, ModelPaths: []string{"/not/read"}}
	for _, cpu := range []string{"amd64", "arm64"} {
		path := filepath.Join(dir, cpu)
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho "+cpu+" \"$@\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		a.Programs = append(a.Programs, Program{path, cpu})
	}
	var b bytes.Buffer
	if _, err := a.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	got := entries(t, &b)
	if len(got) != 4 { // manifest, script and programs, no model
		t.Errorf("the archive holds %v", slices.Collect(maps.Keys(got)))
	}
	bin := filepath.Join(dir, "bin")
	for name, text := range got {
		if err := errors.Join(os.MkdirAll(bin, 0o755), os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	for machine, want := range map[string]string{"x86_64": "amd64 -m pyspark.daemon", "aarch64": "arm64 -m pyspark.daemon", "riscv64": "no program for this executor's processor, riscv64"} {
		tools := t.TempDir()
		if err := os.WriteFile(filepath.Join(tools, "uname"), []byte("#!/bin/sh\necho "+machine+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		run := exec.Command(filepath.Join(bin, "firesteel"), "-m", "pyspark.daemon")
		run.Env = append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"))
		if out, _ := run.CombinedOutput(); !strings.Contains(string(out), want) {
			t.Errorf("on %s: %q; want %q", machine, out, want)
		}
	}
	before, err := a.Digest()
	if err != nil {
		t.Fatal(err)
	}
	a.Programs[0], a.Programs[1] = a.Programs[1], a.Programs[0]
	if after, _ := a.Digest(); after == before {
		t.Error("the digest does not depend on the programs")
	}
}

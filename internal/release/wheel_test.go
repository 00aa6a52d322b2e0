package main

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// A wheel has the sources, the program and a list of both with their hashes.
func TestWheel(t *testing.T) {
	r := &release{root: filepath.Join("..", ".."), version: "v0.1.0-rc.2", date: commitDate, out: t.TempDir()}
	for target := range wheelTags {
		name, err := r.writeWheel(target, entry{"firesteel", 0o755, []byte("program")})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, "firesteel-0.1.0rc2-py3-none-") {
			t.Errorf("%s: %s", target, name)
		}
		z, err := zip.OpenReader(filepath.Join(r.out, name))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		texts, lines := map[string]string{}, ""
		for _, f := range z.File {
			from, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(from)
			if err != nil {
				t.Fatal(err)
			}
			texts[f.Name] = string(text)
			if !strings.HasSuffix(f.Name, "/RECORD") {
				sum := sha256.Sum256(text)
				lines += fmt.Sprintf("%s,sha256=%s,%d\n", f.Name, base64.RawURLEncoding.EncodeToString(sum[:]), len(text))
			}
			if f.Name == "firesteel/bin/firesteel" && f.Mode() != 0o755 {
				t.Errorf("the program has mode %o", f.Mode())
			}
		}
		info := "firesteel-0.1.0rc2.dist-info/"
		if lines += info + "RECORD,,\n"; texts[info+"RECORD"] != lines {
			t.Errorf("RECORD has\n%s, but the files are\n%s", texts[info+"RECORD"], lines)
		}
		for file, want := range map[string]string{
			"firesteel/__init__.py": "def ai(", "firesteel/functions.py": "def ai_classify(", "firesteel/bin/firesteel": "program",
			info + "METADATA":         "Name: firesteel\nVersion: 0.1.0rc2\nSummary: AI functions",
			info + "WHEEL":            "Root-Is-Purelib: false\nTag: py3-none-",
			info + "licenses/LICENSE": "Apache License",
		} {
			if !strings.Contains(texts[file], want) {
				t.Errorf("%s lacks %q: %.200s", file, want, texts[file])
			}
		}
		if _, ok := texts["firesteel/py.typed"]; !ok {
			t.Error("firesteel/py.typed is missing")
		}
	}
}

func TestPythonVersion(t *testing.T) {
	for version, want := range map[string]string{"v1.2.3": "1.2.3", "v0.1.0-rc.2": "0.1.0rc2", "v0.1.0-beta1": "0.1.0b1", "v0.1.0-alpha.1": "0.1.0a1", "v0.1.0-test": ""} {
		got, err := pythonVersion(version)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", version, got, err)
		}
	}
}

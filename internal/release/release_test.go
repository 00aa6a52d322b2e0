package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/cli"
)

var commitDate = time.Date(2026, 11, 30, 19, 50, 0, 0, time.UTC)

func TestArchivesDependOnTheirEntriesOnly(t *testing.T) {
	a, b := entry{"firesteel", 0o755, []byte("program")}, entry{"man/man1/firesteel.1", 0o644, []byte(".TH")}
	for name, write := range map[string]func(string, string, []entry, time.Time) error{"a.tar.gz": writeTarGz, "a.zip": writeZip} {
		one, two := filepath.Join(t.TempDir(), name), filepath.Join(t.TempDir(), name)
		if err := errors.Join(write(one, "firesteel_1", []entry{a, b}, commitDate), write(two, "firesteel_1", []entry{b, a}, commitDate)); err != nil {
			t.Fatal(err)
		}
		first, _ := os.ReadFile(one)
		second, _ := os.ReadFile(two)
		if len(first) == 0 || !bytes.Equal(first, second) {
			t.Errorf("%s: %d and %d bytes differ", name, len(first), len(second))
		}
	}
}

func TestSums(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"b", "a"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeSums(folder, []string{"b", "a"}); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(filepath.Join(folder, "SHA256SUMS"))
	if want := fmt.Sprintf("%x  a\n%x  b\n", sha256.Sum256([]byte("a")), sha256.Sum256([]byte("b"))); string(text) != want {
		t.Errorf("%s, want %s", text, want)
	}
}

// Each visible command has a page with its flags, and each shell its script.
func TestDocuments(t *testing.T) {
	r := &release{root: filepath.Join("..", ".."), version: "v0.1.0", date: commitDate}
	entries, err := r.documents()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, e := range entries {
		have[e.name] = string(e.data)
	}
	for _, c := range cli.Root().Commands() {
		page := have["man/man1/firesteel-"+c.Name()+".1"]
		if c.IsAvailableCommand() && !strings.Contains(page, "\n.SH NAME\nfiresteel-"+c.Name()+" - ") {
			t.Errorf("%s: no man page:\n%.300s", c.Name(), page)
		}
	}
	for name, want := range map[string]string{
		"LICENSE": "Apache License", "README.md": "# firesteel", "CHANGELOG.md": "# Changelog", "SECURITY.md": "# Security", "LICENSE.py3langid": "BSD 3-Clause",
		"man/man1/firesteel.1":       `"Nov 2026" "firesteel v0.1.0"`,
		"man/man1/firesteel-run.1":   `\fB--add\fP`,
		"completions/bash/firesteel": "firesteel", "completions/zsh/_firesteel": "#compdef", "completions/fish/firesteel.fish": "complete -c firesteel",
		"completions/powershell/firesteel.ps1": "Register-ArgumentCompleter",
	} {
		if !strings.Contains(have[name], want) {
			t.Errorf("%s lacks %q:\n%.300s", name, want, have[name])
		}
	}
}

// Two builds of this commit give the same bytes, and the program of an archive
// describes itself.
func TestBuildsAreReproducible(t *testing.T) {
	if os.Getenv("FIRESTEEL_INTEGRATION") == "" {
		t.Skip("it links the program twice; set FIRESTEEL_INTEGRATION to run it")
	}
	target := runtime.GOOS + "/" + runtime.GOARCH
	var sums [2]string
	var r release
	for i := range sums {
		r = release{version: "v0.0.1-rc.1", targets: []string{target}, out: t.TempDir(), dirty: true, archives: true, wheels: true, sbom: true}
		if err := r.build(t.Context()); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(r.out, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = string(text)
	}
	if sums[0] != sums[1] || strings.Count(sums[0], "\n") != 3 {
		t.Errorf("two builds of one commit differ:\n%s\n%s", sums[0], sums[1])
	}

	name := fmt.Sprintf("firesteel_0.0.1-rc.1_%s_%s", runtime.GOOS, runtime.GOARCH)
	out, err := exec.CommandContext(t.Context(), unpacked(t, filepath.Join(r.out, name+".tar.gz"), name+"/firesteel"), "version", "--json").Output()
	var info struct{ Version, Commit, Date string }
	if err != nil || json.Unmarshal(out, &info) != nil || info.Version != r.version || info.Commit != r.commit || info.Date != r.date.Format(time.RFC3339) {
		t.Errorf("the program says %s (%v), want %s of %s", out, err, r.version, r.commit)
	}

	// The bill names the format, the program and the modules that it links.
	var bill struct {
		BOMFormat, SpecVersion string
		Metadata               struct {
			Component struct{ Name, Version string }
		}
		Components []struct {
			Type, Name, Version, PURL string
			Hashes                    []struct{ Alg, Content string }
		}
	}
	text, err := os.ReadFile(filepath.Join(r.out, name+".cdx.json"))
	if err != nil || json.Unmarshal(text, &bill) != nil {
		t.Fatal(err)
	}
	if bill.BOMFormat != "CycloneDX" || bill.SpecVersion != "1.6" || bill.Metadata.Component.Name != module || bill.Metadata.Component.Version != r.version {
		t.Errorf("the bill begins with %.300s", text)
	}
	found := map[string]bool{}
	for _, c := range bill.Components {
		found[c.Name] = c.Version != "" && c.PURL != "" && (c.Name == "std" || len(c.Hashes) > 0)
	}
	for _, want := range []string{"std", "github.com/apache/arrow-go/v18", "google.golang.org/grpc", "github.com/spf13/cobra"} {
		if !found[want] {
			t.Errorf("the bill lacks %s with version, purl and hash; it has %v", want, found)
		}
	}
	if found["github.com/cpuguy83/go-md2man/v2"] {
		t.Error("the program links the writer of man pages")
	}
}

// unpacked returns the path of a program that it takes out of an archive.
func unpacked(t *testing.T, archive, name string) string {
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %s: %v", archive, name, err)
		}
		if h.Name != name {
			continue
		}
		if h.Mode != 0o755 || !h.ModTime.Equal(h.ModTime.Truncate(time.Second)) || h.Uname != "" {
			t.Errorf("%s has mode %o and owner %q", name, h.Mode, h.Uname)
		}
		data, err := io.ReadAll(r)
		path := filepath.Join(t.TempDir(), "firesteel")
		if err := errors.Join(err, os.WriteFile(path, data, 0o755)); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

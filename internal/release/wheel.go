package main

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// wheelTags are the tags of the wheel of each system. The program for Linux is
// static, so it runs with any C library. Go's programs need macOS 12.
var wheelTags = map[string]string{
	"linux/amd64":   "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
	"linux/arm64":   "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
	"darwin/amd64":  "macosx_12_0_x86_64",
	"darwin/arm64":  "macosx_12_0_arm64",
	"windows/amd64": "win_amd64",
}

// writeWheel writes the Python package with the program for one system, and returns
// the name of the wheel.
//
// Source: Python Packaging User Guide, "Binary distribution format" and "Core
// metadata specifications".
func (r *release) writeWheel(target string, program entry) (string, error) {
	tags, ok := wheelTags[target]
	if !ok {
		return "", errors.New("Python has no name for this system")
	}
	version, err := pythonVersion(r.version)
	if err != nil {
		return "", err
	}
	entries, err := r.pythonSources()
	if err != nil {
		return "", err
	}
	info := "firesteel-" + version + ".dist-info/"
	metadata, err := r.wheelMetadata(version)
	if err != nil {
		return "", err
	}
	licence, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return "", err
	}
	var description strings.Builder
	description.WriteString("Wheel-Version: 1.0\nGenerator: firesteel release\nRoot-Is-Purelib: false\n")
	for _, platform := range strings.Split(tags, ".") {
		fmt.Fprintf(&description, "Tag: py3-none-%s\n", platform)
	}
	entries = append(entries,
		entry{"firesteel/bin/" + program.name, 0o755, program.data},
		entry{info + "METADATA", 0o644, metadata},
		entry{info + "WHEEL", 0o644, []byte(description.String())},
		entry{info + "entry_points.txt", 0o644, []byte("[console_scripts]\nfiresteel = firesteel._program:main\n")},
		entry{info + "licenses/LICENSE", 0o644, licence},
	)
	entries = append(entries, entry{info + "RECORD", 0o644, record(entries, info+"RECORD")})
	name := fmt.Sprintf("firesteel-%s-py3-none-%s.whl", version, tags)
	return name, writeZip(filepath.Join(r.out, name), "", entries, r.date)
}

// pythonSources returns the files of the package.
func (r *release) pythonSources() ([]entry, error) {
	folder := filepath.Join(r.root, "python", "firesteel")
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for _, f := range files {
		if f.IsDir() || path.Ext(f.Name()) != ".py" && f.Name() != "py.typed" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{"firesteel/" + f.Name(), 0o644, text})
	}
	return entries, nil
}

// wheelMetadata describes the package by the fields of pyproject.toml.
func (r *release) wheelMetadata(version string) ([]byte, error) {
	project, err := os.ReadFile(filepath.Join(r.root, "python", "pyproject.toml"))
	if err != nil {
		return nil, err
	}
	readme, err := os.ReadFile(filepath.Join(r.root, "python", "README.md"))
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Metadata-Version: 2.4\nName: firesteel\nVersion: %s\n", version)
	for _, f := range []struct{ field, key string }{{"Summary", "description"}, {"License-Expression", "license"}, {"Requires-Python", "requires-python"}} {
		found := regexp.MustCompile(`(?m)^` + f.key + ` = "([^"\\]+)"$`).FindSubmatch(project)
		if found == nil {
			return nil, fmt.Errorf("python/pyproject.toml has no line %s = \"...\"", f.key)
		}
		fmt.Fprintf(&b, "%s: %s\n", f.field, found[1])
	}
	b.WriteString("License-File: LICENSE\nDescription-Content-Type: text/markdown\n\n")
	b.Write(readme)
	return []byte(b.String()), nil
}

// record lists the files of a wheel with hashes; the list itself has none.
func record(entries []entry, self string) []byte {
	var b strings.Builder
	for _, e := range sorted(entries) {
		sum := sha256.Sum256(e.data)
		fmt.Fprintf(&b, "%s,sha256=%s,%d\n", e.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(e.data))
	}
	b.WriteString(self + ",,\n")
	return []byte(b.String())
}

var preRelease = regexp.MustCompile(`^v([0-9.]+)(?:-(alpha|beta|rc)\.?([0-9]+))?$`)

// pythonVersion returns a version in the form of Python: 0.1.0rc2 for v0.1.0-rc.2.
func pythonVersion(version string) (string, error) {
	found := preRelease.FindStringSubmatch(version)
	if found == nil {
		return "", fmt.Errorf("Python has no form of the version %s; write it as v1.2.3, or v1.2.3-rc.1 (alpha, beta or rc), or set -wheels=false", version)
	}
	return found[1] + map[string]string{"": "", "alpha": "a", "beta": "b", "rc": "rc"}[found[2]] + found[3], nil
}

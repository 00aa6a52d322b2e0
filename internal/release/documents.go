package main

import (
	"bytes"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/firesteel/firesteel/internal/cli"
)

// documents returns the files of each archive beside the program.
func (r *release) documents() ([]entry, error) {
	var entries []entry
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "ai/internal/langid/LICENSE.py3langid"} {
		text, err := os.ReadFile(filepath.Join(r.root, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{path.Base(name), 0o644, text})
	}
	root := cli.Root()
	pages, err := r.manPages(root)
	if err != nil {
		return nil, err
	}
	scripts, err := completions(root)
	return append(append(entries, pages...), scripts...), err
}

// manPages returns a page of section 1 for each command, from the text of its
// help.
func (r *release) manPages(root *cobra.Command) ([]entry, error) {
	folder, err := os.MkdirTemp("", "firesteel-man")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	root.DisableAutoGenTag = true
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Date: &r.date, Source: "firesteel " + r.version, Manual: "firesteel"}, folder); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{"man/man1/" + f.Name(), 0o644, text})
	}
	return entries, nil
}

// completions returns the scripts that 'firesteel completion' prints, under the
// names that the shells' folders expect.
func completions(root *cobra.Command) ([]entry, error) {
	var entries []entry
	for _, shell := range []struct {
		name  string
		write func(b *bytes.Buffer) error
	}{
		{"completions/bash/firesteel", func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) }},
		{"completions/zsh/_firesteel", func(b *bytes.Buffer) error { return root.GenZshCompletion(b) }},
		{"completions/fish/firesteel.fish", func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) }},
		{"completions/powershell/firesteel.ps1", func(b *bytes.Buffer) error { return root.GenPowerShellCompletionWithDesc(b) }},
	} {
		var b bytes.Buffer
		if err := shell.write(&b); err != nil {
			return nil, err
		}
		entries = append(entries, entry{shell.name, 0o644, b.Bytes()})
	}
	return entries, nil
}

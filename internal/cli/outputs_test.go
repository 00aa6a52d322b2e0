package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/ledger"
)

// No command overwrites its inputs, or an existing file without --overwrite.
func TestOutputsOverFiles(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Chdir(t.TempDir())
	const rows = "text,mood\ngood,positive\nbad,negative\n"
	for _, name := range []string{"in.csv", "old.csv", "prompt.txt", "Other.csv"} {
		text := rows
		if name == "prompt.txt" {
			text = "Feel {content}"
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"soft.csv": "in.csv", "softer.html": "soft.csv"} {
		if err := os.Symlink(to, link); err != nil {
			t.Skip(err)
		}
	}
	if err := os.Link("in.csv", "hard.csv"); err != nil {
		t.Skip(err)
	}
	l, err := ledger.Open(t.Context(), "kept")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Put(ledger.Entry{Time: time.Now(), Function: "ai_gen", Model: "m", Answer: []byte(`{"value":"x"}`)}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var inLedger string
	if names, _ := filepath.Glob("kept/*"); len(names) > 0 {
		inLedger = names[0]
	}
	before := contents(t)
	const (
		run  = "run in.csv --add mood2=ai_analyze_sentiment(text) --no-ledger "
		eval = "eval in.csv --function ai_analyze_sentiment --input text --label mood "
	)
	for _, c := range []struct{ args, want string }{
		{run + "-o in.csv --overwrite", "in.csv is the input"},
		{run + "-o ./in.csv --overwrite", "is the same file as the input in.csv"},
		{run + "-o soft.csv --overwrite", "is the same file as the input"},
		{run + "-o hard.csv --overwrite", "is the same file as the input"},
		{run + "-o old.csv", "--overwrite replaces it"},
		{run + "--report in.csv --overwrite", "in.csv is the input"},
		{run + "--report softer.html --overwrite", "is the same file as the input"},
		{run + "--report old.csv", "--overwrite replaces it"},
		{run + "-o new.csv --report new.csv", "another output of this command"},
		{"run hard.csv --limit 1 -o soft.csv --overwrite", "is the same file as the input"},
		{eval + "--report in.csv --overwrite", "in.csv is the input"},
		{eval + "--report hard.csv --overwrite", "is the same file as the input"},
		{eval + "--report old.csv", "--overwrite replaces it"},
		{eval + "--compare-prompt @prompt.txt --report prompt.txt --overwrite", "is the input"},
		{eval + "--compare-model old.csv --report old.csv --overwrite", "is the input"},
		{"ledger export --ledger kept -o " + inLedger + " --overwrite", "lies in it"},
		{"ledger export --ledger kept -o old.csv", "--overwrite replaces it"},
		{"ledger export --ledger nothing -o old.csv --overwrite", "is not a ledger"},
	} {
		status, _, errs := do(strings.Fields(c.args)...)
		if status == exitOK || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, %q, want %q", c.args, status, errs, c.want)
		}
	}
	for name, text := range contents(t) {
		if was, known := before[name]; !known || was != text {
			t.Errorf("%s is now %q", name, text)
		}
	}
	for _, args := range []string{
		run + "-o old.csv --overwrite --report page.html",
		eval + "--report page.html --overwrite",
		"ledger export --ledger kept -o old.csv --overwrite",
	} {
		if status, _, errs := do(strings.Fields(args)...); status != exitOK {
			t.Errorf("%s: exit code %d, %s", args, status, errs)
		}
	}
}

// contents returns the files below the working directory.
func contents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*", "*/*"} {
		names, _ := filepath.Glob(pattern)
		hidden, _ := filepath.Glob(".*")
		for _, name := range append(names, hidden...) {
			if b, err := os.ReadFile(name); err == nil {
				all[name] = string(b)
			}
		}
	}
	return all
}

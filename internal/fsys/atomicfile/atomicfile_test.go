package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func link(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Skipf("no links on this file system: %v", err)
	}
}

func create(t *testing.T, path string, o Options) *File {
	t.Helper()
	f, err := Create(path, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	return f
}

// No spelling and no link of an input's name makes it an output.
func TestInputsAreNeverOverwritten(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "in.csv", "precious")
	write(t, ".part.csv.firesteel-part", "precious")
	if err := os.MkdirAll("model/sub", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "model/sub/weights", "precious")
	link(t, os.Symlink("in.csv", "soft.csv"))
	link(t, os.Symlink("soft.csv", "softer.csv"))
	link(t, os.Link("in.csv", "hard.csv"))
	link(t, os.Symlink("model", "other"))
	for _, c := range []struct{ out, in string }{
		{"in.csv", "in.csv"},
		{"./in.csv", "in.csv"},
		{filepath.Join(dir, "in.csv"), "in.csv"},
		{"soft.csv", "in.csv"},
		{"softer.csv", "in.csv"},
		{"in.csv", "softer.csv"},
		{"hard.csv", "in.csv"},
		{"soft.csv", "hard.csv"},
		{"model/sub/weights", "model"},
		{"other/sub/weights", "model"},
		{"model/sub/weights", "other"},
		{"model/../model/sub/weights", "model/sub"},
		{"part.csv", ".part.csv.firesteel-part"}, // its part file is the input
	} {
		for _, overwrite := range []bool{false, true} {
			_, err := Create(c.out, Options{Overwrite: overwrite, Inputs: []string{"", "nothing.csv", c.in}})
			var input *InputError
			if !errors.As(err, &input) {
				t.Errorf("%s over %s, overwrite %v: %v", c.out, c.in, overwrite, err)
			}
		}
	}
	for _, name := range []string{"in.csv", "hard.csv", "model/sub/weights", ".part.csv.firesteel-part"} {
		if got := read(t, name); got != "precious" {
			t.Errorf("%s is now %q", name, got)
		}
	}
	f := create(t, "model/new", Options{Inputs: []string{"model", "in.csv"}})
	if err := f.Commit(); err != nil || read(t, "model/new") != "new" {
		t.Errorf("a new file beside the weights: %v", err)
	}
}

func TestStandardOutputIsNotTheInput(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.csv")
	write(t, in, "x")
	stdout, err := os.OpenFile(in, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer stdout.Close()
	var input *InputError
	if err := CheckStream(stdout, []string{in}); !errors.As(err, &input) {
		t.Errorf("standard output appends to the input: %v", err)
	}
	if err := CheckStream(stdout, []string{filepath.Join(dir, "other.csv")}); err != nil {
		t.Error(err)
	}
}

// A file appears whole, and an earlier one stays until then.
func TestCommitAndAbort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f := create(t, path, Options{Private: true})
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before Commit: %v", err)
	}
	if _, err := Create(path, Options{}); err == nil {
		t.Error("two writers of one file")
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := Create(path, Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	write(t, path, "old")
	f = create(t, path, Options{Overwrite: true})
	f.Abort()
	if err := f.Commit(); err == nil {
		t.Error("Commit after Abort says nothing")
	}
	if got := read(t, path); got != "old" {
		t.Errorf("after Abort: %q", got)
	}
	f = create(t, path, Options{Overwrite: true})
	if err := f.Commit(); err != nil || read(t, path) != "new" {
		t.Errorf("%v", err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("%d files are left", len(entries))
	}
}

// A file that appears while the output is written is not replaced.
func TestFileThatAppears(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f := create(t, path, Options{})
	write(t, path, "another's")
	if err := f.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Commit: %v", err)
	}
	if got := read(t, path); got != "another's" {
		t.Errorf("it is now %q", got)
	}
}

// A part file that is a link does not lead to another file.
func TestPlantedPartFile(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	write(t, victim, "precious")
	part := filepath.Join(dir, ".out.firesteel-part")
	link(t, os.Symlink(victim, part))
	if _, err := Create(filepath.Join(dir, "out"), Options{Overwrite: true}); err == nil {
		t.Error("a part file was followed to its target")
	}
	os.Remove(part)
	link(t, os.Link(victim, part))
	if err := create(t, filepath.Join(dir, "out"), Options{}).Commit(); err != nil {
		t.Error(err)
	}
	if got := read(t, victim); got != "precious" {
		t.Errorf("the victim is now %q", got)
	}
}

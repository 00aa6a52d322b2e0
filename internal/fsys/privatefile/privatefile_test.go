//go:build unix

package privatefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

// A directory is refused, with the reason, whenever another user could plant
// or replace what is in it.
func TestCheck(t *testing.T) {
	base := otheruser.Dir(t)
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := func(path string, mode os.FileMode) string {
		t.Helper()
		full := filepath.Join(base, path)
		if err := errors.Join(os.MkdirAll(full, 0o700), os.Chmod(full, mode)); err != nil {
			t.Fatal(err)
		}
		return full
	}
	link := func(to, path string) string {
		t.Helper()
		full := filepath.Join(base, path)
		if err := os.Symlink(to, full); err != nil {
			t.Fatal(err)
		}
		return full
	}
	private := dir("private", 0o700)
	dir("open", 0o777)
	sticky := dir("sticky", os.ModeSticky|0o777)
	cases := []struct{ path, want string }{
		{private, ""},
		{dir("readable", 0o755), ""},
		{dir("open", 0o777), "can be written by every user (mode 0777)"},
		{dir("open/inner", 0o700), "open can be written by every user"},
		{sticky, "name a directory in it"}, // what is in it need not be ours
		{dir("sticky/mine", 0o700), ""},    // but a directory that is ours stays
		{link(private, "way"), ""},
		{link(base+"/open/inner", "wrong"), "open can be written by every user"},
		{link("../private", "open/way"), "open can be written by every user"}, // the link can be replaced
		{link("../private", "sticky/way"), ""},
		{filepath.Join(private, "none"), "no such file"},
	}
	if os.Geteuid() == 0 {
		foreign := dir("foreign", 0o755)
		team := dir("team", 0o775)
		otheruser.Run(t, `mkdir -m 755 "$1/theirs" && ln -s "$2" "$1/theirway"`, sticky, private)
		if err := errors.Join(os.Chown(foreign, otheruser.ID, otheruser.ID), os.Chown(team, 0, 54321)); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, []struct{ path, want string }{
			{foreign, "belongs to "},
			{dir("foreign/inner", 0o700), "foreign belongs to "},
			{team, "can be written by the group 54321 (mode 0775)"},
			{filepath.Join(sticky, "theirs"), "belongs to "},
			{filepath.Join(sticky, "theirway"), "is a link that belongs to "},
		}...)
	}
	for _, c := range cases {
		err := privatefile.Check(c.path)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v; want %q", c.path, err, c.want)
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		// Who means it says so: for the directory, or for one above it.
		for _, trusted := range []string{c.path, "/else:" + base} {
			t.Setenv(privatefile.TrustVariable, trusted)
			if err := privatefile.Check(c.path); err != nil {
				t.Errorf("%s, trusted: %v", c.path, err)
			}
		}
		t.Setenv(privatefile.TrustVariable, c.path+"r:"+filepath.Join(c.path, "below"))
		if err := privatefile.Check(c.path); err == nil {
			t.Errorf("%s is trusted for another directory", c.path)
		}
		t.Setenv(privatefile.TrustVariable, "")
	}
}

func TestMakeDir(t *testing.T) {
	base := t.TempDir()
	made := filepath.Join(base, "a", "b")
	if err := privatefile.MakeDir(made); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(made), made} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
	open := filepath.Join(base, "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	var untrusted *privatefile.UntrustedError
	if err := privatefile.MakeDir(filepath.Join(open, "new", "newer")); !errors.As(err, &untrusted) || untrusted.At != open {
		t.Errorf("%v; want an UntrustedError at %s", err, open)
	}
	if left, _ := os.ReadDir(open); len(left) != 0 {
		t.Errorf("%v was made there", left)
	}
	if err := privatefile.MakeDir(filepath.Join(made, "..", "..", "a")); err != nil {
		t.Error(err)
	}
	// A link that leads to itself, and a file in the way.
	loop, file := filepath.Join(base, "loop"), filepath.Join(base, "file")
	if err := errors.Join(os.Symlink(loop, loop), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := privatefile.MakeDir(filepath.Join(loop, "x")); !errors.Is(err, syscall.ELOOP) {
		t.Error(err)
	}
	if err := privatefile.MakeDir(filepath.Join(file, "x")); !errors.Is(err, syscall.ENOTDIR) {
		t.Error(err)
	}
}

// What another user left under a name that we open is neither followed nor
// written to.
func TestOpenFileRefusesWhatWasPlanted(t *testing.T) {
	shared, victim := otheruser.Dir(t), filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	real := otheruser.Run(t, `cd "$1"; ln -s "$2" link; ln -s "$1/none" dangling; mkfifo pipe; mkdir dir; echo forged >file; chmod 666 file`, shared, victim)
	for name, want := range map[string]string{
		"link": "is a link", "dangling": "is a link", "pipe": "is not a regular file", "dir": "is ", "file": "",
	} {
		if name == "file" {
			want = "can be written by every user"
			if real {
				want = "belongs to "
			}
		}
		path := filepath.Join(shared, name)
		for _, flag := range []int{os.O_RDONLY, os.O_RDWR | os.O_CREATE, os.O_WRONLY | os.O_CREATE | os.O_TRUNC, os.O_RDWR | os.O_CREATE | os.O_EXCL, os.O_WRONLY | os.O_CREATE | os.O_APPEND} {
			f, err := privatefile.OpenFile(path, flag)
			if err == nil {
				f.Close()
				t.Errorf("%s is opened with flag %#x", name, flag)
			} else if flag == os.O_RDONLY && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", name, err, want)
			}
		}
	}
	if b, _ := os.ReadFile(victim); string(b) != "precious" {
		t.Errorf("the victim's file holds %q", b)
	}
	if b, _ := os.ReadFile(filepath.Join(shared, "file")); string(b) != "forged\n" {
		t.Errorf("the other user's file holds %q", b)
	}
	if _, err := os.Lstat(filepath.Join(shared, "none")); err == nil {
		t.Error("a file was made behind the link")
	}
	// In a trusted directory other users' files are used, and links still not followed.
	t.Setenv(privatefile.TrustVariable, shared)
	if f, err := privatefile.Open(filepath.Join(shared, "file")); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
	if _, err := privatefile.Open(filepath.Join(shared, "link")); err == nil {
		t.Error("a link is followed")
	}
}

func TestFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	f, err := privatefile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("12345")
	f.Close()
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Error(info.Mode())
	}
	if _, err := privatefile.Create(path); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if b, err := privatefile.ReadFile(path, 5); string(b) != "12345" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := privatefile.ReadFile(path, 4); err == nil {
		t.Error("a file that is too large")
	}
	if err := privatefile.Replace(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "new" {
		t.Errorf("%q", b)
	}
	if f, err = privatefile.OpenFile(path, os.O_WRONLY|os.O_TRUNC); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if info, _ := os.Stat(path); info.Size() != 0 {
		t.Error("it was not made empty")
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("%v are left", left)
	}
}

// An error names the place, the reason, what to do and how to insist.
func TestErrorText(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	want := dir + " is not trusted: it can be written by every user (mode 0777), so another user could change its contents; run chmod o-w " +
		dir + "; to trust it anyway, set FIRESTEEL_TRUST_DIRECTORY=" + dir
	if err := privatefile.Check(dir); err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chmod(file, 0o666)); err != nil {
		t.Fatal(err)
	}
	if _, err := privatefile.Open(file); err == nil || !strings.HasSuffix(err.Error(), "FIRESTEEL_TRUST_DIRECTORY="+filepath.Dir(file)) {
		t.Error(err)
	}
}

//go:build unix

package privatefile

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A group that has no other member than its user (and root) may write; of a
// group that the system's files do not know, only the numbers tell.
func TestPrivateGroup(t *testing.T) {
	me := os.Geteuid()
	old, oldGroup := passwdFile, groupFile
	t.Cleanup(func() { passwdFile, groupFile = old, oldGroup })
	dir := t.TempDir()
	passwdFile, groupFile = filepath.Join(dir, "passwd"), filepath.Join(dir, "group")
	numbers := strings.NewReplacer("ME", strconv.Itoa(me), "OTHER", strconv.Itoa(me+1))
	for _, c := range []struct {
		name, passwd, group string
		want                bool
	}{
		{"its user's alone", "me:x:ME:700::/:/bin/sh", "me:x:700:", true},
		{"and root's", "me:x:ME:700::/:/bin/sh\nroot:x:0:0::/:/bin/sh", "me:x:700:root,me", true},
		{"another has it too", "me:x:ME:700::/:/bin/sh\nbob:x:OTHER:700::/:/bin/sh", "me:x:700:", false},
		{"another is a member", "me:x:ME:700::/:/bin/sh\nbob:x:OTHER:701::/:/bin/sh", "me:x:700:bob", false},
		{"a member that is not known", "me:x:ME:700::/:/bin/sh", "me:x:700:carol", false},
		{"no member", "me:x:ME:1::/:/bin/sh", "staff:x:700:", false},
		{"damaged files", "me:x", "700", false},
		{"no files", "", "", false},
	} {
		for path, text := range map[string]string{passwdFile: c.passwd, groupFile: c.group} {
			if err := os.WriteFile(path, []byte(numbers.Replace(text)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := privateGroup(700); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if os.Geteuid() == os.Getegid() && !privateGroup(uint32(os.Getegid())) {
		t.Error("a group with its user's number, which no file knows")
	}
	if !privateGroup(0) {
		t.Error("root's group")
	}
}

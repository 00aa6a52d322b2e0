//go:build unix

package atomicfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

// What another user left in a directory that all can write, under the names of
// an output or of its part, gets nothing of it and leads to no other file.
func TestPlanted(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "victim")
	write(t, victim, "precious")
	for name, c := range map[string]struct {
		script   string
		standsIn bool // also where this user stands for another one
	}{
		"a link as part":          {`ln -s "$2" "$1/.out.csv.firesteel-part"`, true},
		"a pipe as part":          {`mkfifo "$1/.out.csv.firesteel-part"`, true},
		"an open file as part":    {`: >"$1/.out.csv.firesteel-part"; chmod 666 "$1/.out.csv.firesteel-part"`, false},
		"a link as output":        {`ln -s "$2" "$1/out.csv"`, false},
		"a link, leading nowhere": {`ln -s "$2.new" "$1/out.csv"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := otheruser.Dir(t)
			if real := otheruser.Run(t, c.script, dir, victim); !real && !c.standsIn {
				t.Skip("it takes another user")
			}
			f, err := Create(filepath.Join(dir, "out.csv"), Options{Overwrite: true})
			if err == nil {
				f.Write([]byte("secret"))
				f.Commit()
				t.Error("the output was made")
			}
			if got := read(t, victim); got != "precious" {
				t.Errorf("the victim's file holds %q", got)
			}
			if info, err := os.Stat(filepath.Join(dir, ".out.csv.firesteel-part")); err == nil && info.Mode().IsRegular() && read(t, filepath.Join(dir, ".out.csv.firesteel-part")) == "secret" {
				t.Error("the other user has the output")
			}
		})
	}
}

package fetch

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
)

// part is an unfinished download.
type part struct{ path string } // path of the finished file

func openPart(path string) *part { return &part{path} }

func (p *part) file() string { return p.path + ".part" }
func (p *part) tag() string  { return p.path + ".part.tag" }

func (p *part) size() int64 {
	info, err := os.Stat(p.file())
	if err != nil {
		return 0
	}
	return info.Size()
}

// validator returns the server's validator of the file that the part belongs to,
// or "" if the server sent none.
func (p *part) validator() string {
	b, err := privatefile.ReadFile(p.tag(), 1024)
	if err != nil {
		return ""
	}
	return string(b)
}

func (p *part) setValidator(v string) error {
	if v == "" {
		if err := os.Remove(p.tag()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return privatefile.Replace(p.tag(), []byte(v))
}

func (p *part) discard() {
	os.Remove(p.file())
	os.Remove(p.tag())
}

// finish renames a verified part to its final name.
func (p *part) finish(r Request) error {
	if err := os.Rename(p.file(), p.path); err != nil {
		return err
	}
	os.Remove(p.tag())
	if r.Sum.Algorithm == "sha256" && !r.SparksDirectory {
		digest.Remember(p.path, strings.ToLower(r.Sum.Hex))
	}
	return nil
}

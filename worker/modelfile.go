package worker

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/local"
	"github.com/firesteel/firesteel/worker/bundle"
)

// openModel opens the file of a model. Tests put another in its place.
var openModel = func(path string, o local.Options) (llm.Model, error) {
	e, err := local.Open(path, o)
	if err != nil {
		return nil, err // not e: a nil engine in the interface would not be nil
	}
	return e, nil
}

// maxHashed is the size up to which a model's SHA-256 is computed before it is
// opened: about a second. Larger files are checked by size alone.
const maxHashed = 1 << 30

// open checks the file against the manifest and opens it.
func (s *sharedModel) open() (m llm.Model, file string, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("opening the model %s: panic: %v\n%s", file, r, debug.Stack())
		}
	}()
	if s.spec == nil {
		return nil, "", errors.New("this archive holds no model: open the session with one (WithModel, or --model)")
	}
	if s.spec.File == "" || filepath.Base(s.spec.File) != s.spec.File || strings.HasPrefix(s.spec.File, ".") {
		return nil, s.spec.File, fmt.Errorf("the manifest's model file %q is not a plain file name", s.spec.File)
	}
	file = filepath.Join(s.root, bundle.ModelDir, s.spec.File)
	if err := verifyModel(file, s.spec); err != nil {
		return nil, file, err
	}
	s.mu.Lock()
	s.count++
	s.mu.Unlock()
	options := local.Options{Name: s.spec.Name}
	if s.spec.Size <= maxHashed {
		options.Digest = s.spec.SHA256 // verified just now
	}
	if m, err = openModel(file, options); err != nil {
		return nil, file, fmt.Errorf("model %s, file %s: %w", s.spec.Name, file, err)
	}
	return m, file, nil
}

// verifyModel finds a file that was cut off or changed on its way, which an
// engine would report less clearly, or not at all.
func verifyModel(file string, spec *bundle.Model) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("model %s: %w; upload the archive again", spec.Name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("model %s: %w", spec.Name, err)
	}
	if info.Size() != spec.Size {
		return fmt.Errorf("model %s: the file %s has %d bytes, but the manifest says %d: the archive is damaged; upload it again",
			spec.Name, file, info.Size(), spec.Size)
	}
	if spec.SHA256 == "" || spec.Size > maxHashed {
		return nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("model %s: reading %s: %w", spec.Name, file, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); !strings.EqualFold(got, spec.SHA256) {
		return fmt.Errorf("model %s: the file %s has the SHA-256 %s, but the manifest says %s: the archive is damaged; upload it again",
			spec.Name, file, got, spec.SHA256)
	}
	return nil
}

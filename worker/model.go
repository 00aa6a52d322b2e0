package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

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

// sharedModel is the archive's model, opened once by the first task that needs
// it. Its error, too, stays: the file does not get better within a process.
type sharedModel struct {
	log   *slog.Logger
	root  string // the archive's folder
	spec  *bundle.Model
	start sync.Once
	ready chan struct{} // closed when model or err is set

	mu    sync.Mutex
	model llm.Model
	err   error
	count int // files opened: 0 or 1
	// threads is the count to give the model once it is open.
	threads int
}

func newSharedModel(log *slog.Logger, root string, spec *bundle.Model) *sharedModel {
	return &sharedModel{log: log, root: root, spec: spec, ready: make(chan struct{})}
}

// get opens the model or waits until another task has, at most as long as ctx.
// Loading itself belongs to no task: when the first one is cancelled, the
// others still want the model.
func (s *sharedModel) get(ctx context.Context) (llm.Model, error) {
	s.start.Do(func() { go s.load() })
	select {
	case <-s.ready:
		return s.model, s.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *sharedModel) loads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

func (s *sharedModel) load() {
	start := time.Now()
	m, file, err := s.open()
	attrs := []any{"file", file, "ms", time.Since(start).Milliseconds()}
	if err != nil {
		s.log.Error("model not loaded", append(attrs, "error", err)...)
	} else {
		s.log.Info("model loaded", append(attrs, "model", m.Info().Name)...)
	}
	s.mu.Lock()
	s.model, s.err = m, err
	s.applyThreads()
	s.mu.Unlock()
	close(s.ready)
}

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

func (s *sharedModel) setThreads(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.threads = n
	s.applyThreads()
}

// applyThreads is called with mu held.
func (s *sharedModel) applyThreads() {
	if m, ok := s.model.(interface{ SetThreads(int) }); ok && s.threads > 0 {
		m.SetThreads(s.threads)
	}
}

// threadBudget adds up the CPUs that Spark has given to the running tasks: the
// model's threads serve all of them.
type threadBudget struct {
	mu   sync.Mutex
	cpus int
}

// add changes the sum and tells the model, which wants at least one thread and
// gains nothing from more than the machine has.
func (t *threadBudget) add(cpus int, m *sharedModel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cpus += cpus
	m.setThreads(max(1, min(t.cpus, runtime.NumCPU())))
}

// cpusOf is a task's share: 1 unless Spark says a plausible number.
func cpusOf(n int) int { return max(1, min(n, runtime.NumCPU())) }

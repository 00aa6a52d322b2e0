package worker

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/memlimit"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// idleTime is how long a worker without tasks keeps its model. Spark ends a
// worker only with its executor, also that of a session which is long over:
// without this, a server's memory would go with the number of its sessions.
const idleTime = time.Minute

// sharedModel is a model of the archive, opened once, by the first task that
// needs it, and closed when no task has run for a while. The error of a file of
// the archive stays: it does not get better within a process. That of a place
// elsewhere may be over when Spark tries the task again.
type sharedModel struct {
	log      *slog.Logger
	root     string // the archive's folder
	spec     *bundle.Model
	idleTime time.Duration

	mu      sync.Mutex
	current *loading // nil before the first task that needs it, and after a pause
	count   int      // files opened
	cpus    int      // that Spark has given to the running tasks
	idle    *time.Timer
}

// loading is a model that is there or on its way.
type loading struct {
	ready    chan struct{} // closed when model or err is set
	model    llm.Model
	err      error
	finished bool
}

// loaded is the model if it is there: not on its way, and not failed. It is
// called with the lock of its sharedModel held.
func (l *loading) loaded() llm.Model {
	if l == nil {
		return nil
	}
	return l.model
}

func newSharedModel(log *slog.Logger, root string, spec *bundle.Model) *sharedModel {
	return &sharedModel{log: log, root: root, spec: spec, idleTime: idleTime}
}

// get opens the model or waits until another task has, at most as long as ctx.
// Loading itself belongs to no task: when the first one is cancelled, the
// others still want the model. The caller's task must have begun.
func (s *sharedModel) get(ctx context.Context) (llm.Model, error) {
	s.mu.Lock()
	l := s.current
	if l == nil {
		l = &loading{ready: make(chan struct{})}
		s.current = l
		go func() {
			defer panics.Handle("loading a model", func(err error) { s.finish(l, nil, err) })
			s.load(l)
		}()
	}
	s.mu.Unlock()
	select {
	case <-l.ready:
		return l.model, l.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *sharedModel) loads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

func (s *sharedModel) load(l *loading) {
	start := time.Now()
	m, file, err := s.open()
	attrs := []any{"file", file, "ms", time.Since(start).Milliseconds()}
	if err != nil {
		s.log.Error("model not loaded", append(attrs, "error", err)...)
	} else {
		s.log.Info("model loaded", append(attrs, "model", m.Info().Name)...)
	}
	s.finish(l, m, err)
}

// finish ends a loading, once.
func (s *sharedModel) finish(l *loading, m llm.Model, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.finished {
		return
	}
	l.finished, l.model, l.err = true, m, err
	close(l.ready)
	var full *memlimit.Error // there may be room when Spark tries the task again
	if err != nil && (s.spec.Place != "" || s.spec.Endpoint != nil || errors.As(err, &full)) {
		s.current = nil
	}
	s.changed()
}

// begin counts a task in, with the CPUs that Spark has given to it.
func (s *sharedModel) begin(cpus int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cpus += cpus
	s.changed()
}

// end counts a task out.
func (s *sharedModel) end(cpus int) { s.begin(-cpus) }

// changed is called, with mu held, when tasks or model have come or gone. The
// model's threads serve all tasks: it wants at least one thread, and gains
// nothing from more than the machine has.
func (s *sharedModel) changed() {
	if s.idle != nil {
		s.idle.Stop()
		s.idle = nil
	}
	model := s.current.loaded()
	if model == nil {
		return
	}
	if m, ok := model.(interface{ SetThreads(int) }); ok {
		m.SetThreads(max(1, min(s.cpus, runtime.NumCPU())))
	}
	if s.cpus == 0 {
		s.idle = time.AfterFunc(s.idleTime, func() {
			defer panics.Handle("releasing a model", nil)
			s.release()
		})
	}
}

// release closes the model, unless a task has begun meanwhile.
func (s *sharedModel) release() {
	s.mu.Lock()
	model := s.current.loaded()
	if s.cpus > 0 || model == nil {
		s.mu.Unlock()
		return
	}
	s.current = nil
	s.mu.Unlock()
	err := model.Close()
	debug.FreeOSMemory()
	s.log.Info("model released: no task needs it", "after", s.idleTime, "error", err)
}

// cpusOf is a task's share: 1 unless Spark says a plausible number.
func cpusOf(n int) int { return max(1, min(n, runtime.NumCPU())) }

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

// idleTime is how long a worker without tasks keeps its model in memory. Spark
// ends a worker only when the executor ends, even if the session ended long
// before. If workers kept their models, the memory in use would grow with the
// number of sessions.
const idleTime = time.Minute

// sharedModel is a model of the archive that all tasks of the process use. The
// first task that needs it opens it; it is closed when no task has run for
// idleTime. If a file of the archive is damaged, the error is kept, because the
// file does not change within a process. Errors of a place outside the archive,
// of a server, and of missing memory are not kept: the next task tries again.
type sharedModel struct {
	log      *slog.Logger
	root     string // the archive's folder
	spec     *bundle.Model
	idleTime time.Duration

	mu      sync.Mutex
	current *loading // nil if the model is neither open nor being opened
	count   int      // how often the model was opened
	cpus    int      // CPUs of the running tasks
	idle    *time.Timer
}

// loading is a model that is open, is being opened, or failed to open.
type loading struct {
	ready    chan struct{} // closed when model or err is set
	model    llm.Model
	err      error
	finished bool
}

// loaded returns the model if it is open, and nil otherwise. The caller holds the
// lock of the sharedModel.
func (l *loading) loaded() llm.Model {
	if l == nil {
		return nil
	}
	return l.model
}

func newSharedModel(log *slog.Logger, root string, spec *bundle.Model) *sharedModel {
	return &sharedModel{log: log, root: root, spec: spec, idleTime: idleTime}
}

// get returns the model. It opens it, or waits until another task has opened it
// or ctx ends. Opening does not depend on the first task's context: if that task
// is cancelled, others still wait for the model. The caller must have called
// begin.
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

// finish sets the result of opening the model. Only the first call has an effect.
func (s *sharedModel) finish(l *loading, m llm.Model, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.finished {
		return
	}
	l.finished, l.model, l.err = true, m, err
	defer close(l.ready)     // when the number of its threads is set, too
	var full *memlimit.Error // memory may be free when Spark retries the task
	if err != nil && (s.spec.Place != "" || s.spec.Endpoint != nil || errors.As(err, &full)) {
		s.current = nil
	}
	s.changed()
}

// begin counts a task that starts, and the CPUs that Spark gave it.
func (s *sharedModel) begin(cpus int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cpus += cpus
	s.changed()
}

// end counts a task that ended.
func (s *sharedModel) end(cpus int) { s.begin(-cpus) }

// changed adapts the model to the running tasks: the number of its threads is
// that of the tasks' CPUs, but at least 1 and at most that of the machine, and
// without tasks it starts the idle timer. The caller holds mu.
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

// release closes the model unless a task has started in the meantime.
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
	s.log.Info("model closed because no task needs it", "after", s.idleTime, "error", err)
}

// cpusOf returns the number of a task's CPUs from what Spark reports, between 1
// and the number of the machine's CPUs.
func cpusOf(n int) int { return max(1, min(n, runtime.NumCPU())) }

// opened returns the model if it is open, and nil otherwise.
func (s *sharedModel) opened() llm.Model {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.loaded()
}

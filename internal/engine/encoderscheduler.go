package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// groupRows is the number of tokens that a worker computes at a time. A group reads all weights
// once, so fewer tokens are slower. More tokens are hardly faster, and do not fit in the
// second-level cache.
const groupRows = 256

// encoding is one computation of an encoder: a text, or a pair of texts, and what to do with the
// output.
type encoding struct {
	input model.EncoderInput
	// accept receives the output. It is called by a worker, and again if the first group of the
	// text failed.
	accept func(rows model.Rows)
	err    error
}

// encoderCall is the texts of one call.
type encoderCall struct {
	ctx     context.Context
	waiting []*encoding // the longest first
	rows    int         // tokens of waiting
	left    int         // texts that are not done
	done    chan struct{}
}

// encoderScheduler distributes the texts of all calls to workers, one goroutine per core. A worker
// computes a group of texts of similar lengths at a time.
type encoderScheduler struct {
	network model.Encoder

	workers
	calls []*encoderCall // calls with waiting texts, in the order of service
}

func newEncoderScheduler(network model.Encoder, threads int) *encoderScheduler {
	s := &encoderScheduler{network: network}
	s.start(threads, s.worker, s.failAll)
	return s
}

// failAll reports an error for all waiting texts. The caller holds the lock.
func (s *encoderScheduler) failAll(err error) {
	for c, group := s.next(); c != nil; c, group = s.next() {
		for _, e := range group {
			e.err = err
		}
		c.finish(len(group))
	}
}

// finish counts texts as done. The caller holds the lock of the scheduler.
func (c *encoderCall) finish(texts int) {
	if c.left -= texts; c.left == 0 {
		close(c.done)
	}
}

// run computes the texts. It returns when they are done or ctx is cancelled.
func (s *encoderScheduler) run(ctx context.Context, all []*encoding) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &encoderCall{ctx: ctx, waiting: slices.Clone(all), left: len(all), done: make(chan struct{})}
	slices.SortStableFunc(c.waiting, func(a, b *encoding) int { return cmp.Compare(len(b.input.Tokens), len(a.input.Tokens)) })
	for _, e := range all {
		c.rows += len(e.input.Tokens)
	}
	if c.left == 0 {
		close(c.done)
	}
	return s.submit(ctx, c.done, func() { s.calls = append(s.calls, c) }, func() { c.waiting, c.rows = nil, 0 })
}

// next removes and returns the next group of a call. It serves the calls in turn. A call with few
// texts has a group for each worker. The caller holds the lock.
func (s *encoderScheduler) next() (*encoderCall, []*encoding) {
	for len(s.calls) > 0 {
		c := s.calls[0]
		s.calls = s.calls[1:]
		if len(c.waiting) == 0 {
			continue
		}
		limit := min(groupRows, (c.rows+s.threads-1)/s.threads)
		n, rows := 0, 0
		for n < len(c.waiting) && (n == 0 || rows+len(c.waiting[n].input.Tokens) <= limit) {
			rows += len(c.waiting[n].input.Tokens)
			n++
		}
		group := c.waiting[:n:n]
		c.waiting, c.rows = c.waiting[n:], c.rows-rows
		if len(c.waiting) > 0 {
			s.calls = append(s.calls, c)
		}
		return c, group
	}
	return nil, nil
}

// worker computes groups until the scheduler does not need the worker.
func (s *encoderScheduler) worker(int) {
	defer panics.OnFault()()
	w := encoderWorker{encoderScheduler: s, team: new(nn.Team)}
	for w.await() {
		w.compute(w.call, w.group)
		w.finish()
	}
}

// encoderWorker is the memory of one worker.
type encoderWorker struct {
	*encoderScheduler
	team  *nn.Team
	state model.EncoderState // nil after a panic
	call  *encoderCall       // of the group
	group []*encoding
}

// await waits for the next group. It returns false if the worker must end. It opens the team if
// other workers have nothing to do.
func (w *encoderWorker) await() bool {
	return w.admit(func(wanted bool) bool {
		if !wanted {
			return false
		}
		if w.call, w.group = w.next(); w.call == nil {
			return false
		}
		if w.idle > 0 && len(w.calls) == 0 {
			w.openTeam(w.team)
		}
		return true
	})
}

// finish closes the team and counts the texts of the group as done.
func (w *encoderWorker) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closeTeam(w.team)
	w.call.finish(len(w.group))
}

// compute computes a group. If it panics, any of its texts may be the cause: each is computed
// separately, so that the panic becomes the error of one text only.
func (w *encoderWorker) compute(c *encoderCall, group []*encoding) {
	err := w.guardedRun(c, group)
	if err == nil {
		return
	}
	for _, e := range group {
		if len(group) > 1 {
			err = w.guardedRun(c, []*encoding{e})
		}
		if err != nil {
			e.err = fmt.Errorf("%w: %w", llm.ErrModel, err)
		}
	}
}

// guardedRun computes texts. The error is a panic. If the call was cancelled the results are
// missing.
func (w *encoderWorker) guardedRun(c *encoderCall, group []*encoding) (err error) {
	defer func() {
		if err != nil {
			w.state = nil
		}
	}()
	defer panics.Catch(&err, "computing with the model")
	if w.state == nil {
		w.state = w.network.NewState(w.team)
	}
	inputs := make([]model.EncoderInput, len(group))
	for i, e := range group {
		inputs[i] = e.input
	}
	stopped := func() bool {
		select {
		case <-w.closing:
			return true
		default:
			return c.ctx.Err() != nil
		}
	}
	// ErrStopped needs no report: the call has ended with the error of its context.
	_ = w.state.Run(inputs, stopped, func(i int, rows model.Rows) { group[i].accept(rows) })
	return nil
}

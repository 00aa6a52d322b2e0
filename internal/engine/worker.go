package engine

import (
	"fmt"
	"slices"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/engine/offheap"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// worker computes steps until the scheduler does not need the worker. After a panic it continues
// with new memory. threads is the number of workers.
func (s *scheduler) worker(threads int) {
	defer panics.OnFault()()
	for s.serve(threads) {
	}
}

// serve computes steps until the scheduler does not need the worker or a step panics. It reports
// whether a step panicked.
func (s *scheduler) serve(threads int) (panicked bool) {
	shape := s.network.Cache()
	w := worker{
		scheduler:  s,
		team:       new(nn.Team),
		cacheBytes: cacheBytes(s.network, threads),
		pool:       &nn.Pool{Shape: shape},
		prefixes:   &nn.Pool{Shape: shape},
		exps:       newExpFunc(s.kernels, s.tokens),
	}
	if data, free, err := offheap.Allocate(int(w.cacheBytes)); err == nil {
		defer free()
		w.pool.Memory = offheap.Floats(data)
	}
	for {
		more, err := w.runStep()
		if err != nil {
			w.recoverSequences(fmt.Errorf("%w: %w", llm.ErrModel, err))
			return true
		}
		if !more {
			return false
		}
	}
}

// worker is the memory of one worker.
type worker struct {
	*scheduler
	team       *nn.Team
	state      model.State
	cacheBytes int64
	pool       *nn.Pool // for sequences
	prefixes   *nn.Pool // for prefixes, which outlive the worker: on the Go heap
	exps       expFunc
	active     []*sequence
	stepping   []*sequence // the active sequences in the current step
}

// runStep admits sequences and computes a step. more is false if the worker must end. The error is
// a panic.
func (w *worker) runStep() (more bool, err error) {
	defer panics.Catch(&err, "computing with the model")
	admitted := w.admit(func(wanted bool) bool {
		if wanted {
			w.fill()
		}
		return len(w.active) > 0
	})
	if !admitted {
		return false, nil
	}
	w.step()
	return true, nil
}

// recoverSequences handles a panic. If the step had several sequences, any of them may be the
// cause: each is computed again from its beginning in steps of its own, so that the panic becomes
// the error of one request only.
func (w *worker) recoverSequences(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fail := func(s *sequence) {
		if !s.reported {
			s.err = err
			w.finishLocked(s)
		}
	}
	if len(w.stepping) == 0 {
		// The panic occurred while sequences were admitted, so the cause is unknown.
		for _, s := range w.active {
			fail(s)
		}
		w.failAll(err)
		return
	}
	for _, s := range w.active {
		suspect := slices.Contains(w.stepping, s)
		if suspect && len(w.stepping) == 1 || s.call.ctx.Err() != nil {
			fail(s)
			continue
		}
		if s.reported {
			continue
		}
		s.restart()
		s.isolated = s.isolated || suspect
		s.call.waiting = append(s.call.waiting, s)
		w.waiting++
		if !slices.Contains(w.calls, s.call) {
			w.calls = append(w.calls, s.call)
		}
	}
	w.work.Broadcast()
}

// fill admits the sequences that fit into a step, but leaves other workers their share. If there are
// few sequences for each worker, one takes them all and the others help it: a step with one or two rows
// takes as long as one with several, because it reads all weights.
func (w *worker) fill() {
	rows, bytes := 0, int64(0)
	for _, s := range w.active {
		rows += s.pending()
		bytes += w.bytes(s)
	}
	share := (w.waiting + w.threads - 1) / w.threads
	if w.waiting+len(w.active) <= min(maxTogether, fewRows*w.threads) && w.network.EncoderSize() == 0 {
		share = w.waiting
	}
	for share > 0 && len(w.active) < maxActive {
		s := w.next(func(s *sequence) bool {
			return len(w.active) == 0 || !s.isolated && !w.active[0].isolated && rows+s.pending() <= stepRows && bytes+w.bytes(s) <= w.cacheBytes
		})
		if s == nil {
			return
		}
		rows += s.pending()
		bytes += w.bytes(s)
		w.active = append(w.active, s)
		share--
	}
}

// bytes returns the memory that a sequence can need.
func (w *worker) bytes(s *sequence) int64 {
	input, own := s.sizes()
	return nn.EncoderOutputBytes(w.network.EncoderSize(), input) + w.pool.Shape.Bytes(own)
}

// step computes the next rows of the active sequences.
func (w *worker) step() {
	if w.state == nil {
		w.state = w.network.NewState(stepRows, w.tokens, w.team)
	}
	kept := w.active[:0]
	for _, s := range w.active {
		if s.call.ctx.Err() != nil {
			w.drop(s)
		} else {
			kept = append(kept, s)
		}
	}
	w.active = kept

	var spans []model.Span
	var stepping []*sequence
	left, drafted := stepRows, w.draftRows()
	for _, s := range w.active {
		if left <= 0 {
			break
		}
		input := s.pendingInput()
		if len(input) >= left && len(spans) > 0 {
			continue // the input of an encoder is not divided into steps
		}
		if s.cache == nil {
			pool := w.pool
			if s.isPrefix() {
				pool = w.prefixes
			}
			s.cache = nn.NewCache(pool, s.prefix.keyValues())
		}
		span := model.Span{Cache: s.cache, Input: input, Encoded: s.encoded}
		span.Rows = s.rows(max(1, left-len(input)), drafted)
		left -= len(input) + len(span.Rows)
		spans = append(spans, span)
		stepping = append(stepping, s)
	}
	if len(spans) == 0 {
		return
	}
	w.stepping = stepping
	defer w.share()()
	err := w.state.Step(spans, func() bool { return w.cancelled(stepping) }, func(span, row int, out model.Out) {
		stepping[span].accept(row, out, w.tokens, w.exps)
	})
	if err != nil {
		w.stepping = nil
		return // the next step drops all of them
	}
	for i, s := range stepping {
		s.encoded = spans[i].Encoded
		s.advance(len(spans[i].Rows))
	}
	kept = w.active[:0]
	for _, s := range w.active {
		if !s.done {
			kept = append(kept, s)
			continue
		}
		if !s.isPrefix() {
			s.release()
		}
		w.finish(s)
	}
	clear(w.active[len(kept):])
	w.active, w.stepping = kept, nil
}

// draftRows returns the number of rows that a step of the active sequences has left for the draft of
// each.
func (w *worker) draftRows() int {
	rows := 0
	for _, s := range w.active {
		rows += s.pending()
	}
	return max(0, maxDraftRows-rows) / max(1, len(w.active))
}

// share opens the team to idle workers, if there are any. end closes it.
func (w *worker) share() (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.idle == 0 || w.waiting > 0 {
		return func() {}
	}
	w.openTeam(w.team)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.closeTeam(w.team)
	}
}

// drop ends a sequence whose call was cancelled.
func (w *worker) drop(s *sequence) {
	s.release()
	w.finish(s)
}

// cancelled reports whether the calls of all given sequences were cancelled, or the
// scheduler was closed.
func (w *worker) cancelled(sequences []*sequence) bool {
	for _, s := range sequences {
		if s.call.ctx.Err() == nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.closed
		}
	}
	return true
}

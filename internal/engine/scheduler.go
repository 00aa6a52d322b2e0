package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/engine/offheap"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

const (
	// stepRows is how many tokens a step computes at most. Weights are read
	// once a step, so fewer cost speed; more add little, and delay a cancel.
	stepRows = 256
	// maxActive sequences are under way at a time in one worker.
	maxActive = 64
	// leastTokens that are read and written the caches of one worker's sequences
	// may hold together at least: with fewer, steps have few rows.
	leastTokens = 2 * stepRows
)

// cacheBytes bounds the caches of one worker's sequences, unless a single one
// needs more: those of all workers to an eighth of what the weights take, or
// to leastTokens each.
func cacheBytes(network model.Network, threads int) int64 {
	token := network.Cache().TokenBytes() + nn.EncoderOutputBytes(network.EncoderSize(), leastTokens)/leastTokens
	return max(leastTokens*token, int64(network.Bytes()/8/threads))
}

// A call is one Do, or the computation of a prefix: sequences that wait, are
// under way, or are done.
type call struct {
	ctx     context.Context
	waiting []*sequence
	left    int // not done
	done    chan struct{}
}

func newCall(ctx context.Context, sequences []*sequence) *call {
	c := &call{ctx: ctx, waiting: sequences, left: len(sequences), done: make(chan struct{})}
	for _, s := range sequences {
		s.call = c
	}
	if c.left == 0 {
		close(c.done)
	}
	return c
}

// scheduler shares out the sequences of all calls to its workers, one
// goroutine a core: a worker computes whole sequences, several at a time.
type scheduler struct {
	network model.Network
	kernels *kernel.Set
	tokens  int // that may be answered, of the network's vocabulary

	mu      sync.Mutex
	work    sync.Cond
	calls   []*call    // with sequences waiting; the first is served next
	waiting int        // sequences of all calls
	threads int        // workers there should be
	running int        // workers there are
	idle    int        // workers that wait for work
	teams   []*nn.Team // of workers that could do with help
	closed  bool
	broken  error         // why there are workers no more, and no more calls are taken
	closing chan struct{} // closed with the scheduler
	workers sync.WaitGroup
}

func newScheduler(network model.Network, kernels *kernel.Set, tokens, threads int) *scheduler {
	s := &scheduler{network: network, kernels: kernels, tokens: tokens, closing: make(chan struct{})}
	s.work.L = &s.mu
	s.setThreads(threads)
	return s
}

func (s *scheduler) setThreads(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.threads = max(1, n)
	for n := s.threads; s.running < n && !s.closed; s.running++ {
		s.workers.Go(func() {
			defer panics.Handle("working for a model", s.lost)
			s.worker(n)
		})
	}
	s.work.Broadcast()
}

// close ends the workers; sequences under way are dropped.
func (s *scheduler) close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.work.Broadcast()
	s.mu.Unlock()
	s.workers.Wait()
}

// lost takes note that a worker cannot be: of calls none is taken any more.
func (s *scheduler) lost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	if s.broken == nil {
		s.broken = fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	s.failWaiting(s.broken)
}

// failWaiting ends all sequences that wait with an error. It is called with the
// lock held.
func (s *scheduler) failWaiting(err error) {
	for _, c := range s.calls {
		for _, waiting := range c.waiting {
			waiting.err = err
			s.finished(waiting)
		}
		c.waiting = nil
	}
	s.calls, s.waiting = nil, 0
}

// run computes the sequences, until they are done or ctx is.
func (s *scheduler) run(ctx context.Context, sequences []*sequence) error {
	c := newCall(ctx, sequences)
	s.mu.Lock()
	if s.closed || s.broken != nil {
		defer s.mu.Unlock()
		return cmp.Or(s.broken, errClosed)
	}
	if c.left > 0 {
		s.calls = append(s.calls, c)
		s.waiting += len(c.waiting)
		s.work.Broadcast()
	}
	s.mu.Unlock()
	select {
	case <-c.done:
	case <-s.closing:
		return errClosed
	case <-ctx.Done():
		s.mu.Lock()
		s.waiting -= len(c.waiting)
		c.waiting = nil
		s.mu.Unlock()
	}
	return ctx.Err()
}

// next takes the next sequence that fits, of the calls in turn.
func (s *scheduler) next(fits func(*sequence) bool) *sequence {
	for len(s.calls) > 0 {
		c := s.calls[0]
		if len(c.waiting) == 0 {
			s.calls = s.calls[1:]
			continue
		}
		sequence := c.waiting[0]
		if !fits(sequence) {
			return nil
		}
		c.waiting = c.waiting[1:]
		s.waiting--
		s.calls = append(s.calls[1:], c)
		return sequence
	}
	return nil
}

// finish takes note that a sequence is done.
func (s *scheduler) finish(sequence *sequence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finished(sequence)
}

// finished is finish, with the lock held.
func (s *scheduler) finished(sequence *sequence) {
	if sequence.over {
		return
	}
	sequence.over = true
	c := sequence.call
	if c.left--; c.left == 0 {
		close(c.done)
	}
}

// worker, one of several threads, computes steps of its active sequences until
// it is not needed. After a panic it goes on with new memory.
func (s *scheduler) worker(threads int) {
	defer panics.OnFault()()
	for s.serve(threads) {
	}
}

// serve is a worker until it is not needed, or until a panic: then it reports
// true.
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
		more, err := w.turn()
		if err != nil {
			w.abandon(fmt.Errorf("%w: %w", llm.ErrModel, err))
			return true
		}
		if !more {
			return false
		}
	}
}

type worker struct {
	*scheduler
	team       *nn.Team
	state      model.State
	cacheBytes int64
	pool       *nn.Pool // of sequences
	prefixes   *nn.Pool // of what outlives the worker, so without its memory
	exps       expFunc
	active     []*sequence
	stepping   []*sequence // those of active that the step under way computes
}

// turn takes sequences up and computes a step. It reports false where the
// worker is to end; the error is a panic.
func (w *worker) turn() (more bool, err error) {
	defer panics.Catch(&err, "computing with the model")
	if !w.admit() {
		return false, nil
	}
	w.step()
	return true, nil
}

// abandon gives up what a panic has left undone. A panic of a step with several
// sequences does not tell whose it was: each is computed again, from its
// beginning and alone, so that it is the error of its own request only.
func (w *worker) abandon(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fail := func(s *sequence) {
		if !s.over {
			s.err = err
			w.finished(s)
		}
	}
	if len(w.stepping) == 0 {
		// It was in taking sequences up, whichever.
		for _, s := range w.active {
			fail(s)
		}
		w.failWaiting(err)
		return
	}
	for _, s := range w.active {
		suspect := slices.Contains(w.stepping, s)
		if suspect && len(w.stepping) == 1 || s.call.ctx.Err() != nil {
			fail(s)
			continue
		}
		if s.over {
			continue
		}
		s.restart()
		s.alone = s.alone || suspect
		s.call.waiting = append(s.call.waiting, s)
		w.waiting++
		if !slices.Contains(w.calls, s.call) {
			w.calls = append(w.calls, s.call)
		}
	}
	w.work.Broadcast()
}

// admit takes sequences up, and waits for some if there are none. It reports
// false where the worker is to end.
func (w *worker) admit() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if w.closed || w.running > w.threads && len(w.active) == 0 {
			w.running--
			return false
		}
		if w.running <= w.threads {
			w.fill()
		}
		if len(w.active) > 0 {
			return true
		}
		if len(w.teams) > 0 && w.running <= w.threads {
			team := w.teams[0]
			w.mu.Unlock()
			team.Help()
			w.mu.Lock()
			continue
		}
		w.idle++
		w.work.Wait()
		w.idle--
	}
}

// fill takes up what fits into a step, but leaves other workers their share.
func (w *worker) fill() {
	rows, bytes := 0, int64(0)
	for _, s := range w.active {
		rows += s.feed()
		bytes += w.bytes(s)
	}
	share := (w.waiting + w.threads - 1) / w.threads
	for share > 0 && len(w.active) < maxActive {
		s := w.next(func(s *sequence) bool {
			return len(w.active) == 0 || !s.alone && !w.active[0].alone && rows+s.feed() <= stepRows && bytes+w.bytes(s) <= w.cacheBytes
		})
		if s == nil {
			return
		}
		rows += s.feed()
		bytes += w.bytes(s)
		w.active = append(w.active, s)
		share--
	}
}

func (w *worker) bytes(s *sequence) int64 {
	read, own := s.reserve()
	return nn.EncoderOutputBytes(w.network.EncoderSize(), read) + w.pool.Shape.Bytes(own)
}

// step computes the next rows of each active sequence.
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
	var of []*sequence
	left := stepRows
	for _, s := range w.active {
		if left <= 0 {
			break
		}
		input := s.unread()
		if len(input) >= left && len(spans) > 0 {
			continue // an encoder's input is read in one step
		}
		if s.cache == nil {
			pool := w.pool
			if s.isPrefix() {
				pool = w.prefixes
			}
			s.cache = nn.NewCache(pool, s.prefix.keys())
		}
		span := model.Span{Cache: s.cache, Input: input, Encoded: s.memory}
		span.Rows = s.rows(max(1, left-len(input)))
		left -= len(input) + len(span.Rows)
		spans = append(spans, span)
		of = append(of, s)
	}
	if len(spans) == 0 {
		return
	}
	w.stepping = of
	defer w.openTeam()()
	err := w.state.Step(spans, func() bool { return w.abandoned(of) }, func(span, row int, out model.Out) {
		of[span].take(row, out, w.tokens, w.exps)
	})
	if err != nil {
		w.stepping = nil
		return // all of them are to be dropped
	}
	for i, s := range of {
		s.memory = spans[i].Encoded
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

// openTeam asks workers that have nothing to do for help, until they are sent
// away.
func (w *worker) openTeam() (send func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.idle == 0 || w.waiting > 0 {
		return func() {}
	}
	w.team.Open()
	w.teams = append(w.teams, w.team)
	w.work.Broadcast()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.team.Close()
		w.teams = slices.DeleteFunc(w.teams, func(t *nn.Team) bool { return t == w.team })
	}
}

// drop gives up a sequence whose call has been cancelled.
func (w *worker) drop(s *sequence) {
	s.release()
	w.finish(s)
}

// abandoned reports whether nobody waits for any of the sequences.
func (w *worker) abandoned(sequences []*sequence) bool {
	for _, s := range sequences {
		if s.call.ctx.Err() == nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.closed
		}
	}
	return true
}

package engine

import (
	"context"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/engine/nn"
)

const (
	// stepRows is the maximum number of tokens in a step. A step reads all weights once, so fewer
	// tokens are slower. More tokens are hardly faster and delay cancellation.
	stepRows = 256
	// maxActive is the maximum number of active sequences of a worker.
	maxActive = 64
	// fewRows is the number of sequences for each worker up to which one worker takes all, and
	// maxTogether the maximum that it takes. With two cores, four sequences together are 1.04 to 1.3
	// times as fast, six about as fast, and eight slower.
	fewRows, maxTogether = 3, 16
	// minCacheTokens is the minimum size of a worker's cache, in tokens that are read and written.
	// With a smaller cache steps have few rows.
	minCacheTokens = 2 * stepRows
)

// cacheBytes returns the memory of a worker's caches: all workers together use an eighth of the
// memory of the weights, but each at least minCacheTokens. A single sequence may need more.
func cacheBytes(network model.Network, threads int) int64 {
	token := network.Cache().TokenBytes() + nn.EncoderOutputBytes(network.EncoderSize(), minCacheTokens)/minCacheTokens
	return max(minCacheTokens*token, int64(network.Bytes()/8/threads))
}

// call is the sequences of one Do or Embed, or of the computation of a prefix.
type call struct {
	ctx     context.Context
	waiting []*sequence
	left    int // sequences that are not done
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

// scheduler distributes the sequences of all calls to workers, one goroutine per core. A worker
// computes several sequences at a time, each from beginning to end.
type scheduler struct {
	network model.Network
	kernels *kernel.Set
	tokens  int // size of the tokenizer, at most the vocabulary of the network

	workers
	calls   []*call // calls with waiting sequences, in the order of service
	waiting int     // waiting sequences of all calls
}

func newScheduler(network model.Network, kernels *kernel.Set, tokens, threads int) *scheduler {
	s := &scheduler{network: network, kernels: kernels, tokens: tokens}
	s.start(threads, s.worker, s.failAll)
	return s
}

// failAll reports an error for all waiting sequences. The caller holds the lock.
func (s *scheduler) failAll(err error) {
	for _, c := range s.calls {
		for _, waiting := range c.waiting {
			waiting.err = err
			s.finishLocked(waiting)
		}
		c.waiting = nil
	}
	s.calls, s.waiting = nil, 0
}

// run computes the sequences. It returns when they are done or ctx is cancelled.
func (s *scheduler) run(ctx context.Context, sequences []*sequence) error {
	c := newCall(ctx, sequences)
	return s.submit(ctx, c.done, func() {
		if c.left > 0 {
			s.calls = append(s.calls, c)
			s.waiting += len(c.waiting)
		}
	}, func() {
		s.waiting -= len(c.waiting)
		c.waiting = nil
	})
}

// next removes and returns the next waiting sequence that fits. It serves the calls in turn.
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

// finish reports a sequence as done.
func (s *scheduler) finish(sequence *sequence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finishLocked(sequence)
}

// finishLocked is finish for callers that hold the lock.
func (s *scheduler) finishLocked(sequence *sequence) {
	if sequence.reported {
		return
	}
	sequence.reported = true
	c := sequence.call
	if c.left--; c.left == 0 {
		close(c.done)
	}
}

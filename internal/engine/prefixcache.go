package engine

import (
	"cmp"
	"container/list"
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// prefix is the keys and values of tokens that many prompts begin with.
type prefix struct {
	tokens []int32
	cache  *nn.Cache // nil until it is computed
	err    error

	ready   chan struct{} // closed when cache or err is set
	waiters int
	cancel  context.CancelFunc
}

// keyValues returns the cache of the prefix. p may be nil.
func (p *prefix) keyValues() *nn.Cache {
	if p == nil {
		return nil
	}
	return p.cache
}

// isPrefix reports whether the sequence computes a prefix.
func (s *sequence) isPrefix() bool { return s.trie == nil && s.pooler == nil && s.max == 0 }

// prefixCache is a least-recently-used cache of prefixes. A prefix that is evicted stays valid for
// the sequences that use it.
type prefixCache struct {
	scheduler *scheduler
	shape     nn.CacheShape
	maxBytes  int64

	mu    sync.Mutex
	byKey map[string]*list.Element // of *prefix
	order *list.List               // most recently used first
	bytes int64
}

func newPrefixCache(s *scheduler, maxBytes int64) *prefixCache {
	return &prefixCache{
		scheduler: s,
		shape:     s.network.Cache(),
		maxBytes:  maxBytes,
		byKey:     map[string]*list.Element{},
		order:     list.New(),
	}
}

// tokenKey returns the tokens as a map key.
func tokenKey(tokens []int32) string {
	b := make([]byte, 0, 4*len(tokens))
	for _, t := range tokens {
		b = binary.LittleEndian.AppendUint32(b, uint32(t))
	}
	return string(b)
}

// get returns the prefix of the tokens. If it is being computed, get waits. The computation is
// cancelled when no call waits for it.
func (p *prefixCache) get(ctx context.Context, tokens []int32) (*prefix, error) {
	key := tokenKey(tokens)
	p.mu.Lock()
	var entry *prefix
	if e, ok := p.byKey[key]; ok {
		entry = e.Value.(*prefix)
		p.order.MoveToFront(e)
	} else {
		entry = &prefix{tokens: tokens, ready: make(chan struct{})}
		var shared context.Context
		shared, entry.cancel = context.WithCancel(context.Background())
		p.byKey[key] = p.order.PushFront(entry)
		p.bytes += p.shape.Bytes(len(tokens))
		p.evict()
		go func() {
			defer panics.Handle("computing a shared prefix", func(err error) { p.computed(key, entry, nil, fmt.Errorf("%w: %w", llm.ErrModel, err)) })
			s := &sequence{prompt: tokens}
			err := p.scheduler.run(shared, []*sequence{s})
			p.computed(key, entry, s.cache, cmp.Or(err, s.err))
		}()
	}
	entry.waiters++
	p.mu.Unlock()

	var err error
	select {
	case <-entry.ready:
		err = entry.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if entry.waiters--; entry.waiters == 0 {
		entry.cancel()
		select {
		case <-entry.ready:
		default: // the computation was cancelled, so later calls must not find it
			p.remove(key, entry)
		}
	}
	return entry, err
}

// computed sets the result of the computation of a prefix.
func (p *prefixCache) computed(key string, entry *prefix, cache *nn.Cache, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if entry.err = err; err != nil {
		p.remove(key, entry)
	} else {
		entry.cache = cache
	}
	close(entry.ready)
}

// evict removes the least recently used prefixes until the others fit.
func (p *prefixCache) evict() {
	for p.bytes > p.maxBytes && p.order.Len() > 1 {
		oldest := p.order.Back().Value.(*prefix)
		p.remove(tokenKey(oldest.tokens), oldest)
	}
}

func (p *prefixCache) remove(key string, entry *prefix) {
	if e, ok := p.byKey[key]; ok && e.Value == entry {
		p.order.Remove(e)
		delete(p.byKey, key)
		p.bytes -= p.shape.Bytes(len(entry.tokens))
	}
}

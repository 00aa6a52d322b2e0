package engine

import (
	"context"
	"sync"

	"github.com/firesteel/firesteel/internal/answercache"
	"github.com/firesteel/firesteel/llm"
)

// vectorCache keeps the latest embeddings of an Encoder, and lets calls at the same time share them:
// several functions of a query read the vector of the same text.
type vectorCache struct {
	kept *answercache.Cache[llm.Embedding]

	mu      sync.Mutex
	pending map[string]*pendingVector
}

// pendingVector is an embedding that a call computes.
type pendingVector struct {
	done  chan struct{}
	value llm.Embedding
	ok    bool // the call computed it
}

func newVectorCache(bytes int) *vectorCache {
	return &vectorCache{kept: answercache.NewEmbeddings(bytes), pending: map[string]*pendingVector{}}
}

// embed returns the embedding of each text. It calls compute for those that are neither kept nor being
// computed by another call.
func (c *vectorCache) embed(ctx context.Context, texts []string, compute func(texts []string) ([]llm.Embedding, error)) (map[string]llm.Embedding, error) {
	found := make(map[string]llm.Embedding, len(texts))
	for missing := texts; len(missing) > 0; {
		own, others := c.claim(missing, found)
		if err := c.computeOwn(own, found, compute); err != nil {
			return nil, err
		}
		missing = nil // what another call failed to compute
		for text, p := range others {
			select {
			case <-p.done:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
			if !p.ok {
				missing = append(missing, text)
				continue
			}
			found[text] = p.value
		}
	}
	return found, nil
}

// claim sets the kept embeddings. It returns the texts that this call is to compute, and those that
// another call computes.
func (c *vectorCache) claim(texts []string, found map[string]llm.Embedding) (own []string, others map[string]*pendingVector) {
	others = map[string]*pendingVector{}
	mine := map[string]bool{}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range texts {
		if _, ok := found[text]; ok || mine[text] {
			continue
		}
		if e, ok := c.kept.Get(answercache.KeyOf(text)); ok {
			found[text] = e
		} else if p := c.pending[text]; p != nil {
			others[text] = p
		} else {
			mine[text] = true
			c.pending[text] = &pendingVector{done: make(chan struct{})}
			own = append(own, text)
		}
	}
	return own, others
}

// computeOwn computes the texts that the call has claimed, and tells the calls that wait for them.
func (c *vectorCache) computeOwn(own []string, found map[string]llm.Embedding, compute func([]string) ([]llm.Embedding, error)) error {
	if len(own) == 0 {
		return nil
	}
	var values []llm.Embedding
	defer func() { // also after a panic
		c.mu.Lock()
		defer c.mu.Unlock()
		for i, text := range own {
			p := c.pending[text]
			delete(c.pending, text)
			if values != nil {
				p.value, p.ok = values[i], true
				c.kept.Put(answercache.KeyOf(text), values[i])
			}
			close(p.done)
		}
	}()
	computed, err := compute(own)
	if err != nil {
		return err
	}
	values = computed
	for i, text := range own {
		found[text] = values[i]
	}
	return nil
}

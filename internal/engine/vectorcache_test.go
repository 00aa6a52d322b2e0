package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// Calls at the same time compute each text once, and a call that fails leaves its texts to the others.
func TestVectorCache(t *testing.T) {
	c := newVectorCache(1 << 20)
	var mu sync.Mutex
	counts := map[string]int{}
	begun, resume := make(chan struct{}), make(chan struct{})
	compute := func(texts []string) ([]llm.Embedding, error) {
		mu.Lock()
		defer mu.Unlock()
		all := make([]llm.Embedding, len(texts))
		for i, text := range texts {
			counts[text]++
			all[i] = llm.Embedding{Vector: []float32{float32(len(text))}, Tokens: len(text)}
		}
		return all, nil
	}
	var first, second map[string]llm.Embedding
	var lost error
	var both sync.WaitGroup
	both.Go(func() {
		_, lost = c.embed(t.Context(), []string{"a", "bb"}, func([]string) ([]llm.Embedding, error) {
			close(begun)
			<-resume
			return nil, errors.New("lost")
		})
	})
	<-begun
	both.Go(func() { first, _ = c.embed(t.Context(), []string{"bb", "a", "bb", "ccc"}, compute) })
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.embed(cancelled, []string{"a"}, compute); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call waits: %v", err)
	}
	close(resume)
	both.Wait()
	second, err := c.embed(t.Context(), []string{"ccc", "a"}, compute)
	if err != nil || lost == nil || len(first) != 3 || first["bb"].Tokens != 2 || !slices.Equal(second["ccc"].Vector, []float32{3}) {
		t.Errorf("%v, %v, %v, %v", first, second, lost, err)
	}
	for text, n := range counts {
		if n != 1 {
			t.Errorf("%s was computed %d times", text, n)
		}
	}
	if len(counts) != 3 || len(c.pending) != 0 {
		t.Errorf("%v, %v", counts, c.pending)
	}
}

package ai

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/firesteel/firesteel/llm"
)

// contentFree are inputs without content. The scores that a model gives after
// them are its bias. See Zhao et al., "Calibrate Before Use", 2021.
var contentFree = []string{"N/A", "", "..."}

// bias is the mean score of each word after the contentFree inputs, or the error
// of the model.
type bias struct {
	mean []float64
	err  error
}

// calibration determines the biases of the questions of one call. The requests
// for unknown biases are sent together with the rows, once for each question.
type calibration struct {
	known    *biases
	model    llm.Info
	byKey    map[string]*bias // by questionKey
	requests []llm.Request    // len(contentFree) for each pending bias
	pending  []pendingBias
}

type pendingBias struct {
	key   string
	words int
	*bias
}

// bias returns the bias of a question, which read fills in if it is not known
// yet. about makes the request for a content.
func (c *calibration) bias(about func(content string) llm.Request) *bias {
	first := about(contentFree[0])
	key := questionKey(first)
	b := c.byKey[key]
	if b != nil {
		return b
	}
	b = &bias{mean: c.known.get(c.model, key)}
	c.byKey[key] = b
	if b.mean == nil {
		for _, content := range contentFree {
			c.requests = append(c.requests, about(content))
		}
		c.pending = append(c.pending, pendingBias{key, len(words(first)), b})
	}
	return b
}

// read computes the pending biases from the results of requests.
func (c *calibration) read(results []llm.Result) {
	for i, p := range c.pending {
		p.mean, p.err = mean(results[i*len(contentFree):(i+1)*len(contentFree)], p.words)
		if p.err == nil {
			c.known.put(c.model, p.key, p.mean)
		}
	}
}

// mean returns the mean score of each word.
func mean(results []llm.Result, words int) ([]float64, error) {
	sums := make([]float64, words)
	for _, r := range results {
		if r.Err != nil {
			return nil, fmt.Errorf("calibration with an empty text: %w", r.Err)
		}
		if len(r.Scores) != words {
			return nil, wrongScores(r, words)
		}
		for i, s := range r.Scores {
			sums[i] += s
		}
	}
	for i := range sums {
		sums[i] /= float64(len(results))
	}
	return sums, nil
}

// words are the words of a request from which the model chooses.
func words(r llm.Request) []string { return r.Constraint.(llm.Choice).Labels }

// questionKey returns a key that is different for different requests.
func questionKey(r llm.Request) string {
	var key []byte
	put := func(s string) {
		key = binary.AppendUvarint(key, uint64(len(s)))
		key = append(key, s...)
	}
	put(r.Prefix)
	put(r.Text)
	for _, m := range r.Messages {
		put(string(m.Role))
		put(m.Text)
	}
	for _, w := range words(r) {
		put(w)
	}
	return string(key)
}

// biases caches biases. Concurrent calls may compute the same bias twice, with
// the same result.
type biases struct {
	mu   sync.Mutex
	mean map[biasKey][]float64
}

// biasKey is what a bias depends on: the weights, their precision, the engine and
// the question.
type biasKey struct {
	digest    string
	precision llm.Precision
	engine    string
	question  string
}

func biasKeyOf(m llm.Info, question string) biasKey {
	return biasKey{m.Digest, m.Precision, m.Engine, question}
}

// maxBiases bounds the memory if each row has its own labels.
const maxBiases = 4096

// get returns nil if the bias is not known. A model without a digest has no known
// biases, because the name may denote another model later.
func (b *biases) get(model llm.Info, question string) []float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mean[biasKeyOf(model, question)]
}

func (b *biases) put(model llm.Info, question string, mean []float64) {
	if model.Digest == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mean == nil || len(b.mean) >= maxBiases {
		b.mean = map[biasKey][]float64{}
	}
	b.mean[biasKeyOf(model, question)] = mean
}

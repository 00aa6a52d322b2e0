package ai

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/firesteel/firesteel/llm"
)

// contentFree inputs say nothing, so that what a model makes of them is its
// bias. See Zhao et al., "Calibrate Before Use", 2021.
var contentFree = []string{"N/A", "", "..."}

// bias is the mean score of each word to choose from after contentFree inputs,
// or why there is none.
type bias struct {
	mean []float64
	err  error
}

// calibration finds the biases of the questions of one call. Those that are
// not known are asked for beside the rows, once each.
type calibration struct {
	known    *biases
	model    llm.Info
	asked    map[string]*bias // by questionKey
	requests []llm.Request    // len(contentFree) of each that is asked for
	pending  []pendingBias    // these
}

type pendingBias struct {
	key   string
	words int
	*bias
}

// bias gives a question's bias, which is filled in by read at the latest.
// about asks it of a text.
func (c *calibration) bias(about func(content string) llm.Request) *bias {
	first := about(contentFree[0])
	key := questionKey(first)
	b := c.asked[key]
	if b != nil {
		return b
	}
	b = &bias{mean: c.known.get(c.model, key)}
	c.asked[key] = b
	if b.mean == nil {
		for _, content := range contentFree {
			c.requests = append(c.requests, about(content))
		}
		c.pending = append(c.pending, pendingBias{key, len(words(first)), b})
	}
	return b
}

// read takes the results of requests.
func (c *calibration) read(results []llm.Result) {
	for i, p := range c.pending {
		p.mean, p.err = mean(results[i*len(contentFree):(i+1)*len(contentFree)], p.words)
		if p.err == nil {
			c.known.put(c.model, p.key, p.mean)
		}
	}
}

// mean is each word's mean score.
func mean(results []llm.Result, words int) ([]float64, error) {
	sums := make([]float64, words)
	for _, r := range results {
		if r.Err != nil {
			return nil, fmt.Errorf("the labels alone, without the text: %w", r.Err)
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

// words are what a request lets the model choose from.
func words(r llm.Request) []string { return r.Constraint.(llm.Choice).Labels }

// questionKey tells apart all that can be asked with a contentFree input.
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

// biases remembers what asking again would give again. Calls at the same time
// may compute the same twice, to the same numbers.
type biases struct {
	mu   sync.Mutex
	mean map[biasKey][]float64
}

type biasKey struct {
	model    llm.Info
	question string
}

// maxBiases bounds the memory where each row brings labels of its own.
const maxBiases = 4096

// get gives nil where a question is not known. A model without a digest may be
// another under the same name, so nothing is known of it.
func (b *biases) get(model llm.Info, question string) []float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mean[biasKey{model, question}]
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
	b.mean[biasKey{model, question}] = mean
}

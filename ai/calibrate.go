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

// bias is the mean score of each label of a set after contentFree inputs, or
// why there is none.
type bias struct {
	mean []float64
	err  error
}

// calibration finds the biases of the label sets of one call. Those that are
// not known are asked for beside the rows, once a set.
type calibration struct {
	*labeller
	model    llm.Info
	sets     map[string]*bias // by labelKey
	requests []llm.Request    // len(contentFree) of each set that is asked for
	pending  []pendingBias    // these sets
}

type pendingBias struct {
	key    string
	labels []string
	*bias
}

// bias gives the labels' bias, which is filled in by read at the latest.
func (c *calibration) bias(labels []string) *bias {
	key := labelKey(labels)
	b := c.sets[key]
	if b != nil {
		return b
	}
	b = &bias{mean: c.known.get(c.model, key)}
	c.sets[key] = b
	if b.mean == nil {
		for _, text := range contentFree {
			c.requests = append(c.requests, c.request(text, labels))
		}
		c.pending = append(c.pending, pendingBias{key, labels, b})
	}
	return b
}

// read takes the results of requests.
func (c *calibration) read(results []llm.Result) {
	for i, p := range c.pending {
		p.mean, p.err = mean(results[i*len(contentFree):(i+1)*len(contentFree)], p.labels)
		if p.err == nil {
			c.known.put(c.model, p.key, p.mean)
		}
	}
}

// mean is each label's mean score.
func mean(results []llm.Result, labels []string) ([]float64, error) {
	sums := make([]float64, len(labels))
	for _, r := range results {
		if r.Err != nil {
			return nil, fmt.Errorf("the labels alone, without the text: %w", r.Err)
		}
		if len(r.Scores) != len(labels) {
			return nil, wrongScores(r, labels)
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

// labelKey tells lists of labels apart, whatever they hold.
func labelKey(labels []string) string {
	var key []byte
	for _, label := range labels {
		key = binary.AppendUvarint(key, uint64(len(label)))
		key = append(key, label...)
	}
	return string(key)
}

// biases remembers what asking again would give again. Calls at the same time
// may compute the same set twice, to the same numbers.
type biases struct {
	mu   sync.Mutex
	mean map[biasKey][]float64
}

type biasKey struct {
	model  llm.Info
	labels string
}

// maxBiases bounds the memory where each row brings labels of its own.
const maxBiases = 4096

// get gives nil where a set is not known. A model without a digest may be
// another under the same name, so nothing is known of it.
func (b *biases) get(model llm.Info, labels string) []float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mean[biasKey{model, labels}]
}

func (b *biases) put(model llm.Info, labels string, mean []float64) {
	if model.Digest == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mean == nil || len(b.mean) >= maxBiases {
		b.mean = map[biasKey][]float64{}
	}
	b.mean[biasKey{model, labels}] = mean
}

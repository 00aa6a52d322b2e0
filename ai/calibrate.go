package ai

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/firesteel/firesteel/llm"
)

// contentFree are inputs without content. The scores that a model gives after
// them are its bias. See Zhao et al., "Calibrate Before Use", 2021.
var contentFree = []string{"N/A", "", "..."}

// neutral are texts that fit no label better than others of most sets. A model
// without bias would choose each label for about as many of them. A change of
// these texts changes answers: see Function.Version.
var neutral = []string{
	"The parcel arrived on Tuesday.",
	"We talked about it for a while yesterday.",
	"It is a grey building with two floors.",
	"A new version was announced this week.",
	"It says so on the first page.",
	"We bought bread, milk and a newspaper.",
	"It was made in the usual way.",
	"Water covers most of the planet.",
}

// bias is what is subtracted from the score of each word, or the error of the
// model: the mean score after the contentFree inputs or, for an even question, the
// mean of that and of evenBias of the neutral texts.
type bias struct {
	of  []float64
	err error
}

// calibration determines the biases of the questions of one call. The requests
// for unknown biases are sent together with the rows, once for each question.
type calibration struct {
	known    *biases
	model    llm.Info
	byKey    map[string]*bias // by questionKey
	requests []llm.Request
	pending  []pendingBias
}

type pendingBias struct {
	key             string
	words, requests int
	*bias
}

// bias returns the bias of a question, which read fills in if it is not known
// yet.
func (c *calibration) bias(q question) *bias {
	first := q.about(contentFree[0])
	key := questionKey(first)
	b := c.byKey[key]
	if b != nil {
		return b
	}
	b = &bias{of: c.known.get(c.model, key)}
	c.byKey[key] = b
	if b.of == nil {
		contents := contentFree
		if q.even {
			contents = slices.Concat(contentFree, neutral)
		}
		for _, content := range contents {
			c.requests = append(c.requests, q.about(content))
		}
		c.pending = append(c.pending, pendingBias{key, len(words(first)), len(contents), b})
	}
	return b
}

// read computes the pending biases from the results of requests.
func (c *calibration) read(results []llm.Result) {
	for _, p := range c.pending {
		p.of, p.err = biasOf(results[:p.requests], p.words)
		if results = results[p.requests:]; p.err == nil {
			c.known.put(c.model, p.key, p.of)
		}
	}
}

// biasOf computes a bias from the results for contentFree and, for an even
// question, neutral.
func biasOf(results []llm.Result, words int) ([]float64, error) {
	scores := make([][]float64, len(results))
	for i, r := range results {
		if r.Err != nil {
			return nil, fmt.Errorf("calibration with texts of no label: %w", r.Err)
		}
		if len(r.Scores) != words {
			return nil, wrongScores(r, words)
		}
		scores[i] = r.Scores
	}
	b := mean(scores[:len(contentFree)])
	if rest := scores[len(contentFree):]; len(rest) > 0 {
		center(b)
		for i, even := range evenBias(rest) {
			b[i] = (b[i] + even) / 2
		}
	}
	return b, nil
}

// mean returns the mean score of each word.
func mean(scores [][]float64) []float64 {
	m := make([]float64, len(scores[0]))
	for _, of := range scores {
		for i, s := range of {
			m[i] += s
		}
	}
	for i := range m {
		m[i] /= float64(len(scores))
	}
	return m
}

// center subtracts the mean of b from it.
func center(b []float64) {
	sum := 0.0
	for _, x := range b {
		sum += x
	}
	for i := range b {
		b[i] -= sum / float64(len(b))
	}
}

// evenSteps is enough for evenBias to converge to what answers can show.
const evenSteps = 100

// evenBias returns the numbers, with the mean 0, that make the words equally
// probable on average over the texts if they are subtracted from the scores.
func evenBias(scores [][]float64) []float64 {
	b := mean(scores)
	probable := make([]float64, len(b))
	for range evenSteps {
		clear(probable)
		for _, of := range scores {
			p := make([]float64, len(of))
			for i, s := range of {
				p[i] = s - b[i]
			}
			softmax(p)
			for i := range p {
				probable[i] += p[i] / float64(len(scores))
			}
		}
		for i, p := range probable {
			b[i] += math.Log(max(p, 1e-12) * float64(len(b)))
		}
	}
	center(b)
	return b
}

// softmax replaces logarithms of weights by probabilities.
func softmax(logs []float64) {
	top, total := slices.Max(logs), 0.0
	for i, s := range logs {
		logs[i] = math.Exp(s - top)
		total += logs[i]
	}
	for i := range logs {
		logs[i] /= total
	}
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

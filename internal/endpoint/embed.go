package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/answercache"
	"github.com/firesteel/firesteel/llm"
)

// The most that one request to /embeddings holds.
const (
	maxEmbedTexts = 64
	maxEmbedBytes = 128 << 10
)

type wireEmbedRequest struct {
	Model  string   `json:"model"`
	Input  []string `json:"input"`
	Format string   `json:"encoding_format"`
}

// Embed gives each text's vector: see llm.Embedder. Several texts go in one
// request; one that the server refuses is found by halves, as a refusal costs
// nothing, and one that is too long is cut, and says so.
func (e *Endpoint) Embed(ctx context.Context, texts []string) ([]llm.Embedding, error) {
	ctx, done := e.within(ctx)
	defer done()
	vectors := make([]llm.Embedding, len(texts))
	keys := make([]answercache.Key, len(texts))
	for i, text := range texts {
		keys[i] = answercache.KeyOf(text)
	}
	asked, same := unknown(e.vectors, keys, vectors)
	var batches [][]int
	bytes := 0
	for _, i := range asked {
		last := len(batches) - 1
		if last < 0 || len(batches[last]) == maxEmbedTexts || bytes+len(texts[i]) > maxEmbedBytes {
			batches = append(batches, nil)
			last++
			bytes = 0
		}
		batches[last] = append(batches[last], i)
		bytes += len(texts[i])
	}
	places := make([]int, len(batches))
	for i := range places {
		places[i] = i
	}
	err := e.each(ctx, places, func(n int) error {
		err := e.embedHalves(ctx, batches[n], texts, vectors)
		for _, i := range batches[n] {
			e.vectors.Put(keys[i], vectors[i])
		}
		return err
	}, func(n int, err error) {
		for _, i := range batches[n] {
			vectors[i].Err = err
		}
	})
	if err != nil {
		return nil, err
	}
	for i, first := range same {
		vectors[i] = vectors[first]
	}
	return vectors, nil
}

// maxCuts bounds how often a text that is too long is cut in half.
const maxCuts = 6

// embedHalves fills in the vectors of a batch. It returns an error that all
// other batches would meet as well.
func (e *Endpoint) embedHalves(ctx context.Context, batch []int, texts []string, vectors []llm.Embedding) error {
	input := make([]string, len(batch))
	for n, i := range batch {
		input[n] = strings.ToValidUTF8(texts[i], "\uFFFD")
		if e.opts.Context > 0 {
			input[n], vectors[i].Cut = cut(input[n], e.opts.Context)
		}
	}
	for cuts := 0; ; cuts++ {
		found, tokens, err := e.embedOnce(ctx, input)
		if err == nil {
			for n, i := range batch {
				vectors[i].Vector, vectors[i].Tokens = found[n], tokens[n]
			}
			return nil
		}
		refused := errors.Is(err, llm.ErrTooLong) || errors.Is(err, llm.ErrRequest)
		if refused && len(batch) > 1 {
			half := len(batch) / 2
			return errors.Join(e.embedHalves(ctx, batch[:half], texts, vectors), e.embedHalves(ctx, batch[half:], texts, vectors))
		}
		shorter, wasCut := cut(input[0], estimate(input[0])/2)
		if !errors.Is(err, llm.ErrTooLong) || cuts == maxCuts || !wasCut || shorter == "" {
			err = atRequest(err, batch[0])
			for _, i := range batch {
				vectors[i].Err = err
			}
			return err
		}
		input[0], vectors[batch[0]].Cut = shorter, true
	}
}

// embedOnce sends one request. The tokens of its texts are the server's count,
// shared out by their size.
func (e *Endpoint) embedOnce(ctx context.Context, input []string) ([][]float32, []int, error) {
	body, err := json.Marshal(wireEmbedRequest{e.ref.model, input, "float"})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", llm.ErrRequest, err)
	}
	var vectors [][]float32
	var claim *wireUsage
	c := newCall("/embeddings", body, func(body []byte) (err error) {
		vectors, claim, err = parseEmbeddings(body, len(input))
		return err
	})
	c.maxBytes = maxEmbeddingsBytes
	tokens := make([]int, len(input))
	sent := size{messages: len(input)}
	for i, text := range input {
		tokens[i] = estimate(text)
		sent.bytes += len(text)
		sent.tokens += tokens[i]
	}
	c.reserve = e.usage.foresee(sent.tokens, 1)
	if err := e.do(ctx, c); err != nil {
		return nil, nil, err
	}
	if claim != nil {
		claim.Completion = new(float64) // there is none
	}
	u := e.usage.settle(claim, sent, "", 1)
	e.limits.settle(c.reserve, float64(u.prompt))
	e.usage.count(func(t *Totals) { t.Requests++ })
	for i := range tokens {
		tokens[i] = tokens[i] * u.prompt / max(1, sent.tokens)
	}
	n := int64(len(vectors[0]))
	if !e.dimensions.CompareAndSwap(0, n) && e.dimensions.Load() != n {
		return nil, nil, e.fail(fmt.Errorf("vectors of %d numbers after some of %d", n, e.dimensions.Load()), "The server seems to have changed its model.")
	}
	return vectors, tokens, nil
}

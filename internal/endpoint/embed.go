package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/firesteel/firesteel/internal/answercache"
	"github.com/firesteel/firesteel/llm"
)

// Limits of one request to /embeddings.
const (
	maxEmbedTexts = 64
	maxEmbedBytes = 128 << 10
)

type wireEmbedRequest struct {
	Model  string   `json:"model"`
	Input  []string `json:"input"`
	Format string   `json:"encoding_format"`
}

type wireEmbeddings struct {
	Data []struct {
		Index     *int      `json:"index"`
		Embedding []float64 `json:"embedding"`
	} `json:"data"`
	Usage json.RawMessage `json:"usage"`
}

// parseEmbeddings returns n vectors of length 1, in the order of the inputs, and
// the usage that the server reports.
func parseEmbeddings(body []byte, n int) ([][]float32, *wireUsage, error) {
	if err := bodyError(body); err != nil {
		return nil, nil, err
	}
	var w wireEmbeddings
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUnreadable, notJSON(body, err))
	}
	usage := readUsage(w.Usage)
	if len(w.Data) != n {
		return nil, usage, fmt.Errorf("%w: %d vectors for %d texts", errUnreadable, len(w.Data), n)
	}
	vectors := make([][]float32, n)
	for at, d := range w.Data {
		if d.Index != nil {
			at = *d.Index
		}
		if at < 0 || at >= n || vectors[at] != nil {
			return nil, usage, fmt.Errorf("%w: the vectors have wrong indexes", errUnreadable)
		}
		if len(d.Embedding) == 0 || len(d.Embedding) != len(w.Data[0].Embedding) {
			return nil, usage, fmt.Errorf("%w: vectors of %d and %d numbers", errUnreadable, len(w.Data[0].Embedding), len(d.Embedding))
		}
		sum := 0.0
		for _, x := range d.Embedding {
			sum += x * x
		}
		length := math.Sqrt(sum)
		if !(length > 0) || math.IsInf(length, 0) {
			return nil, usage, fmt.Errorf("%w: the length of a vector is 0 or infinite", errUnreadable)
		}
		vectors[at] = make([]float32, len(d.Embedding))
		for i, x := range d.Embedding {
			vectors[at][i] = float32(x / length)
		}
	}
	return vectors, usage, nil
}

// Embed returns the vector of each text: see llm.Model. One request has
// several texts. If the server refuses a batch, which costs nothing, Embed
// divides it in half until it finds the refused text. A text that is too long is
// cut, and its embedding records this. The interface has no named prompts, so
// EmbedRequest.Prompt has no effect.
func (e *Endpoint) Embed(ctx context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	texts := make([]string, len(requests))
	for i, r := range requests {
		texts[i] = r.Text
	}
	ctx, done := e.within(ctx)
	defer done()
	vectors := make([]llm.Embedding, len(texts))
	keys := make([]answercache.Key, len(texts))
	for i, text := range texts {
		keys[i] = answercache.KeyOf(text)
	}
	asked, same := missing(e.vectors, keys, vectors)
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
		err := e.embedBatch(ctx, batches[n], texts, vectors)
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

// embedBatch computes the vectors of a batch. It returns the errors of its
// requests; each decides in affectsAllRows.
func (e *Endpoint) embedBatch(ctx context.Context, batch []int, texts []string, vectors []llm.Embedding) error {
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
			return errors.Join(e.embedBatch(ctx, batch[:half], texts, vectors), e.embedBatch(ctx, batch[half:], texts, vectors))
		}
		shorter, wasCut := cut(input[0], estimate(input[0])/2)
		if !errors.Is(err, llm.ErrTooLong) || cuts == maxCuts || !wasCut || shorter == "" {
			err = withRequest(err, batch[0])
			for _, i := range batch {
				vectors[i].Err = err
			}
			return err
		}
		input[0], vectors[batch[0]].Cut = shorter, true
	}
}

// embedOnce sends one request. The tokens of each text are its share, by
// estimated size, of the tokens that the server reports.
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
	c.reserve = e.usage.predict(sent.tokens, 1)
	if err := e.do(ctx, c); err != nil {
		return nil, nil, err
	}
	if claim != nil {
		claim.Completion = new(float64) // embeddings have no output
	}
	u := e.usage.settle(claim, sent, "", 1)
	e.limits.settle(c.reserve, float64(u.prompt))
	e.usage.count(func(t *Totals) { t.Requests++ })
	for i := range tokens {
		tokens[i] = tokens[i] * u.prompt / max(1, sent.tokens)
	}
	n := int64(len(vectors[0]))
	if !e.dimensions.CompareAndSwap(0, n) && e.dimensions.Load() != n {
		return nil, nil, e.fail(fmt.Errorf("the vectors have %d numbers, earlier ones had %d", n, e.dimensions.Load()), "The server seems to have changed its model.")
	}
	return vectors, tokens, nil
}

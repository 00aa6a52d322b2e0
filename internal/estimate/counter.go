package estimate

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// counters counts the tokens of requests. A dry one asks no model, and returns
// answers of the right form without meaning.
type counters struct {
	models *models.Opened // wrapped by before
	dry    bool
	asked  atomic.Int64

	mu             sync.Mutex
	prompt, output []float64 // of each request
}

// counter counts the requests to one model.
type counter struct {
	*counters
	llm.Model
}

// wrap puts a counter before a model.
func (c *counters) wrap(m llm.Model) llm.Model { return counter{c, m} }

// take returns the counts since the last call.
func (c *counters) take() (prompt, output []float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	prompt, output = c.prompt, c.output
	c.prompt, c.output = nil, nil
	return prompt, output
}

func (c *counters) note(prompt, output int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prompt, c.output = append(c.prompt, float64(prompt)), append(c.output, float64(output))
}

func (c counter) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	if !c.dry {
		results, err := c.Model.Do(ctx, requests)
		for _, r := range results {
			c.note(r.PromptTokens, r.OutputTokens)
		}
		return results, err
	}
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		prompt := c.CountTokens(r.Prefix) + c.CountTokens(r.Text)
		for _, m := range r.Messages {
			prompt += c.CountTokens(m.Text) + messageTokens
		}
		results[i] = llm.Result{PromptTokens: prompt, Finish: llm.FinishStop}
		switch of := r.Constraint.(type) {
		case llm.Choice:
			results[i].Text, results[i].Scores = of.Labels[0], make([]float64, len(of.Labels))
			results[i].OutputTokens = c.CountTokens(of.Labels[0])
		case llm.JSON:
			results[i].Text = "{}"
		}
		if _, ok := r.Constraint.(llm.Choice); !ok {
			if results[i].OutputTokens = r.MaxTokens; r.MaxTokens == 0 {
				results[i].OutputTokens = defaultOutput
			}
			if r.Constraint == nil { // of that length, and like no other
				results[i].Text = fmt.Sprint(c.asked.Add(1), strings.Repeat(" word", results[i].OutputTokens-1))
			}
		}
		c.note(prompt, results[i].OutputTokens)
	}
	return results, nil
}

const (
	// messageTokens is about the number of tokens that a chat template puts around a
	// message.
	messageTokens = 8
	// defaultOutput is assumed for a request without a bound.
	defaultOutput = 256
)

func (c counter) Embed(ctx context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	if !c.dry {
		vectors, err := c.Model.Embed(ctx, requests)
		for _, v := range vectors {
			c.note(v.Tokens, 0)
		}
		return vectors, err
	}
	vectors := make([]llm.Embedding, len(requests))
	for i, r := range requests {
		vectors[i] = llm.Embedding{Vector: []float32{1}, Tokens: c.CountTokens(r.Text)}
		c.note(vectors[i].Tokens, 0)
	}
	return vectors, nil
}

func (c counter) Tag(ctx context.Context, texts []string) ([]llm.Tagging, error) {
	if !c.dry {
		tagged, err := c.Model.Tag(ctx, texts)
		for _, t := range tagged {
			c.note(len(t.Tokens), 0)
		}
		return tagged, err
	}
	for _, text := range texts {
		c.note(c.CountTokens(text), 0)
	}
	return make([]llm.Tagging, len(texts)), nil
}

func (c counter) Rank(ctx context.Context, pairs []llm.Pair) ([]llm.Ranking, error) {
	if !c.dry {
		ranked, err := c.Model.Rank(ctx, pairs)
		for _, r := range ranked {
			c.note(r.Tokens, 0)
		}
		return ranked, err
	}
	ranked := make([]llm.Ranking, len(pairs))
	for i, p := range pairs {
		ranked[i] = llm.Ranking{Logits: make([]float64, len(c.Info().Labels)), Tokens: c.CountTokens(p.A) + c.CountTokens(p.B)}
		c.note(ranked[i].Tokens, 0)
	}
	return ranked, nil
}

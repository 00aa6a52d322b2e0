package job

import (
	"context"
	"sync"

	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// Usage is what a job asked its model.
type Usage struct {
	Requests, PromptTokens, OutputTokens int64
	Cost                                 float64 // by Options.Price
}

// meter counts what its model is asked, and refuses what the job's spending has
// no room for.
type meter struct {
	*spending
	llm.Model
}

// spending is what all models of a job were asked. A request is let through
// only if the budget has room for its prompt and its longest answer, beside
// those that are under way; what an answer really took is known when it is
// there.
type spending struct {
	tokens *int64
	cost   *float64
	price  Price

	mu       sync.Mutex
	changed  sync.Cond
	used     Usage
	reserved Usage // by requests under way; tokens and cost
	underway int
	spent    *Spent
}

func newSpending(b Budget, p Price) *spending {
	s := &spending{tokens: b.Tokens, cost: b.Cost, price: p}
	s.changed.L = &s.mu
	return s
}

// metered gives the model with a meter before it; it can embed if the model can.
func metered(m llm.Model, s *spending) llm.Model {
	t := &meter{s, m}
	if e, ok := m.(llm.Embedder); ok {
		return embedMeter{t, e}
	}
	return t
}

func (t *spending) usage() Usage {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}

// exhausted is why nothing is asked any more; nil if it is.
func (t *spending) exhausted() *Spent {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.spent
}

// exhaust has everything refused from now on.
func (t *spending) exhaust(why *Spent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spent == nil {
		t.spent = why
	}
	t.changed.Broadcast()
}

func (t *meter) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	most := make([]Usage, len(requests))
	if t.tokens != nil || t.cost != nil {
		for i, r := range requests {
			most[i] = t.foresee(r)
		}
	}
	results := make([]llm.Result, len(requests))
	err := t.through(ctx, most, func(i int, why *Spent) { results[i].Err = why }, func(from, to int) ([]Usage, error) {
		part, err := t.Model.Do(ctx, requests[from:to])
		if err != nil || len(part) != to-from {
			results = part // its caller says what is wrong
			return nil, err
		}
		used := make([]Usage, len(part))
		for i, r := range part {
			results[from+i] = r
			used[i] = Usage{1, int64(r.PromptTokens), int64(r.OutputTokens), 0}
		}
		return used, nil
	})
	return results, err
}

// embedMeter is a meter of a model that can embed.
type embedMeter struct {
	*meter
	model llm.Embedder
}

func (t embedMeter) Embed(ctx context.Context, texts []string) ([]llm.Embedding, error) {
	most := make([]Usage, len(texts))
	if t.tokens != nil || t.cost != nil {
		for i, text := range texts {
			most[i].PromptTokens = int64(t.CountTokens(text)) + messageTokens
		}
	}
	vectors := make([]llm.Embedding, len(texts))
	err := t.through(ctx, most, func(i int, why *Spent) { vectors[i].Err = why }, func(from, to int) ([]Usage, error) {
		part, err := t.model.Embed(ctx, texts[from:to])
		if err != nil || len(part) != to-from {
			vectors = part
			return nil, err
		}
		used := make([]Usage, len(part))
		for i, v := range part {
			vectors[from+i] = v
			used[i] = Usage{1, int64(v.Tokens), 0, 0}
		}
		return used, nil
	})
	return vectors, err
}

// through asks for as many as the budget has room for at a time, and refuses
// the rest when it has no more.
func (t *spending) through(ctx context.Context, most []Usage, refuse func(int, *Spent), ask func(from, to int) ([]Usage, error)) error {
	stop := context.AfterFunc(ctx, func() {
		defer panics.Handle("ending a wait", nil)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.changed.Broadcast()
	})
	defer stop()
	for from := 0; from < len(most); {
		to, reserved, why := t.admit(ctx, most[from:])
		if why != nil {
			for i := from; i < len(most); i++ {
				refuse(i, why)
			}
			return nil
		}
		if err := ctx.Err(); err != nil {
			t.settle(reserved, nil)
			return err
		}
		used, err := ask(from, from+to)
		t.settle(reserved, used)
		if err != nil || used == nil {
			return err
		}
		from += to
	}
	return ctx.Err()
}

// admit waits until the first of most has room, and says how many have.
func (t *spending) admit(ctx context.Context, most []Usage) (n int, reserved Usage, why *Spent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if t.spent != nil {
			return 0, Usage{}, t.spent
		}
		for n < len(most) {
			if why = t.over(reserved, most[n]); why != nil {
				break
			}
			reserved.PromptTokens += most[n].PromptTokens
			reserved.OutputTokens += most[n].OutputTokens
			n++
		}
		if n > 0 || ctx.Err() != nil {
			t.reserved.PromptTokens += reserved.PromptTokens
			t.reserved.OutputTokens += reserved.OutputTokens
			t.underway++
			return n, reserved, nil
		}
		if t.underway == 0 { // there will not be more room
			t.spent = why
			t.changed.Broadcast()
			return 0, Usage{}, why
		}
		t.changed.Wait()
	}
}

// over tells which budget has no room for one more.
func (t *spending) over(beside, more Usage) *Spent {
	prompt := t.used.PromptTokens + t.reserved.PromptTokens + beside.PromptTokens + more.PromptTokens
	output := t.used.OutputTokens + t.reserved.OutputTokens + beside.OutputTokens + more.OutputTokens
	switch {
	case t.tokens != nil && prompt+output > *t.tokens:
		return spentTokens(*t.tokens)
	case t.cost != nil && t.price.of(float64(prompt), float64(output)) > *t.cost:
		return spentCost(*t.cost)
	}
	return nil
}

// settle puts what was used in the place of what was reserved.
func (t *spending) settle(reserved Usage, used []Usage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.underway--
	t.reserved.PromptTokens -= reserved.PromptTokens
	t.reserved.OutputTokens -= reserved.OutputTokens
	for _, u := range used {
		t.used.Requests += u.Requests
		t.used.PromptTokens += u.PromptTokens
		t.used.OutputTokens += u.OutputTokens
	}
	t.used.Cost = t.price.of(float64(t.used.PromptTokens), float64(t.used.OutputTokens))
	t.changed.Broadcast()
}

const (
	// messageTokens is what a template may put around a message.
	messageTokens = 16
	// defaultOutput is foreseen where a request sets no bound.
	defaultOutput = 256
)

// foresee says what a request uses at most.
func (t *meter) foresee(r llm.Request) (u Usage) {
	count := func(text string) int64 { return int64(t.CountTokens(text)) }
	u.PromptTokens = count(r.Prefix) + count(r.Text)
	for _, m := range r.Messages {
		u.PromptTokens += count(m.Text) + messageTokens
	}
	u.OutputTokens = int64(r.MaxTokens)
	if choice, ok := r.Constraint.(llm.Choice); ok {
		u.OutputTokens = 0
		for _, label := range choice.Labels {
			u.OutputTokens += count(label) + 1
		}
	} else if r.MaxTokens == 0 {
		u.OutputTokens = defaultOutput
	}
	return u
}

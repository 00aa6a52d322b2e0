package asking

import (
	"context"
	"sync"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/usage"
	"github.com/firesteel/firesteel/llm"
)

// meter counts the requests to a model, and refuses those for which the job's
// budget has no room.
type meter struct {
	*Spending
	llm.Model
	function *ai.Function
}

// Spending is the usage of all models of a job. A request is admitted only if
// the budget has room for its prompt and its longest answer, in addition to the
// requests under way. When its answer is there, the actual usage replaces the
// reservation.
//
// With a usage.Query the budget holds for all processes that have it. A process
// publishes its reservation before it reads those of the others, so that at least
// one of two that ask at the same time sees the other.
type Spending struct {
	budget job.Budget
	price  job.Price
	shared *usage.Query // nil if the job runs in this process only

	mu        sync.Mutex
	changed   sync.Cond
	used      job.Usage
	reserved  job.Usage // tokens of the requests under way
	underway  int
	spent     *job.Spent
	state     usage.State  // published; its tokens are set by publish
	others    usage.Totals // as last read
	published time.Time
	sampled   map[string]int64 // rows by function, for a budget with a sample
	notShared func(error)      // see Share
}

// NewSpending returns the Spending of a job.
func NewSpending(b job.Budget, p job.Price) *Spending {
	s := &Spending{budget: b, price: p, sampled: map[string]int64{}}
	s.changed.L = &s.mu
	return s
}

// Share makes the budget that of all processes that share a query. session names
// the session of the query. A usage that cannot be written ends a job with a
// budget; without one, failed gets the error.
func (t *Spending) Share(q *usage.Query, session string, failed func(error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shared, t.notShared = q, failed
	t.state.Session, t.state.Begun = session, time.Now().UnixMicro()
	t.exchange()
}

// bounded reports whether requests need a reservation.
func (t *Spending) bounded() bool { return t.budget.Tokens != nil || t.budget.Cost != nil }

// limited reports whether the job has any budget.
func (t *Spending) limited() bool { return t.budget != job.Budget{} }

// metered puts a meter before a model that a function asks.
func metered(m llm.Model, s *Spending, f *ai.Function) llm.Model { return &meter{s, m, f} }

// Usage returns the usage of this process.
func (t *Spending) Usage() job.Usage {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}

// exhausted returns the reason why no model is asked any more, or nil.
func (t *Spending) exhausted() *job.Spent {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.spent
}

// Exhaust refuses all requests from now on.
func (t *Spending) Exhaust(reason *job.Spent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.exhaust(reason)
}

func (t *Spending) exhaust(reason *job.Spent) {
	if t.spent == nil {
		t.spent = reason
	}
	t.changed.Broadcast()
}

func (t *meter) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	return through(ctx, t, requests, t.Model.Do, t.maxUsage,
		func(r llm.Result) job.Usage {
			return job.Usage{Requests: 1, PromptTokens: int64(r.PromptTokens), OutputTokens: int64(r.OutputTokens)}
		},
		func(r *llm.Result, reason error) { r.Err = reason })
}

func (t *meter) Embed(ctx context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	return through(ctx, t, requests, t.Model.Embed,
		func(r llm.EmbedRequest) job.Usage { return t.reading(r.Text) },
		func(e llm.Embedding) job.Usage { return job.Usage{Requests: 1, PromptTokens: int64(e.Tokens)} },
		func(e *llm.Embedding, reason error) { e.Err = reason })
}

func (t *meter) Tag(ctx context.Context, texts []string) ([]llm.Tagging, error) {
	return through(ctx, t, texts, t.Model.Tag,
		func(text string) job.Usage { return t.reading(text) },
		func(g llm.Tagging) job.Usage { return job.Usage{Requests: 1, PromptTokens: int64(len(g.Tokens))} },
		func(g *llm.Tagging, reason error) { g.Err = reason })
}

func (t *meter) Rank(ctx context.Context, pairs []llm.Pair) ([]llm.Ranking, error) {
	return through(ctx, t, pairs, t.Model.Rank,
		func(p llm.Pair) job.Usage { return t.reading(p.A, p.B) },
		func(r llm.Ranking) job.Usage { return job.Usage{Requests: 1, PromptTokens: int64(r.Tokens)} },
		func(r *llm.Ranking, reason error) { r.Err = reason })
}

// reading returns the most tokens that a request of texts without an answer uses.
func (t *meter) reading(texts ...string) (u job.Usage) {
	u.PromptTokens = messageTokens
	for _, text := range texts {
		u.PromptTokens += int64(t.CountTokens(text))
	}
	return u
}

// through asks a model for as many requests at a time as the budget has room for,
// and refuses the rest when the budget is spent. most returns the maximum usage of
// a request, and usage that of a result.
func through[In, Out any](ctx context.Context, t *meter, requests []In, ask func(context.Context, []In) ([]Out, error),
	most func(In) job.Usage, usage func(Out) job.Usage, refuse func(*Out, error)) ([]Out, error) {
	reserve := make([]job.Usage, len(requests))
	if t.bounded() {
		for i, r := range requests {
			reserve[i] = most(r)
		}
	}
	results := make([]Out, len(requests))
	err := t.through(ctx, reserve, func(i int, reason *job.Spent) { refuse(&results[i], reason) }, func(from, to int) ([]job.Usage, error) {
		part, err := ask(ctx, requests[from:to])
		if err != nil || len(part) != to-from {
			results = part // the caller reports the wrong length
			return nil, err
		}
		used := make([]job.Usage, len(part))
		for i, r := range part {
			results[from+i] = r
			used[i] = usage(r)
		}
		return used, nil
	})
	return results, err
}

// through asks for as many requests at a time as the budget has room for, and
// refuses the rest when the budget is spent. most is the maximum usage of each
// request.
func (t *meter) through(ctx context.Context, most []job.Usage, refuse func(int, *job.Spent), ask func(from, to int) ([]job.Usage, error)) error {
	stop := context.AfterFunc(ctx, func() {
		defer panics.Handle("ending a wait", nil)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.changed.Broadcast()
	})
	defer stop()
	for from := 0; from < len(most); {
		n, reserved, reason := t.admit(ctx, most[from:])
		if reason != nil {
			for i := from; i < len(most); i++ {
				refuse(i, reason)
			}
			return nil
		}
		if err := ctx.Err(); err != nil {
			t.settle(reserved, nil)
			return err
		}
		used, err := ask(from, from+n)
		t.settle(reserved, used)
		if err != nil || used == nil {
			return err
		}
		from += n
	}
	return ctx.Err()
}

// admit waits until there is room for the first request, and returns the number
// of requests that have room.
func (t *Spending) admit(ctx context.Context, most []job.Usage) (n int, reserved job.Usage, reason *job.Spent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if t.spent != nil {
			return 0, job.Usage{}, t.spent
		}
		n, reserved, reason = t.fit(most)
		t.reserve(reserved, 1)
		if n > 0 && t.shared != nil && t.bounded() {
			t.exchange() // the others see the reservation
			t.reserve(reserved, -1)
			before := n
			n, reserved, reason = t.fit(most[:n])
			if t.reserve(reserved, 1); n < before {
				t.exchange()
			}
			if t.spent != nil {
				t.reserve(reserved, -1)
				return 0, job.Usage{}, t.spent
			}
			if n == 0 && ctx.Err() == nil { // others have asked meanwhile
				t.pause(ctx)
				continue
			}
		}
		if n > 0 || ctx.Err() != nil {
			t.underway++
			return n, reserved, nil
		}
		switch {
		case t.underway > 0:
			t.changed.Wait()
		case t.others.Reserved == (usage.Tokens{}): // no reservation will be returned
			t.exhaust(reason)
			return 0, job.Usage{}, reason
		default:
			t.pause(ctx)
			t.exchange()
		}
	}
}

// fit returns how many of the requests the budget has room for, and what they
// reserve.
func (t *Spending) fit(most []job.Usage) (n int, reserved job.Usage, reason *job.Spent) {
	for n < len(most) {
		if reason = t.over(reserved, most[n]); reason != nil {
			break
		}
		reserved.PromptTokens += most[n].PromptTokens
		reserved.OutputTokens += most[n].OutputTokens
		n++
	}
	return n, reserved, reason
}

func (t *Spending) reserve(u job.Usage, sign int64) {
	t.reserved.PromptTokens += sign * u.PromptTokens
	t.reserved.OutputTokens += sign * u.OutputTokens
}

// over returns the budget that has no room for one more request.
func (t *Spending) over(pending, more job.Usage) *job.Spent {
	o := &t.others
	prompt := t.used.PromptTokens + t.reserved.PromptTokens + o.Used.Prompt + o.Reserved.Prompt + pending.PromptTokens + more.PromptTokens
	output := t.used.OutputTokens + t.reserved.OutputTokens + o.Used.Output + o.Reserved.Output + pending.OutputTokens + more.OutputTokens
	switch {
	case t.budget.Tokens != nil && prompt+output > *t.budget.Tokens:
		return t.budget.TokensSpent()
	case t.budget.Cost != nil && t.price.Of(float64(prompt), float64(output)) > *t.budget.Cost:
		return t.budget.CostSpent()
	}
	return nil
}

// settle replaces the reservation of a function's requests by the actual usage.
func (t *meter) settle(reserved job.Usage, used []job.Usage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.underway--
	t.reserve(reserved, -1)
	var sum usage.Tokens
	for _, u := range used {
		sum.Requests += u.Requests
		sum.Prompt += u.PromptTokens
		sum.Output += u.OutputTokens
	}
	t.used.Requests += sum.Requests
	t.used.PromptTokens += sum.Prompt
	t.used.OutputTokens += sum.Output
	t.used.Cost = t.price.Of(float64(t.used.PromptTokens), float64(t.used.OutputTokens))
	if t.shared != nil {
		sum.Cost = t.price.Of(float64(sum.Prompt), float64(sum.Output))
		t.use(t.function, t.Info().Name).Add(sum)
		t.publish(t.bounded())
	}
	t.changed.Broadcast()
}

const (
	// messageTokens is the most tokens that a chat template puts around a message.
	messageTokens = 16
	// defaultOutput is assumed for a request without a bound.
	defaultOutput = 256
)

// maxUsage returns the most tokens that a request uses.
func (t *meter) maxUsage(r llm.Request) (u job.Usage) {
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

package asking

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/usage"
)

// publishEvery is the interval in which usage is published that no budget bounds.
const publishEvery = time.Second

// Begun returns when the first process began the query.
func (t *Spending) Begun() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	begun := time.UnixMicro(t.state.Begun)
	if !t.others.Begun.IsZero() && t.others.Begun.Before(begun) {
		begun = t.others.Begun
	}
	return begun
}

// Note changes the usage of a function and a model, and counts errors against the
// budget of them. It does nothing for a job in this process only.
func (t *Spending) Note(f *ai.Function, model string, change func(*usage.Use)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shared == nil {
		return
	}
	u := t.use(f, model)
	before := u.Errors
	change(u)
	if u.Errors != before {
		t.state.Errors += u.Errors - before
		if t.budget.Errors != nil {
			t.exchange()
		}
	}
}

// Flush publishes the usage now.
func (t *Spending) Flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shared != nil {
		t.publish(true)
	}
}

func (t *Spending) use(f *ai.Function, model string) *usage.Use {
	name := f.Name
	if f.Of != nil {
		name = f.Of.Name
	}
	for i := range t.state.Uses {
		if u := &t.state.Uses[i]; u.Function == name && u.Model == model {
			return u
		}
	}
	t.state.Uses = append(t.state.Uses, usage.Use{Function: name, Model: model})
	return &t.state.Uses[len(t.state.Uses)-1]
}

// current returns the state to publish.
func (t *Spending) current() usage.State {
	t.state.Used = tokensOf(t.used)
	t.state.Reserved = tokensOf(t.reserved)
	t.published = time.Now()
	return t.state
}

func tokensOf(u job.Usage) usage.Tokens {
	return usage.Tokens{Requests: u.Requests, Prompt: u.PromptTokens, Output: u.OutputTokens, Cost: u.Cost}
}

// publish writes the state, if it must be written now or was not for some time.
func (t *Spending) publish(now bool) {
	if now || time.Since(t.published) >= publishEvery {
		t.failedToShare(t.shared.Publish(t.current()))
	}
}

// exchange publishes the state and reads those of the others.
func (t *Spending) exchange() {
	others, err := t.shared.Exchange(t.current())
	if err != nil {
		t.failedToShare(err)
		return
	}
	t.others = others
	if limit := t.budget.Errors; limit != nil && t.state.Errors+others.Errors > *limit {
		t.exhaust(t.budget.ErrorsSpent())
	}
}

func (t *Spending) failedToShare(err error) {
	if err == nil {
		return
	}
	if t.limited() {
		t.exhaust(&job.Spent{Reason: fmt.Sprintf("the budget cannot be counted: %v", err)})
	}
	if t.notShared != nil {
		t.notShared(err)
	}
}

// pause lets another process return its reservation. The caller holds t.mu.
func (t *Spending) pause(ctx context.Context) {
	t.mu.Unlock()
	defer t.mu.Lock()
	select {
	case <-ctx.Done():
	case <-time.After(20*time.Millisecond + rand.N(100*time.Millisecond)):
	}
}

// rows admits rows to be asked, as many as the budget of rows allows. In this
// process alone it admits all: the job itself knows which rows are the first.
func (t *Spending) rows(ctx context.Context, f *ai.Function, n int) (int, *job.Spent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shared == nil {
		return n, nil
	}
	if limit := t.budget.Sample; limit != nil {
		k := min(int64(n), *limit-t.sampled[f.Name])
		t.sampled[f.Name] += k
		t.state.Asked += k
		return int(k), t.budget.SampleAsked()
	}
	if t.budget.Rows == nil {
		t.state.Asked += int64(n)
		return n, nil
	}
	limit := *t.budget.Rows
	for {
		free := limit - t.state.Asked - t.others.Asked
		if free > 0 {
			k := min(int64(n), free)
			t.state.Asked += k
			t.exchange()
			over := t.state.Asked + t.others.Asked - limit
			if over <= 0 {
				return int(k), t.budget.RowsSpent()
			}
			t.state.Asked -= k // another process took rows at the same time
		}
		t.exchange()
		if t.spent != nil {
			return 0, t.spent
		}
		if t.state.Asked+t.others.Asked >= limit {
			return 0, t.budget.RowsSpent()
		}
		if t.pause(ctx); ctx.Err() != nil {
			return n, nil // the ask finds that the context ended
		}
	}
}

package asking

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/usage"
	"github.com/firesteel/firesteel/llm"
)

// countingModel uses 10 tokens for each request, and counts them for all executors.
type countingModel struct {
	testkit.Echo
	slow time.Duration
	asks *asks
}

type asks struct {
	sync.Mutex
	of map[string]int
	n  int
}

func (m countingModel) Info() llm.Info {
	return llm.Info{Name: "m", Digest: "d", Context: 1000, Roles: []llm.ModelRole{llm.Text}}
}

func (m countingModel) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	m.asks.Lock()
	for _, r := range requests {
		m.asks.of[testkit.Rendered(r)]++
		m.asks.n++
	}
	m.asks.Unlock()
	time.Sleep(m.slow)
	results := make([]llm.Result, len(requests))
	for i := range results {
		results[i] = llm.Result{Text: "an answer", PromptTokens: 8, OutputTokens: 2, Finish: llm.FinishStop}
	}
	return results, ctx.Err()
}

func (m countingModel) Source(context.Context, llm.ModelRole, string) (llm.Model, error) {
	return m, nil
}

func (m countingModel) Infos(asked []ai.Ask) []llm.Info {
	all := make([]llm.Info, len(asked))
	for i := range all {
		all[i] = m.Info()
	}
	return all
}

// executor returns an Asker of a new process that shares a directory, and a query
// of it, with others.
func executor(t *testing.T, dir, query string, b job.Budget, m countingModel) (*Asker, *Spending) {
	t.Helper()
	id, err := ledger.Prepare(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.OpenShared(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	q, err := usage.Open(dir, query)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSpending(b, job.Price{})
	s.Share(q, "session", func(err error) { t.Error(err) })
	a := New(m, s, l, 4, 1<<20)
	if a.Claims, err = ledger.OpenClaims(dir); err != nil {
		t.Fatal(err)
	}
	return a, s
}

func numbered(from, to int) (rows []ai.Row) {
	for i := from; i < to; i++ {
		rows = append(rows, ai.Row{fmt.Sprintf("number %d", i)})
	}
	return rows
}

// all asks for rows, and returns how many were skipped.
func all(t *testing.T, a *Asker, f *ai.Function, rows []ai.Row) (skipped int) {
	t.Helper()
	answers, err := a.Ask(t.Context(), t.Context(), f, 0, rows, func(int, error) {})
	if err != nil {
		t.Error(err)
	}
	for i, answer := range answers {
		switch {
		case job.AsSpent(answer.Err) != nil:
			skipped++
		case answer.Err != nil || answer.Value != "an answer":
			t.Errorf("row %d: %v, %v", i, answer.Value, answer.Err)
		}
	}
	return skipped
}

// Executors that have the same rows at the same time ask each of them once.
func TestEqualRowsOfExecutors(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	m := countingModel{slow: time.Millisecond, asks: &asks{of: map[string]int{}}}
	const executors, rows = 3, 120
	var wait sync.WaitGroup
	for range executors {
		a, s := executor(t, dir, "q", job.Budget{}, m)
		wait.Go(func() {
			if skipped := all(t, a, function(t), numbered(0, rows)); skipped != 0 {
				t.Errorf("%d rows are skipped", skipped)
			}
			s.Flush()
		})
	}
	wait.Wait()
	if len(m.asks.of) != rows || m.asks.n != rows {
		t.Errorf("%d requests for %d rows, of which %d are distinct", m.asks.n, rows, len(m.asks.of))
	}
	report, err := usage.Latest(dir, "session", "")
	if err != nil || len(report.Uses) != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	if u := report.Uses[0]; u.Rows != executors*rows || u.Asked != rows || u.Kept != (executors-1)*rows || u.Prompt+u.Output != 10*rows {
		t.Errorf("%+v", u)
	}
	// A later query asks nothing.
	a, _ := executor(t, dir, "later", job.Budget{Tokens: new(int64(0))}, m)
	if skipped := all(t, a, function(t), numbered(0, rows)); skipped != 0 || m.asks.n != rows {
		t.Errorf("%d rows are skipped, and there were %d requests", skipped, m.asks.n)
	}
}

// Budgets hold for all executors together, and leave no room that a request would
// have had.
func TestBudgetOfExecutors(t *testing.T) {
	const executors, rows = 3, 100
	for name, c := range map[string]struct {
		budget    job.Budget
		least, to int
	}{
		"tokens":  {job.Budget{Tokens: new(int64(1500))}, 95, 150}, // a request reserves up to 550 tokens
		"rows":    {job.Budget{Rows: new(int64(50))}, 50, 50},
		"none":    {job.Budget{Tokens: new(int64(0))}, 0, 0},
		"time":    {job.Budget{Time: new(time.Hour)}, executors * rows, executors * rows},
		"no rows": {job.Budget{Rows: new(int64(0))}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ledger")
			m := countingModel{slow: time.Millisecond, asks: &asks{of: map[string]int{}}}
			var wait sync.WaitGroup
			var mu sync.Mutex
			skipped := 0
			for k := range executors {
				a, _ := executor(t, dir, "q", c.budget, m)
				wait.Go(func() {
					n := all(t, a, function(t), numbered(k*rows, (k+1)*rows))
					mu.Lock()
					defer mu.Unlock()
					skipped += n
				})
			}
			wait.Wait()
			if m.asks.n < c.least || m.asks.n > c.to || skipped != executors*rows-m.asks.n {
				t.Errorf("%d requests, %d rows are skipped", m.asks.n, skipped)
			}
		})
	}
}

// An ask whose context ends does not end the equal rows of another ask.
func TestAbandonedAsk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	m := countingModel{slow: 20 * time.Millisecond, asks: &asks{of: map[string]int{}}}
	a, _ := executor(t, dir, "q", job.Budget{}, m)
	cancelled, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		if _, err := a.Ask(cancelled, cancelled, function(t), 0, numbered(0, 200), func(int, error) {}); err == nil {
			t.Error("the cancelled ask has answers")
		}
	})
	time.Sleep(10 * time.Millisecond)
	wait.Go(func() { all(t, a, function(t), numbered(0, 200)) })
	time.Sleep(10 * time.Millisecond)
	cancel()
	wait.Wait()
}

// If the directory is lost, answers go out, and a budget ends the asking.
func TestDirectoryLost(t *testing.T) {
	for _, budget := range []job.Budget{{}, {Errors: new(int64(10))}} {
		dir := filepath.Join(t.TempDir(), "ledger")
		m := countingModel{asks: &asks{of: map[string]int{}}}
		a, s := executor(t, dir, "q", budget, m)
		told := 0
		var mu sync.Mutex
		tell := func(error) {
			mu.Lock()
			defer mu.Unlock()
			told++
		}
		a.NotKept, s.notShared = tell, tell
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		s.Flush()
		answers, err := a.Ask(t.Context(), t.Context(), function(t), 0, numbered(0, 40), func(int, error) {})
		if err != nil || told == 0 {
			t.Fatalf("%v, told %d times", err, told)
		}
		for i, answer := range answers {
			switch spent := job.AsSpent(answer.Err); {
			case budget == job.Budget{} && answer.Value != "an answer":
				t.Fatalf("row %d: %+v", i, answer)
			case budget != job.Budget{} && (spent == nil || !strings.HasPrefix(spent.Reason, "the budget cannot be counted: ")):
				t.Fatalf("row %d: %+v", i, answer)
			}
		}
	}
}

// A sample is of each function, and later rounds take other rows.
func TestSample(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	m := countingModel{asks: &asks{of: map[string]int{}}}
	other, err := ai.Lookup("ai_summarize")
	if err != nil {
		t.Fatal(err)
	}
	for round, kept := range []int{0, 8} {
		a, s := executor(t, dir, fmt.Sprint("q", round), job.Budget{Sample: new(int64(8))}, m)
		if skipped := all(t, a, function(t), numbered(0, 50)); skipped != 50-kept-8 {
			t.Errorf("round %d: %d rows are skipped", round, skipped)
		}
		answers, err := a.Ask(t.Context(), t.Context(), other, 0, []ai.Row{{"one two three four", int64(1)}}, func(int, error) {})
		if err != nil || job.AsSpent(answers[0].Err) != nil {
			t.Errorf("round %d: another function gets %v, %v", round, answers, err)
		}
		s.Flush()
	}
}

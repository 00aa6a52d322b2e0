package inprocess

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/llm/models"
)

func TestRowsKeepTheirOrder(t *testing.T) {
	texts := numbered(5000, 1500)
	texts[10], texts[11], texts[12], texts[4000], texts[4001] = "NULL", "BAD", "poison", "BAD", "poison"
	j := newTask(texts...)
	j.model.slow = time.Millisecond
	j.Where = "id IS NULL OR id >= 0"
	j.Errors = "problem"
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	j.Allocator = mem
	s := j.done(t)
	mem.AssertSize(t, 0)
	if s.Rows != 5000 || s.OK != 4995 || s.Null != 1 || s.Errors != 4 || s.Skipped != 0 || s.LeftOut != 0 {
		t.Errorf("%+v", s.Snapshot)
	}
	if len(j.out.lines) != 5000 {
		t.Fatalf("%d rows are written", len(j.out.lines))
	}
	for i, line := range j.out.lines {
		want := fmt.Sprintf("%d|%s|re %s|(null)", i, texts[i], texts[i])
		switch texts[i] {
		case "NULL":
			want = fmt.Sprintf("%d|(null)|(null)|(null)", i)
		case "BAD":
			want = "(null)|(null)|(null)|unreadable"
		case "poison":
			want = fmt.Sprintf("%d|poison|(null)|ai_gen: it is poison", i)
		}
		if line != want {
			t.Fatalf("row %d: %s, want %s", i, line, want)
		}
	}
	if len(j.model.asked) != 1501 || j.model.most() != 1 {
		t.Errorf("%d distinct texts were asked, one of them %d times", len(j.model.asked), j.model.most())
	}
	if s.Requests != 1501 || s.PromptTokens != 15010 || s.OutputTokens != 1500 || s.Calls != 5000 || s.Kept != 0 || s.Equal != 5000-1502 {
		t.Errorf("%+v", s.Snapshot)
	}
	if got := s.Examples; len(got) != 4 || got[0].Row != 12 || got[1].Row != 13 || !errors.Is(got[1].Err, errPoison) {
		t.Errorf("examples: %v", got)
	}
	if err := s.Err(); !errors.Is(err, job.ErrIncomplete) || !strings.Contains(err.Error(), "of 5000 rows 4 with errors") {
		t.Errorf("%v", err)
	}
}

func TestLedgerAnswersAgain(t *testing.T) {
	dir := t.TempDir()
	run := func(model *fakeModel, texts ...string) (job.Summary, []string) {
		l, err := ledger.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		j := newTask(texts...)
		j.Ledger, j.model = l, model
		s := j.done(t)
		return s, j.out.lines
	}
	first := &fakeModel{digest: "d"}
	_, lines := run(first, append(numbered(1000, 600), "poison", "\xff")...)
	second := &fakeModel{digest: "d"}
	s, again := run(second, append(numbered(1000, 600), "poison", "\xff")...)
	// Errors, and what has no identity, are asked again.
	if len(second.asked) != 2 || s.Kept < 600 || s.Kept+s.Equal != 1000 || !slices.Equal(lines, again) {
		t.Errorf("%d are asked again: %+v", len(second.asked), s.Snapshot)
	}
	other := &fakeModel{digest: "e"}
	if run(other, numbered(10, 10)...); len(other.asked) != 10 {
		t.Errorf("another model was asked %d of 10", len(other.asked))
	}
	// Without a digest, a model is what its name says.
	nameless := &fakeModel{}
	run(nameless, numbered(10, 10)...)
	run(nameless, numbered(10, 10)...)
	if len(nameless.asked) != 10 || nameless.most() != 1 {
		t.Errorf("asked %d, one of them %d times", len(nameless.asked), nameless.most())
	}
}

func TestConditions(t *testing.T) {
	texts := numbered(3000, 3000)
	texts[5], texts[6] = "BAD", "poison"
	j := newTask(texts...)
	j.Where = "id < 1000 AND ai_gen(text) LIKE '%7'"
	s := j.done(t)
	// What could not be read, or decided about, stays and is told of.
	if s.Rows != 102 || s.OK != 100 || s.Errors != 2 || s.LeftOut != 2898 || len(j.model.asked) != 999 {
		t.Errorf("%d asked: %+v", len(j.model.asked), s.Snapshot)
	}
	j = newTask(texts...)
	j.Where = "id >= 500"
	j.Limit = new(int64(700))
	s = j.done(t)
	if s.Rows != 701-1 || !strings.HasPrefix(j.out.lines[1], "500|") || !strings.HasPrefix(j.out.lines[699], "1198|") {
		t.Errorf("%v ... %v: %+v", j.out.lines[:3], j.out.lines[len(j.out.lines)-1], s.Snapshot)
	}
	if n := len(j.model.asked); n > 700 {
		t.Errorf("%d rows were asked about, for 700", n)
	}
	sample := func(seed uint64) []string {
		j := newTask(numbered(10_000, 10_000)...)
		j.Sample = &job.Sample{Share: 0.03, Seed: seed}
		j.done(t)
		return j.out.lines
	}
	one, same, other := sample(1), sample(1), sample(2)
	if len(one) < 240 || len(one) > 360 || !slices.Equal(one, same) || slices.Equal(one, other) {
		t.Errorf("samples of %d, %d and %d rows", len(one), len(same), len(other))
	}
}

func TestBudgets(t *testing.T) {
	for name, c := range map[string]struct {
		budget job.Budget
		price  job.Price
		reason string
		ok     func(ok int64, asked int) bool
	}{
		"rows":   {job.Budget{Rows: new(int64(300))}, job.Price{}, "the budget of 300 rows is used up", func(ok int64, asked int) bool { return ok == 300 && asked == 300 }},
		"tokens": {job.Budget{Tokens: new(int64(11 * 200))}, job.Price{}, "the budget of 2200 tokens is used up", func(ok int64, asked int) bool { return ok > 150 && asked <= 200 }},
		"cost":   {job.Budget{Cost: new(2.0)}, job.Price{PromptPerMillion: 1000}, "the budget of 2 for tokens is used up", func(ok int64, asked int) bool { return ok > 100 && asked <= 200 }},
		"time":   {job.Budget{Time: new(120 * time.Millisecond)}, job.Price{}, "the budget of 120ms is used up", func(ok int64, asked int) bool { return ok < 1000 }},
	} {
		j := newTask(numbered(1000, 1000)...)
		if c.budget.Time != nil {
			j.model.slow = 50 * time.Millisecond
		}
		j.Budget, j.Price, j.Errors = c.budget, c.price, "problem"
		s := j.done(t)
		if s.Rows != 1000 || s.Skipped == 0 || s.OK+s.Skipped != 1000 || s.Reasons[c.reason] != s.Skipped || !c.ok(s.OK, len(j.model.asked)) {
			t.Errorf("%s: %d asked, %v, %+v", name, len(j.model.asked), s.Reasons, s.Snapshot)
		}
		if n := strings.Count(strings.Join(j.out.lines, "\n"), "|(null)|skipped: "+c.reason); n != int(s.Skipped) {
			t.Errorf("%s: %d rows say that they were skipped", name, n)
		}
	}
	texts := numbered(5000, 5000)
	for i := range 40 {
		texts[i] = fmt.Sprint("poison ", i)
	}
	j := newTask(texts...)
	j.Budget.Errors = new(int64(39))
	s := j.done(t)
	if s.Errors != 40 || s.Skipped == 0 || s.Reasons["there were more than 39 errors"] != s.Skipped {
		t.Errorf("errors: %v, %+v", s.Reasons, s.Snapshot)
	}
	j = newTask(texts...)
	j.Budget.Errors = new(int64(40))
	if s := j.done(t); s.Errors != 40 || s.Skipped != 0 {
		t.Errorf("as many errors as may be: %+v", s.Snapshot)
	}
}

// A limit of 0 allows none.
func TestLimitsOfZero(t *testing.T) {
	for name, with := range map[string]func(*job.Spec){
		"the budget of 0 rows is used up":   func(s *job.Spec) { s.Budget.Rows = new(int64(0)) },
		"the budget of 0 tokens is used up": func(s *job.Spec) { s.Budget.Tokens = new(int64(0)) },
		"the budget of 0 for tokens is used up": func(s *job.Spec) {
			s.Budget.Cost, s.Price = new(0.0), job.Price{PromptPerMillion: 1, OutputPerMillion: 1}
		},
		"the budget of 0s is used up": func(s *job.Spec) { s.Budget.Time = new(time.Duration(0)) },
	} {
		j := newTask(numbered(50, 50)...)
		with(&j.Spec)
		if s := j.done(t); s.Rows != 50 || s.Skipped != 50 || s.Reasons[name] != 50 || len(j.model.asked) != 0 {
			t.Errorf("%s: %d asked, %v, %+v", name, len(j.model.asked), s.Reasons, s.Snapshot)
		}
	}
	j := newTask(append(numbered(50, 50), "poison")...)
	j.Budget.Errors = new(int64(0))
	if s := j.done(t); s.Errors != 1 || s.OK+s.Skipped != 50 {
		t.Errorf("no error allowed: %+v", s.Snapshot)
	}
	for name, with := range map[string]func(*job.Spec){
		"limit":  func(s *job.Spec) { s.Limit = new(int64(0)) },
		"sample": func(s *job.Spec) { s.Sample = &job.Sample{} },
	} {
		j := newTask(numbered(50, 50)...)
		with(&j.Spec)
		if s := j.done(t); s.Rows != 0 || len(j.model.asked) != 0 {
			t.Errorf("%s of 0: %d asked, %+v", name, len(j.model.asked), s.Snapshot)
		}
	}
}

// Answers of the ledger cost nothing, so a spent budget does not affect them.
func TestBudgetReachesKeptAnswers(t *testing.T) {
	dir := t.TempDir()
	total := int64(0)
	for range 6 {
		l, err := ledger.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		j := newTask(numbered(1000, 1000)...)
		j.Ledger = l
		j.Budget.Tokens = new(int64(4000))
		s := j.done(t)
		if s.OK <= total && s.OK < 1000 {
			t.Errorf("%d rows after %d", s.OK, total)
		}
		total = s.OK
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if total != 1000 {
		t.Errorf("%d of 1000 rows in 6 parts", total)
	}
}

func TestFailures(t *testing.T) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	defer slog.SetDefault(before)
	broken := errors.New("broken")
	for name, change := range map[string]func(*task){
		"model":  func(j *task) { j.model.broken = broken },
		"reader": func(j *task) { j.in.fails = broken },
		"writer": func(j *task) { j.out.fails = broken },

		"panic of the model":  func(j *task) { j.model.panics = broken },
		"panic of the reader": func(j *task) { j.in.panics = broken },
		"panic of the writer": func(j *task) { j.out.panics = broken },
	} {
		j := newTask(numbered(3000, 3000)...)
		change(j)
		if _, err := j.run(t); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	j := newTask("a", "a", "b")
	j.Add = []string{"x=ai_query('other', text)"} // no such model
	if _, err := j.run(t); err == nil || !strings.Contains(err.Error(), "rows 1 to 3") {
		t.Errorf("a query that fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	j = newTask(numbered(3000, 3000)...)
	j.Models = models.Of(&fakeModel{digest: "d", slow: time.Hour})
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := j.Run(ctx, j.plan(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	j.Models = nil
	if _, err := j.Run(t.Context(), j.plan(t)); err == nil {
		t.Error("a job without a model ran")
	}
}

// The memory of rows under way is bounded, whatever the size of batches.
func TestQuota(t *testing.T) {
	r := newQuota(100)
	var mu sync.Mutex
	var now, most int64
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			n := int64(10 + i%5*30) // up to 130, which gets in alone
			if err := r.take(t.Context(), n); err != nil {
				t.Error(err)
			}
			mu.Lock()
			now += n
			most = max(most, now)
			if now > 100 && now != n {
				t.Errorf("%d taken of 100", now)
			}
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			now -= n
			mu.Unlock()
			r.free(n)
		})
	}
	all.Wait()
	if most != 130 || r.taken != 0 {
		t.Errorf("at most %d, at last %d", most, r.taken)
	}
	r.taken = 100
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errPoison)
	if err := r.take(ctx, 1); !errors.Is(err, errPoison) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestProgress(t *testing.T) {
	var mu sync.Mutex
	var seen []job.Snapshot
	j := newTask(numbered(2000, 2000)...)
	j.model.slow = 5 * time.Millisecond
	j.Every = 2 * time.Millisecond
	j.Progress = func(s job.Snapshot) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, s)
	}
	s := j.done(t)
	asking := int64(0)
	for _, s := range seen {
		asking = max(asking, s.Asking)
		if s.BytesRead != s.Rows { // a fake row is a byte
			t.Errorf("%d rows are written, of %d of the bytes", s.Rows, s.BytesRead)
		}
	}
	if asking == 0 || asking > 2*64 || s.Asking != 0 {
		t.Errorf("%d were asked at a time, and %d at last", asking, s.Asking)
	}
	if len(seen) == 0 || seen[0].Rows > seen[len(seen)-1].Rows {
		t.Errorf("%d snapshots", len(seen))
	}
	if s.Points[len(s.Points)-1].Rows != 2000 || s.BytesRead != 2000 || s.RowsPerSecond <= 0 || s.TokensPerSecond <= s.RowsPerSecond {
		t.Errorf("%+v", s.Snapshot)
	}
	var c tally
	c.points.Most = maxPoints
	for i := range 100_000 {
		c.points.Add(job.Point{Rows: int64(i)})
	}
	if kept := c.points.Kept(); len(kept) < maxPoints/2 || len(kept) > maxPoints || !slices.IsSortedFunc(kept, func(a, b job.Point) int { return int(a.Rows - b.Rows) }) {
		t.Errorf("%d points", len(kept))
	}
}

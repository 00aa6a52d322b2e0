package job

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

	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/llm"
)

func TestRowsKeepTheirOrder(t *testing.T) {
	texts := numbered(5000, 1500)
	texts[10], texts[11], texts[12], texts[4000], texts[4001] = "NULL", "BAD", "poison", "BAD", "poison"
	job := newTask(texts...)
	job.model.slow = time.Millisecond
	job.where = "id IS NULL OR id >= 0"
	job.with = func(p *Plan) { p.Errors = "problem" }
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	job.Allocator = mem
	s := job.done(t)
	mem.AssertSize(t, 0)
	if s.Rows != 5000 || s.OK != 4995 || s.Null != 1 || s.Errors != 4 || s.Skipped != 0 || s.LeftOut != 0 {
		t.Errorf("%+v", s.Snapshot)
	}
	if len(job.out.lines) != 5000 {
		t.Fatalf("%d rows are written", len(job.out.lines))
	}
	for i, line := range job.out.lines {
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
	if len(job.model.asked) != 1501 || job.model.most() != 1 {
		t.Errorf("%d distinct texts were asked, one of them %d times", len(job.model.asked), job.model.most())
	}
	if s.Requests != 1501 || s.PromptTokens != 15010 || s.OutputTokens != 1500 || s.Calls != 5000 || s.Kept != 0 || s.Equal != 5000-1502 {
		t.Errorf("%+v", s.Snapshot)
	}
	if got := s.Examples; len(got) != 4 || got[0].Row != 12 || got[1].Row != 13 || !errors.Is(got[1].Err, errPoison) {
		t.Errorf("examples: %v", got)
	}
	if err := s.Err(); !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "of 5000 rows 4 with errors") {
		t.Errorf("%v", err)
	}
}

func TestLedgerAnswersAgain(t *testing.T) {
	dir := t.TempDir()
	run := func(model *fakeModel, texts ...string) (Summary, []string) {
		l, err := ledger.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		job := newTask(texts...)
		job.Ledger, job.model = l, model
		s := job.done(t)
		return s, job.out.lines
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
	job := newTask(texts...)
	job.where = "id < 1000 AND ai_gen(text) LIKE '%7'"
	s := job.done(t)
	// What could not be read, or decided about, stays and is told of.
	if s.Rows != 102 || s.OK != 100 || s.Errors != 2 || s.LeftOut != 2898 || len(job.model.asked) != 999 {
		t.Errorf("%d asked: %+v", len(job.model.asked), s.Snapshot)
	}
	job = newTask(texts...)
	job.where = "id >= 500"
	job.with = func(p *Plan) { p.Limit = new(int64(700)) }
	s = job.done(t)
	if s.Rows != 701-1 || !strings.HasPrefix(job.out.lines[1], "500|") || !strings.HasPrefix(job.out.lines[699], "1198|") {
		t.Errorf("%v ... %v: %+v", job.out.lines[:3], job.out.lines[len(job.out.lines)-1], s.Snapshot)
	}
	if n := len(job.model.asked); n > 700 {
		t.Errorf("%d rows were asked about, for 700", n)
	}
	sample := func(seed uint64) []string {
		job := newTask(numbered(10_000, 10_000)...)
		job.with = func(p *Plan) { p.Sample, p.Seed = new(0.03), seed }
		job.done(t)
		return job.out.lines
	}
	one, same, other := sample(1), sample(1), sample(2)
	if len(one) < 240 || len(one) > 360 || !slices.Equal(one, same) || slices.Equal(one, other) {
		t.Errorf("samples of %d, %d and %d rows", len(one), len(same), len(other))
	}
}

func TestBudgets(t *testing.T) {
	for name, c := range map[string]struct {
		budget Budget
		price  Price
		reason string
		ok     func(ok int64, asked int) bool
	}{
		"rows":   {Budget{Rows: new(int64(300))}, Price{}, "the budget of 300 rows is used up", func(ok int64, asked int) bool { return ok == 300 && asked == 300 }},
		"tokens": {Budget{Tokens: new(int64(11 * 200))}, Price{}, "the budget of 2200 tokens is used up", func(ok int64, asked int) bool { return ok > 150 && asked <= 200 }},
		"cost":   {Budget{Cost: new(2.0)}, Price{1000, 0}, "the budget of 2 for tokens is used up", func(ok int64, asked int) bool { return ok > 100 && asked <= 200 }},
		"time":   {Budget{Time: new(120 * time.Millisecond)}, Price{}, "the budget of 120ms is used up", func(ok int64, asked int) bool { return ok < 1000 }},
	} {
		job := newTask(numbered(1000, 1000)...)
		if c.budget.Time != nil {
			job.model.slow = 50 * time.Millisecond
		}
		job.with = func(p *Plan) { p.Budget, p.Price, p.Errors = c.budget, c.price, "problem" }
		s := job.done(t)
		if s.Rows != 1000 || s.Skipped == 0 || s.OK+s.Skipped != 1000 || s.Reasons[c.reason] != s.Skipped || !c.ok(s.OK, len(job.model.asked)) {
			t.Errorf("%s: %d asked, %v, %+v", name, len(job.model.asked), s.Reasons, s.Snapshot)
		}
		if n := strings.Count(strings.Join(job.out.lines, "\n"), "|(null)|skipped: "+c.reason); n != int(s.Skipped) {
			t.Errorf("%s: %d rows say that they were skipped", name, n)
		}
	}
	texts := numbered(5000, 5000)
	for i := range 40 {
		texts[i] = fmt.Sprint("poison ", i)
	}
	job := newTask(texts...)
	job.with = func(p *Plan) { p.Budget.Errors = new(int64(39)) }
	s := job.done(t)
	if s.Errors != 40 || s.Skipped == 0 || s.Reasons["there were more than 39 errors"] != s.Skipped {
		t.Errorf("errors: %v, %+v", s.Reasons, s.Snapshot)
	}
	job = newTask(texts...)
	job.with = func(p *Plan) { p.Budget.Errors = new(int64(40)) }
	if s := job.done(t); s.Errors != 40 || s.Skipped != 0 {
		t.Errorf("as many errors as may be: %+v", s.Snapshot)
	}
}

// A limit of 0 allows none.
func TestLimitsOfZero(t *testing.T) {
	for name, with := range map[string]func(*Plan){
		"the budget of 0 rows is used up":       func(p *Plan) { p.Budget.Rows = new(int64(0)) },
		"the budget of 0 tokens is used up":     func(p *Plan) { p.Budget.Tokens = new(int64(0)) },
		"the budget of 0 for tokens is used up": func(p *Plan) { p.Budget.Cost, p.Price = new(0.0), Price{1, 1} },
		"the budget of 0s is used up":           func(p *Plan) { p.Budget.Time = new(time.Duration(0)) },
	} {
		job := newTask(numbered(50, 50)...)
		job.with = with
		if s := job.done(t); s.Rows != 50 || s.Skipped != 50 || s.Reasons[name] != 50 || len(job.model.asked) != 0 {
			t.Errorf("%s: %d asked, %v, %+v", name, len(job.model.asked), s.Reasons, s.Snapshot)
		}
	}
	job := newTask(append(numbered(50, 50), "poison")...)
	job.with = func(p *Plan) { p.Budget.Errors = new(int64(0)) }
	if s := job.done(t); s.Errors != 1 || s.OK+s.Skipped != 50 {
		t.Errorf("no error allowed: %+v", s.Snapshot)
	}
	for name, with := range map[string]func(*Plan){
		"limit":  func(p *Plan) { p.Limit = new(int64(0)) },
		"sample": func(p *Plan) { p.Sample = new(0.0) },
	} {
		job := newTask(numbered(50, 50)...)
		job.with = with
		if s := job.done(t); s.Rows != 0 || len(job.model.asked) != 0 {
			t.Errorf("%s of 0: %d asked, %+v", name, len(job.model.asked), s.Snapshot)
		}
	}
}

// What the ledger has costs nothing, so a budget does not keep it away.
func TestBudgetReachesKeptAnswers(t *testing.T) {
	dir := t.TempDir()
	total := int64(0)
	for range 6 {
		l, err := ledger.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		job := newTask(numbered(1000, 1000)...)
		job.Ledger = l
		job.with = func(p *Plan) { p.Budget.Tokens = new(int64(4000)) }
		s := job.done(t)
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
		job := newTask(numbered(3000, 3000)...)
		change(job)
		if _, err := job.run(t); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	job := newTask("a", "a", "b")
	job.add = []string{"x=ai_query('other', text)"} // no such model
	if _, err := job.run(t); err == nil || !strings.Contains(err.Error(), "rows 1 to 3") {
		t.Errorf("a query that fails: %v", err)
	}
	p, err := NewPlan(inSchema, "", []string{"a=ai_gen(text)"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	job = newTask(numbered(3000, 3000)...)
	job.Model = &fakeModel{digest: "d", slow: time.Hour}
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := p.Run(ctx, job.Parts); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	job.Model = nil
	if _, err := p.Run(t.Context(), job.Parts); err == nil {
		t.Error("a job without a model ran")
	}
}

func TestPlanMistakes(t *testing.T) {
	for _, c := range []struct{ where, add, errors, want string }{
		{"nothing = 1", "", "", "--where: there is no column"},
		{"", "a=ai_gen(txt)", "", "text"},
		{"", "Text=ai_gen(text)", "", "there is a column text already"},
		{"", "a=ai_gen(text)", "a", "there is a column a already"},
	} {
		var added []string
		if c.add != "" {
			added = []string{c.add}
		}
		p, err := NewPlan(inSchema, c.where, added)
		if err == nil {
			p.Errors = c.errors
			_, err = p.Schema(inSchema)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// Rows under way have a bound, whatever the size of what is read.
func TestRoom(t *testing.T) {
	r := newRoom(100)
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
	var seen []Snapshot
	job := newTask(numbered(2000, 2000)...)
	job.model.slow = 5 * time.Millisecond
	job.Every = 2 * time.Millisecond
	job.Progress = func(s Snapshot) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, s)
	}
	s := job.done(t)
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
		c.points.Add(Point{Rows: int64(i)})
	}
	if kept := c.points.Kept(); len(kept) < maxPoints/2 || len(kept) > maxPoints || !slices.IsSortedFunc(kept, func(a, b Point) int { return int(a.Rows - b.Rows) }) {
		t.Errorf("%d points", len(kept))
	}
}

// An embedder stays one behind a meter.
func TestMeteredEmbedder(t *testing.T) {
	m := metered(fakeEmbedder{&fakeModel{}}, newSpending(Budget{Tokens: new(int64(45))}, Price{}))
	e, ok := m.(llm.Embedder)
	if !ok {
		t.Fatal("it is no embedder any more")
	}
	got, err := e.Embed(t.Context(), []string{"a", "b", "c"})
	if err != nil || got[0].Err != nil || got[1].Err != nil {
		t.Fatal(got, err)
	}
	if got, err = e.Embed(t.Context(), []string{"a", "b"}); err != nil || got[0].Err != nil || asSpent(got[1].Err) == nil {
		t.Errorf("%v, %v", got, err)
	}
	if _, ok := metered(&fakeModel{}, newSpending(Budget{}, Price{})).(llm.Embedder); ok {
		t.Error("what cannot embed claims to")
	}
}

type fakeEmbedder struct{ *fakeModel }

func (fakeEmbedder) Embed(_ context.Context, texts []string) ([]llm.Embedding, error) {
	all := make([]llm.Embedding, len(texts))
	for i := range all {
		all[i] = llm.Embedding{Vector: []float32{1}, Tokens: 9}
	}
	return all, nil
}

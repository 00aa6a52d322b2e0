package onspark

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/spark"
)

var update = flag.Bool("update", false, "write the golden files of this package")

// The queries of each kind of job, as text. The integration tests of this
// package run them on a real Spark.
func TestQueries(t *testing.T) {
	for name, c := range map[string]struct {
		spec   job.Spec
		ledger string
	}{
		"rules":      {spec: job.Spec{Where: "id > 3", Add: []string{"n=length(text)"}, Sample: &job.Sample{Share: 0.25, Seed: 7}, Limit: new(int64(10))}},
		"model":      {spec: job.Spec{Add: []string{"mood=ai_analyze_sentiment(text)", "good=ai_analyze_sentiment(text) = 'positive'"}, Errors: "problem"}},
		"ledger":     {spec: job.Spec{Add: []string{"mood=ai_analyze_sentiment(text)"}}, ledger: "/lake/ledger/"},
		"condition":  {spec: job.Spec{Where: "id > 3 AND ai_analyze_sentiment(text) = 'positive'", Add: []string{"short=try_ai_summarize(text, 5)"}}},
		"nested":     {spec: job.Spec{Add: []string{"x=ai_gen(ai_fix_grammar(text))"}}},
		"maxrows":    {spec: job.Spec{Add: []string{"mood=ai_analyze_sentiment(text)"}, Budget: job.Budget{Rows: new(int64(5))}}},
		"constant":   {spec: job.Spec{Add: []string{"x=ai_gen('the same')"}}},
		"no columns": {spec: job.Spec{Where: "text IS NOT NULL"}},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := &cluster{inputs: 20, rows: 50, tokens: 10}
			_, queries, err := cluster.run(t, c.spec, func(r *run, rec *recorder) {
				r.ledger = c.ledger
				rec.columns = func(string) ([]string, error) { return nil, &spark.Error{Class: "PATH_NOT_FOUND"} }
			})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(queries, "\n\n") + "\n"
			path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "")+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || got != string(want) {
				t.Errorf("%v; the queries are\n%s", err, got)
			}
		})
	}
}

// Waves grow from 32 inputs a core to a minute of work, and every input is in
// one of them.
func TestWavesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{inputs: 10_000, rows: 30_000, tokens: 10, each: 100 * time.Millisecond}
		var reports []Progress
		s, _, err := c.run(t, job.Spec{Add: []string{"mood=ai_analyze_sentiment(text)"}}, func(r *run, _ *recorder) {
			r.progress = func(p Progress) { reports = append(reports, p) }
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.sizes) < 10 || c.sizes[0] != 64 || c.sizes[1] < 590 || c.sizes[1] > 610 || s.Waves != len(c.sizes) {
			t.Errorf("%d waves of %d inputs", s.Waves, c.sizes)
		}
		if s.Calls != 30_000 || s.Distinct() != 10_000 || s.Asked() != 10_000 || s.Refused != 0 || s.PromptTokens != 90_000 || s.OutputTokens != 10_000 {
			t.Errorf("%+v", s.Snapshot)
		}
		last := reports[len(reports)-1]
		if len(reports) != s.Waves+1 || last.Done != 10_000 || last.Left != 0 || reports[0].Left != -1 || last.RowsPerSecond < 9.9 || last.RowsPerSecond > 10.1 {
			t.Errorf("%d reports, the last %+v", len(reports), last)
		}
	})
}

func TestBudgetsEndWaves(t *testing.T) {
	for name, c := range map[string]struct {
		budget job.Budget
		most   int64 // inputs asked
		reason string
	}{
		"tokens": {job.Budget{Tokens: new(int64(5000))}, 520, "the budget of 5000 tokens is used up"},
		"none":   {job.Budget{Tokens: new(int64(0))}, 0, "the budget of 0 tokens is used up"},
		"time":   {job.Budget{Time: new(2 * time.Minute)}, 1300, "the budget of 2m0s is used up"},
		"errors": {job.Budget{Errors: new(int64(20))}, 64, "there were more than 20 errors"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := &cluster{inputs: 10_000, rows: 10_000, failing: 100, tokens: 10, each: 100 * time.Millisecond}
				s, queries, err := cluster.run(t, job.Spec{Add: []string{"mood=ai_analyze_sentiment(text)"}, Budget: c.budget}, nil)
				if err != nil {
					t.Fatal(err)
				}
				if s.Asked() != cluster.asked || s.Asked() > c.most || s.Asked() < c.most*9/10 || s.Refused != 10_000-s.Asked() {
					t.Errorf("%d asked, %+v", cluster.asked, s.Snapshot)
				}
				if all := strings.Join(queries, "\n"); !strings.Contains(all, "concat('skipped: ', '"+c.reason+"')") {
					t.Errorf("the reason %q is missing in\n%s", c.reason, all)
				}
			})
		})
	}
}

// A ledger's answers are not asked again; inputs that it lacks are.
func TestLedgerKnows(t *testing.T) {
	c := &cluster{inputs: 1000, rows: 3000, known: 990, tokens: 1}
	columns := []string{"scope", "key", "answer", "ok", "model", "run", "wave", "at"}
	open := func(names []string, err error) func(*run, *recorder) {
		return func(r *run, rec *recorder) {
			r.ledger = "/ledger"
			rec.columns = func(string) ([]string, error) { return names, err }
		}
	}
	spec := job.Spec{Add: []string{"mood=ai_analyze_sentiment(text)"}}
	s, queries, err := c.run(t, spec, open(columns, nil))
	if err != nil || s.Kept != 990 || s.Asked() != 10 || s.Equal != 2000 || c.asked != 10 {
		t.Errorf("%d asked, %+v, %v", c.asked, s.Snapshot, err)
	}
	if n := strings.Count(strings.Join(queries, "\n"), "APPEND TO parquet.`/ledger/ai_analyze_sentiment`"); n != s.Waves {
		t.Errorf("%d appends to the ledger in %d waves", n, s.Waves)
	}
	var wrong *LedgerError
	if _, _, err := c.run(t, spec, open([]string{"scope", "key", "answer", "run"}, nil)); !errors.As(err, &wrong) || wrong.MissingColumn != "ok" {
		t.Errorf("a table that is no ledger: %v", err)
	}
	denied := errors.New("permission denied")
	if _, _, err := c.run(t, spec, open(nil, denied)); !errors.Is(err, denied) || !strings.Contains(err.Error(), "the ledger /ledger/ai_analyze_sentiment") {
		t.Errorf("a ledger that cannot be read: %v", err)
	}
}

func TestOutcomes(t *testing.T) {
	c := &cluster{inputs: 10, rows: 10, tokens: 1, states: []values{
		{"state": "ok", "count": int64(4)}, {"state": "null", "count": int64(3)}, {"state": "error", "count": int64(2)}, {"state": "skipped", "count": int64(1)},
	}, reason: []values{
		{"state": "skipped", "reason": "skipped: the budget of 9 rows is used up", "count": int64(1)},
		{"state": "error", "reason": `ai_gen: "a secret" is too long`, "count": int64(2)},
	}}
	s, _, err := c.run(t, job.Spec{Add: []string{"x=ai_gen(text)"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Rows != 10 || s.OK != 4 || s.Null != 3 || s.Errors != 2 || s.Skipped != 1 || s.Reasons["the budget of 9 rows is used up"] != 1 {
		t.Errorf("%+v", s)
	}
	if len(s.Examples) != 1 || s.Examples[0].Rows != 2 || strings.Contains(s.Examples[0].Err.Error(), "secret") {
		t.Errorf("examples: %v", s.Examples)
	}
	if !errors.Is(s.Err(), job.ErrIncomplete) {
		t.Errorf("%v", s.Err())
	}
}

// Whichever query fails, its error ends the job, and every table is dropped.
func TestFailuresDropTables(t *testing.T) {
	spec := job.Spec{Where: "ai_analyze_sentiment(text) = 'positive'", Add: []string{"x=ai_gen(text)"}, Limit: new(int64(9)), Budget: job.Budget{Rows: new(int64(5))}}
	broken := errors.New("broken")
	for _, ledger := range []string{"", "/ledger"} {
		for at, ran := 1, 0; ; at++ {
			c := &cluster{inputs: 10, rows: 10, tokens: 1, states: []values{{"state": "error", "count": int64(10)}}}
			count := 0
			_, queries, err := c.run(t, spec, func(r *run, rec *recorder) {
				r.ledger = ledger
				rec.columns = func(string) ([]string, error) { return nil, &spark.Error{Class: "PATH_NOT_FOUND"} }
				record := rec.failed
				rec.failed = func(query string) error {
					if strings.HasPrefix(query, "DROP") || strings.HasPrefix(query, "UNCACHE") {
						return broken // cannot be helped
					}
					if count++; count == at {
						return broken
					}
					return record(query)
				}
			})
			if ran = count; err == nil {
				if at != ran+1 {
					t.Errorf("%d queries, but the job has no error when query %d fails", ran, at)
				}
				break
			}
			if !errors.Is(err, broken) {
				t.Errorf("query %d fails, but the error is %v", at, err)
			}
			for _, q := range queries {
				if table, ok := strings.CutPrefix(q, "CACHE TABLE "); ok {
					table, _, _ = strings.Cut(table, " ")
					if !slices.Contains(queries, "UNCACHE TABLE IF EXISTS "+table) || !slices.Contains(queries, "DROP VIEW IF EXISTS "+table+"_query") {
						t.Errorf("query %d fails, and the table %s is left", at, table)
					}
				}
			}
		}
	}
}

// A job that is cancelled still drops its tables.
func TestCancelledJobDropsTables(t *testing.T) {
	rec := &recorder{t: t}
	r := newRun(bind(t, job.Spec{}), rec, small)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := r.cache(ctx, "x", rec.table("input")); err != nil {
		t.Fatal(err)
	}
	cancel()
	r.uncache(context.WithoutCancel(ctx))
	if got := fmt.Sprint(rec.queries[len(rec.queries)-3:]); !strings.Contains(got, "UNCACHE TABLE IF EXISTS "+prefix+r.id+"_x") {
		t.Error(got)
	}
}

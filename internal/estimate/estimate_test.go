package estimate

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

func TestSketch(t *testing.T) {
	for _, n := range []uint64{0, 1, 999, 1000, 50_000} {
		s := newSketch(1000)
		for range 2 { // a repeated hash does not count
			for i := range n {
				s.add((i + 1) * 0x9e3779b97f4a7c15)
			}
		}
		if s.exact() != (n < 1000) || s.exact() && s.count() != float64(n) || math.Abs(s.count()-float64(n)) > 0.1*float64(n) {
			t.Errorf("of %d it counts %v, exactly: %v", n, s.count(), s.exact())
		}
	}
}

// The fit recovers the times that the rounds are made from.
func TestFit(t *testing.T) {
	seconds := func(first, together, each float64, inputs int, output float64) *work {
		w := &work{inputs: inputs, seconds: first + together}
		for i := range inputs {
			w.prompt, w.output = append(w.prompt, float64(80+i%3)), append(w.output, output)
			w.seconds += each * (output + promptWeight*float64(80+i%3))
		}
		return w
	}
	const call = "f(x)"
	for _, c := range []struct {
		name                  string
		rounds                []*work
		first, together, each float64
	}{
		{"texts", []*work{seconds(3, 2, .01, 4, 50), seconds(0, 2, .01, 10, 50), seconds(0, 2, .01, 40, 50)}, 3, 2, .01},
		{"labels", []*work{seconds(3, 0, .01, 4, 1), seconds(0, 0, .01, 10, 1), seconds(0, 0, .01, 40, 1)}, 3, 0, .01},
		{"one round", []*work{seconds(0, 0, .01, 4, 1)}, 0, 0, .01},
		{"two rounds", []*work{seconds(3, 0, .01, 4, 1), seconds(0, 0, .01, 40, 1)}, 3, 0, .01},
	} {
		var rounds []round
		for _, w := range c.rounds {
			rounds = append(rounds, round{calls: map[string]*work{call: w}})
		}
		f := fitted(rounds, call)
		near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
		if !near(f.first, c.first) || !near(f.together, c.together) || !near(f.each, c.each) || f.requests != 1 {
			t.Errorf("%s: %+v", c.name, f)
		}
		if got := f.time(128, 1); !near(got, f.first+2*f.together+128*f.work.mean*f.each) {
			t.Errorf("%s: 128 inputs take %v", c.name, got)
		}
	}
}

// table is a reader of batches.
type table struct {
	schema  *arrow.Schema
	batches []string
}

func (r *table) Schema() *arrow.Schema    { return r.schema }
func (r *table) Progress() (int64, int64) { return 1, 1 }
func (r *table) Close() error             { return nil }
func (r *table) Next(context.Context) (arrow.RecordBatch, error) {
	if len(r.batches) == 0 {
		return nil, io.EOF
	}
	text := r.batches[0]
	r.batches = r.batches[1:]
	b, _, err := array.RecordFromJSON(memory.DefaultAllocator, r.schema, strings.NewReader(text))
	return b, err
}

func rows(from, to int) *table {
	r := &table{schema: arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)}
	for ; from < to; from += 50 {
		var b strings.Builder
		for i := from; i < min(from+50, to); i++ {
			fmt.Fprintf(&b, `,{"id": %d, "text": "text %d"}`, i, i%70)
		}
		r.batches = append(r.batches, "["+b.String()[1:]+"]")
	}
	return r
}

// slow is a model that answers requests one after the other, each in the same time.
type slow struct {
	llm.Unsupported

	each  time.Duration
	asked int
}

func (m *slow) Info() llm.Info {
	return llm.Info{Name: "slow", Digest: "d", Roles: []llm.ModelRole{llm.Text}}
}
func (m *slow) CountTokens(text string) int             { return len(strings.Fields(text)) }
func (m *slow) Cut(text string, max int) (string, bool) { return text, false }
func (m *slow) Close() error                            { return nil }
func (m *slow) Do(_ context.Context, requests []llm.Request) ([]llm.Result, error) {
	results := make([]llm.Result, len(requests))
	for i := range requests {
		m.asked++
		time.Sleep(m.each)
		labels := requests[i].Constraint.(llm.Choice).Labels
		results[i] = llm.Result{Text: labels[0], Scores: make([]float64, len(labels)), PromptTokens: 100, OutputTokens: 2, Finish: llm.FinishStop}
	}
	return results, nil
}

func TestCensus(t *testing.T) {
	for _, c := range []struct {
		where       string
		add         []string
		limit       int64
		known       string // texts with this ending are in the ledger
		rows        int64
		distinct    []float64
		inLedger    float64
		exact       bool
		sampledRows int
	}{
		{add: []string{"s=ai_analyze_sentiment(text)"}, rows: 200, distinct: []float64{70}, exact: true, sampledRows: 70},
		{add: []string{"s=ai_analyze_sentiment(text)"}, known: "7", rows: 200, distinct: []float64{70}, inLedger: 7, exact: true, sampledRows: 63},
		{where: "id < 60", add: []string{"s=ai_analyze_sentiment(text)"}, rows: 60, distinct: []float64{60}, exact: true, sampledRows: 60},
		{add: []string{"s=ai_analyze_sentiment(text)"}, limit: 30, rows: 30, distinct: []float64{30}, exact: true, sampledRows: 30},
		{add: []string{"s=ai_gen(ai_fix_grammar(text))", "t=ai_fix_grammar(text)"}, rows: 200, distinct: []float64{70, 70}, sampledRows: 70},
		{where: "ai_analyze_sentiment(text) = 'positive' AND id >= 140", add: []string{"n=length(text)"}, rows: 60, distinct: []float64{60}, exact: true, sampledRows: 60},
	} {
		in := rows(0, 200)
		spec := job.Spec{Where: c.where, Add: c.add}
		if c.limit > 0 {
			spec.Limit = &c.limit
		}
		plan, err := spec.Bind(in.Schema())
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		for i := range 70 {
			if f, text := plan.Calls()[0].Function, fmt.Sprintf("text %d", i); c.known != "" && strings.HasSuffix(text, c.known) {
				known[f.Identity([]llm.Info{{Digest: "d"}}, ai.Row{text, nil})] = true
			}
		}
		census, err := Take(t.Context(), in, plan, models.Of(&slow{}), func(_ *ai.Function, id string) bool { return known[id] })
		if err != nil {
			t.Fatal(err)
		}
		defer census.Close()
		var distinct []float64
		for _, n := range census.Calls {
			distinct = append(distinct, n.Distinct)
		}
		last := census.Calls[len(census.Calls)-1]
		if census.Rows != c.rows || fmt.Sprint(distinct) != fmt.Sprint(c.distinct) || last.Known != c.inLedger || last.Exact != c.exact || len(census.sample.rows) != c.sampledRows {
			t.Errorf("%s %s: %d rows, %v distinct, %v known, exact %v, %d sampled", c.where, c.add, census.Rows, distinct, last.Known, last.Exact, len(census.sample.rows))
		}
	}
}

// Predict estimates the time of a model that takes the same time for each request.
func TestPredict(t *testing.T) { synctest.Test(t, testPredict) }

func testPredict(t *testing.T) {
	in := rows(0, 1000)
	plan, err := job.Spec{Add: []string{"s=ai_analyze_sentiment(text)"}}.Bind(in.Schema())
	if err != nil {
		t.Fatal(err)
	}
	m := &slow{each: time.Millisecond}
	census, err := Take(t.Context(), in, plan, models.Of(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer census.Close()
	p, err := census.Predict(t.Context(), Options{Threads: 1, Length: 50 * time.Millisecond, Price: job.Price{PromptPerMillion: 1, OutputPerMillion: 2}})
	if err != nil {
		t.Fatal(err)
	}
	// Two requests for each input; one about an empty text is asked once.
	if p.Inputs != 70 || math.Abs(p.PromptTokens.Value-70*200) > 1e-6 || math.Abs(p.Cost.Value-(p.PromptTokens.Value+2*p.OutputTokens.Value)/1e6) > 1e-9 {
		t.Errorf("%+v", p)
	}
	if p.Time.Value < 0.14 || p.Calibrated == 0 || p.Calibrated > 70 || p.Time.Low > p.Time.Value || p.Time.High < p.Time.Value {
		t.Errorf("140 requests of a millisecond: %+v", p)
	}

	m.asked = 0
	p, err = census.Predict(t.Context(), Options{Dry: true, Threads: 1, Length: time.Second, RequestsPerMinute: 60})
	if err != nil || m.asked != 0 || p.Time.Value < 140 || p.Time.Value > 280 || !p.Bound {
		t.Errorf("without asking %d were asked: %+v %v", m.asked, p, err)
	}
}

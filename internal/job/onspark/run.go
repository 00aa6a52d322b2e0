package onspark

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/llm"
)

// run is a running job.
type run struct {
	*job.Plan
	session  session
	models   func([]ai.Ask) []llm.Info
	ledger   string
	progress func(Progress)

	id      string // part of the names of its tables
	begun   time.Time
	cores   int
	cached  []string          // tables
	answers map[string]string // the column of each call's answer, by the text of the call
	calls   []*sqlexpr.Call   // those with an answer, in the order of answers
	reached string            // condition for the rows that the budget of rows reaches; empty for all
	spent   *job.Spent        // why nothing more is asked
	asked   int64             // inputs
	failed  int64             // inputs asked whose answer is an error
	summary job.Summary
}

func newRun(p *job.Plan, s session, models func([]ai.Ask) []llm.Info) *run {
	id := make([]byte, 8)
	rand.Read(id)
	return &run{Plan: p, session: s, models: models, id: hex.EncodeToString(id), begun: time.Now(), answers: map[string]string{}}
}

func (r *run) run(ctx context.Context, in query, write func(context.Context, query) error) (job.Summary, error) {
	defer r.uncache(context.WithoutCancel(ctx))
	var err error
	if r.cores, err = r.session.parallelism(ctx); err != nil {
		return r.summary, err
	}
	rows, err := r.choose(ctx, in)
	if err != nil {
		return r.summary, err
	}
	for _, a := range r.Add {
		if rows, err = r.answerAll(ctx, rows, a.Expr.Calls()); err != nil {
			return r.summary, err
		}
	}
	rows = r.compute(rows)
	if err := r.count(ctx, rows); err != nil {
		return r.summary, err
	}
	if err := write(ctx, r.output(rows)); err != nil {
		return r.summary, err
	}
	s := &r.summary
	s.Elapsed = time.Since(r.begun)
	if seconds := s.Elapsed.Seconds(); seconds > 0 {
		s.RowsPerSecond = float64(s.Rows) / seconds
		s.TokensPerSecond = float64(s.PromptTokens+s.OutputTokens) / seconds
	}
	return *s, nil
}

// choose keeps the rows of the sample that meet the condition, up to the limit.
// It caches what Spark might choose differently when it reads again.
func (r *run) choose(ctx context.Context, rows query) (query, error) {
	if r.Sample != nil {
		rows = rows.where(r.Sample.SQL())
	}
	rows, err := r.filter(ctx, rows)
	if err != nil {
		return nil, err
	}
	if r.Limit != nil {
		if rows, err = r.cache(ctx, "limit", rows.limit(*r.Limit)); err != nil {
			return nil, err
		}
	}
	if r.Budget.Rows != nil {
		return r.reach(ctx, rows)
	}
	return rows, nil
}

// filter keeps the rows that meet the condition. A row whose condition has no
// value because a call has no answer is kept too.
func (r *run) filter(ctx context.Context, rows query) (query, error) {
	where := r.Where
	if where == nil {
		return rows, nil
	}
	if plain := where.Plain(); plain != "" {
		rows = rows.where(plain)
	}
	if len(where.Calls()) == 0 {
		return rows, nil
	}
	rows, err := r.answerAll(ctx, rows, where.Calls())
	if err != nil {
		return nil, err
	}
	condition := "(" + where.SQL(r.result) + ")"
	for _, c := range where.Calls() {
		condition += fmt.Sprintf(" OR %[1]s.error IS NOT NULL AND %[1]s.result IS NULL OR NOT %[2]s", r.answers[c.Text], r.answered(c))
	}
	return rows.where(condition), nil
}

const numberColumn = prefix + "number"

// reach numbers the rows, and sets the condition for those that the budget of
// rows reaches.
func (r *run) reach(ctx context.Context, rows query) (query, error) {
	rows, err := r.cache(ctx, "rows", rows.with(numberColumn, "monotonically_increasing_id()"))
	if err != nil {
		return nil, err
	}
	last, err := rows.project(column{expr: numberColumn}).orderBy(order{name: numberColumn}).limit(*r.Budget.Rows).
		group(nil, column{"max(" + numberColumn + ")", "last"}).rows(ctx)
	if err != nil {
		return nil, err
	}
	r.reached = "false" // no row has the highest number of none
	if len(last) == 1 {
		if v, _ := last[0].Value("last"); v != nil {
			r.reached = fmt.Sprintf("(%s <= %d)", numberColumn, v)
		}
	}
	return rows, nil
}

// result is the SQL of a call's result over the columns of answers.
func (r *run) result(c *sqlexpr.Call) string {
	if c.Function.Of != nil {
		return r.answers[c.Text]
	}
	return r.answers[c.Text] + ".result"
}

// answered is the column that tells whether a row has an answer of a call.
func (r *run) answered(c *sqlexpr.Call) string { return r.answers[c.Text] + "_known" }

// cache computes a query once and returns its rows as a cached table, which
// exists until the end of the job.
func (r *run) cache(ctx context.Context, name string, q query) (query, error) {
	table := prefix + r.id + "_" + name
	if err := q.createView(ctx, table+"_query"); err != nil {
		return nil, err
	}
	r.cached = append(r.cached, table)
	if _, err := r.session.sql(ctx, "CACHE TABLE "+table+" OPTIONS ('storageLevel' 'MEMORY_AND_DISK') AS SELECT * FROM "+table+"_query"); err != nil {
		return nil, err
	}
	return r.session.table(table), nil
}

// uncache drops the cached tables. One that cannot be dropped ends with the
// session.
func (r *run) uncache(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	for _, table := range r.cached {
		_, _ = r.session.sql(ctx, "UNCACHE TABLE IF EXISTS "+table)
		_, _ = r.session.sql(ctx, "DROP VIEW IF EXISTS "+table)
		_, _ = r.session.sql(ctx, "DROP VIEW IF EXISTS "+table+"_query")
	}
}

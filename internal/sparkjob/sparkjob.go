// Package sparkjob carries out on Spark what package job does over files here:
// rows are filtered, every distinct row of arguments is asked for once, in the
// whole query, and its answer is joined back. Answers that a ledger on Spark
// has are not asked for.
//
// The distinct inputs of a call are cut into waves by their keys' first digits.
// A wave's answers are stored before the next begins, so that the budget holds
// for the whole job within one wave, and a job that was broken off goes on after
// the last wave that was stored.
package sparkjob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// Plan is what a job is to do.
type Plan struct {
	Where string   // which rows to keep; empty keeps all
	Add   []string // name=expression
	// Errors, if not empty, is the name of a column that says of each row why
	// it has no answer.
	Errors string
	// Limit, if not nil, is how many rows to take: those that Spark gives first.
	Limit *int64
	// Sample, if not nil, is the share of rows to take, chosen by Seed.
	Sample *float64
	Seed   uint64
	// Budget; its Cost must be nil, as executors do not tell what they use.
	Budget job.Budget
	// Ledger is a path as Spark sees it, below which answers are kept as
	// Parquet. Without one they are kept as long as the job runs.
	Ledger string
	// Model is the session's. Its Digest and Precision are part of the keys.
	Model llm.Info
	// Progress, if not nil, is told of each wave.
	Progress func(Progress)
}

// Progress is how far the answering of one call is.
type Progress struct {
	Call           string
	Distinct, Done int64 // inputs; those that the ledger had are done
	Asked, Errors  int64
	RowsPerSecond  float64       // of what was asked
	Left           time.Duration // foreseen; negative if unknown
}

// Result is what a job did.
type Result struct {
	job.Summary
	// Distinct inputs of all calls, and Asked of them: those that no ledger had
	// and that the budget reached.
	Distinct, Asked int64
	Waves           int
	// Failures are the most frequent errors.
	Failures []Failure

	failures int64 // of what was asked
}

// Failure is an error, and how many rows have it.
type Failure struct {
	Rows int64
	Err  error
}

// ours begins the names of columns and views that only the job sees.
const ours = "__firesteel_"

// Check finds mistakes in a plan for rows of a schema.
func (p Plan) Check(schema *arrow.Schema) error {
	_, err := p.bind(schema)
	return err
}

func (p Plan) bind(schema *arrow.Schema) (*job.Plan, error) {
	if p.Budget.Cost != nil {
		return nil, errors.New("a budget of cost does not hold on Spark, whose executors do not tell what they use; bound the rows or the tokens")
	}
	for _, f := range schema.Fields() {
		if strings.HasPrefix(f.Name, ours) {
			return nil, fmt.Errorf("the column %s has a name that jobs use for themselves; rename it", f.Name)
		}
	}
	bound, err := job.NewPlan(schema, p.Where, p.Add)
	if err == nil {
		bound.Errors = p.Errors
		_, err = bound.Schema(schema)
	}
	return bound, err
}

// Schema is that of a DataFrame's columns in Arrow. Of types that Arrow has no
// form for, nothing can be done here but pass them on.
func Schema(ctx context.Context, df *spark.DataFrame) (*arrow.Schema, error) {
	of, err := df.Schema(ctx)
	if err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, len(of.Fields))
	for i, f := range of.Fields {
		fields[i] = arrow.Field{Name: f.Name, Type: arrow.BinaryTypes.Binary, Nullable: true}
		if one, err := (spark.StructType{Fields: []spark.StructField{f}}).ArrowSchema(); err == nil {
			fields[i].Type = one.Field(0).Type
		}
	}
	return arrow.NewSchema(fields, nil), nil
}

// Run carries out a plan over the rows of in, and has write store what comes
// out. Its error means that the output is not complete; rows with errors, and
// skipped ones, are in the Result.
func (p Plan) Run(ctx context.Context, s *spark.Session, in *spark.DataFrame, write func(context.Context, *spark.DataFrame) error) (Result, error) {
	schema, err := Schema(ctx, in)
	if err != nil {
		return Result{}, err
	}
	bound, err := p.bind(schema)
	if err != nil {
		return Result{}, err
	}
	id := make([]byte, 8)
	rand.Read(id)
	r := &running{Plan: p, session: s, bound: bound, run: hex.EncodeToString(id), begun: time.Now(), answers: map[string]string{}}
	defer r.end(context.WithoutCancel(ctx))
	return r.do(ctx, in, write)
}

// running is a job that runs.
type running struct {
	Plan
	session *spark.Session
	bound   *job.Plan
	run     string // names this job
	begun   time.Time
	cores   int
	cached  []string          // tables
	answers map[string]string // the column of each call's answer, by its text
	calls   []*sqlexpr.Call
	reached string // the condition for rows that the budget of rows reaches
	spent   string // why nothing is asked any more
	result  Result
}

func (r *running) do(ctx context.Context, in *spark.DataFrame, write func(context.Context, *spark.DataFrame) error) (Result, error) {
	var err error
	if r.cores, err = r.parallelism(ctx); err != nil {
		return r.result, err
	}
	rows, err := r.choose(ctx, in)
	if err != nil {
		return r.result, err
	}
	for _, a := range r.bound.Add {
		if rows, err = r.answerAll(ctx, rows, a.Expr.Calls()); err != nil {
			return r.result, err
		}
	}
	rows = r.judged(rows)
	if err := r.account(ctx, rows); err != nil {
		return r.result, err
	}
	if err := write(ctx, r.output(rows)); err != nil {
		return r.result, err
	}
	r.result.Elapsed = time.Since(r.begun)
	if seconds := r.result.Elapsed.Seconds(); seconds > 0 {
		r.result.RowsPerSecond = float64(r.result.Rows) / seconds
	}
	return r.result, nil
}

// choose leaves the rows of the sample, the condition and the limit. What Spark
// might choose differently when it reads again is kept.
func (r *running) choose(ctx context.Context, rows *spark.DataFrame) (*spark.DataFrame, error) {
	var err error
	if r.Sample != nil {
		if rows, err = r.keep(ctx, "sample", rows.Where(spark.Expr(fmt.Sprintf("rand(%d) < %v", int32(r.Seed), *r.Sample)))); err != nil {
			return nil, err
		}
	}
	if where := r.bound.Where; where != nil {
		if plain := where.Plain(); plain != "" {
			rows = rows.Where(spark.Expr(plain))
		}
		if rows, err = r.answerAll(ctx, rows, where.Calls()); err != nil {
			return nil, err
		}
		if len(where.Calls()) > 0 {
			// Rows that could not be decided about stay: they are told of.
			condition := "(" + where.SQL(r.instead) + ")"
			for _, c := range where.Calls() {
				condition += fmt.Sprintf(" OR %[1]s.error IS NOT NULL AND %[1]s.result IS NULL OR NOT %[2]s", r.answers[c.Text], r.there(c))
			}
			rows = rows.Where(spark.Expr(condition))
		}
	}
	if r.Limit != nil {
		if rows, err = r.keep(ctx, "limit", rows.Limit(int(min(*r.Limit, 1<<30)))); err != nil {
			return nil, err
		}
	}
	if r.Budget.Rows != nil {
		const number = ours + "number"
		if rows, err = r.keep(ctx, "rows", rows.WithColumn(number, spark.Call("monotonically_increasing_id"))); err != nil {
			return nil, err
		}
		last, err := rows.Select(spark.Col(number)).OrderBy(spark.Col(number)).Limit(int(min(*r.Budget.Rows, 1<<30))).
			GroupBy().Agg(spark.Max(spark.Col(number)).Alias("last")).Collect(ctx)
		if err != nil {
			return nil, err
		}
		r.reached = "false" // of no rows there is no last one
		if len(last) == 1 && last[0].At(0) != nil {
			r.reached = fmt.Sprintf("%s <= %d", number, last[0].At(0))
		}
	}
	return rows, nil
}

// instead gives the column that holds a call's answer.
func (r *running) instead(c *sqlexpr.Call) string {
	if c.Function.Of != nil {
		return r.answers[c.Text]
	}
	return r.answers[c.Text] + ".result"
}

func (r *running) there(c *sqlexpr.Call) string { return r.answers[c.Text] + "_there" }

// keep computes a DataFrame once, and gives what was computed until the job's
// end.
func (r *running) keep(ctx context.Context, name string, df *spark.DataFrame) (*spark.DataFrame, error) {
	table := ours + r.run + "_" + name
	if err := df.CreateOrReplaceTempView(ctx, table+"_query"); err != nil {
		return nil, err
	}
	r.cached = append(r.cached, table)
	if _, err := r.session.SQL(ctx, "CACHE TABLE "+table+" OPTIONS ('storageLevel' 'MEMORY_AND_DISK') AS SELECT * FROM "+table+"_query"); err != nil {
		return nil, err
	}
	return r.session.Table(table), nil
}

// end lets go of what was kept.
func (r *running) end(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	for _, table := range r.cached {
		// What is not let go of ends with the session.
		_, _ = r.session.SQL(ctx, "UNCACHE TABLE IF EXISTS "+table)
		_, _ = r.session.SQL(ctx, "DROP VIEW IF EXISTS "+table)
		_, _ = r.session.SQL(ctx, "DROP VIEW IF EXISTS "+table+"_query")
	}
}

// parallelism is how many tasks the cluster has room for, as far as it says.
func (r *running) parallelism(ctx context.Context) (int, error) {
	n, err := r.session.Range(0, 1<<16, 1, 0).Select(spark.Call("spark_partition_id").Alias("partition")).Distinct().Count(ctx)
	return int(max(n, 1)), err
}

// Package onspark runs jobs as queries of a Spark session: rows are filtered,
// each distinct row of arguments of the whole query is asked once, and its
// answer is joined back. Answers that a ledger on Spark has are not asked.
//
// The distinct inputs of a call are divided into waves by the first digits of
// their keys. The answers of a wave are stored before the next wave begins.
// Budgets therefore hold for the whole job within one wave, and a job that was
// interrupted continues after the last wave that was stored.
package onspark

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqltypes"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// Executor runs a plan over the rows of a DataFrame.
type Executor struct {
	Session *spark.Session
	In      *spark.DataFrame
	// Write stores the rows of the output.
	Write func(context.Context, *spark.DataFrame) error
	// Ledger is a path as Spark sees it. Answers are kept below it as Parquet.
	// Without one they are kept until Run returns.
	Ledger string
	// Asked describes the session's models that are asked. Their digests and
	// precisions are part of the ledger's keys.
	Asked func([]ai.Ask) []llm.Info
	// Progress, if not nil, is called after each wave.
	Progress func(Progress)
}

// Progress is the state of one call.
type Progress struct {
	Call           string
	Distinct, Done int64 // inputs; those whose answers the ledger has are done
	Asked, Errors  int64
	RowsPerSecond  float64       // rate of the inputs asked
	Left           time.Duration // estimate of the remaining time; negative if unknown
}

// prefix begins the names of columns and views that a job uses itself.
const prefix = "__firesteel_"

// ErrCostBudget means that a plan has a budget of cost.
var ErrCostBudget = errors.New("a budget of cost does not hold on Spark, because executors do not report their usage; bound the rows or the tokens")

// ReservedColumnError means that a column of the input has a name that jobs use
// themselves.
type ReservedColumnError struct{ Name string }

func (e *ReservedColumnError) Error() string {
	return fmt.Sprintf("the name of column %s begins with %s, which jobs use for columns of their own; rename it", e.Name, prefix)
}

// Check reports why Spark cannot run a plan: ErrCostBudget or a
// *ReservedColumnError.
func Check(p *job.Plan) error {
	if p.Budget.Cost != nil {
		return ErrCostBudget
	}
	for _, f := range p.Output.Fields() {
		if strings.HasPrefix(f.Name, prefix) {
			return &ReservedColumnError{f.Name}
		}
	}
	return nil
}

// noArrowType stands for a type of Spark without an Arrow type. Expressions do
// not take its values.
var noArrowType = arrow.FixedWidthTypes.MonthDayNanoInterval

// Schema returns the Arrow schema of a DataFrame, to bind a job to. A column
// whose type has no Arrow type can only be passed through.
func Schema(ctx context.Context, df *spark.DataFrame) (*arrow.Schema, error) {
	of, err := df.Schema(ctx)
	if err != nil {
		return nil, err
	}
	return arrowSchema(of), nil
}

func arrowSchema(of spark.StructType) *arrow.Schema {
	fields := make([]arrow.Field, len(of.Fields))
	for i, f := range of.Fields {
		fields[i] = arrow.Field{Name: f.Name, Type: noArrowType, Nullable: true}
		if one, err := (spark.StructType{Fields: []spark.StructField{f}}).ArrowSchema(); err == nil {
			fields[i].Type = one.Field(0).Type
		}
	}
	return arrow.NewSchema(fields, nil)
}

// Run runs a plan that is bound to the Schema of e.In. Rows with errors and
// skipped rows are part of the Summary. An error means that the output is not
// complete.
func (e Executor) Run(ctx context.Context, plan *job.Plan) (job.Summary, error) {
	if err := Check(plan); err != nil {
		return job.Summary{}, err
	}
	r := newRun(plan, sparkSession{e.Session}, e.Asked)
	r.ledger, r.progress = e.Ledger, e.Progress
	return r.run(ctx, frame{e.In}, func(ctx context.Context, q query) error {
		df := q.(frame).df
		if len(plan.Pass) < plan.Input.NumFields() || !slices.IsSorted(plan.Pass) { // some columns are not written
			columns := make([]spark.Column, plan.Output.NumFields())
			for i, f := range plan.Output.Fields() {
				columns[i] = spark.Col(sqltypes.QuoteName(f.Name))
			}
			df = df.Select(columns...)
		}
		return e.Write(ctx, df)
	})
}

// Parallelism returns the number of tasks that a cluster runs at once.
func Parallelism(ctx context.Context, s *spark.Session) (int, error) {
	n, err := s.Range(0, 1<<16, 1, 0).Select(spark.Call("spark_partition_id").Alias("partition")).Distinct().Count(ctx)
	return int(max(n, 1)), err
}

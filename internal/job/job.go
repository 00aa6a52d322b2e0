// Package job runs AI functions over files in this process: rows are read,
// filtered, answered and written in their order, as a stream whose memory is
// bounded. Each distinct row of arguments is asked for once, and what a ledger
// has is not asked for at all.
package job

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// Add is a column that is added.
type Add struct {
	Name string
	Expr *sqlexpr.Bound
}

// Plan is what a job is to do, checked: Check finds mistakes before anything
// is opened that costs.
type Plan struct {
	Where *sqlexpr.Bound // rows to keep; nil keeps all
	Add   []Add
	// Errors, if not empty, is the name of a column that says of each row why
	// it has no answer.
	Errors string
	// Limit, if not nil, ends the job after so many rows.
	Limit *int64
	// Sample, if not nil, is the share of rows to take, chosen by Seed.
	Sample *float64
	Seed   uint64
	Budget Budget
	Price  Price
}

// NewPlan reads what is to be done with rows of a schema. where may be empty;
// added columns are of the form name=expression.
func NewPlan(schema *arrow.Schema, where string, added []string) (*Plan, error) {
	p := &Plan{}
	if where != "" {
		e, err := sqlexpr.Parse(where)
		if err == nil {
			p.Where, err = sqlexpr.BindCondition(e, schema)
		}
		if err != nil {
			return nil, fmt.Errorf("--where: %w", err)
		}
	}
	for _, text := range added {
		a, err := sqlexpr.ParseAdd(text)
		var bound *sqlexpr.Bound
		if err == nil {
			bound, err = sqlexpr.Bind(a.Expr, schema)
		}
		if err != nil {
			return nil, fmt.Errorf("--add: %w", err)
		}
		p.Add = append(p.Add, Add{a.Name, bound})
	}
	return p, nil
}

// Schema is that of the rows that are written: those read with the columns
// that are added. Its error is a name that is there twice.
func (p *Plan) Schema(in *arrow.Schema) (*arrow.Schema, error) {
	fields := append([]arrow.Field(nil), in.Fields()...)
	add := func(name string, t arrow.DataType) error {
		for _, f := range fields {
			if strings.EqualFold(f.Name, name) {
				return fmt.Errorf("there is a column %s already; give the added one another name", f.Name)
			}
		}
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
		return nil
	}
	for _, a := range p.Add {
		if err := add(a.Name, a.Expr.Type); err != nil {
			return nil, err
		}
	}
	if p.Errors != "" {
		if err := add(p.Errors, arrow.BinaryTypes.String); err != nil {
			return nil, err
		}
	}
	// Rows that could not be read are NULL.
	for i := range fields {
		fields[i].Nullable = true
	}
	metadata := in.Metadata()
	return arrow.NewSchema(fields, &metadata), nil
}

// Expressions are the condition, if there is one, and those of the columns that
// are added.
func (p *Plan) Expressions() []*sqlexpr.Bound {
	var all []*sqlexpr.Bound
	if p.Where != nil {
		all = append(all, p.Where)
	}
	for _, a := range p.Add {
		all = append(all, a.Expr)
	}
	return all
}

// Sampled tells whether a row of the input, from 0, is one of the sample.
func (p *Plan) Sampled(row int64) bool {
	return p.Sample == nil || sampled(p.Seed, row, *p.Sample)
}

// Asks are the Calls that ask a model.
func (p *Plan) Asks() []*sqlexpr.Call {
	return slices.DeleteFunc(p.Calls(), (*sqlexpr.Call).ByRules)
}

// Calls are the calls of AI functions, those of the condition first.
func (p *Plan) Calls() []*sqlexpr.Call {
	var calls []*sqlexpr.Call
	for _, e := range p.Expressions() {
		calls = append(calls, e.Calls()...)
	}
	return calls
}

// Parts are what a plan is carried out with.
type Parts struct {
	In files.Reader
	// Bad gives the rows of In that could not be read, and why.
	Bad *BadRows
	// Out takes the rows; its schema is the plan's. Run does not close it.
	Out files.Writer
	Models
	// Ledger keeps answers; nil keeps some in memory while the job runs.
	Ledger *ledger.Ledger

	// Memory bounds what rows under way take, in bytes; 0 is 128 MiB.
	Memory int64
	// Threads is how many cores the model computes on; 0 is all.
	Threads int
	// Progress is told how the job comes on, every Every.
	Progress  func(Snapshot)
	Every     time.Duration
	Allocator memory.Allocator // nil is Arrow's default
}

// Run carries out a plan. Its error means that the output is not complete;
// rows with errors, and skipped ones, are in the Summary.
func (p *Plan) Run(ctx context.Context, with Parts) (Summary, error) {
	if with.Memory <= 0 {
		with.Memory = 128 << 20
	}
	if with.Threads <= 0 {
		with.Threads = runtime.GOMAXPROCS(0)
	}
	if with.Every <= 0 {
		with.Every = time.Second
	}
	if with.Allocator == nil {
		with.Allocator = memory.DefaultAllocator
	}
	if with.Bad == nil {
		with.Bad = &BadRows{}
	}
	return newPipeline(p, with).run(ctx)
}

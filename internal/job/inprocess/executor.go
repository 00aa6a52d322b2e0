// Package inprocess runs jobs over files in this process: rows are read,
// filtered, answered and written in their order, as a stream of bounded memory.
// Each distinct row of arguments is asked once, and not at all if a ledger has
// its answer.
package inprocess

import (
	"context"
	"runtime"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/llm/models"
)

// Executor runs a plan over the rows of a reader.
type Executor struct {
	In files.Reader
	// BadRows holds the rows of In that could not be read whole. The reader's
	// files.ReadOptions.Bad is its Note. Nil if there are none.
	BadRows *BadRows
	// Out takes rows of the plan's output schema. Run does not close it.
	Out files.Writer
	// Models are asked; nil if the plan asks no model.
	Models *models.Opened
	// Ledger keeps answers. Without one, Run keeps some in memory.
	Ledger *ledger.Ledger

	Memory  int64 // bound of the rows under way, in bytes; 0 is DefaultMemory
	Threads int   // cores that the model computes on; 0 is all
	// Progress, if not nil, is called every Every; 0 is a second.
	Progress  func(job.Snapshot)
	Every     time.Duration
	Allocator memory.Allocator // nil is Arrow's default
}

// DefaultMemory is the default of Executor.Memory.
const DefaultMemory = 128 << 20

// Run runs a plan. Rows with errors and skipped rows are part of the Summary.
// An error means that the output is not complete.
func (e Executor) Run(ctx context.Context, plan *job.Plan) (job.Summary, error) {
	if e.Memory <= 0 {
		e.Memory = DefaultMemory
	}
	if e.Threads <= 0 {
		e.Threads = runtime.GOMAXPROCS(0)
	}
	if e.Every <= 0 {
		e.Every = time.Second
	}
	if e.Allocator == nil {
		e.Allocator = memory.DefaultAllocator
	}
	if e.BadRows == nil {
		e.BadRows = &BadRows{}
	}
	return newPipeline(plan, e).run(ctx)
}

package spark

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/arrowipc"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Progress reports the progress of a running query.
type Progress struct {
	OperationID string
	Stages      []StageProgress
	// RunningTasks is the number of tasks that run now.
	RunningTasks int64
}

// StageProgress reports the progress of one stage of a query.
type StageProgress struct {
	ID               int64
	Tasks, Completed int64
	InputBytes       int64
	Done             bool
}

// maxBatch bounds an Arrow batch that arrives in chunks, in bytes.
const maxBatch = math.MaxInt32

// results reads the responses of an execution.
type results struct {
	before    func() error // called before the plan is sent; nil afterwards
	execution *execution
	// schema is the schema of the result; nil until the server has sent it.
	schema *pb.DataType
	// command is the relation that holds the result of a SQL statement.
	command *pb.Relation
	// started and stream are the results of commands of streaming queries.
	started *pb.WriteStreamOperationStartResult
	stream  *pb.StreamingQueryCommandResult
	// streams is the result of a command about all streaming queries, and checkpoint that of Checkpoint.
	streams    *pb.StreamingQueryManagerCommandResult
	checkpoint *pb.CachedRemoteRelation

	chunks  [][]byte // of an incomplete batch
	size    int      // of the chunks, in bytes
	rows    int64    // of the complete batches
	batches []arrow.RecordBatch
}

func (s *Session) run(ctx context.Context, plan *pb.Plan) *results {
	r := &results{execution: s.execute(ctx, plan)}
	r.before = func() error { return s.shipDefaultsOf(ctx, plan) }
	return r
}

// next returns the next batch, which the caller releases, and io.EOF at the end.
func (r *results) next() (arrow.RecordBatch, error) {
	if before := r.before; before != nil {
		r.before = nil
		if err := before(); err != nil {
			r.execution.close()
			return nil, err
		}
	}
	for len(r.batches) == 0 {
		response, err := r.execution.next()
		if err == io.EOF && len(r.chunks) > 0 {
			return nil, fmt.Errorf("the server's result ends inside a batch, after %d chunks", len(r.chunks))
		}
		if err != nil {
			return nil, err
		}
		if err := r.read(response); err != nil {
			r.execution.close()
			return nil, err
		}
	}
	b := r.batches[0]
	r.batches = r.batches[1:]
	return b, nil
}

// close discards the unread rest of the result.
func (r *results) close() {
	r.execution.close()
	for _, b := range r.batches {
		b.Release()
	}
	r.batches = nil
}

// drain runs a command to its end and discards its batches.
func (r *results) drain() error {
	defer r.close()
	for {
		b, err := r.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		b.Release()
	}
}

func (r *results) read(response *pb.ExecutePlanResponse) error {
	if response.Schema != nil {
		r.schema = response.Schema
	}
	r.execution.session.receive(response.GetObservedMetrics())
	switch {
	case response.GetSqlCommandResult() != nil:
		r.command = response.GetSqlCommandResult().GetRelation()
	case response.GetWriteStreamOperationStartResult() != nil:
		r.started = response.GetWriteStreamOperationStartResult()
	case response.GetStreamingQueryCommandResult() != nil:
		r.stream = response.GetStreamingQueryCommandResult()
	case response.GetStreamingQueryManagerCommandResult() != nil:
		r.streams = response.GetStreamingQueryManagerCommandResult()
	case response.GetCheckpointCommandResult() != nil:
		r.checkpoint = response.GetCheckpointCommandResult().GetRelation()
	case response.GetExecutionProgress() != nil:
		r.report(response.GetExecutionProgress())
	case response.GetArrowBatch() != nil:
		return r.readBatch(response.GetArrowBatch())
	}
	return nil
}

func (r *results) report(p *pb.ExecutePlanResponse_ExecutionProgress) {
	f := r.execution.session.config.progress
	if f == nil {
		return
	}
	progress := Progress{OperationID: r.execution.id(), RunningTasks: p.GetNumInflightTasks()}
	for _, s := range p.GetStages() {
		progress.Stages = append(progress.Stages, StageProgress{
			ID: s.GetStageId(), Tasks: s.GetNumTasks(), Completed: s.GetNumCompletedTasks(),
			InputBytes: s.GetInputBytesRead(), Done: s.GetDone(),
		})
	}
	f(progress)
}

func (r *results) readBatch(b *pb.ExecutePlanResponse_ArrowBatch) error {
	if len(r.chunks) == 0 && b.StartOffset != nil && *b.StartOffset != r.rows {
		return fmt.Errorf("the server's result has a gap: after %d rows the next batch starts at row %d", r.rows, *b.StartOffset)
	}
	if b.GetChunkIndex() != int64(len(r.chunks)) {
		return fmt.Errorf("the server's result has a gap: chunk %d of a batch follows instead of chunk %d", b.GetChunkIndex(), len(r.chunks))
	}
	if r.size += len(b.Data); r.size > maxBatch {
		return fmt.Errorf("the server sent a batch of more than %d bytes", maxBatch)
	}
	r.chunks = append(r.chunks, b.Data)
	if int64(len(r.chunks)) < b.GetNumChunksInBatch() {
		return nil
	}
	data := r.chunks[0]
	if len(r.chunks) > 1 {
		data = bytes.Join(r.chunks, nil)
	}
	r.chunks, r.size = nil, 0
	batches, err := decode(data, r.execution.session.config.allocator)
	if err != nil {
		return fmt.Errorf("the server's result after row %d: %w", r.rows, err)
	}
	r.batches = append(r.batches, batches...)
	var rows int64
	for _, b := range batches {
		rows += b.NumRows()
	}
	r.rows += rows
	if rows != b.RowCount {
		return fmt.Errorf("the server announced %d rows and sent %d", b.RowCount, rows)
	}
	return nil
}

// decode reads an Arrow IPC stream. It checks the untrusted bytes, so that
// reading the batches does not access memory out of bounds.
func decode(data []byte, allocator memory.Allocator) (batches []arrow.RecordBatch, err error) {
	// Rows may take no bytes, but Spark sends batches of limited size.
	maxRows := max(1<<20, 8*len(data))
	reader := arrowipc.NewReader(bytes.NewReader(data), arrowipc.Options{
		Allocator: allocator, MaxRows: int64(maxRows),
		// Equal rows compress to almost nothing; the constant part accepts any
		// batch of Spark's usual size.
		MaxDecompressed: 256*int64(len(data)) + 64<<20,
		OpenEnd:         true, // gRPC delivers complete messages only
	})
	defer reader.Release()
	defer func() {
		if err != nil {
			for _, b := range batches {
				b.Release()
			}
			batches = nil
		}
	}()
	for {
		b, err := reader.Next()
		if err == io.EOF {
			return batches, nil
		}
		if err != nil {
			return batches, fmt.Errorf("the Arrow stream: %w", err)
		}
		batches = append(batches, b)
		if err := arrowipc.CheckValues(b, maxRows); err != nil {
			return batches, fmt.Errorf("the Arrow stream is malformed: %w", err)
		}
	}
}

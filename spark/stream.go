package spark

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// DataStreamWriter says where the rows of a streaming query go. Its methods give a
// new DataStreamWriter and leave it as it is.
type DataStreamWriter struct {
	of *DataFrame
	op *pb.WriteStreamOperationStart
}

// WriteStream starts a StreamWriter for what was made of a ReadStream.
func (d *DataFrame) WriteStream() DataStreamWriter {
	return DataStreamWriter{d, &pb.WriteStreamOperationStart{Input: d.relation}}
}

func (w DataStreamWriter) with(change func(*pb.WriteStreamOperationStart)) DataStreamWriter {
	w.op = proto.CloneOf(w.op)
	change(w.op)
	return w
}

// Format names the sink: parquet, csv, json, text, orc, kafka, console, memory,
// noop, ...
func (w DataStreamWriter) Format(format string) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) { op.Format = format })
}

// Option sets an option of the sink.
func (w DataStreamWriter) Option(key, value string) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) { op.Options = set(op.Options, key, value) })
}

// Checkpoint names the folder, on the server's file system, in which the query
// notes how far it is. Started again with the same folder it goes on from there.
func (w DataStreamWriter) Checkpoint(path string) DataStreamWriter {
	return w.Option("checkpointLocation", path)
}

// OutputMode is append (the default), complete or update.
func (w DataStreamWriter) OutputMode(mode string) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) { op.OutputMode = mode })
}

// QueryName names the query, for Spark's own pages and for the sink memory.
func (w DataStreamWriter) QueryName(name string) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) { op.QueryName = name })
}

// PartitionBy makes a folder for each value of the columns.
func (w DataStreamWriter) PartitionBy(columns ...string) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) { op.PartitioningColumnNames = slices.Clone(columns) })
}

// ProcessingTime starts a batch so often, if there is anything new. Without a trigger a
// batch starts as soon as the one before has ended.
func (w DataStreamWriter) ProcessingTime(interval time.Duration) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) {
		op.Trigger = &pb.WriteStreamOperationStart_ProcessingTimeInterval{
			ProcessingTimeInterval: fmt.Sprintf("%d milliseconds", interval.Milliseconds()),
		}
	})
}

// AvailableNow has the query process what is there when it starts, in several
// batches if the source's options say so, and end.
func (w DataStreamWriter) AvailableNow() DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) {
		op.Trigger = &pb.WriteStreamOperationStart_AvailableNow{AvailableNow: true}
	})
}

// Once has the query process what is there in one batch, and end. Spark advises
// AvailableNow.
func (w DataStreamWriter) Once() DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) {
		op.Trigger = &pb.WriteStreamOperationStart_Once{Once: true}
	})
}

// Start starts the query, which goes on until it is stopped, fails or, with
// AvailableNow and Once, is done: closing the session ends it too. The path is
// empty for sinks without one.
//
// In a session that ships a worker (WithModel, WithProgram), the worker is first
// installed on every node, as the tasks of a stream do not have the session's
// archive: see WithStreamFolder.
func (w DataStreamWriter) Start(ctx context.Context, path string) (*StreamingQuery, error) {
	return w.start(ctx, func(op *pb.WriteStreamOperationStart) {
		if path != "" {
			op.SinkDestination = &pb.WriteStreamOperationStart_Path{Path: path}
		}
	})
}

// ToTable is Start with a table of the catalog as the sink.
func (w DataStreamWriter) ToTable(ctx context.Context, name string) (*StreamingQuery, error) {
	return w.start(ctx, func(op *pb.WriteStreamOperationStart) {
		op.SinkDestination = &pb.WriteStreamOperationStart_TableName{TableName: name}
	})
}

func (w DataStreamWriter) start(ctx context.Context, to func(*pb.WriteStreamOperationStart)) (*StreamingQuery, error) {
	if w.of.err != nil {
		return nil, w.of.err
	}
	s := w.of.session
	var q *StreamingQuery
	err := s.withInstalled(ctx, func(executable string) error {
		r := s.run(ctx, &pb.Plan{OpType: &pb.Plan_Command{Command: &pb.Command{
			CommandType: &pb.Command_WriteStreamOperationStart{WriteStreamOperationStart: w.with(to).op},
		}}})
		if err := r.drain(); err != nil {
			return err
		}
		if r.started == nil {
			return fmt.Errorf("the server does not say that it started the streaming query")
		}
		q = &StreamingQuery{session: s, id: r.started.GetQueryId(), name: r.started.GetName(), executable: executable}
		return nil
	})
	return q, err
}

// StreamingQuery is a query that runs on the server.
type StreamingQuery struct {
	session    *Session
	id         *pb.StreamingQueryInstanceId
	name       string
	executable string // of the installed worker
}

// ID is the same for all runs from one checkpoint.
func (q *StreamingQuery) ID() string { return q.id.GetId() }

// RunID is this run's.
func (q *StreamingQuery) RunID() string { return q.id.GetRunId() }

// Name is what QueryName said.
func (q *StreamingQuery) Name() string { return q.name }

func (q *StreamingQuery) command(ctx context.Context, fill func(*pb.StreamingQueryCommand)) (*pb.StreamingQueryCommandResult, error) {
	c := &pb.StreamingQueryCommand{QueryId: q.id}
	fill(c)
	r := q.session.run(ctx, &pb.Plan{OpType: &pb.Plan_Command{Command: &pb.Command{
		CommandType: &pb.Command_StreamingQueryCommand{StreamingQueryCommand: c},
	}}})
	if err := r.drain(); err != nil {
		return nil, fmt.Errorf("streaming query %s: %w", q.ID(), err)
	}
	return r.stream, nil
}

// StreamingQueryStatus is what a streaming query does.
type StreamingQueryStatus struct {
	Message       string
	Active        bool // it has not ended
	DataAvailable bool
	TriggerActive bool // a batch is under way
}

// Status says what the query does now.
func (q *StreamingQuery) Status(ctx context.Context) (StreamingQueryStatus, error) {
	r, err := q.command(ctx, func(c *pb.StreamingQueryCommand) { c.Command = &pb.StreamingQueryCommand_Status{Status: true} })
	s := r.GetStatus()
	return StreamingQueryStatus{s.GetStatusMessage(), s.GetIsActive(), s.GetIsDataAvailable(), s.GetIsTriggerActive()}, err
}

// Stop ends the query; what its current batch had not written is done by the
// next run.
func (q *StreamingQuery) Stop(ctx context.Context) error {
	_, err := q.command(ctx, func(c *pb.StreamingQueryCommand) { c.Command = &pb.StreamingQueryCommand_Stop{Stop: true} })
	return err
}

// ProcessAllAvailable waits until all that was there when it was called is in
// the sink; for tests, as a source may never pause.
func (q *StreamingQuery) ProcessAllAvailable(ctx context.Context) error {
	_, err := q.command(ctx, func(c *pb.StreamingQueryCommand) {
		c.Command = &pb.StreamingQueryCommand_ProcessAllAvailable{ProcessAllAvailable: true}
	})
	return q.explain(err)
}

// LastProgress tells of the last batch; it is nil before the first has ended.
func (q *StreamingQuery) LastProgress(ctx context.Context) (*StreamingQueryProgress, error) {
	all, err := q.progress(ctx, func(c *pb.StreamingQueryCommand) {
		c.Command = &pb.StreamingQueryCommand_LastProgress{LastProgress: true}
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[len(all)-1], nil
}

// RecentProgress tells of the last batches, as many as the server keeps
// (spark.sql.streaming.numRecentProgressUpdates).
func (q *StreamingQuery) RecentProgress(ctx context.Context) ([]StreamingQueryProgress, error) {
	return q.progress(ctx, func(c *pb.StreamingQueryCommand) {
		c.Command = &pb.StreamingQueryCommand_RecentProgress{RecentProgress: true}
	})
}

func (q *StreamingQuery) progress(ctx context.Context, fill func(*pb.StreamingQueryCommand)) ([]StreamingQueryProgress, error) {
	r, err := q.command(ctx, fill)
	if err != nil {
		return nil, err
	}
	var all []StreamingQueryProgress
	for _, text := range r.GetRecentProgress().GetRecentProgressJson() {
		p, err := readProgress(text)
		if err != nil {
			return nil, fmt.Errorf("streaming query %s: %w", q.ID(), err)
		}
		all = append(all, p)
	}
	return all, nil
}

// awaitStep is how long the server is asked to wait at a time, so that nothing
// is left waiting there when the client is gone.
const awaitStep = 10 * time.Second

// AwaitTermination waits until the query has ended, and gives the error that
// ended it.
func (q *StreamingQuery) AwaitTermination(ctx context.Context) error {
	for {
		ended, err := q.AwaitTerminationFor(ctx, awaitStep)
		if err != nil || ended {
			return err
		}
	}
}

// AwaitTerminationFor waits no longer than d, and says whether the query has
// ended.
func (q *StreamingQuery) AwaitTerminationFor(ctx context.Context, d time.Duration) (ended bool, err error) {
	r, err := q.command(ctx, func(c *pb.StreamingQueryCommand) {
		c.Command = &pb.StreamingQueryCommand_AwaitTermination{AwaitTermination: &pb.StreamingQueryCommand_AwaitTerminationCommand{
			TimeoutMs: proto.Int64(max(1, d.Milliseconds())),
		}}
	})
	return r.GetAwaitTermination().GetTerminated(), q.explain(err)
}

// Exception is the error that ended the query, or nil.
func (q *StreamingQuery) Exception(ctx context.Context) error {
	r, err := q.command(ctx, func(c *pb.StreamingQueryCommand) { c.Command = &pb.StreamingQueryCommand_Exception{Exception: true} })
	if err != nil {
		return err
	}
	e := r.GetException()
	if e.GetExceptionMessage() == "" {
		return nil
	}
	return q.explain((&Error{Class: e.GetErrorClass(), Message: e.GetExceptionMessage()}).hide())
}

// explain adds to an error what a person cannot know: why an executor lacks the
// program.
func (q *StreamingQuery) explain(err error) error {
	if err == nil || q.executable == "" || !strings.Contains(err.Error(), `Cannot run program "`+q.executable+`"`) {
		return err
	}
	return fmt.Errorf("an executor has no worker at %s: it joined after the query was started, or the file was removed. "+
		"Start the query again, which installs the worker and goes on from the checkpoint, or name a folder that all nodes share by spark.WithStreamFolder: %w", q.executable, err)
}

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

// DataStreamWriter starts a streaming query. Its methods return a new
// DataStreamWriter and do not change it.
type DataStreamWriter struct {
	df *DataFrame
	op *pb.WriteStreamOperationStart
}

// WriteStream returns a DataStreamWriter for a DataFrame of ReadStream.
func (d *DataFrame) WriteStream() DataStreamWriter {
	return DataStreamWriter{d, &pb.WriteStreamOperationStart{Input: d.relation}}
}

func (w DataStreamWriter) with(change func(*pb.WriteStreamOperationStart)) DataStreamWriter {
	w.op = proto.CloneOf(w.op)
	change(w.op)
	return w
}

// Format sets the sink: parquet, csv, json, text, orc, kafka, console, memory,
// noop, ...
func (w DataStreamWriter) Format(format string) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) { op.Format = format })
}

// Option sets an option of the sink.
func (w DataStreamWriter) Option(key, value string) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) { op.Options = set(op.Options, key, value) })
}

// Checkpoint sets the folder, on the server's file system, in which the query
// stores its progress. A query that is started again with the same folder
// continues from there.
func (w DataStreamWriter) Checkpoint(path string) DataStreamWriter {
	return w.Option("checkpointLocation", path)
}

// OutputMode sets the output mode: append (the default), complete or update.
func (w DataStreamWriter) OutputMode(mode string) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) { op.OutputMode = mode })
}

// QueryName sets the query's name, for Spark's web UI and for the sink memory.
func (w DataStreamWriter) QueryName(name string) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) { op.QueryName = name })
}

// PartitionBy writes a folder for each distinct value of the columns.
func (w DataStreamWriter) PartitionBy(columns ...string) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) { op.PartitioningColumnNames = slices.Clone(columns) })
}

// ProcessingTime starts a batch at each interval, if there is new data. Without a
// trigger a batch starts as soon as the previous one has ended.
func (w DataStreamWriter) ProcessingTime(interval time.Duration) DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) {
		op.Trigger = &pb.WriteStreamOperationStart_ProcessingTimeInterval{
			ProcessingTimeInterval: fmt.Sprintf("%d milliseconds", interval.Milliseconds()),
		}
	})
}

// AvailableNow makes the query process the data that is available at its start,
// in several batches if the source's options require it, and then end.
func (w DataStreamWriter) AvailableNow() DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) {
		op.Trigger = &pb.WriteStreamOperationStart_AvailableNow{AvailableNow: true}
	})
}

// Once makes the query process the available data in a single batch, and then
// end. Spark recommends AvailableNow instead.
func (w DataStreamWriter) Once() DataStreamWriter {
	return w.with(func(op *pb.WriteStreamOperationStart) {
		op.Trigger = &pb.WriteStreamOperationStart_Once{Once: true}
	})
}

// Start starts the query. It runs until it is stopped, it fails, the session is
// closed or, with AvailableNow and Once, it has processed its data. path is empty
// for sinks without one.
//
// In a session that ships a worker (WithModel, WithProgram), Start first installs
// the worker on every node, because the tasks of a stream do not have the
// session's archive. See WithStreamFolder.
func (w DataStreamWriter) Start(ctx context.Context, path string) (*StreamingQuery, error) {
	return w.start(ctx, func(op *pb.WriteStreamOperationStart) {
		if path != "" {
			op.SinkDestination = &pb.WriteStreamOperationStart_Path{Path: path}
		}
	})
}

// ToTable starts the query with a table of the catalog as the sink. See Start.
func (w DataStreamWriter) ToTable(ctx context.Context, name string) (*StreamingQuery, error) {
	return w.start(ctx, func(op *pb.WriteStreamOperationStart) {
		op.SinkDestination = &pb.WriteStreamOperationStart_TableName{TableName: name}
	})
}

func (w DataStreamWriter) start(ctx context.Context, to func(*pb.WriteStreamOperationStart)) (*StreamingQuery, error) {
	if w.df.err != nil {
		return nil, w.df.err
	}
	s := w.df.session
	var q *StreamingQuery
	plan := &pb.Plan{OpType: &pb.Plan_Command{Command: &pb.Command{
		CommandType: &pb.Command_WriteStreamOperationStart{WriteStreamOperationStart: w.with(to).op},
	}}}
	if err := s.shipDefaultsOf(ctx, plan); err != nil { // before the worker is installed with its models
		return nil, err
	}
	err := s.withInstalled(ctx, func(executable string) error {
		r := s.run(ctx, plan)
		if err := r.drain(); err != nil {
			return err
		}
		if r.started == nil {
			return fmt.Errorf("the server did not confirm that it started the streaming query")
		}
		q = &StreamingQuery{session: s, id: r.started.GetQueryId(), name: r.started.GetName(), executable: executable}
		return nil
	})
	return q, err
}

// StreamingQuery is a streaming query on the server.
type StreamingQuery struct {
	session    *Session
	id         *pb.StreamingQueryInstanceId
	name       string
	executable string // of the installed worker
}

// ID returns the query's id, which is the same for all runs from a checkpoint.
func (q *StreamingQuery) ID() string { return q.id.GetId() }

// RunID returns the id of this run of the query.
func (q *StreamingQuery) RunID() string { return q.id.GetRunId() }

// Name returns the name set by QueryName.
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

// StreamingQueryStatus is the status of a streaming query.
type StreamingQueryStatus struct {
	Message       string
	Active        bool // the query has not ended
	DataAvailable bool
	TriggerActive bool // a batch is being processed
}

// Status returns the query's current status.
func (q *StreamingQuery) Status(ctx context.Context) (StreamingQueryStatus, error) {
	r, err := q.command(ctx, func(c *pb.StreamingQueryCommand) { c.Command = &pb.StreamingQueryCommand_Status{Status: true} })
	s := r.GetStatus()
	return StreamingQueryStatus{s.GetStatusMessage(), s.GetIsActive(), s.GetIsDataAvailable(), s.GetIsTriggerActive()}, err
}

// Stop ends the query. The next run processes an unfinished batch again.
func (q *StreamingQuery) Stop(ctx context.Context) error {
	_, err := q.command(ctx, func(c *pb.StreamingQueryCommand) { c.Command = &pb.StreamingQueryCommand_Stop{Stop: true} })
	return err
}

// ProcessAllAvailable waits until all data that is available now is in the sink.
// It is meant for tests, because it may not return if data arrives all the time.
func (q *StreamingQuery) ProcessAllAvailable(ctx context.Context) error {
	_, err := q.command(ctx, func(c *pb.StreamingQueryCommand) {
		c.Command = &pb.StreamingQueryCommand_ProcessAllAvailable{ProcessAllAvailable: true}
	})
	return q.explain(err)
}

// LastProgress returns the progress of the last batch, or nil before the first
// one has ended.
func (q *StreamingQuery) LastProgress(ctx context.Context) (*StreamingQueryProgress, error) {
	all, err := q.progress(ctx, func(c *pb.StreamingQueryCommand) {
		c.Command = &pb.StreamingQueryCommand_LastProgress{LastProgress: true}
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[len(all)-1], nil
}

// RecentProgress returns the progress of the last batches, as many as the server
// stores (spark.sql.streaming.numRecentProgressUpdates).
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

// awaitStep bounds one waiting request, so that the server does not wait long
// for a client that has disconnected.
const awaitStep = 10 * time.Second

// AwaitTermination waits until the query has ended, and returns the error that
// ended it.
func (q *StreamingQuery) AwaitTermination(ctx context.Context) error {
	for {
		ended, err := q.AwaitTerminationFor(ctx, awaitStep)
		if err != nil || ended {
			return err
		}
	}
}

// AwaitTerminationFor waits at most d, and reports whether the query has ended.
func (q *StreamingQuery) AwaitTerminationFor(ctx context.Context, d time.Duration) (ended bool, err error) {
	r, err := q.command(ctx, func(c *pb.StreamingQueryCommand) {
		c.Command = &pb.StreamingQueryCommand_AwaitTermination{AwaitTermination: &pb.StreamingQueryCommand_AwaitTerminationCommand{
			TimeoutMs: proto.Int64(max(1, d.Milliseconds())),
		}}
	})
	return r.GetAwaitTermination().GetTerminated(), q.explain(err)
}

// Exception returns the error that ended the query, or nil.
func (q *StreamingQuery) Exception(ctx context.Context) error {
	r, err := q.command(ctx, func(c *pb.StreamingQueryCommand) { c.Command = &pb.StreamingQueryCommand_Exception{Exception: true} })
	if err != nil {
		return err
	}
	e := r.GetException()
	if e.GetExceptionMessage() == "" {
		return nil
	}
	return q.explain((&Error{Class: e.GetErrorClass(), Message: e.GetExceptionMessage()}).hideSecrets())
}

// explain adds to the error of a missing worker program its possible causes.
func (q *StreamingQuery) explain(err error) error {
	if err == nil || q.executable == "" || !strings.Contains(err.Error(), `Cannot run program "`+q.executable+`"`) {
		return err
	}
	return fmt.Errorf("an executor has no worker at %s: the executor started after the query, or the file was removed. "+
		"Start the query again, which installs the worker and continues from the checkpoint, or name a folder that all nodes share with spark.WithStreamFolder: %w", q.executable, err)
}

package spark

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/spark/pb"
)

func TestStartStream(t *testing.T) {
	f := newFake(t)
	id := &pb.StreamingQueryInstanceId{Id: "i", RunId: "r"}
	f.responses = []*pb.ExecutePlanResponse{
		{ResponseType: &pb.ExecutePlanResponse_WriteStreamOperationStartResult{WriteStreamOperationStartResult: &pb.WriteStreamOperationStartResult{QueryId: id, Name: "n"}}},
		{ResponseType: &pb.ExecutePlanResponse_StreamingQueryCommandResult{StreamingQueryCommandResult: &pb.StreamingQueryCommandResult{
			ResultType: &pb.StreamingQueryCommandResult_RecentProgress{RecentProgress: &pb.StreamingQueryCommandResult_RecentProgressResult{
				RecentProgressJson: []string{`{"batchId":7,"timestamp":"2024-02-29T12:00:00.123Z","durationMs":{"addBatch":5},"sources":[{"description":"d","startOffset":{"a":1},"numInputRows":1},{"numInputRows":2,"processedRowsPerSecond":0.5}],"sink":{"numOutputRows":-1}}`}},
			}}}},
		{ResponseType: &pb.ExecutePlanResponse_ResultComplete_{ResultComplete: &pb.ExecutePlanResponse_ResultComplete{}}},
	}
	s, _ := f.start(t, "")
	plain := s.ReadStream().Format("rate").Load().WriteStream().Format("json").Option("a", "b")
	q, err := plain.Checkpoint("/c").OutputMode("append").QueryName("n").PartitionBy("p").Every(1500*time.Millisecond).Start(t.Context(), "/out")
	if err != nil {
		t.Fatal(err)
	}
	if q.ID() != "i" || q.RunID() != "r" || q.Name() != "n" {
		t.Errorf("the query is %s, %s, %s", q.ID(), q.RunID(), q.Name())
	}
	op := f.requests[len(f.requests)-1].GetPlan().GetCommand().GetWriteStreamOperationStart()
	if !op.GetInput().GetRead().GetIsStreaming() || op.GetProcessingTimeInterval() != "1500 milliseconds" || op.GetPath() != "/out" ||
		op.GetOptions()["checkpointLocation"] != "/c" || op.GetOptions()["a"] != "b" || op.GetQueryName() != "n" || op.GetPartitioningColumnNames()[0] != "p" {
		t.Errorf("it was started as %v", op)
	}
	if len(plain.op.GetOptions()) != 1 || plain.op.GetQueryName() != "" {
		t.Errorf("a writer changed with another: %v", plain.op)
	}
	p, err := q.LastProgress(t.Context())
	if err != nil || p.BatchID != 7 || p.NumInputRows != 3 || p.ProcessedRowsPerSecond != 0.5 || p.DurationMS["addBatch"] != 5 || p.Timestamp.UnixMilli() != 1709208000123 ||
		string(p.Sources[0].StartOffset) != `{"a":1}` || p.Sink.NumOutputRows != -1 {
		t.Errorf("the progress is %+v, %v", p, err)
	}
	if c := f.requests[len(f.requests)-1].GetPlan().GetCommand().GetStreamingQueryCommand(); c.GetQueryId().GetRunId() != "r" || !c.GetLastProgress() {
		t.Errorf("it was asked for by %v", c)
	}
}

func TestStreamErrors(t *testing.T) {
	q := &StreamingQuery{executable: "/n/bin/firesteel"}
	lost := errors.New(`java.io.IOException: Cannot run program "/n/bin/firesteel": error=2, No such file or directory`)
	if err := q.explain(lost); !errors.Is(err, lost) || !strings.Contains(err.Error(), "it joined after the query was started") {
		t.Errorf("a lost worker is explained as %v", err)
	}
	if other := errors.New("another"); q.explain(other) != other || q.explain(nil) != nil {
		t.Error("other errors are not left as they are")
	}
	if _, err := readProgress(`{"batchId":"x"}`); err == nil {
		t.Error("a malformed progress is read")
	}
	f := newFake(t)
	s, _ := f.start(t, "")
	if _, err := s.ReadStream().Load().WriteStream().Start(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "does not say that it started") {
		t.Errorf("a server that says nothing: %v", err)
	}
}

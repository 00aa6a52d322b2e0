package spark

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/firesteel/firesteel/spark/internal/pb"
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
	q, err := plain.Checkpoint("/c").OutputMode("append").QueryName("n").PartitionBy("p").ProcessingTime(1500*time.Millisecond).Start(t.Context(), "/out")
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

func TestFollow(t *testing.T) {
	f := newFake(t)
	s, _ := f.start(t, "")
	q := &StreamingQuery{session: s, id: &pb.StreamingQueryInstanceId{Id: "i", RunId: "r"}}
	// The batches that the server stores at the nth request, at most three, and
	// whether the query has ended before.
	steps := []struct {
		batches []int
		ended   bool
	}{{nil, false}, {[]int{4, 5}, false}, {[]int{4, 5}, false}, {[]int{6, 7, 8}, false}, {[]int{7, 8, 9}, true}}
	step := -1
	f.execute = func(_ int, send func(from, to int), _ context.Context) error {
		c := f.requests[len(f.requests)-1].GetPlan().GetCommand().GetStreamingQueryCommand()
		if c.GetAwaitTermination() != nil {
			if step++; step == len(steps) {
				return sparkError(codes.Internal, "it broke", "STREAM_FAILED", nil)
			}
		}
		kept := steps[step].batches
		if c.GetLastProgress() {
			kept = kept[max(0, len(kept)-1):]
		}
		r := &pb.StreamingQueryCommandResult{}
		if c.GetAwaitTermination() != nil {
			r.ResultType = &pb.StreamingQueryCommandResult_AwaitTermination{AwaitTermination: &pb.StreamingQueryCommandResult_AwaitTerminationResult{Terminated: steps[step].ended}}
		} else {
			recent := &pb.StreamingQueryCommandResult_RecentProgressResult{}
			for _, b := range kept {
				recent.RecentProgressJson = append(recent.RecentProgressJson, fmt.Sprintf(`{"batchId":%d}`, b))
			}
			r.ResultType = &pb.StreamingQueryCommandResult_RecentProgress{RecentProgress: recent}
		}
		f.responses = []*pb.ExecutePlanResponse{{ResponseType: &pb.ExecutePlanResponse_StreamingQueryCommandResult{StreamingQueryCommandResult: r}}}
		return nil // and that is sent
	}
	follow := func(ctx context.Context, leaveAt int64) (seen []int64, end error) {
		step = -1
		for p, err := range q.Follow(ctx) {
			if err != nil {
				return seen, err
			}
			if seen = append(seen, p.BatchID); p.BatchID == leaveAt {
				break
			}
		}
		return seen, nil
	}
	if seen, err := follow(t.Context(), -1); err != nil || fmt.Sprint(seen) != "[4 5 6 7 8 9]" {
		t.Errorf("a query that ends: got %v, %v", seen, err)
	}
	if seen, err := follow(t.Context(), 7); err != nil || fmt.Sprint(seen) != "[4 5 6 7]" || step != 3 {
		t.Errorf("a loop that is left early: got %v, %v, at step %d", seen, err, step)
	}
	steps[4].ended = false
	var broken *Error
	if seen, err := follow(t.Context(), -1); !errors.As(err, &broken) || broken.Class != "STREAM_FAILED" || len(seen) != 6 {
		t.Errorf("a query that fails: got %v, %v", seen, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if seen, err := follow(ctx, -1); !errors.Is(err, context.Canceled) || len(seen) > 0 {
		t.Errorf("after the end of the context: got %v, %v", seen, err)
	}
}

func TestStreamErrors(t *testing.T) {
	q := &StreamingQuery{executable: "/n/bin/firesteel"}
	lost := errors.New(`java.io.IOException: Cannot run program "/n/bin/firesteel": error=2, No such file or directory`)
	if err := q.explain(lost); !errors.Is(err, lost) || !strings.Contains(err.Error(), "the executor started after the query") {
		t.Errorf("the error for a missing worker is %v", err)
	}
	if other := errors.New("another"); q.explain(other) != other || q.explain(nil) != nil {
		t.Error("another error was changed")
	}
	if _, err := readProgress(`{"batchId":"x"}`); err == nil {
		t.Error("a malformed progress report was accepted")
	}
	f := newFake(t)
	s, _ := f.start(t, "")
	if _, err := s.ReadStream().Load().WriteStream().Start(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "did not confirm that it started") {
		t.Errorf("a server without a confirmation: %v", err)
	}
}

package spark

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

type faults func(attempt int, send func(from, to int), ctx context.Context) error

var errCut = status.Error(codes.Unavailable, "the connection was cut")

// After any failure of the streams the rows arrive once and in order.
func TestExecuteSurvivesBrokenStreams(t *testing.T) {
	notFound := sparkError(codes.Internal, "[INVALID_HANDLE.OPERATION_NOT_FOUND] The handle is invalid. Operation not found.", "INVALID_HANDLE.OPERATION_NOT_FOUND", nil)
	for name, c := range map[string]struct {
		execute, reattach faults
		calls             map[string]int
	}{
		"no failure": {nil, nil, map[string]int{"execute": 1, "reattach": 0}},
		"broken before the plan arrives": {
			func(a int, _ func(int, int), _ context.Context) error { return map[int]error{0: errCut}[a] },
			func(int, func(int, int), context.Context) error { return notFound },
			map[string]int{"execute": 2, "reattach": 1}},
		"broken before the first response": {
			func(int, func(int, int), context.Context) error { return errCut }, nil,
			map[string]int{"execute": 1, "reattach after 0": 1}},
		"broken twice between responses": {
			func(_ int, send func(int, int), _ context.Context) error { send(0, 1); return errCut },
			func(a int, send func(int, int), _ context.Context) error {
				if a == 0 {
					send(1, 2)
					return errCut
				}
				return nil
			},
			map[string]int{"execute": 1, "reattach after 1": 1, "reattach after 2": 1}},
		"ended by the server several times": {
			func(_ int, send func(int, int), _ context.Context) error { send(0, 2); return io.EOF },
			func(a int, _ func(int, int), _ context.Context) error {
				if a < 6 { // more than the number of retries
					return io.EOF
				}
				return nil
			},
			map[string]int{"execute": 1, "reattach after 2": 7}},
		"a proxy's deadline": {
			func(_ int, send func(int, int), _ context.Context) error {
				send(0, 1)
				return status.Error(codes.DeadlineExceeded, "stream timeout")
			}, nil, map[string]int{"execute": 1, "reattach after 1": 1}},
		"broken several times, with answered probes in between": {
			func(int, func(int, int), context.Context) error { return errCut },
			func(a int, _ func(int, int), ctx context.Context) error {
				if a < 6 { // more than the number of retries
					sleep(ctx, 500*time.Millisecond)
					return errCut
				}
				return nil
			}, map[string]int{"execute": 1, "reattach after 0": 7}},
		"the plan arrives late": {
			func(a int, _ func(int, int), _ context.Context) error {
				if a == 0 {
					return errCut
				}
				return sparkError(codes.Internal, "[INVALID_HANDLE.OPERATION_ALREADY_EXISTS] The handle is invalid.", "INVALID_HANDLE.OPERATION_ALREADY_EXISTS", nil)
			},
			func(a int, _ func(int, int), _ context.Context) error { return map[int]error{0: notFound}[a] },
			map[string]int{"execute": 2, "reattach after 0": 2}},
		"another stream took over": {
			func(_ int, send func(int, int), _ context.Context) error {
				send(0, 1)
				return status.Error(codes.Internal, "[INVALID_CURSOR.DISCONNECTED] The cursor is invalid.")
			}, nil, map[string]int{"reattach after 1": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.execute, f.reattach = c.execute, c.reattach
			f.responses = []*pb.ExecutePlanResponse{numbers(t, 0, 3), numbers(t, 3, 4), numbers(t, 4, 10)}
			s, _ := f.start(t, "", func(c *config) { c.probeAfter = 50 * time.Millisecond })
			rows := collect(t, s.Table("t"))
			for i, r := range rows {
				if r.At(0) != int64(i) {
					t.Fatalf("row %d is %v", i, r)
				}
			}
			if len(rows) != 10 {
				t.Errorf("%d rows", len(rows))
			}
			for call, want := range c.calls {
				if n := f.count(call); n != want {
					t.Errorf("%d calls of %q, want %d; all calls: %q", n, call, want, f.calls)
				}
			}
			s.background.Wait()
			if f.count("release all") != 1 {
				t.Errorf("the operation was not released once: %q", f.calls)
			}
			// All requests are for one operation, which is reattachable.
			for _, r := range f.requests {
				if r.GetOperationId() != f.requests[0].GetOperationId() || !r.RequestOptions[0].GetReattachOptions().GetReattachable() {
					t.Errorf("request %v", r)
				}
			}
		})
	}
}

func TestExecuteErrors(t *testing.T) {
	forgotten := sparkError(codes.Internal, "[INVALID_HANDLE.OPERATION_NOT_FOUND] gone", "INVALID_HANDLE.OPERATION_NOT_FOUND", nil)
	for name, c := range map[string]struct {
		execute, reattach faults
		message           string
		calls             map[string]int
	}{
		"the server is unavailable": {
			func(int, func(int, int), context.Context) error { return errCut },
			func(int, func(int, int), context.Context) error { return errCut },
			"could not be restored (4 attempts); it is not known whether this has run: Spark at 127.0.0.1", map[string]int{"execute": 1, "reattach": 4}},
		"the query failed": {
			func(int, func(int, int), context.Context) error {
				return sparkError(codes.Internal, "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012", "DIVIDE_BY_ZERO", nil)
			}, nil, "[DIVIDE_BY_ZERO] Division by zero. (SQLSTATE 22012)", map[string]int{"execute": 1, "reattach": 0}},
		"the server lost the received operation": {
			func(int, func(int, int), context.Context) error { return io.EOF },
			func(int, func(int, int), context.Context) error { return forgotten },
			"the server no longer has the running query", map[string]int{"execute": 1, "reattach": 1}},
		"the server lost the session": {
			func(int, func(int, int), context.Context) error { return errCut },
			func(int, func(int, int), context.Context) error {
				return sparkError(codes.Internal, "[INVALID_HANDLE.SESSION_NOT_FOUND] gone", "INVALID_HANDLE.SESSION_NOT_FOUND", nil)
			},
			"the server no longer has the running query", map[string]int{"execute": 1, "reattach": 1}},
		"the server lost the operation after the first response": {
			func(_ int, send func(int, int), _ context.Context) error { send(0, 1); return errCut },
			func(int, func(int, int), context.Context) error { return forgotten },
			"the server no longer has the running query", map[string]int{"execute": 1, "reattach": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.execute, f.reattach = c.execute, c.reattach
			f.responses = []*pb.ExecutePlanResponse{numbers(t, 0, 3), numbers(t, 3, 4)}
			s, _ := f.start(t, "")
			_, err := s.Table("t").Collect(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%v", err)
			}
			for call, want := range c.calls {
				if n := f.count(call); n != want {
					t.Errorf("%d calls of %q, want %d; all calls: %q", n, call, want, f.calls)
				}
			}
		})
	}
}

// Spark loses an operation if the connection breaks at its start. The client
// sends a query again with another id, but not a command, which may have had its
// effect.
func TestOperationIsLost(t *testing.T) {
	f := newFake(t)
	f.responses = []*pb.ExecutePlanResponse{numbers(t, 0, 3)}
	f.execute = func(a int, _ func(int, int), _ context.Context) error { return map[int]error{0: errCut, 2: errCut}[a] }
	f.reattach = func(int, func(int, int), context.Context) error {
		return sparkError(codes.Internal, "[SPARK_CONNECT_ILLEGAL_STATE.EXECUTION_STATE_OPERATION_ORPHANED] Operation has been orphaned.", "SPARK_CONNECT_ILLEGAL_STATE.EXECUTION_STATE_OPERATION_ORPHANED", nil)
	}
	s, _ := f.start(t, "")
	if rows := collect(t, s.Table("t")); len(rows) != 3 || f.count("execute") != 2 || f.requests[0].GetOperationId() == f.requests[1].GetOperationId() {
		t.Errorf("%v after %q", rows, f.calls)
	}
	if _, err := s.SQL(t.Context(), "INSERT INTO t SELECT 1"); err == nil || !strings.Contains(err.Error(), "check whether it took effect before you run it again") || f.count("execute") != 3 {
		t.Errorf("%v after %q", err, f.calls)
	}
}

func TestCancelInterruptsBeforeReturning(t *testing.T) {
	f := newFake(t)
	f.responses = []*pb.ExecutePlanResponse{numbers(t, 0, 3)}
	running := make(chan struct{})
	f.execute = func(_ int, send func(int, int), ctx context.Context) error {
		send(0, 1)
		close(running)
		<-ctx.Done()
		return ctx.Err()
	}
	s, _ := f.start(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-running; cancel() }()
	_, err := s.Table("t").Collect(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	select {
	case id := <-f.interrupt:
		if id != f.requests[0].GetOperationId() {
			t.Errorf("operation %s was interrupted", id)
		}
	default:
		t.Error("the operation was not interrupted")
	}
	s.background.Wait()
	if f.count("release all") != 1 {
		t.Errorf("%q", f.calls)
	}
	// A context that has ended sends nothing.
	if _, err := s.Table("t").Collect(ctx); !errors.Is(err, context.Canceled) || f.count("execute") != 1 {
		t.Errorf("%v, %q", err, f.calls)
	}
}

func TestBreakCancelsQuery(t *testing.T) {
	f := newFake(t)
	f.responses = []*pb.ExecutePlanResponse{numbers(t, 0, 3), numbers(t, 3, 6)}
	f.execute = func(_ int, send func(int, int), ctx context.Context) error {
		send(0, 2)
		<-ctx.Done()
		return ctx.Err()
	}
	s, _ := f.start(t, "")
	for b, err := range s.Table("t").Batches(t.Context()) {
		if err != nil || b.NumRows() != 3 {
			t.Error(b, err)
		}
		break
	}
	if f.count("interrupt") != 1 {
		t.Errorf("%q", f.calls)
	}
}

func TestProgress(t *testing.T) {
	f := newFake(t)
	f.responses = []*pb.ExecutePlanResponse{
		{ResponseType: &pb.ExecutePlanResponse_ExecutionProgress_{ExecutionProgress: &pb.ExecutePlanResponse_ExecutionProgress{
			NumInflightTasks: 2,
			Stages:           []*pb.ExecutePlanResponse_ExecutionProgress_StageInfo{{StageId: 1, NumTasks: 8, NumCompletedTasks: 3, InputBytesRead: 99}},
		}}},
		numbers(t, 0, 1),
	}
	var got []Progress
	s, _ := f.start(t, "", WithProgress(func(p Progress) { got = append(got, p) }))
	collect(t, s.Table("t"))
	expect(t, got, []Progress{{f.requests[0].GetOperationId(), []StageProgress{{1, 8, 3, 99, false}}, 2}})
}

// The numbers of rows and chunks in the responses must match the data.
func TestInconsistentResults(t *testing.T) {
	piece := func(data []byte, rows int64, index, of int64) *pb.ExecutePlanResponse {
		return &pb.ExecutePlanResponse{ResponseType: &pb.ExecutePlanResponse_ArrowBatch_{ArrowBatch: &pb.ExecutePlanResponse_ArrowBatch{
			RowCount: rows, Data: data, ChunkIndex: &index, NumChunksInBatch: &of}}}
	}
	whole := encodeNumbers(t, 0, 5)
	a, b, c := whole[:10], whole[10:200], whole[200:]
	for name, x := range map[string]struct {
		responses []*pb.ExecutePlanResponse
		message   string // empty for a valid result
	}{
		"chunks":             {[]*pb.ExecutePlanResponse{piece(a, 5, 0, 3), piece(b, 5, 1, 3), piece(c, 5, 2, 3)}, ""},
		"a chunk is missing": {[]*pb.ExecutePlanResponse{piece(a, 5, 0, 3), piece(c, 5, 2, 3)}, "chunk 2 of a batch follows instead of chunk 1"},
		"the end is missing": {[]*pb.ExecutePlanResponse{piece(a, 5, 0, 3), piece(b, 5, 1, 3)}, "ends inside a batch"},
		"rows are missing":   {[]*pb.ExecutePlanResponse{numbers(t, 0, 2), numbers(t, 3, 4)}, "after 2 rows the next batch starts at row 3"},
		"too few rows":       {[]*pb.ExecutePlanResponse{piece(whole, 6, 0, 1)}, "announced 6 rows and sent 5"},
		"truncated":          {[]*pb.ExecutePlanResponse{piece(whole[:len(whole)-40], 5, 0, 1)}, "after row 0"},
		"not Arrow":          {[]*pb.ExecutePlanResponse{piece([]byte("hello, world, this is no Arrow stream"), 5, 0, 1)}, "after row 0"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.responses = x.responses
			s, _ := f.start(t, "")
			rows, err := s.Table("t").Collect(t.Context())
			if x.message == "" {
				if err != nil || len(rows) != 5 {
					t.Errorf("%d rows, %v", len(rows), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), x.message) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRetryOfCalls(t *testing.T) {
	f := newFake(t)
	busy, err := status.New(codes.ResourceExhausted, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	f.analyze = func(attempt int) error {
		return map[int]error{1: errCut, 2: busy.Err(), 4: status.Error(codes.Internal, "broken")}[attempt]
	}
	s, _ := f.start(t, "") // attempt 0
	if _, err := s.Table("t").Explain(t.Context(), "simple"); err != nil {
		t.Errorf("%v after %q", err, f.calls)
	}
	if _, err := s.Table("t").Explain(t.Context(), "simple"); err == nil || !strings.Contains(err.Error(), "broken") || f.count("analyze") != 5 {
		t.Errorf("%v after %q", err, f.calls)
	}
}

func TestLostSession(t *testing.T) {
	for name, change := range map[string]func(f *fakeServer){
		"another server-side id": func(f *fakeServer) { f.serverID = "server-2" },
		"session not found": func(f *fakeServer) {
			f.execute = func(_ int, send func(int, int), _ context.Context) error { send(0, 1); return errCut }
			f.reattach = func(int, func(int, int), context.Context) error {
				return sparkError(codes.Internal, "[INVALID_HANDLE.SESSION_NOT_FOUND] The handle is invalid.", "INVALID_HANDLE.SESSION_NOT_FOUND", nil)
			}
		},
		"session changed": func(f *fakeServer) {
			f.execute = func(int, func(int, int), context.Context) error {
				return sparkError(codes.Internal, "[INVALID_HANDLE.SESSION_CHANGED] The handle is invalid.", "INVALID_HANDLE.SESSION_CHANGED", nil)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.responses = []*pb.ExecutePlanResponse{numbers(t, 0, 3)}
			s, _ := f.start(t, "")
			f.mu.Lock()
			change(f)
			f.mu.Unlock()
			if _, err := s.Table("t").Collect(t.Context()); !errors.Is(err, ErrSessionLost) {
				t.Errorf("%v", err)
			}
			if got := f.requests[0].GetClientObservedServerSideSessionId(); got != "server-1" {
				t.Errorf("the request observed %q", got)
			}
			if _, err := s.Table("t").Collect(t.Context()); !errors.Is(err, ErrSessionLost) || f.count("execute") != 1 {
				t.Errorf("%v after %q", err, f.calls)
			}
		})
	}
}

// A query that is being read ends when another call finds that the session is
// lost, and its stream is closed.
func TestSessionLostWhileReading(t *testing.T) {
	f := newFake(t)
	f.responses = []*pb.ExecutePlanResponse{numbers(t, 0, 3), numbers(t, 3, 6)}
	ended := make(chan struct{})
	f.execute = func(_ int, send func(int, int), ctx context.Context) error {
		send(0, 1)
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}
	s, _ := f.start(t, "")
	var last error
	for _, err := range s.Table("t").Batches(t.Context()) {
		if last = err; err != nil {
			break
		}
		f.mu.Lock()
		f.serverID = "server-2"
		f.mu.Unlock()
		if _, _, err := s.Conf().Get(t.Context(), "k"); !errors.Is(err, ErrSessionLost) {
			t.Fatal(err)
		}
	}
	if !errors.Is(last, ErrSessionLost) {
		t.Errorf("%v", last)
	}
	<-ended
}

func TestClose(t *testing.T) {
	f := newFake(t)
	s, _ := f.start(t, "")
	if err := s.Close(); err != nil || f.count("release session") != 1 {
		t.Errorf("%v after %q", err, f.calls)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Table("t").Collect(t.Context()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	named, _ := f.start(t, "/;session_id=0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e")
	if named.Close(); f.count("release session") != 1 {
		t.Error("a session of the user's own name was released")
	}
}

func TestCloseWhileQueriesRun(t *testing.T) {
	f := newFake(t)
	f.responses = []*pb.ExecutePlanResponse{numbers(t, 0, 3)}
	running := make(chan struct{}, 3)
	f.execute = func(_ int, send func(int, int), ctx context.Context) error {
		send(0, 1)
		running <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	s, _ := f.start(t, "")
	failed := make(chan error)
	for range cap(running) {
		go func() { _, err := s.Table("t").Collect(t.Context()); failed <- err }()
	}
	for range cap(running) {
		<-running
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for range cap(running) {
		if err := <-failed; !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
	}
}

func TestCloseOfOldServer(t *testing.T) {
	f := newFake(t)
	f.version = "3.5.1" // has no ReleaseSession
	s, _ := f.start(t, "")
	if err := s.Close(); err != nil || f.count("interrupt") != 1 || f.count("release session") != 0 {
		t.Errorf("%v after %q", err, f.calls)
	}
}

func TestConnect(t *testing.T) {
	f := newFake(t)
	s, _ := f.start(t, "/;token=s3cret;x-team=a%20b;user_agent=mine;user_id=me")
	f.mu.Lock()
	h := f.headers
	f.mu.Unlock()
	if got := h.Get("authorization"); !slices.Equal(got, []string{"Bearer s3cret"}) {
		t.Errorf("authorization %q", got)
	}
	if got := h.Get("x-team"); !slices.Equal(got, []string{"a b"}) {
		t.Errorf("x-team %q", got)
	}
	if s.userID != "me" || !strings.HasPrefix(s.userAgent, "mine ") {
		t.Errorf("%q %q", s.userID, s.userAgent)
	}
	// The caller's own headers are kept.
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-trace", "7")
	if _, err := s.Table("t").Explain(ctx, "simple"); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	h = f.headers
	f.mu.Unlock()
	if !slices.Equal(h.Get("x-trace"), []string{"7"}) || !slices.Equal(h.Get("x-team"), []string{"a b"}) {
		t.Errorf("headers %v", h)
	}
	// No server listens at this address.
	_, err := Connect(t.Context(), "sc://127.0.0.1:1", WithConnectTimeout(2*time.Second))
	if err == nil || !strings.Contains(err.Error(), "is a Spark Connect server running there?") {
		t.Error(err)
	}
}

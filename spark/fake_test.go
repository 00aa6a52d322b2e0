package spark

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// fakeServer is a Spark Connect server with scripted faults. It records the calls
// as texts.
type fakeServer struct {
	pb.UnimplementedSparkConnectServiceServer

	version string
	// responses of every operation, in order, with ids "r0", "r1", ...
	responses []*pb.ExecutePlanResponse
	// execute and reattach, if set, are called before the responses are sent.
	// They may send a part of the responses and return an error, or io.EOF to end
	// the stream. attempt counts from 0 for each of the two.
	execute  func(attempt int, send func(from, to int), ctx context.Context) error
	reattach func(attempt int, send func(from, to int), ctx context.Context) error
	analyze  func(attempt int) error
	details  *pb.FetchErrorDetailsResponse
	conf     map[string]string
	damage   int    // AddArtifacts calls to answer with a CRC failure
	uploaded error  // the answer to AddArtifacts, if not nil
	refused  string // prefix of the names that AddArtifacts cannot store, such as "cache/"; "" for none

	mu        sync.Mutex
	serverID  string
	calls     []string
	attempts  map[string]int
	blobs     map[string][]byte
	layouts   []string
	requests  []*pb.ExecutePlanRequest
	headers   metadata.MD
	released  chan string
	interrupt chan string
}

func newFake(t *testing.T) *fakeServer {
	return &fakeServer{
		version: "4.3.0", serverID: "server-1",
		attempts: map[string]int{}, blobs: map[string][]byte{},
		released: make(chan string, 100), interrupt: make(chan string, 100),
	}
}

// start listens on a free port and connects to it.
func (f *fakeServer) start(t *testing.T, parameters string, options ...Option) (*Session, *memory.CheckedAllocator) {
	t.Helper()
	address := f.listen(t)
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	quick := RetryPolicy{MaxRetries: 4, InitialBackoff: time.Millisecond, MaxBackoff: 2 * time.Millisecond, BackoffMultiplier: 2, MaxServerDelay: time.Millisecond}
	s, err := Connect(t.Context(), "sc://"+address+parameters, append([]Option{WithAllocator(mem), WithRetry(quick)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		mem.AssertSize(t, 0)
	})
	return s, mem
}

func (f *fakeServer) listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage))
	pb.RegisterSparkConnectServiceServer(server, f)
	go server.Serve(l)
	t.Cleanup(server.Stop)
	return l.Addr().String()
}

func (f *fakeServer) record(format string, args ...any) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	call := fmt.Sprintf(format, args...)
	f.calls = append(f.calls, call)
	f.attempts[call]++
	return f.attempts[call] - 1
}

func (f *fakeServer) count(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.attempts[call]
}

func (f *fakeServer) server() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.serverID
}

func (f *fakeServer) AnalyzePlan(ctx context.Context, r *pb.AnalyzePlanRequest) (*pb.AnalyzePlanResponse, error) {
	attempt := f.record("analyze")
	f.mu.Lock()
	f.headers, _ = metadata.FromIncomingContext(ctx)
	f.mu.Unlock()
	if f.analyze != nil {
		if err := f.analyze(attempt); err != nil {
			return nil, err
		}
	}
	return &pb.AnalyzePlanResponse{SessionId: r.SessionId, ServerSideSessionId: f.server(), Result: &pb.AnalyzePlanResponse_SparkVersion_{
		SparkVersion: &pb.AnalyzePlanResponse_SparkVersion{Version: f.version}}}, nil
}

func (f *fakeServer) stream(attempt int, fault func(int, func(int, int), context.Context) error, session, operation string, from int, out grpc.ServerStreamingServer[pb.ExecutePlanResponse]) error {
	send := func(from, to int) {
		for i := from; i < to; i++ {
			r := proto.CloneOf(f.responses[i])
			r.SessionId, r.ServerSideSessionId, r.OperationId, r.ResponseId = session, f.server(), operation, fmt.Sprintf("r%d", i)
			_ = out.Send(r)
		}
	}
	if fault != nil {
		if err := fault(attempt, send, out.Context()); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	send(from, len(f.responses))
	return out.Send(&pb.ExecutePlanResponse{SessionId: session, ServerSideSessionId: f.server(), OperationId: operation, ResponseId: "end",
		ResponseType: &pb.ExecutePlanResponse_ResultComplete_{ResultComplete: &pb.ExecutePlanResponse_ResultComplete{}}})
}

func (f *fakeServer) ExecutePlan(r *pb.ExecutePlanRequest, out grpc.ServerStreamingServer[pb.ExecutePlanResponse]) error {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	f.mu.Unlock()
	return f.stream(f.record("execute"), f.execute, r.SessionId, r.GetOperationId(), 0, out)
}

func (f *fakeServer) ReattachExecute(r *pb.ReattachExecuteRequest, out grpc.ServerStreamingServer[pb.ExecutePlanResponse]) error {
	from := 0
	if r.LastResponseId != nil {
		if _, err := fmt.Sscanf(*r.LastResponseId, "r%d", &from); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		from++
	}
	f.record("reattach after %d", from)
	return f.stream(f.record("reattach"), f.reattach, r.SessionId, r.OperationId, from, out)
}

func (f *fakeServer) ReleaseExecute(_ context.Context, r *pb.ReleaseExecuteRequest) (*pb.ReleaseExecuteResponse, error) {
	what := "all"
	if u := r.GetReleaseUntil(); u != nil {
		what = u.ResponseId
	}
	f.record("release %s", what)
	f.released <- what
	return &pb.ReleaseExecuteResponse{SessionId: r.SessionId, ServerSideSessionId: f.server()}, nil
}

func (f *fakeServer) Interrupt(_ context.Context, r *pb.InterruptRequest) (*pb.InterruptResponse, error) {
	f.record("interrupt")
	f.interrupt <- r.GetOperationId()
	return &pb.InterruptResponse{SessionId: r.SessionId, ServerSideSessionId: f.server(), InterruptedIds: []string{r.GetOperationId()}}, nil
}

func (f *fakeServer) ReleaseSession(_ context.Context, r *pb.ReleaseSessionRequest) (*pb.ReleaseSessionResponse, error) {
	f.record("release session")
	return &pb.ReleaseSessionResponse{SessionId: r.SessionId}, nil
}

func (f *fakeServer) FetchErrorDetails(context.Context, *pb.FetchErrorDetailsRequest) (*pb.FetchErrorDetailsResponse, error) {
	f.record("details")
	if f.details == nil {
		return nil, status.Error(codes.NotFound, "no such error")
	}
	return f.details, nil
}

func (f *fakeServer) Config(_ context.Context, r *pb.ConfigRequest) (*pb.ConfigResponse, error) {
	reply := &pb.ConfigResponse{SessionId: r.SessionId, ServerSideSessionId: f.server()}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, pair := range r.GetOperation().GetSet().GetPairs() {
		if f.conf == nil {
			f.conf = map[string]string{}
		}
		f.conf[pair.Key] = pair.GetValue()
	}
	for _, key := range r.GetOperation().GetGetOption().GetKeys() {
		if value, ok := f.conf[key]; ok {
			reply.Pairs = append(reply.Pairs, &pb.KeyValue{Key: key, Value: &value})
		}
	}
	return reply, nil
}

func (f *fakeServer) ArtifactStatus(_ context.Context, r *pb.ArtifactStatusesRequest) (*pb.ArtifactStatusesResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	statuses := map[string]*pb.ArtifactStatusesResponse_ArtifactStatus{}
	for _, n := range r.Names {
		_, ok := f.blobs[n]
		statuses[n] = &pb.ArtifactStatusesResponse_ArtifactStatus{Exists: ok}
	}
	return &pb.ArtifactStatusesResponse{Statuses: statuses}, nil
}

// AddArtifacts stores the artifacts if sizes, counts and checksums match.
func (f *fakeServer) AddArtifacts(in grpc.ClientStreamingServer[pb.AddArtifactsRequest, pb.AddArtifactsResponse]) error {
	attempt := f.record("upload")
	reply := &pb.AddArtifactsResponse{}
	var name string
	var data bytes.Buffer
	var left int64
	lost := false
	take := func(name string, b []byte, ok bool) {
		if lost = lost || f.refused != "" && strings.HasPrefix(name, f.refused); lost {
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if ok = ok && attempt >= f.damage; ok {
			f.blobs[name] = slices.Clone(b)
		}
		reply.Artifacts = append(reply.Artifacts, &pb.AddArtifactsResponse_ArtifactSummary{Name: name, IsCrcSuccessful: ok})
	}
	whole := true
	right := func(c *pb.AddArtifactsRequest_ArtifactChunk) bool {
		return int64(crc32.ChecksumIEEE(c.GetData())) == c.GetCrc()
	}
	var total int64
	for {
		m, err := in.Recv()
		if err == io.EOF {
			if f.uploaded != nil {
				return f.uploaded
			}
			if lost {
				return sparkError(codes.Internal, "Not enough bytes in channel (expected 109).", "", nil)
			}
			if left != 0 {
				return status.Errorf(codes.InvalidArgument, "%d chunks are missing", left)
			}
			return in.SendAndClose(reply)
		}
		if err != nil {
			return err
		}
		f.mu.Lock()
		f.layouts = append(f.layouts, fmt.Sprintf("%T", m.Payload))
		f.mu.Unlock()
		switch p := m.Payload.(type) {
		case *pb.AddArtifactsRequest_Batch_:
			for _, a := range p.Batch.Artifacts {
				take(a.Name, a.Data.Data, right(a.Data))
			}
		case *pb.AddArtifactsRequest_BeginChunk:
			data.Reset()
			name, left, total = p.BeginChunk.Name, p.BeginChunk.NumChunks-1, p.BeginChunk.TotalBytes
			whole = right(p.BeginChunk.InitialChunk)
			data.Write(p.BeginChunk.InitialChunk.Data)
		case *pb.AddArtifactsRequest_Chunk:
			left--
			whole = right(p.Chunk) && whole
			data.Write(p.Chunk.Data)
			if left == 0 {
				take(name, data.Bytes(), whole && int64(data.Len()) == total)
			}
		}
	}
}

// numbers returns a response with a batch of the numbers from start to end,
// exclusive.
func numbers(t *testing.T, start, end int64) *pb.ExecutePlanResponse {
	t.Helper()
	data := encodeNumbers(t, start, end)
	return &pb.ExecutePlanResponse{ResponseType: &pb.ExecutePlanResponse_ArrowBatch_{ArrowBatch: &pb.ExecutePlanResponse_ArrowBatch{
		RowCount: end - start, Data: data, StartOffset: &start}}}
}

func encodeNumbers(t testing.TB, start, end int64) []byte {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil))
	defer b.Release()
	for n := start; n < end; n++ {
		b.Field(0).(*array.Int64Builder).Append(n)
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	data, err := encode(batch.Schema(), []arrow.RecordBatch{batch})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sparkError returns an error in the form of Spark's server.
func sparkError(code codes.Code, message, class string, metadata map[string]string) error {
	if metadata == nil {
		metadata = map[string]string{}
	}
	metadata["errorClass"] = class
	st, err := status.New(code, message).WithDetails(&errdetails.ErrorInfo{
		Reason: "org.apache.spark.sql.AnalysisException", Domain: "org.apache.spark", Metadata: metadata})
	if err != nil {
		panic(err)
	}
	return st.Err()
}

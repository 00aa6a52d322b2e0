package spark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

// execution runs a plan on the server and reads its responses. Spark separates
// the operation, whose id the client chooses, from the stream of responses: the
// operation continues when the stream breaks, and the server buffers the last
// responses so that a new stream can continue after the last one received
// (ReattachExecute). Servers end long streams on purpose, so only ResultComplete
// marks the end of the operation.
//
// The client releases responses that it has received (ReleaseExecute), so that
// the server can free them, and at the end the whole operation.
type execution struct {
	session *Session
	ctx     context.Context
	request *pb.ExecutePlanRequest

	stream       grpc.ServerStreamingClient[pb.ExecutePlanResponse]
	cancelStream context.CancelFunc
	sent         bool   // the plan was sent; a new stream reattaches
	arrived      bool   // the server has received the plan
	lastResponse string // id of the last response received
	liveness     liveness
	done         bool

	released releaser
}

// execute prepares the execution of a plan. The first call of next sends it.
func (s *Session) execute(ctx context.Context, plan *pb.Plan) *execution {
	options := []*pb.ExecutePlanRequest_RequestOption{{
		RequestOption: &pb.ExecutePlanRequest_RequestOption_ReattachOptions{
			ReattachOptions: &pb.ReattachOptions{Reattachable: true},
		},
	}}
	if s.atLeast(4, 1) {
		options = append(options, &pb.ExecutePlanRequest_RequestOption{
			RequestOption: &pb.ExecutePlanRequest_RequestOption_ResultChunkingOptions{
				ResultChunkingOptions: &pb.ResultChunkingOptions{AllowArrowBatchChunking: true},
			},
		})
	}
	id := uuid.NewString()
	return &execution{
		session: s,
		ctx:     ctx,
		request: &pb.ExecutePlanRequest{
			SessionId:      s.id,
			UserContext:    s.user(),
			OperationId:    &id,
			Plan:           plan,
			ClientType:     &s.userAgent,
			RequestOptions: options,
			Tags:           s.Tags(),
		},
	}
}

func (e *execution) id() string { return e.request.GetOperationId() }

// next returns the responses in order, and then io.EOF. After an error it
// returns io.EOF.
func (e *execution) next() (*pb.ExecutePlanResponse, error) {
	if e.done {
		return nil, io.EOF
	}
	if err := e.session.usable(); err != nil {
		return nil, e.fail(err)
	}
	if e.ctx.Err() != nil && !e.sent {
		e.done = true
		return nil, context.Cause(e.ctx)
	}
	if e.session.joined && !e.sent {
		// Another client of the session may have changed its settings.
		if err := e.session.restoreWorker(e.ctx); err != nil {
			return nil, e.fail(err)
		}
	}
	retries := e.session.config.retry.start()
	for {
		response, err := e.receive()
		if err == nil {
			return e.accept(response)
		}
		e.dropStream()
		if e.liveness.answered.Swap(false) {
			retries = e.session.config.retry.start() // the connection worked in between
		}
		again, lost := true, false
		switch {
		case e.ctx.Err() != nil:
			e.cancel()
			return nil, context.Cause(e.ctx)
		case err == io.EOF:
			// The server ended the stream; a new one has the next responses.
			e.arrived, retries = true, e.session.config.retry.start()
			sleep(e.ctx, time.Millisecond)
			continue
		case hasClass(err, "INVALID_HANDLE.SESSION_NOT_FOUND"), // the session existed after Connect
			hasClass(err, "INVALID_HANDLE.OPERATION_NOT_FOUND") && e.arrived:
			return nil, e.fail(fmt.Errorf("the server no longer has the running query: %w", e.session.failure(e.ctx, err)))
		case hasClass(err, "INVALID_HANDLE.OPERATION_NOT_FOUND"):
			e.sent = false // the server has not received the plan
			retries.pause = retries.policy.InitialBackoff
		case hasClass(err, "ORPHANED"):
			// The connection broke before the server started the operation, and
			// it will not start it. A query has no effects and can be sent again.
			if e.request.GetPlan().GetRoot() == nil || e.arrived {
				return nil, e.fail(fmt.Errorf("the server lost this command when the connection broke; check whether it took effect before you run it again: %w", e.session.failure(e.ctx, err)))
			}
			id := uuid.NewString()
			e.request.OperationId, e.sent = &id, false
		case hasClass(err, "INVALID_HANDLE.OPERATION_ALREADY_EXISTS"):
			// The server received the plan after the request to reattach.
			e.arrived = true
		case retryable(err), status.Code(err) == codes.DeadlineExceeded:
			// The request has no deadline, so this is a proxy's, and the
			// operation continues.
			lost = retryInfo(err) == nil
		default:
			again = false
		}
		if again && retries.wait(e.ctx, err) {
			continue
		}
		if e.ctx.Err() != nil {
			e.cancel()
			return nil, context.Cause(e.ctx)
		}
		if err = e.session.failure(e.ctx, err); lost {
			err = fmt.Errorf("the connection broke and could not be restored (%d attempts); it is not known whether this has run: %w", retries.used, err)
		}
		return nil, e.fail(err)
	}
}

func (e *execution) receive() (*pb.ExecutePlanResponse, error) {
	if e.stream == nil {
		if err := e.openStream(); err != nil {
			return nil, err
		}
	}
	r, err := e.stream.Recv()
	e.liveness.touch()
	return r, err
}

func (e *execution) openStream() error {
	// The request has no deadline, because the server would end the stream just
	// before the deadline of e.ctx.
	ctx, cancel := context.WithCancel(context.WithoutCancel(e.ctx))
	detach := context.AfterFunc(e.ctx, func() {
		defer panics.Handle("cancelling a query", nil)
		cancel()
	})
	e.cancelStream = func() { detach(); cancel() }
	var err error
	if e.sent {
		r := &pb.ReattachExecuteRequest{
			SessionId:                         e.session.id,
			ClientObservedServerSideSessionId: e.session.observed(),
			UserContext:                       e.session.user(),
			OperationId:                       e.id(),
			ClientType:                        e.request.ClientType,
		}
		if e.lastResponse != "" {
			r.LastResponseId = &e.lastResponse
		}
		e.stream, err = e.session.client.ReattachExecute(ctx, r)
	} else {
		e.sent = true
		e.request.ClientObservedServerSideSessionId = e.session.observed()
		e.stream, err = e.session.client.ExecutePlan(ctx, e.request)
	}
	e.liveness.touch()
	go func() {
		defer panics.Handle("watching the connection", nil)
		e.session.watch(ctx, &e.liveness)
	}()
	return err
}

func (e *execution) dropStream() {
	if e.cancelStream != nil {
		e.cancelStream()
	}
	e.stream, e.cancelStream = nil, nil
}

func (e *execution) accept(r *pb.ExecutePlanResponse) (*pb.ExecutePlanResponse, error) {
	if err := e.session.verify(r); err != nil {
		return nil, e.fail(err)
	}
	if id := r.GetOperationId(); id != "" && id != e.id() {
		return nil, e.fail(secret.Error(fmt.Errorf("the server replied for operation %s instead of %s", id, e.id())))
	}
	e.arrived, e.lastResponse = true, r.GetResponseId()
	if r.GetResultComplete() != nil {
		e.done = true
		e.dropStream()
		e.releaseAll()
		return nil, io.EOF
	}
	e.released.until(e, e.lastResponse)
	return r, nil
}

// fail ends the execution on both sides, and returns err.
func (e *execution) fail(err error) error {
	e.done = true
	e.dropStream()
	if e.sent && !errors.Is(err, ErrSessionLost) {
		e.releaseAll()
	}
	return err
}

// close ends an execution before its last response.
func (e *execution) close() {
	if e.done {
		return
	}
	if !e.sent {
		e.done = true
		return
	}
	e.cancel()
}

// cancel cancels the operation on the server. It returns after the server has
// answered or cannot be reached.
func (e *execution) cancel() {
	e.done = true
	e.dropStream()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), releaseTimeout)
	defer cancel()
	// The interrupt may reach the server before the plan. After a response the
	// server has the plan.
	for pause := 20 * time.Millisecond; ; pause *= 2 {
		cancelled, err := e.session.InterruptOperation(ctx, e.id())
		if err != nil || e.lastResponse != "" || slices.Contains(cancelled, e.id()) || pause > time.Second/2 || !sleep(ctx, pause) {
			break
		}
	}
	e.releaseAll()
}

func (e *execution) releaseAll() {
	e.session.inBackground(func() {
		e.release(&pb.ReleaseExecuteRequest{Release: &pb.ReleaseExecuteRequest_ReleaseAll_{ReleaseAll: &pb.ReleaseExecuteRequest_ReleaseAll{}}})
	})
}

// release sends a release request. Errors are ignored, because the server frees
// the responses by itself later.
func (e *execution) release(r *pb.ReleaseExecuteRequest) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), releaseTimeout)
	defer cancel()
	r.SessionId = e.session.id
	r.ClientObservedServerSideSessionId = e.session.observed()
	r.UserContext = e.session.user()
	r.OperationId = e.id()
	r.ClientType = e.request.ClientType
	_, _ = e.session.client.ReleaseExecute(ctx, r)
}

// releaser releases responses in the background, with one call at a time. Each
// call covers all responses received before it.
type releaser struct {
	mu     sync.Mutex
	latest string
	busy   bool
}

// until releases the responses up to the one with the given id.
func (r *releaser) until(e *execution, response string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest = response
	if r.busy {
		return
	}
	r.busy = true
	e.session.inBackground(func() {
		for {
			r.mu.Lock()
			id := r.latest
			r.latest = ""
			if id == "" {
				r.busy = false
				r.mu.Unlock()
				return
			}
			r.mu.Unlock()
			e.release(&pb.ReleaseExecuteRequest{
				Release: &pb.ReleaseExecuteRequest_ReleaseUntil_{ReleaseUntil: &pb.ReleaseExecuteRequest_ReleaseUntil{ResponseId: id}},
			})
		}
	})
}

// hasClass reports whether a server's error has an error class.
func hasClass(err error, class string) bool {
	st, ok := status.FromError(err)
	return ok && st.Code() != codes.OK && strings.Contains(st.Message(), class)
}

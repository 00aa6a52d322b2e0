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

// An execution is one plan at work on the server, and the stream of its
// responses. Spark keeps both apart: the operation, which has an id of the
// client's choosing, goes on when the stream breaks, and the server keeps
// the last responses so that a new stream can go on after the last one that
// arrived (ReattachExecute). A stream that ends without ResultComplete is not
// the end either: servers cut long streams on purpose.
//
// Responses that arrived are acknowledged (ReleaseExecute) so that the server
// can forget them; when all have, or the client wants no more, the whole
// operation is.
type execution struct {
	session *Session
	ctx     context.Context
	request *pb.ExecutePlanRequest

	stream       grpc.ServerStreamingClient[pb.ExecutePlanResponse]
	cancelStream context.CancelFunc
	sent         bool   // the plan was sent; from now on reattach
	arrived      bool   // and the server has it, or had it
	lastResponse string // id of the last response that arrived
	signs        signs
	done         bool

	acknowledge acknowledger
}

// execute prepares a plan; it is sent when the first response is asked for.
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

// next gives the responses in order, and then io.EOF. After an error there is
// nothing more.
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
	if e.session.named && !e.sent {
		// Other clients of the session may have reset its settings.
		if err := e.session.keepWorker(e.ctx); err != nil {
			return nil, e.fail(err)
		}
	}
	repeat := e.session.config.retry.start()
	for {
		response, err := e.receive()
		if err == nil {
			return e.accept(response)
		}
		e.dropStream()
		if e.signs.answered.Swap(false) {
			repeat = e.session.config.retry.start() // it had come about
		}
		again, lost := true, false
		switch {
		case e.ctx.Err() != nil:
			e.abandon()
			return nil, context.Cause(e.ctx)
		case err == io.EOF:
			// The server has more, and waits for us to come back for it.
			e.arrived, repeat = true, e.session.config.retry.start()
			sleep(e.ctx, time.Millisecond)
			continue
		case says(err, "INVALID_HANDLE.SESSION_NOT_FOUND"), // which Connect had made
			says(err, "INVALID_HANDLE.OPERATION_NOT_FOUND") && e.arrived:
			return nil, e.fail(fmt.Errorf("the server forgot the running query: %w", e.session.failure(e.ctx, err)))
		case says(err, "INVALID_HANDLE.OPERATION_NOT_FOUND"):
			e.sent = false // the plan has not arrived
			repeat.pause = repeat.policy.InitialBackoff
		case says(err, "ORPHANED"):
			// The connection broke as the server was about to begin, and now
			// it never will. A query, which changes nothing, can begin anew.
			if e.request.GetPlan().GetRoot() == nil || e.arrived {
				return nil, e.fail(fmt.Errorf("the server lost this when the connection broke; look whether it took effect before it is run again: %w", e.session.failure(e.ctx, err)))
			}
			id := uuid.NewString()
			e.request.OperationId, e.sent = &id, false
		case says(err, "INVALID_HANDLE.OPERATION_ALREADY_EXISTS"):
			// It has arrived after all, later than the question for it.
			e.arrived = true
		case retryable(err), status.Code(err) == codes.DeadlineExceeded:
			// The deadline is a proxy's: the request has none, and the
			// operation lives on.
			lost = retryInfo(err) == nil
		default:
			again = false
		}
		if again && repeat.wait(e.ctx, err) {
			continue
		}
		if e.ctx.Err() != nil {
			e.abandon()
			return nil, context.Cause(e.ctx)
		}
		if err = e.session.failure(e.ctx, err); lost {
			err = fmt.Errorf("the connection broke and could not be made again (%d attempts), so it is not known whether this has run: %w", repeat.used, err)
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
	e.signs.hear()
	return r, err
}

func (e *execution) openStream() error {
	// The server is not told a deadline: it would end the stream by it, a
	// moment before this side can know why.
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
	e.signs.hear()
	go func() {
		defer panics.Handle("watching the connection", nil)
		e.session.attend(ctx, &e.signs)
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
		return nil, e.fail(secret.Error(fmt.Errorf("the server answered operation %s instead of %s", id, e.id())))
	}
	e.arrived, e.lastResponse = true, r.GetResponseId()
	if r.GetResultComplete() != nil {
		e.done = true
		e.dropStream()
		e.releaseAll()
		return nil, io.EOF
	}
	e.acknowledge.until(e, e.lastResponse)
	return r, nil
}

// fail ends the execution here and on the server.
func (e *execution) fail(err error) error {
	e.done = true
	e.dropStream()
	if e.sent && !errors.Is(err, ErrSessionLost) {
		e.releaseAll()
	}
	return err
}

// close ends an execution whose remaining responses nobody wants.
func (e *execution) close() {
	if e.done {
		return
	}
	if !e.sent {
		e.done = true
		return
	}
	e.abandon()
}

// abandon stops the operation on the server, and returns when the server was
// told or could not be.
func (e *execution) abandon() {
	e.done = true
	e.dropStream()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), farewell)
	defer cancel()
	// The interrupt may overtake the plan: the server has not heard of the
	// operation yet. Once a response came, it has.
	for pause := 20 * time.Millisecond; ; pause *= 2 {
		stopped, err := e.session.InterruptOperation(ctx, e.id())
		if err != nil || e.lastResponse != "" || slices.Contains(stopped, e.id()) || pause > time.Second/2 || !sleep(ctx, pause) {
			break
		}
	}
	e.releaseAll()
}

func (e *execution) releaseAll() {
	e.session.later(func() {
		e.release(&pb.ReleaseExecuteRequest{Release: &pb.ReleaseExecuteRequest_ReleaseAll_{ReleaseAll: &pb.ReleaseExecuteRequest_ReleaseAll{}}})
	})
}

// release tells the server what it may forget. A server that is not reached
// forgets by itself later.
func (e *execution) release(r *pb.ReleaseExecuteRequest) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), farewell)
	defer cancel()
	r.SessionId = e.session.id
	r.ClientObservedServerSideSessionId = e.session.observed()
	r.UserContext = e.session.user()
	r.OperationId = e.id()
	r.ClientType = e.request.ClientType
	_, _ = e.session.client.ReleaseExecute(ctx, r)
}

// acknowledger releases responses in the background, one call at a time; each
// call covers all that arrived before it.
type acknowledger struct {
	mu     sync.Mutex
	latest string
	busy   bool
}

func (a *acknowledger) until(e *execution, response string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.latest = response
	if a.busy {
		return
	}
	a.busy = true
	e.session.later(func() {
		for {
			a.mu.Lock()
			id := a.latest
			a.latest = ""
			if id == "" {
				a.busy = false
				a.mu.Unlock()
				return
			}
			a.mu.Unlock()
			e.release(&pb.ReleaseExecuteRequest{
				Release: &pb.ReleaseExecuteRequest_ReleaseUntil_{ReleaseUntil: &pb.ReleaseExecuteRequest_ReleaseUntil{ResponseId: id}},
			})
		}
	})
}

// says reports whether the server names an error class.
func says(err error, class string) bool {
	st, ok := status.FromError(err)
	return ok && st.Code() != codes.OK && strings.Contains(st.Message(), class)
}

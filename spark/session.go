package spark

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

var (
	// ErrSessionLost reports that the server no longer has the session, because
	// the server was restarted or the session expired. Its temporary views,
	// functions, settings and artifacts are lost too. Connect again.
	ErrSessionLost = errors.New("the server no longer has this Spark session; connect again")
	// ErrClosed reports that the Session was closed.
	ErrClosed = errors.New("the Spark session is closed")
)

// Session is a session on a Spark Connect server with its own settings,
// temporary views, functions and artifacts. It is safe for concurrent use.
type Session struct {
	config      config
	connection  *connection
	client      pb.SparkConnectServiceClient
	address     string
	tokenSource string // for error messages; empty if there is no token
	secure      bool   // by TLS
	id          string
	joined      bool // the connection string names id
	userID      string
	userAgent   string
	version     string // of the server, as in "4.3.0"

	plans      atomic.Int64   // number of relations, for their ids
	background sync.WaitGroup // of release requests

	observations sync.Map // by name, of Observe, until their metrics come

	installing sync.Mutex // held while a stream starts

	shipping sync.Mutex // held while a default model is uploaded
	models   models.Set // those that executors have; guarded by shipping after Connect

	ledger *bundle.Ledger // set by Connect; nil without one

	mu             sync.Mutex
	serverID       string // the session's id on the server, once known
	ended          error  // ErrSessionLost or ErrClosed
	tags           []string
	worker         string  // executable that Spark starts for the session's functions; "" for none
	originalPython *string // the executable before that, in a session of a Python client
}

// ID returns the session's UUID.
func (s *Session) ID() string { return s.id }

// UserID returns the user to whom the session belongs on the server.
func (s *Session) UserID() string { return s.userID }

// Version returns the server's version, such as "4.3.0".
func (s *Session) Version() string { return s.version }

func (s *Session) fetchVersion(ctx context.Context, failed func(error)) (string, error) {
	r, err := call(ctx, s, func() (*pb.AnalyzePlanResponse, error) {
		r, err := s.client.AnalyzePlan(ctx, s.analyzeRequest(&pb.AnalyzePlanRequest{
			Analyze: &pb.AnalyzePlanRequest_SparkVersion_{SparkVersion: &pb.AnalyzePlanRequest_SparkVersion{}},
		}))
		if err != nil {
			failed(err)
		}
		return r, err
	})
	if err != nil {
		return "", err
	}
	version := r.GetSparkVersion().GetVersion()
	if version == "" {
		return "", errors.New("the server did not send its version; is it a Spark Connect server?")
	}
	return secret.Hide(version), nil
}

// atLeast reports whether the server's version is major.minor or later.
func (s *Session) atLeast(major, minor int) bool {
	var a, b int
	if _, err := fmt.Sscanf(s.version, "%d.%d", &a, &b); err != nil {
		return false
	}
	return a > major || a == major && b >= minor
}

// Close closes the connection and ends the session on the server, including its
// running queries. A session that was joined by a session_id stays on the
// server: other clients may join it, and its running queries continue.
func (s *Session) Close() error { return s.close(!s.joined) }

func (s *Session) close(end bool) error {
	s.mu.Lock()
	before := s.ended
	s.ended = ErrClosed
	s.mu.Unlock()
	if before == ErrClosed {
		return nil
	}
	s.background.Wait()
	if before == nil && end {
		s.release()
	}
	return s.connection.close()
}

// Stop closes the connection and ends the session on the server for all clients
// that have joined it, including its running queries. Spark before 4.0 only ends
// the queries, and drops the session after a time without requests.
func (s *Session) Stop() error { return s.close(true) }

// Check returns ErrSessionLost if the server has lost the session. With Spark 4
// every request reports this. Spark 3.5 silently opens a new session of the same
// id, without the functions, views and settings of this one.
func (s *Session) Check(ctx context.Context) error {
	s.mu.Lock()
	worker := s.worker
	s.mu.Unlock()
	have, err := s.Conf().get(ctx, pythonKey)
	if err != nil {
		return err
	}
	if worker != "" && have[pythonKey] == "" {
		s.markLost()
		return ErrSessionLost
	}
	return nil
}

// release ends the session on the server. Servers before 4.0 can only end its
// queries. Errors are ignored, because servers drop idle sessions.
func (s *Session) release() {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	if !s.atLeast(4, 0) {
		_, _ = s.client.Interrupt(ctx, &pb.InterruptRequest{
			SessionId:     s.id,
			UserContext:   s.user(),
			ClientType:    &s.userAgent,
			InterruptType: pb.InterruptRequest_INTERRUPT_TYPE_ALL,
		})
		return
	}
	_, _ = s.client.ReleaseSession(ctx, &pb.ReleaseSessionRequest{
		SessionId:   s.id,
		UserContext: s.user(),
		ClientType:  &s.userAgent,
	})
}

// inBackground runs f in a goroutine for which Close waits. After Close it does
// nothing.
func (s *Session) inBackground(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != ErrClosed {
		s.background.Go(func() {
			defer panics.Handle("sending a release to Spark", nil)
			f()
		})
	}
}

// releaseTimeout bounds requests whose results are not needed: interrupts and
// releases.
const releaseTimeout = 5 * time.Second

// AddTag adds a tag to the queries that this session starts from now on, for
// InterruptTag and for Spark's web UI.
func (s *Session) AddTag(tag string) error {
	if tag == "" || strings.Contains(tag, ",") {
		return fmt.Errorf("tag %q: a tag must not be empty or contain a comma", tag)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.tags, tag) {
		s.tags = append(s.tags, tag)
	}
	return nil
}

// RemoveTag removes a tag of AddTag.
func (s *Session) RemoveTag(tag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tags = slices.DeleteFunc(s.tags, func(t string) bool { return t == tag })
}

// Tags returns the tags of AddTag.
func (s *Session) Tags() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tags)
}

func (s *Session) usable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *Session) user() *pb.UserContext {
	return &pb.UserContext{UserId: s.userID, UserName: s.userID}
}

// observed returns the session's id on the server. Requests carry it so that a
// server that has lost the session returns an error.
func (s *Session) observed() *string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serverID == "" {
		return nil
	}
	return proto.String(s.serverID)
}

func (s *Session) markLost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended = ErrSessionLost
	}
}

// reply is implemented by all replies of the server.
type reply interface {
	GetSessionId() string
	GetServerSideSessionId() string
}

// verify checks that a reply belongs to this session, and that the server has
// not replaced the session.
func (s *Session) verify(r reply) error {
	if id := r.GetSessionId(); id != "" && id != s.id {
		return fmt.Errorf("the server replied for session %s instead of %s", id, s.id)
	}
	id := r.GetServerSideSessionId()
	if id == "" {
		return nil // before 4.0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serverID == "" {
		s.serverID = id
	}
	if s.serverID == id {
		return nil
	}
	if s.ended == nil {
		s.ended = ErrSessionLost
	}
	return ErrSessionLost
}

// call makes a request with the session's retry policy.
func call[R reply](ctx context.Context, s *Session, request func() (R, error)) (R, error) {
	var r R
	if err := s.usable(); err != nil {
		return r, err
	}
	err := s.config.retry.do(ctx, func() (err error) {
		r, err = request()
		return err
	})
	if err != nil {
		return r, s.failure(ctx, err)
	}
	return r, s.verify(r)
}

// analyzeRequest completes a request with the session's ids.
func (s *Session) analyzeRequest(r *pb.AnalyzePlanRequest) *pb.AnalyzePlanRequest {
	r.SessionId = s.id
	r.ClientObservedServerSideSessionId = s.observed()
	r.UserContext = s.user()
	r.ClientType = &s.userAgent
	return r
}

func (s *Session) analyze(ctx context.Context, r *pb.AnalyzePlanRequest) (*pb.AnalyzePlanResponse, error) {
	return call(ctx, s, func() (*pb.AnalyzePlanResponse, error) {
		return s.client.AnalyzePlan(ctx, s.analyzeRequest(r))
	})
}

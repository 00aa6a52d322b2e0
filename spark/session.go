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

	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

var (
	// ErrSessionLost: the server no longer has the session (it restarted,
	// or let the session expire), and with it the session's temporary views,
	// functions, settings and artifacts. Connect again.
	ErrSessionLost = errors.New("the Spark session is gone from the server; connect again")
	// ErrClosed: the Session was closed.
	ErrClosed = errors.New("the Spark session is closed")
)

// Session is a connection to Spark with its own settings, temporary views,
// functions and artifacts. Its methods may be called at the same time.
type Session struct {
	config     config
	connection *connection
	client     pb.SparkConnectServiceClient
	address    string
	tokenFrom  string // in words; empty if there is none
	secure     bool   // by TLS
	id         string
	named      bool // the user chose id
	userID     string
	userAgent  string
	version    string // of the server, as in "4.3.0"

	plans      atomic.Int64   // numbers relations
	background sync.WaitGroup // releases under way

	installing sync.Mutex // one stream starts at a time

	mu           sync.Mutex
	serverID     string // the session's identity on the server, once known
	dead         error  // ErrSessionChanged or ErrClosed
	tags         []string
	worker       string  // that Spark has to start for the session's functions; empty for none
	pythonBefore *string // what it started before, if Python goes on beside
}

// ID is the session's UUID.
func (s *Session) ID() string { return s.id }

// UserID is the user that the session belongs to, for the server.
func (s *Session) UserID() string { return s.userID }

// Version is the server's version, as in "4.3.0".
func (s *Session) Version() string { return s.version }

func (s *Session) fetchVersion(ctx context.Context, failed func(error)) (string, error) {
	r, err := call(ctx, s, func() (*pb.AnalyzePlanResponse, error) {
		r, err := s.client.AnalyzePlan(ctx, s.analyze(&pb.AnalyzePlanRequest{
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
		return "", errors.New("the server does not say its version; is it a Spark Connect server?")
	}
	return secret.Hide(version), nil
}

// atLeast compares the server's version.
func (s *Session) atLeast(major, minor int) bool {
	var a, b int
	if _, err := fmt.Sscanf(s.version, "%d.%d", &a, &b); err != nil {
		return false
	}
	return a > major || a == major && b >= minor
}

// Close ends the session on the server, with what is still running in it, and
// closes the connection. A session that was joined by a session_id of the
// user's choice stays on the server for others to join, and what runs in it
// goes on unless its context was cancelled.
func (s *Session) Close() error { return s.close(!s.named) }

func (s *Session) close(end bool) error {
	s.mu.Lock()
	before := s.dead
	s.dead = ErrClosed
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

// Stop ends the session on the server, with what runs in it, for all who have
// joined it, and closes the connection. Spark before 4.0 keeps the session until
// it has been idle for long.
func (s *Session) Stop() error { return s.close(true) }

// Check reports ErrSessionChanged if the server has lost the session. Spark 4
// says so of every request; 3.5 opens another of the same name without a word,
// which lacks this one's functions, views and settings.
func (s *Session) Check(ctx context.Context) error {
	s.mu.Lock()
	worker := s.worker
	s.mu.Unlock()
	have, err := s.Conf().get(ctx, pythonKey)
	if err != nil {
		return err
	}
	if worker != "" && have[pythonKey] == "" {
		s.lose()
		return ErrSessionLost
	}
	return nil
}

// release ends the session on the server. A server that cannot be told forgets
// an idle session by itself, and so do those before 4.0, which know no more
// than to stop what runs.
func (s *Session) release() {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
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

// later runs f in the background; Close waits for it. After Close there is
// nobody left to tell the server anything, and f is dropped.
func (s *Session) later(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead != ErrClosed {
		s.background.Go(func() {
			defer panics.Handle("telling the server something", nil)
			f()
		})
	}
}

// farewell bounds what is said to the server after the answer is no longer of
// interest: interrupts and releases.
const farewell = 5 * time.Second

// AddTag marks the queries that this session starts from now on, for
// InterruptTag and for Spark's own pages.
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

// RemoveTag undoes AddTag.
func (s *Session) RemoveTag(tag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tags = slices.DeleteFunc(s.tags, func(t string) bool { return t == tag })
}

// Tags lists the tags of AddTag.
func (s *Session) Tags() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tags)
}

func (s *Session) usable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

func (s *Session) user() *pb.UserContext {
	return &pb.UserContext{UserId: s.userID, UserName: s.userID}
}

// observed is the identity that requests carry so that a server which lost
// the session says so.
func (s *Session) observed() *string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serverID == "" {
		return nil
	}
	return proto.String(s.serverID)
}

func (s *Session) lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead == nil {
		s.dead = ErrSessionLost
	}
}

// reply is what the server's replies have in common.
type reply interface {
	GetSessionId() string
	GetServerSideSessionId() string
}

// verify checks that a reply is for this session, and that it is still the
// session which answered before.
func (s *Session) verify(r reply) error {
	if id := r.GetSessionId(); id != "" && id != s.id {
		return fmt.Errorf("the server answered for session %s instead of %s", id, s.id)
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
	if s.dead == nil {
		s.dead = ErrSessionLost
	}
	return ErrSessionLost
}

// call makes one request, repeated as the retry policy says.
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

func (s *Session) analyze(r *pb.AnalyzePlanRequest) *pb.AnalyzePlanRequest {
	r.SessionId = s.id
	r.ClientObservedServerSideSessionId = s.observed()
	r.UserContext = s.user()
	r.ClientType = &s.userAgent
	return r
}

func (s *Session) analyzed(ctx context.Context, r *pb.AnalyzePlanRequest) (*pb.AnalyzePlanResponse, error) {
	return call(ctx, s, func() (*pb.AnalyzePlanResponse, error) {
		return s.client.AnalyzePlan(ctx, s.analyze(r))
	})
}

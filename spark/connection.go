package spark

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// A connection may break without an error on either side, for example when a
// network changes or a firewall drops its state. HTTP/2 pings would detect this,
// but servers before Spark 4.3 close the connection of a client that pings more
// than once in five minutes, and Spark drops a query five minutes after its
// client has disconnected. So a query that receives no response for
// defaultProbeAfter sends a small request. Without an answer within
// defaultProbeTimeout it continues over a new connection. This is safe if the
// old connection was only slow.
const (
	defaultProbeAfter   = 30 * time.Second
	defaultProbeTimeout = 20 * time.Second
)

// connection is a gRPC connection that can be replaced by a new one to the same
// server.
type connection struct {
	dial func() (*grpc.ClientConn, error)

	mu     sync.Mutex
	conn   *grpc.ClientConn
	closed bool
}

func newConnection(dial func() (*grpc.ClientConn, error)) (*connection, error) {
	conn, err := dial()
	return &connection{dial: dial, conn: conn}, err
}

func (c *connection) current() *grpc.ClientConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn
}

// replace closes old, which ends all calls on it, and opens a new connection. It
// does nothing if old has been replaced already.
func (c *connection) replace(old *grpc.ClientConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != old || c.closed {
		return
	}
	if conn, err := c.dial(); err == nil {
		c.conn = conn
		old.Close()
	}
}

func (c *connection) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return c.conn.Close()
}

// errReplaced is the error of calls on a connection that was replaced. It is
// retryable, unlike gRPC's error for such calls.
var errReplaced = status.Error(codes.Unavailable, "the connection stopped responding and was replaced by a new one")

func (c *connection) mapError(used *grpc.ClientConn, err error) error {
	if status.Code(err) == codes.Canceled && used != c.current() {
		return errReplaced
	}
	return err
}

// Invoke implements grpc.ClientConnInterface.
func (c *connection) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	conn := c.current()
	return c.mapError(conn, conn.Invoke(ctx, method, args, reply, options...))
}

// NewStream implements grpc.ClientConnInterface.
func (c *connection) NewStream(ctx context.Context, d *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	conn := c.current()
	s, err := conn.NewStream(ctx, d, method, options...)
	if err != nil {
		return nil, c.mapError(conn, err)
	}
	return clientStream{s, c, conn}, nil
}

type clientStream struct {
	grpc.ClientStream
	connection *connection
	conn       *grpc.ClientConn
}

func (s clientStream) RecvMsg(m any) error {
	return s.connection.mapError(s.conn, s.ClientStream.RecvMsg(m))
}

// liveness records when an execution last received something from the server.
type liveness struct {
	received atomic.Pointer[time.Time] // the last response of the stream
	answered atomic.Bool               // the server has answered a probe
}

func (l *liveness) touch() {
	now := time.Now()
	l.received.Store(&now)
}

// watch probes the server while an execution's stream receives no response, and
// replaces the connection if the server does not answer. It returns when ctx
// ends.
func (s *Session) watch(ctx context.Context, l *liveness) {
	conn := s.connection.current()
	for {
		if idle := time.Since(*l.received.Load()); idle < s.config.probeAfter {
			if !sleep(ctx, s.config.probeAfter-idle) {
				return
			}
			continue
		}
		l.touch()
		switch status.Code(s.probe(ctx, conn)) {
		case codes.DeadlineExceeded:
			if ctx.Err() == nil {
				s.connection.replace(conn)
			}
			return
		case codes.Unavailable, codes.Canceled: // the stream gets the same error
		default:
			l.answered.Store(true)
		}
	}
}

// probe sends a small request. Any answer, also an error, shows that the server
// is reachable.
func (s *Session) probe(ctx context.Context, conn *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.probeTimeout)
	defer cancel()
	_, err := pb.NewSparkConnectServiceClient(conn).Config(ctx, s.configRequest(getOption("spark.app.name")))
	return err
}

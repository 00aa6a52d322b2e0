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

// A connection can die without a word: a network changes, a firewall forgets.
// HTTP/2 would find out by pings, but Spark's servers before 4.3 end the
// connection of a client that pings more than once in five minutes, and drop a
// query five minutes after its client is gone. So a query that hears nothing
// for a while asks the server for something small, and without an answer goes
// on over a new connection. Nothing is lost if the old one was only slow.
const (
	defaultSilence = 30 * time.Second
	defaultAnswer  = 20 * time.Second
)

// A connection is one that can be exchanged for a new one to the same server.
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

// exchange ends old, with all calls under way on it, unless that was done.
func (c *connection) exchange(old *grpc.ClientConn) {
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

// errExchanged takes the place of what gRPC says of calls on a connection that
// was closed for a new one: they can be made again.
var errExchanged = status.Error(codes.Unavailable, "the connection had gone silent, and was given up for a new one")

func (c *connection) explain(used *grpc.ClientConn, err error) error {
	if status.Code(err) == codes.Canceled && used != c.current() {
		return errExchanged
	}
	return err
}

// Invoke and NewStream are those of gRPC.
func (c *connection) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	conn := c.current()
	return c.explain(conn, conn.Invoke(ctx, method, args, reply, options...))
}

func (c *connection) NewStream(ctx context.Context, d *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	conn := c.current()
	s, err := conn.NewStream(ctx, d, method, options...)
	if err != nil {
		return nil, c.explain(conn, err)
	}
	return watchedStream{s, c, conn}, nil
}

type watchedStream struct {
	grpc.ClientStream
	from *connection
	conn *grpc.ClientConn
}

func (s watchedStream) RecvMsg(m any) error { return s.from.explain(s.conn, s.ClientStream.RecvMsg(m)) }

// signs of life are what an execution has of the server.
type signs struct {
	heard    atomic.Pointer[time.Time] // of the stream
	answered atomic.Bool               // the server, when it was called
}

func (s *signs) hear() {
	now := time.Now()
	s.heard.Store(&now)
}

// attend looks after a stream until ctx ends.
func (s *Session) attend(ctx context.Context, of *signs) {
	conn := s.connection.current()
	for {
		if quiet := time.Since(*of.heard.Load()); quiet < s.config.silence {
			if !sleep(ctx, s.config.silence-quiet) {
				return
			}
			continue
		}
		of.hear()
		switch status.Code(s.callOn(ctx, conn)) {
		case codes.DeadlineExceeded:
			if ctx.Err() == nil {
				s.connection.exchange(conn)
			}
			return
		case codes.Unavailable, codes.Canceled: // the stream will hear of it
		default:
			of.answered.Store(true)
		}
	}
}

// callOn asks the server for something small. Any answer will do.
func (s *Session) callOn(ctx context.Context, conn *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.answer)
	defer cancel()
	_, err := pb.NewSparkConnectServiceClient(conn).Config(ctx, s.configRequest(valuesOf("spark.app.name")))
	return err
}

package spark

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

// maxMessage bounds a message in either direction, in bytes. Spark's servers and
// clients have the same limit.
const maxMessage = 128 << 20

// config holds the settings of Connect's Options.
type config struct {
	allocator      memory.Allocator
	retry          RetryPolicy
	connectTimeout time.Duration
	progress       func(Progress)
	probeAfter     time.Duration // without a response of a query
	probeTimeout   time.Duration
	tls            *tls.Config
	dial           []grpc.DialOption
	ship           shipment
}

// Option is an option of Connect.
type Option func(*config)

// WithAllocator sets the allocator of Arrow data; the default is Go's heap.
func WithAllocator(a memory.Allocator) Option { return func(c *config) { c.allocator = a } }

// WithRetry sets the policy for retrying calls after a connection failure.
func WithRetry(p RetryPolicy) Option { return func(c *config) { c.retry = p } }

// WithConnectTimeout bounds the time that Connect waits for the server's first
// answer; the default is 15 seconds.
func WithConnectTimeout(d time.Duration) Option { return func(c *config) { c.connectTimeout = d } }

// WithProgress calls f with the progress of running queries (Spark 4.0 and
// later, every two seconds). The goroutine that waits for a query's results
// calls f, so f should return quickly.
func WithProgress(f func(Progress)) Option { return func(c *config) { c.progress = f } }

// WithTLS connects by TLS, like use_ssl=true, with these settings: RootCAs for a
// server whose certificate is signed by a private authority, Certificates for a
// server that requires client certificates. The minimum version is TLS 1.2
// unless MinVersion is set.
func WithTLS(settings *tls.Config) Option {
	if settings == nil {
		settings = &tls.Config{}
	}
	return func(c *config) { c.tls = settings.Clone() }
}

// WithDialOptions adds gRPC dial options, such as a dialer. They override the
// options of this package.
func WithDialOptions(o ...grpc.DialOption) Option {
	return func(c *config) { c.dial = append(c.dial, o...) }
}

// Connect opens a session on a Spark Connect server. remote is a connection
// string:
//
//	sc://host:port/;use_ssl=true;token=...;user_id=...;session_id=...;user_agent=...
//
// The default port is 15002. The token may also be set in the environment
// variable SPARK_CONNECT_AUTHENTICATE_TOKEN. A token implies use_ssl=true, except
// for a loopback address. Parameters with other names are sent as headers of
// every call. With a session_id (a UUID), Connect joins the user's session of
// this id if the server has one.
//
// Without WithTLS, the server's certificate must be signed by an authority that
// the system trusts. On Linux, SSL_CERT_FILE and SSL_CERT_DIR replace the
// system's authorities.
func Connect(ctx context.Context, remote string, options ...Option) (*Session, error) {
	r, err := parseRemote(remote)
	if err != nil {
		return nil, err
	}
	policy := egress.Policy{LocalOnly: egress.FromEnvironment().LocalOnly} // the list of hosts is for downloads and endpoints
	if err := policy.Check(r.address()); err != nil {
		return nil, fmt.Errorf("connection to Spark at %s: %w", r.address(), err)
	}
	tokenSource := ""
	if r.token != "" {
		tokenSource = "the connection string"
	} else if r.headers[authorization] != "" {
		tokenSource = "the connection string"
	} else if token := os.Getenv(tokenVariable); token != "" {
		if r.token, err = token, checkHeader(tokenVariable, token); err != nil {
			return nil, err
		}
		tokenSource = tokenVariable
	}
	secret.Add(r.token)
	for name, value := range r.headers {
		if credentialHeader.MatchString(name) {
			secret.Add(value)
		}
	}
	if _, err := egress.Proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: r.address()}}); err != nil {
		return nil, err // gRPC uses the same proxy
	}
	c := config{
		allocator:      memory.DefaultAllocator,
		retry:          DefaultRetry,
		connectTimeout: 15 * time.Second,
		probeAfter:     defaultProbeAfter,
		probeTimeout:   defaultProbeTimeout,
	}
	for _, o := range options {
		o(&c)
	}
	if c.tls != nil {
		r.useTLS = true
	}
	target, dial := "dns:///"+r.address(), dialOptions(r, c.tls)
	if policy.LocalOnly {
		// This dialer resolves the name itself and uses no proxy.
		target = "passthrough:///" + r.address()
		dial = append(dial, grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return egress.Dial(ctx, "tcp", address, policy)
		}))
	}
	connection, err := newConnection(func() (*grpc.ClientConn, error) {
		return grpc.NewClient(target, slices.Concat(dial, c.dial)...)
	})
	if err != nil {
		return nil, fmt.Errorf("connection to %s: %w", r.address(), err)
	}
	s := &Session{
		config:      c,
		connection:  connection,
		client:      pb.NewSparkConnectServiceClient(connection),
		address:     r.address(),
		tokenSource: tokenSource,
		secure:      r.secure(),
		id:          r.sessionID,
		joined:      r.sessionID != "",
		userID:      r.userID,
		userAgent:   userAgent(r.userAgent),
	}
	if s.id == "" {
		s.id = uuid.NewString()
	}
	if !r.namesUser {
		s.userID = firstNonEmpty(os.Getenv("SPARK_USER"), os.Getenv("USER"))
	}
	if err := s.findOpen(ctx); err != nil {
		connection.close()
		return nil, err
	}
	if err := s.negotiate(ctx); err != nil {
		connection.close()
		return nil, err
	}
	if c.ship.wanted {
		if err := s.shipWorker(ctx); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// negotiate makes the first call, which gets the server's version.
func (s *Session) negotiate(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, s.config.connectTimeout)
	defer cancel()
	var last error
	version, err := s.fetchVersion(limited, func(err error) { last = err })
	if err == nil {
		s.version = version
		return nil
	}
	if ctx.Err() == nil && limited.Err() != nil {
		if last == nil || status.Code(last) == codes.DeadlineExceeded {
			last = errors.New("no answer")
		}
		return fmt.Errorf("connection to Spark at %s failed for %v: %w", s.address, s.config.connectTimeout, s.failure(ctx, last))
	}
	return fmt.Errorf("connection to Spark at %s: %w", s.address, err)
}

// SessionNotOpenError reports that WithPythonSession should join a session that no
// client has open.
type SessionNotOpenError struct{ SessionID, UserID, Address string }

func (e *SessionNotOpenError) Error() string {
	hint := "check session_id and user_id (in PySpark they are spark.session_id and spark.client._user_id), and that the client still runs"
	if e.UserID == "None" {
		hint = "PySpark knows no user if it prints None: write ;user_id= then"
	}
	return fmt.Sprintf("Spark at %s has no open session %s of user %q: %s", e.Address, e.SessionID, e.UserID, hint)
}

// findOpen returns a *SessionNotOpenError if the session of a Python client is not
// open. It comes before all other requests, because most of them open a session. Spark
// 3.5 reports no such error and opens the session. Other errors are left to the next request.
func (s *Session) findOpen(ctx context.Context) error {
	if !s.config.ship.python || !s.joined {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.connectTimeout)
	defer cancel()
	for retries := s.config.retry.start(); ; {
		// The session has no such operation, which is another error.
		stream, err := s.client.ReattachExecute(ctx, &pb.ReattachExecuteRequest{SessionId: s.id, UserContext: s.user(), OperationId: uuid.NewString()})
		if err == nil {
			_, err = stream.Recv()
		}
		switch {
		case hasClass(err, "INVALID_HANDLE.SESSION_NOT_FOUND"), hasClass(err, "INVALID_HANDLE.SESSION_CLOSED"):
			return &SessionNotOpenError{s.id, s.userID, s.address}
		case !retryable(err) || !retries.wait(ctx, err):
			return nil
		}
	}
}

// credentialHeader matches the names of headers whose values are credentials.
var credentialHeader = regexp.MustCompile(`auth|token|key|secret|password|cookie|credential`)

// dialOptions returns the gRPC options for a connection string. settings may be
// nil.
func dialOptions(r *remote, settings *tls.Config) []grpc.DialOption {
	options := []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(maxMessage),
			grpc.MaxCallSendMsgSize(maxMessage),
		),
		// This package retries itself, so that no query runs twice.
		grpc.WithDisableRetry(),
	}
	if r.secure() {
		if settings == nil {
			settings = &tls.Config{}
		}
		if settings.MinVersion == 0 {
			settings.MinVersion = tls.VersionTLS12
		}
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(settings)))
	} else {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	if r.token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer{r.token, r.secure()}))
	}
	if r.keepalive.enabled {
		options = append(options, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                r.keepalive.time,
			Timeout:             r.keepalive.timeout,
			PermitWithoutStream: r.keepalive.withoutCalls,
		}))
	}
	if len(r.headers) > 0 {
		var pairs []string
		for name, value := range r.headers {
			pairs = append(pairs, name, value)
		}
		options = append(options,
			grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				return invoke(metadata.AppendToOutgoingContext(ctx, pairs...), method, req, reply, cc, opts...)
			}),
			grpc.WithStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
				return open(metadata.AppendToOutgoingContext(ctx, pairs...), desc, cc, method, opts...)
			}))
	}
	return options
}

// bearer sends a token with every call.
type bearer struct {
	token  string
	secure bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{authorization: "Bearer " + b.token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }

func userAgent(given string) string {
	return strings.Join([]string{
		firstNonEmpty(given, os.Getenv("SPARK_CONNECT_USER_AGENT"), "firesteel"),
		"os/" + runtime.GOOS,
		"go/" + strings.TrimPrefix(runtime.Version(), "go"),
	}, " ")
}

func firstNonEmpty(candidates ...string) string {
	for _, c := range candidates {
		if c != "" {
			return c
		}
	}
	return ""
}

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

// maxMessage bounds one message in either direction, in bytes. It is what
// Spark's servers and clients allow.
const maxMessage = 128 << 20

// config is what the Options of Connect set.
type config struct {
	allocator      memory.Allocator
	retry          RetryPolicy
	connectTimeout time.Duration
	progress       func(Progress)
	silence        time.Duration // of the server in a query, until it is called
	answer         time.Duration // for which that call waits
	tls            *tls.Config
	dial           []grpc.DialOption
	ship           shipment
}

// Option changes how Connect and its Session work.
type Option func(*config)

// WithAllocator sets where Arrow data is kept; the default is Go's heap.
func WithAllocator(a memory.Allocator) Option { return func(c *config) { c.allocator = a } }

// WithRetry sets how calls are repeated when the connection fails.
func WithRetry(p RetryPolicy) Option { return func(c *config) { c.retry = p } }

// WithConnectTimeout bounds how long Connect waits for a server that does not
// answer; the default is 15 seconds.
func WithConnectTimeout(d time.Duration) Option { return func(c *config) { c.connectTimeout = d } }

// WithProgress has f called with what a running query reports (Spark 4.0 and
// later, every two seconds). It is called by the goroutine that waits for the
// query's results, and should return at once.
func WithProgress(f func(Progress)) Option { return func(c *config) { c.progress = f } }

// WithTLS connects by TLS, as use_ssl=true does, with settings of one's own:
// RootCAs for servers whose certificates are of a private authority,
// Certificates for servers that demand one of their clients. TLS is of version
// 1.2 or later unless MinVersion says otherwise.
func WithTLS(settings *tls.Config) Option {
	if settings == nil {
		settings = &tls.Config{}
	}
	return func(c *config) { c.tls = settings.Clone() }
}

// WithDialOptions adds options of gRPC, such as a proxy's dialer. They go
// before this package's own.
func WithDialOptions(o ...grpc.DialOption) Option {
	return func(c *config) { c.dial = append(c.dial, o...) }
}

// Connect opens a session on the Spark Connect server that remote names:
//
//	sc://host:port/;use_ssl=true;token=...;user_id=...;session_id=...;user_agent=...
//
// The port is 15002 if none is named. A token, which may also come from the
// environment variable SPARK_CONNECT_AUTHENTICATE_TOKEN, implies use_ssl=true
// except for this machine's own addresses. Parameters of other names are sent
// as headers of every call. A session_id (a UUID) joins the session of that
// name if the user already has one on the server.
//
// Without WithTLS, a server's certificate must be from an authority that the
// system trusts; on Linux SSL_CERT_FILE and SSL_CERT_DIR name others.
func Connect(ctx context.Context, remote string, options ...Option) (*Session, error) {
	r, err := parseRemote(remote)
	if err != nil {
		return nil, err
	}
	policy := egress.Policy{LocalOnly: egress.FromEnvironment().LocalOnly} // --allow-host is for downloads and endpoints
	if err := policy.Check(r.address()); err != nil {
		return nil, fmt.Errorf("Spark at %s: %w", r.address(), err)
	}
	tokenFrom := ""
	if r.token != "" {
		tokenFrom = "the connection string"
	} else if r.headers[authorization] != "" {
		tokenFrom = "the connection string"
	} else if token := os.Getenv(tokenVariable); token != "" {
		if r.token, err = token, checkHeader(tokenVariable, token); err != nil {
			return nil, err
		}
		tokenFrom = tokenVariable
	}
	secret.Add(r.token)
	for name, value := range r.headers {
		if namesSecret.MatchString(name) {
			secret.Add(value)
		}
	}
	if _, err := egress.Proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: r.address()}}); err != nil {
		return nil, err // gRPC goes through the same proxy
	}
	c := config{
		allocator:      memory.DefaultAllocator,
		retry:          DefaultRetry,
		connectTimeout: 15 * time.Second,
		silence:        defaultSilence,
		answer:         defaultAnswer,
	}
	for _, o := range options {
		o(&c)
	}
	if c.tls != nil {
		r.useTLS = true
	}
	target, dial := "dns:///"+r.address(), dialOptions(r, c.tls)
	if policy.LocalOnly {
		// Without gRPC's own look-up of the name, and without a proxy.
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
		config:     c,
		connection: connection,
		client:     pb.NewSparkConnectServiceClient(connection),
		address:    r.address(),
		tokenFrom:  tokenFrom,
		secure:     r.secure(),
		id:         r.sessionID,
		named:      r.sessionID != "",
		userID:     r.userID,
		userAgent:  userAgent(r.userAgent),
	}
	if s.id == "" {
		s.id = uuid.NewString()
	}
	if s.userID == "" {
		s.userID = firstNonEmpty(os.Getenv("SPARK_USER"), os.Getenv("USER"))
	}
	if err := s.greet(ctx); err != nil {
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

// greet learns the server's version, and so whether there is a server.
func (s *Session) greet(ctx context.Context) error {
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

// namesSecret tells headers of a connection string that are credentials.
var namesSecret = regexp.MustCompile(`auth|token|key|secret|password|cookie|credential`)

// dialOptions takes TLS settings, or nil for the default.
func dialOptions(r *remote, settings *tls.Config) []grpc.DialOption {
	options := []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(maxMessage),
			grpc.MaxCallSendMsgSize(maxMessage),
		),
		// Retries are this package's own: a query must not run twice.
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

// bearer sends the token with every call.
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

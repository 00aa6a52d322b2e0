// Package endpoint answers requests with a server that speaks OpenAI's HTTP
// interface: vLLM, llama.cpp's llama-server, Ollama, or a cloud.
//
// It guards money: an attempt is repeated only where the server cannot have
// charged for it, or has said that it did not (see retry.go). It guards the
// server: limits per minute, its own wishes, and a concurrency found by itself.
// It guards what leaves the machine: see guard.go.
package endpoint

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/firesteel/firesteel/internal/answercache"
	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// Options adjust an Endpoint; the zero value suits most uses.
type Options struct {
	// LocalOnly refuses everything but this machine's loopback addresses,
	// before the first byte and without asking any name server.
	LocalOnly bool
	// AllowHosts, if not empty, are the only hosts to connect to, proxies
	// included: names or addresses, each with ":port" for that port only.
	// An empty one allows the endpoint's own host and the environment's proxy.
	// The process's policy (package outbound) holds as well.
	AllowHosts []string
	// KeyPlace says in errors where a key must be set, if not here: "on every
	// executor".
	KeyPlace string

	// RequestsPerMinute and TokensPerMinute (prompt and output together) hold
	// for everything this Endpoint does; 0 sets no limit. A job of several
	// processes gives each its part.
	RequestsPerMinute, TokensPerMinute int
	// MaxConcurrency bounds the requests under way, whose number is found by
	// itself; 0 takes 64.
	MaxConcurrency int

	// AttemptTimeout bounds one attempt (0: two minutes), and Timeout all
	// attempts of one request from the first one's start (0: ten minutes).
	// Waiting for the limits before that does not count.
	AttemptTimeout, Timeout time.Duration
	// Attempts bounds how often a request is sent; 0 takes 6. Refusals for
	// too many requests (429) do not count: they are waited out.
	Attempts int
	// RetryCharged also repeats attempts that the server may have charged for.
	// It is for servers that cost nothing, or that honour Idempotency-Key.
	RetryCharged bool
	// Reasks bounds how often the model is told what is wrong with an answer
	// that breaks its constraint; each is charged. 0 takes 2; negative: never.
	Reasks int
	// BreakerFailures in a row open the circuit breaker (0: 8), which lets one
	// request try again after BreakerPause (0: 10 seconds).
	BreakerFailures int
	BreakerPause    time.Duration

	// Trouble, if given, is told why an attempt failed that will be repeated:
	// now and then, as a server that is away fails them all.
	Trouble func(error)

	// AnswerBytes bounds the memory of kept answers, and that of kept vectors:
	// what is asked again in another call is not sent, nor paid, again. 0
	// keeps none.
	AnswerBytes int

	// Price, if given, is what Totals.Cost is computed from.
	Price Price
	// Context is the model's context window in tokens, if known.
	Context int

	// A minute of the limits and of the server's wishes; tests shorten it.
	minute time.Duration
	// proxy stands for the environment's, in tests.
	proxy func(*http.Request) (*url.URL, error)
}

// Price is in any currency, per million tokens.
type Price struct{ PromptPerMillion, OutputPerMillion float64 }

func (o Options) withDefaults() Options {
	orDefault := func(n *int, d int) {
		if *n == 0 {
			*n = d
		}
	}
	wait := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	orDefault(&o.MaxConcurrency, 64)
	orDefault(&o.Attempts, 6)
	orDefault(&o.Reasks, 2)
	orDefault(&o.BreakerFailures, 8)
	wait(&o.minute, time.Minute)
	wait(&o.AttemptTimeout, 2*time.Minute)
	wait(&o.Timeout, 10*time.Minute)
	wait(&o.BreakerPause, 10*o.minute/60)
	if o.proxy == nil {
		o.proxy = egress.Proxy
	}
	return o
}

func (o Options) check() error {
	for _, n := range []struct {
		name  string
		value int
	}{
		{"RequestsPerMinute", o.RequestsPerMinute}, {"TokensPerMinute", o.TokensPerMinute},
		{"MaxConcurrency", o.MaxConcurrency}, {"Attempts", o.Attempts},
		{"BreakerFailures", o.BreakerFailures}, {"Context", o.Context}, {"AnswerBytes", o.AnswerBytes},
	} {
		if n.value < 0 {
			return fmt.Errorf("%s is %d, but may not be negative", n.name, n.value)
		}
	}
	if !(o.Price.PromptPerMillion >= 0) || !(o.Price.OutputPerMillion >= 0) {
		return fmt.Errorf("a price may not be negative")
	}
	return nil
}

// Endpoint is one model of one server. It implements llm.Embedder.
type Endpoint struct {
	ref    Reference
	key    key
	opts   Options
	client *http.Client

	limits   *limits
	slots    *slots
	breaker  *breaker
	usage    usage
	trouble  trouble
	features features
	answers  *answercache.Cache[llm.Result]
	vectors  *answercache.Cache[llm.Embedding]
	// dimensions is how many numbers the model's vectors have, once known.
	dimensions atomic.Int64

	closing context.Context // cancelled by Close
	close   context.CancelCauseFunc
	once    sync.Once
}

var _ llm.Embedder = (*Endpoint)(nil)

var errClosed = fmt.Errorf("%w: the endpoint is closed", llm.ErrModel)

// Open makes an Endpoint of a reference, openai:MODEL@https://host[:port]/v1,
// which may end with options: ?key=VARIABLE or ?keyfile=PATH say where its key
// is read from instead of OPENAI_API_KEY, and ?key=none that it needs none.
// ?api-version=DATE belongs to the addresses of Azure's deployments.
// Nothing is sent before the first request.
func Open(ref string, opts Options) (*Endpoint, error) {
	r, err := Parse(ref)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	if err := opts.check(); err != nil {
		return nil, fmt.Errorf("%w: endpoint %s: %w", llm.ErrModel, r, err)
	}
	opts = opts.withDefaults()
	guard := newGuard(r, opts)
	if err := guard.checkHost(r.base.Host); err != nil {
		return nil, fmt.Errorf("%w: endpoint %s: %w", llm.ErrModel, r, err)
	}
	k, err := readKey(r, opts.KeyPlace)
	if err != nil {
		return nil, fmt.Errorf("%w: endpoint %s: %w", llm.ErrModel, r, err)
	}
	e := &Endpoint{
		ref: r, key: k, opts: opts,
		client:  guard.client(opts.MaxConcurrency),
		limits:  newLimits(opts.RequestsPerMinute, opts.TokensPerMinute, opts.minute),
		slots:   newSlots(opts.MaxConcurrency),
		breaker: newBreaker(opts.BreakerFailures, opts.BreakerPause),
	}
	e.usage.price = opts.Price
	e.answers, e.vectors = answercache.NewResults(opts.AnswerBytes), answercache.NewEmbeddings(opts.AnswerBytes)
	e.closing, e.close = context.WithCancelCause(context.Background())
	return e, nil
}

// Check finds what is wrong with a reference or with options, also a host that
// may not be connected to, without the key and without sending anything.
func Check(ref string, opts Options) error {
	r, err := Parse(ref)
	if err != nil {
		return fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	if err = opts.check(); err == nil {
		err = newGuard(r, opts.withDefaults()).checkHost(r.base.Host)
	}
	if err != nil {
		return fmt.Errorf("%w: endpoint %s: %w", llm.ErrModel, r, err)
	}
	return nil
}

// IsReference reports whether ref refers to a server, and not to files.
func IsReference(ref string) bool { return strings.HasPrefix(ref, scheme) }

// Version names this code for llm.Info. Its number is raised whenever the same
// reply of a server is read as another answer, or a server is asked otherwise.
const Version = "endpoint 2"

// Info describes the model. Its weights are the server's secret: no digest.
func (e *Endpoint) Info() llm.Info {
	return llm.Info{Name: e.String(), Context: e.opts.Context, Engine: Version}
}

// String is the reference, without its options.
func (e *Endpoint) String() string { return e.ref.String() }

// CountTokens estimates: the server's tokenizer is not known here.
func (e *Endpoint) CountTokens(text string) int { return estimate(text) }

// Cut keeps what CountTokens takes for max tokens.
func (e *Endpoint) Cut(text string, max int) (string, bool) { return cut(text, max) }

// Totals says what was used so far.
func (e *Endpoint) Totals() Totals { return e.usage.read() }

// Close ends what is under way.
func (e *Endpoint) Close() error {
	e.once.Do(func() {
		e.close(errClosed)
		e.client.CloseIdleConnections()
	})
	return nil
}

// within ends with ctx or with the Endpoint.
func (e *Endpoint) within(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(e.closing, func() {
		defer panics.Handle("closing an endpoint", nil)
		cancel(errClosed)
	})
	return ctx, func() { stop(); cancel(nil) }
}

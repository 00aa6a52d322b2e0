// Package endpoint answers requests with a server that has OpenAI's HTTP API:
// vLLM, llama.cpp's llama-server, Ollama, or a cloud service.
//
// It avoids double charges: it repeats an attempt only if the server cannot have
// charged for it, or reports that it did not (see retry.go). It respects limits:
// requests and tokens per minute, the limits that the server sends, and a
// concurrency that adapts to the server. It restricts connections: see guard.go.
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

// Options configure an Endpoint. The zero value has usable defaults.
type Options struct {
	// LocalOnly refuses all addresses except the loopback addresses of this
	// machine, before any byte is sent and without a DNS query.
	LocalOnly bool
	// AllowHosts, if not empty, are the only hosts to connect to, including
	// proxies: names or addresses, with ":port" for one port only. If it is
	// empty, the endpoint's own host and the proxy of the environment are
	// allowed. The policy of the process (package egress) also applies.
	AllowHosts []string
	// KeyPlace is added to errors about a missing key, if it must be set
	// elsewhere: "on every executor".
	KeyPlace string

	// RequestsPerMinute and TokensPerMinute (prompt and output) are limits for
	// this Endpoint as a whole; 0 means no limit. A job of several processes
	// divides the limits between them.
	RequestsPerMinute, TokensPerMinute int
	// MaxConcurrency bounds the number of concurrent requests, which adapts to
	// the server; 0 means 64.
	MaxConcurrency int

	// AttemptTimeout bounds one attempt (0 means two minutes). Timeout bounds
	// all attempts of one request from the start of the first (0 means ten
	// minutes). The wait for limits before the first attempt does not count.
	AttemptTimeout, Timeout time.Duration
	// Attempts bounds how often a request is sent; 0 means 6. Responses with
	// status 429 do not count: the Endpoint waits and tries again.
	Attempts int
	// RetryCharged also repeats attempts for which the server may have charged.
	// It is for servers that cost nothing or honour Idempotency-Key.
	RetryCharged bool
	// Reasks bounds how often the model is asked to correct an answer that does
	// not meet its constraint; each is charged. 0 means 2; negative means
	// never.
	Reasks int
	// BreakerFailures consecutive failures open the circuit breaker (0 means 8).
	// It lets one request through after BreakerPause (0 means 10 seconds).
	BreakerFailures int
	BreakerPause    time.Duration

	// Trouble, if not nil, is called with the error of an attempt that will be
	// repeated, at most once in 15 seconds.
	Trouble func(error)

	// AnswerBytes bounds the memory of cached answers, and that of cached
	// vectors. A cached request is not sent, and not charged, again. 0 means no
	// cache.
	AnswerBytes int

	// Price is the price for Totals.Cost.
	Price Price
	// Context is the context window of the model in tokens; 0 means unknown.
	Context int

	// minute is the length of a minute in limits and in times that the server
	// sends. Tests shorten it.
	minute time.Duration
	// proxy replaces the proxy of the environment in tests.
	proxy func(*http.Request) (*url.URL, error)
}

// Price is the price of a million tokens, in any currency.
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
			return fmt.Errorf("%s is %d, but must not be negative", n.name, n.value)
		}
	}
	if !(o.Price.PromptPerMillion >= 0) || !(o.Price.OutputPerMillion >= 0) {
		return fmt.Errorf("a price must not be negative")
	}
	return nil
}

// Endpoint is one model of one server, with the roles llm.Text and llm.Embed.
type Endpoint struct {
	llm.Unsupported // the roles Tag and Rank

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
	// dimensions is the number of components of a vector; 0 until it is known.
	dimensions atomic.Int64

	closing context.Context // cancelled by Close
	close   context.CancelCauseFunc
	once    sync.Once
}

var _ llm.Model = (*Endpoint)(nil)

var errClosed = fmt.Errorf("%w: the endpoint is closed", llm.ErrModel)

// Open makes an Endpoint from a reference, openai:MODEL@https://host[:port]/v1.
// The reference may end with options: ?key=VARIABLE or ?keyfile=PATH name the
// place of the key instead of OPENAI_API_KEY, ?key=none means that no key is
// needed, and ?api-version=DATE is for Azure's deployments. Open sends nothing.
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

// Check validates a reference and options, including whether the host is
// allowed. It does not read the key and sends nothing.
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

// IsReference reports whether ref refers to an endpoint, rather than to a file.
func IsReference(ref string) bool { return strings.HasPrefix(ref, scheme) }

// Version identifies this code in llm.Info. Its number increases whenever the
// same reply of a server leads to another answer, or requests change.
const Version = "endpoint 2"

// Info describes the model. It has no digest, because the weights are not known.
func (e *Endpoint) Info() llm.Info {
	return llm.Info{Name: e.String(), Context: e.opts.Context, Engine: Version, Roles: []llm.ModelRole{llm.Text, llm.Embed}}
}

// String returns the reference without its options.
func (e *Endpoint) String() string { return e.ref.String() }

// CountTokens returns an estimate, because the server's tokenizer is not known.
func (e *Endpoint) CountTokens(text string) int { return estimate(text) }

// Cut returns the prefix of text that CountTokens estimates at max tokens, and
// whether text is longer.
func (e *Endpoint) Cut(text string, max int) (string, bool) { return cut(text, max) }

// Totals returns the usage so far.
func (e *Endpoint) Totals() Totals { return e.usage.read() }

// Close cancels the requests in progress.
func (e *Endpoint) Close() error {
	e.once.Do(func() {
		e.close(errClosed)
		e.client.CloseIdleConnections()
	})
	return nil
}

// within returns a context that ends with ctx or with the Endpoint.
func (e *Endpoint) within(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(e.closing, func() {
		defer panics.Handle("closing an endpoint", nil)
		cancel(errClosed)
	})
	return ctx, func() { stop(); cancel(nil) }
}

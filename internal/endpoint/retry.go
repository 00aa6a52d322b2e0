package endpoint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/secret"
)

// When an attempt is repeated. The server cannot have charged, or reports that
// it did not:
//
//	no connection, or nothing written to it      repeated
//	429                                          repeated after a pause, within Timeout
//	408, 425, 500, 503, 529                      repeated: the server itself reports that it gave no answer
//
// The server may have charged. Only Options.RetryCharged repeats the attempt:
//
//	written, but no answer (cut off, timeout)    error of the row, marked MayBeCharged
//	502, 504, 520 to 524                         the same: a gateway does not know about the server behind it
//	200, but the body is cut, huge or not JSON   the same
//	200, but the server stopped in the answer    the same
//
// An error in the body of a response with status 200 counts as the status that
// it stands for. It may have been charged if the body has the start of an
// answer, or if it stands for no status.
//
// All other errors are caused by the request or the key and are not repeated.
// All attempts of a request have the same Idempotency-Key, a digest of the
// request, so that a server that honours it charges once even after a crash of
// this process.

var (
	errAttemptTimeout = errors.New("the attempt took too long")
	errTooBig         = errors.New("the answer is too large")
)

// call is an HTTP request to send until it is answered.
type call struct {
	path     string
	body     []byte
	idem     string
	maxBytes int64
	reserve  float64 // predicted tokens
	probe    bool    // a request that finds out what the server supports
	// read parses the body of a response with status 200. Its error means that
	// the answer is unreadable.
	read func(body []byte) error
}

func newCall(path string, body []byte, read func([]byte) error) *call {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s", path, body))
	return &call{path: path, body: body, idem: "firesteel-" + hex.EncodeToString(sum[:16]), maxBytes: maxAnswerBytes, read: read}
}

// failure is the reason why an attempt gave no answer.
type failure struct {
	err        error
	charged    bool // the server may have charged
	final      bool // another attempt would also fail
	throttled  bool // the server requires fewer requests
	down       bool // the server does not work
	retryAfter time.Duration
	hasAfter   bool
}

// received reports whether the server received the request.
func (f *failure) received() bool { return f.charged || status(f.err) != 0 }

// do sends the call until it is answered. After an answer the caller calls
// e.limits.settle(c.reserve, n) with its tokens.
func (e *Endpoint) do(ctx context.Context, c *call) error {
	err := e.retry(ctx, c)
	if err != nil && !c.probe && (affectsAllRows(err) || doubtful(err)) {
		e.features.forgetDoubtful() // the probes may have failed for the same reason
	}
	return err
}

func (e *Endpoint) retry(ctx context.Context, c *call) error {
	var first time.Time
	for try, waits := 1, 0; ; {
		f, err := e.try(ctx, c, &first)
		if err != nil {
			return err
		}
		if f == nil {
			return nil
		}
		if f.charged {
			e.usage.count(func(t *Totals) { t.Uncertain++ })
		}
		if f.final || f.charged && !e.opts.RetryCharged {
			return e.failed(f, nil)
		}
		if f.throttled {
			waits++
		} else {
			try++
		}
		attempts := e.opts.Attempts
		if c.probe && f.received() {
			attempts = min(attempts, probeAttempts)
		}
		if try > attempts {
			return e.failed(f, fmt.Errorf("failed after %d attempts", attempts))
		}
		pause := e.backoff(try + waits)
		if f.hasAfter {
			pause = f.retryAfter + pause/10
			e.limits.pause(f.retryAfter)
		}
		// An attempt that starts too late is cut off, and may be charged.
		if !first.IsZero() && time.Since(first)+pause > e.opts.Timeout*9/10 {
			return e.failed(f, fmt.Errorf("no further attempt within the limit of %v for all attempts", e.opts.Timeout))
		}
		if e.opts.Trouble != nil && e.trouble.isNews(time.Now()) {
			e.opts.Trouble(e.failed(f, errAgain))
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// probeAttempts bounds the attempts of a probe that the server received.
const probeAttempts = 2

var errAgain = errors.New("trying again")

// troubleEvery is the least time between two calls of Options.Trouble.
const troubleEvery = 15 * time.Second

// trouble records the time of the last call of Options.Trouble.
type trouble struct {
	mu       sync.Mutex
	reported time.Time
}

// isNews reports whether an error should be reported now.
func (t *trouble) isNews(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.reported.IsZero() && now.Sub(t.reported) < troubleEvery {
		return false
	}
	t.reported = now
	return true
}

// try makes one attempt as soon as slots, breaker and limits allow it. The error
// is that of the context.
func (e *Endpoint) try(ctx context.Context, c *call, first *time.Time) (*failure, error) {
	if err := e.slots.take(ctx); err != nil {
		return nil, err
	}
	defer e.slots.release()
	probe, err := e.breaker.enter(ctx)
	if err != nil {
		var open *openError
		if errors.As(err, &open) {
			return &failure{err: open, final: true}, nil
		}
		return nil, err
	}
	patience := e.opts.Timeout
	if !first.IsZero() {
		patience = e.opts.Timeout*9/10 - time.Since(*first)
	}
	if err := e.limits.start(ctx, c.reserve, patience); err != nil {
		e.breaker.leave(probe)
		var wait *waitError
		if errors.As(err, &wait) {
			return &failure{err: err, final: true}, nil
		}
		return nil, err
	}
	begun := time.Now()
	if first.IsZero() {
		*first = begun
	}
	deadline := begun.Add(e.opts.AttemptTimeout)
	if last := first.Add(e.opts.Timeout); last.Before(deadline) {
		deadline = last
	}
	e.usage.count(func(t *Totals) { t.Attempts++ })
	f := e.exchange(ctx, c, deadline)
	switch {
	case f == nil: // the caller settles
	case f.charged:
		e.limits.settle(c.reserve, c.reserve)
	default:
		e.limits.settle(c.reserve, 0)
	}
	if ctx.Err() != nil && f != nil {
		e.breaker.leave(probe)
		if f.charged {
			e.usage.count(func(t *Totals) { t.Uncertain++ })
		}
		return nil, context.Cause(ctx)
	}
	switch {
	case f == nil:
		e.breaker.success(probe)
		e.slots.success(begun, time.Since(begun))
	case f.down && c.probe && f.received():
		// The server may fail only for the probed feature.
		e.breaker.leave(probe)
	case f.down:
		e.breaker.failure(probe, f.err)
		e.slots.overloaded(begun)
	default:
		e.breaker.success(probe)
		if f.throttled {
			e.slots.overloaded(begun)
		}
	}
	return f, nil
}

// exchange sends the call once and classifies the result.
func (e *Endpoint) exchange(ctx context.Context, c *call, deadline time.Time) (f *failure) {
	defer panics.Handle("reading what an endpoint answered", func(err error) { f = &failure{err: err, charged: true, final: true} })
	ctx, cancel := context.WithDeadlineCause(ctx, deadline, errAttemptTimeout)
	defer cancel()
	var conn *countedConn
	var before int64
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		inner := i.Conn
		if t, ok := inner.(interface{ NetConn() net.Conn }); ok {
			inner = t.NetConn()
		}
		if conn, _ = inner.(*countedConn); conn != nil {
			before = conn.written.Load()
		}
	}})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.ref.url(c.path), bytes.NewReader(c.body))
	if err != nil {
		return &failure{err: errors.New("the endpoint's address is malformed"), final: true}
	}
	// Without this, net/http itself repeats requests with an Idempotency-Key,
	// even if they were written.
	request.GetBody = nil
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "firesteel")
	request.Header.Set("Idempotency-Key", c.idem)
	if e.key.secret != "" {
		name, value := e.key.header(e.ref)
		request.Header.Set(name, value)
	}
	response, err := e.client.Do(request)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err // the outer error repeats the address
		}
		// A cancelled attempt may still be written at this time.
		sent := conn != nil && (ctx.Err() != nil || conn.written.Load() != before)
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return &failure{err: err, charged: sent, down: !errors.Is(err, errRefused),
			final: errors.Is(err, errRefused) || isCertificateError(err) || isNameNotFound(err)}
	}
	defer response.Body.Close()
	e.limits.readHeaders(response.Header, e.opts.Timeout)
	if response.StatusCode != http.StatusOK {
		return e.refusal(response)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, c.maxBytes+1))
	switch {
	case err != nil:
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return &failure{err: fmt.Errorf("the answer was cut off: %w", err), charged: true, down: true}
	case int64(len(body)) > c.maxBytes:
		return &failure{err: fmt.Errorf("%w: more than %d bytes", errTooBig, c.maxBytes), charged: true, final: true}
	}
	if err := c.read(body); err != nil {
		var refused *statusError
		if errors.As(err, &refused) {
			return e.classify(refused, response.Header)
		}
		return &failure{err: err, charged: true, down: errors.Is(err, errTrouble)}
	}
	return nil
}

// refusal reads a response whose status is not 200.
func (e *Endpoint) refusal(r *http.Response) *failure {
	// A body that is cut off does not change the meaning of the status.
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxErrorBytes))
	err := &statusError{status: r.StatusCode, serverError: parseError(body)}
	if location, e := r.Location(); e == nil && r.StatusCode < 400 {
		err.note, err.message = shorten("it redirects to "+location.Scheme+"://"+location.Host), ""
	}
	return e.classify(err, r.Header)
}

// classify returns what a refusal means for further attempts.
func (e *Endpoint) classify(err *statusError, h http.Header) *failure {
	f := &failure{err: err, final: true}
	switch err.status {
	case http.StatusOK: // an error in a body, without a known status
		f.final, f.charged = false, true
	case http.StatusTooManyRequests:
		f.final = err.noCredit()
		f.throttled = !f.final
	case http.StatusRequestTimeout, http.StatusTooEarly:
		f.final = false
	case http.StatusInternalServerError, http.StatusServiceUnavailable, 529:
		f.final, f.down = false, true
	case http.StatusBadGateway, http.StatusGatewayTimeout, 520, 521, 522, 523, 524:
		f.final, f.down, f.charged = false, true, true
	}
	if err.partial {
		f.charged = true
	}
	f.retryAfter, f.hasAfter = retryAfter(h, time.Now(), e.limits.second)
	return f
}

// failed returns the error of a row. bound is the limit that was reached, or nil.
func (e *Endpoint) failed(f *failure, bound error) error {
	err := f.err
	if bound != nil {
		err = fmt.Errorf("%w: %w", bound, f.err)
	}
	err = secret.Error(err)
	return &Error{Model: e.ref.model, Host: e.ref.base.Host, Class: class(f.err), Status: status(f.err),
		Err: err, Advice: e.advice(f.err), MayBeCharged: f.charged}
}

// backoff is exponential with full jitter: a random time whose limit doubles with
// each attempt, so that requests that failed together do not return together.
func (e *Endpoint) backoff(try int) time.Duration {
	second := e.limits.second
	most := min(second/2<<min(try, 10), 30*second)
	return time.Duration(rand.Int64N(int64(most) + 1))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

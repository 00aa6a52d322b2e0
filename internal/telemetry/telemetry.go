// Package telemetry sends metrics and traces of a command to an OpenTelemetry collector by OTLP over HTTP. Names are
// those of OpenTelemetry's semantic conventions for generative AI, where it has them.
//
// No prompt, answer or value of a row is sent, and nothing at all unless an address is given.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/llm"
)

// Exporter records what a command does. A nil *Exporter records nothing.
type Exporter struct {
	meters   *sdkmetric.MeterProvider
	tracers  *sdktrace.TracerProvider
	tracer   trace.Tracer
	tokens   metric.Int64Histogram
	duration metric.Float64Histogram
	rows     metric.Int64Counter
	calls    metric.Int64Counter
	used     metric.Int64Counter

	mu     sync.Mutex
	failed error // the first error of sending
}

// AddressError reports an address that cannot be one of a collector.
type AddressError struct{ Address, Problem string }

func (e *AddressError) Error() string {
	return fmt.Sprintf("the address %s %s; write http://host:4318 or https://host", e.Address, e.Problem)
}

// collector returns the base URL of an address. Without a scheme it is http on this machine, and else https.
func collector(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		host := address
		if h, _, err := net.SplitHostPort(address); err == nil {
			host = h
		}
		scheme := "https://"
		if egress.Loopback(host) {
			scheme = "http://"
		}
		address = scheme + address
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, &AddressError{address, "is malformed"}
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, &AddressError{address, "has the scheme " + u.Scheme}
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, &AddressError{address, "has no host, or a part that is not of an address"}
	}
	return u, nil
}

// Open makes an exporter to a collector. Keys for it are in the variable OTEL_EXPORTER_OTLP_HEADERS, as for other
// programs. It connects to nothing: Close reports whether records could be sent.
func Open(ctx context.Context, address, command, version string) (*Exporter, error) {
	base, err := collector(address)
	if err != nil {
		return nil, err
	}
	policy := egress.FromEnvironment()
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	if err := policy.Check(net.JoinHostPort(base.Hostname(), port)); err != nil {
		return nil, err
	}
	client := egress.Client(&http.Transport{
		Proxy: egress.Proxy,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return egress.Dial(ctx, network, address, policy)
		},
	})
	client.Timeout = 10 * time.Second
	metrics, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(base.JoinPath("v1/metrics").String()), otlpmetrichttp.WithHTTPClient(client), otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig(retries)))
	if err != nil {
		return nil, err
	}
	spans, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(base.JoinPath("v1/traces").String()), otlptracehttp.WithHTTPClient(client), otlptracehttp.WithRetry(otlptracehttp.RetryConfig(retries)))
	if err != nil {
		return nil, err
	}
	e := &Exporter{}
	otel.SetErrorHandler(e) // the SDK would write to the log
	of := resource.NewSchemaless(attribute.String("service.name", "firesteel"), attribute.String("service.version", version), attribute.String("firesteel.command", command))
	e.meters = sdkmetric.NewMeterProvider(sdkmetric.WithResource(of), sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics, sdkmetric.WithInterval(30*time.Second))))
	e.tracers = sdktrace.NewTracerProvider(sdktrace.WithResource(of), sdktrace.WithBatcher(spans))
	e.tracer = e.tracers.Tracer("firesteel")
	m := e.meters.Meter("firesteel")
	var errs [5]error
	e.tokens, errs[0] = m.Int64Histogram("gen_ai.client.token.usage", metric.WithUnit("{token}"), metric.WithDescription("Number of input and output tokens used."),
		metric.WithExplicitBucketBoundaries(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536))
	e.duration, errs[1] = m.Float64Histogram("gen_ai.client.operation.duration", metric.WithUnit("s"), metric.WithDescription("Duration of the requests that are asked together."),
		metric.WithExplicitBucketBoundaries(.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92))
	e.rows, errs[2] = m.Int64Counter("firesteel.rows", metric.WithUnit("{row}"), metric.WithDescription("Rows of jobs by outcome: ok, null, error, skipped."))
	e.calls, errs[3] = m.Int64Counter("firesteel.calls", metric.WithUnit("{call}"), metric.WithDescription("Calls of AI functions by source: asked, ledger, equal, rules, refused."))
	e.used, errs[4] = m.Int64Counter("firesteel.tokens", metric.WithUnit("{token}"), metric.WithDescription("Tokens that executors of Spark used, by function and model."))
	return e, errors.Join(errs[:]...)
}

// retries bound what a collector that is busy costs at the end of a command.
var retries = struct {
	Enabled         bool
	InitialInterval time.Duration
	MaxInterval     time.Duration
	MaxElapsedTime  time.Duration
}{true, 500 * time.Millisecond, 2 * time.Second, 5 * time.Second}

// Handle implements otel.ErrorHandler: it keeps the first error of sending for Close.
func (e *Exporter) Handle(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failed == nil {
		e.failed = err
	}
}

// Close sends what is left, and returns an error if not all was sent.
func (e *Exporter) Close() error {
	if e == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := errors.Join(e.tracers.Shutdown(ctx), e.meters.Shutdown(ctx))
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		err = e.failed
	}
	return err
}

// Span begins a span. The function that it returns ends it, with the error of what was done, if any.
func (e *Exporter) Span(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, func(error, ...attribute.KeyValue)) {
	if e == nil {
		return ctx, func(error, ...attribute.KeyValue) {}
	}
	ctx, span := e.tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	return ctx, func(err error, more ...attribute.KeyValue) {
		span.SetAttributes(more...)
		if err != nil {
			span.SetAttributes(attribute.String("error.type", errorType(err)))
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// errorType is the Go type of an error: its text may have values of rows.
func errorType(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return strings.TrimPrefix(fmt.Sprintf("%T", err), "*")
		}
		err = next
	}
}

// Rows counts rows of an outcome.
func (e *Exporter) Rows(ctx context.Context, outcome string, n int64) {
	if e != nil && n > 0 {
		e.rows.Add(ctx, n, metric.WithAttributes(attribute.String("firesteel.outcome", outcome)))
	}
}

// Calls counts calls of AI functions by where their answers came from.
func (e *Exporter) Calls(ctx context.Context, source string, n int64) {
	if e != nil && n > 0 {
		e.calls.Add(ctx, n, metric.WithAttributes(attribute.String("firesteel.source", source)))
	}
}

// Usage counts tokens that a function used of a model on Spark, where single requests are not known.
func (e *Exporter) Usage(ctx context.Context, model, function string, prompt, output int64) {
	if e == nil {
		return
	}
	of := []attribute.KeyValue{attribute.String("gen_ai.request.model", model), attribute.String("firesteel.function", function)}
	e.used.Add(ctx, prompt, metric.WithAttributes(append(of, attribute.String("gen_ai.token.type", "input"))...))
	e.used.Add(ctx, output, metric.WithAttributes(append(of[:len(of):len(of)], attribute.String("gen_ai.token.type", "output"))...))
}

// Wrap returns a model whose requests are recorded.
func (e *Exporter) Wrap(m llm.Model) llm.Model {
	if e == nil {
		return m
	}
	return &recorded{m, e}
}

// recorded is a model whose requests are recorded.
type recorded struct {
	llm.Model
	to *Exporter
}

func (r *recorded) attributes(operation string) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("gen_ai.operation.name", operation), attribute.String("gen_ai.provider.name", "firesteel"), attribute.String("gen_ai.request.model", r.Info().Name)}
}

func (r *recorded) took(ctx context.Context, begun time.Time, of []attribute.KeyValue, err error) {
	if err != nil {
		of = append(of[:len(of):len(of)], attribute.String("error.type", errorType(err)))
	}
	r.to.duration.Record(ctx, time.Since(begun).Seconds(), metric.WithAttributes(of...))
}

// Do implements llm.Model.
func (r *recorded) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	begun := time.Now()
	results, err := r.Model.Do(ctx, requests)
	of := r.attributes("chat")
	r.took(ctx, begun, of, err)
	input := metric.WithAttributes(append(of, attribute.String("gen_ai.token.type", "input"))...)
	output := metric.WithAttributes(append(of[:len(of):len(of)], attribute.String("gen_ai.token.type", "output"))...)
	for _, result := range results {
		if result.Err != nil {
			r.took(ctx, begun, of, result.Err)
		}
		r.to.tokens.Record(ctx, int64(result.PromptTokens), input)
		r.to.tokens.Record(ctx, int64(result.OutputTokens), output)
	}
	return results, err
}

// Embed implements llm.Model.
func (r *recorded) Embed(ctx context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	begun := time.Now()
	results, err := r.Model.Embed(ctx, requests)
	r.took(ctx, begun, r.attributes("embeddings"), err)
	return results, err
}

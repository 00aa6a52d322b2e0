package spark

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// RetryPolicy sets how often a call is retried when the connection fails or the
// server asks for a retry, and the pauses before the retries. The pauses grow
// from InitialBackoff by the factor BackoffMultiplier up to MaxBackoff. A random
// time below Jitter is added to pauses of at least JitterThreshold, so that the
// clients of a server do not retry at the same time.
type RetryPolicy struct {
	MaxRetries        int // 0 means no retries
	InitialBackoff    time.Duration
	MaxBackoff        time.Duration
	BackoffMultiplier float64
	Jitter            time.Duration
	JitterThreshold   time.Duration
	// MaxServerDelay bounds a pause that the server requests.
	MaxServerDelay time.Duration
}

// DefaultRetry retries for ten minutes, like Spark's own clients.
var DefaultRetry = RetryPolicy{
	MaxRetries:        15,
	InitialBackoff:    50 * time.Millisecond,
	MaxBackoff:        time.Minute,
	BackoffMultiplier: 4,
	Jitter:            500 * time.Millisecond,
	JitterThreshold:   2 * time.Second,
	MaxServerDelay:    10 * time.Minute,
}

// attempts counts the retries of one call.
type attempts struct {
	policy RetryPolicy
	used   int
	pause  time.Duration
}

func (p RetryPolicy) start() *attempts { return &attempts{policy: p, pause: p.InitialBackoff} }

// wait pauses before the next retry. It reports false if there is none.
func (a *attempts) wait(ctx context.Context, cause error) bool {
	if a.used >= a.policy.MaxRetries || ctx.Err() != nil {
		return false
	}
	a.used++
	pause := a.pause
	a.pause = min(a.policy.MaxBackoff, time.Duration(float64(a.pause)*a.policy.BackoffMultiplier))
	if asked := retryInfo(cause); asked != nil {
		pause = max(pause, min(a.policy.MaxServerDelay, asked.GetRetryDelay().AsDuration()))
	}
	if pause >= a.policy.JitterThreshold && a.policy.Jitter > 0 {
		pause += rand.N(a.policy.Jitter)
	}
	return sleep(ctx, pause)
}

// sleep pauses for d. It reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (p RetryPolicy) do(ctx context.Context, f func() error) error {
	a := p.start()
	for {
		err := f()
		if err == nil || !retryable(err) || !a.wait(ctx, err) {
			return err
		}
	}
}

// retryable reports whether a failed call may succeed if it is retried.
func retryable(err error) bool {
	st, ok := status.FromError(err)
	if !ok || st.Code() == codes.OK {
		return false
	}
	switch {
	case st.Code() == codes.Unavailable:
		return permanentHint(st) == ""
	case st.Code() == codes.Internal && strings.Contains(st.Message(), "INVALID_CURSOR.DISCONNECTED"):
		return true // another call took over the stream
	}
	return retryInfo(err) != nil
}

func retryInfo(err error) *errdetails.RetryInfo {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info
		}
	}
	return nil
}

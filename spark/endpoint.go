package spark

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/network/egress"
)

// EndpointLimits bounds the use of each endpoint among a session's models, by
// all executors together; 0 is no limit.
type EndpointLimits struct {
	RequestsPerMinute, TokensPerMinute int
	// Executors is the largest number of executors. Each gets the same part of
	// the limits. 0 takes the number from Spark's settings.
	Executors int
}

// WithEndpointLimits sets the limits of the session's endpoints.
func WithEndpointLimits(l EndpointLimits) Option {
	return func(c *config) { c.ship.limits = l }
}

// shipEndpoint returns how each executor may ask the server of a model. It does
// not read the key: executors have it, or report that it is missing.
func (s *Session) shipEndpoint(ctx context.Context, model string) (*bundle.Endpoint, error) {
	l := s.config.ship.limits
	policy := egress.FromEnvironment()
	e := &bundle.Endpoint{AllowHosts: policy.Hosts, LocalOnly: policy.LocalOnly}
	if l.RequestsPerMinute == 0 && l.TokensPerMinute == 0 {
		return e, nil
	}
	n := l.Executors
	if n == 0 {
		var err error
		if n, err = s.executors(ctx); err != nil {
			return nil, err
		}
	}
	if l.RequestsPerMinute > 0 && l.RequestsPerMinute < n || l.TokensPerMinute > 0 && l.TokensPerMinute < n {
		return nil, fmt.Errorf("the limits of the endpoint %s are less than 1 a minute for each of %d executors; raise them, or run the job on fewer executors", model, n)
	}
	e.RequestsPerMinute, e.TokensPerMinute = l.RequestsPerMinute/n, l.TokensPerMinute/n
	return e, nil
}

// executors returns the largest number of executors that the session's
// application may have, according to Spark's settings.
func (s *Session) executors(ctx context.Context) (int, error) {
	const master, dynamic, most, fixed = "spark.master", "spark.dynamicAllocation.enabled", "spark.dynamicAllocation.maxExecutors", "spark.executor.instances"
	conf, err := s.Conf().get(ctx, master, dynamic, most, fixed)
	if err != nil {
		return 0, err
	}
	if strings.HasPrefix(conf[master], "local") && !strings.HasPrefix(conf[master], "local-cluster") {
		return 1, nil
	}
	key := fixed
	if conf[dynamic] == "true" {
		key = most
	}
	// Without a maximum, Spark reports the largest 32-bit integer.
	if n, err := strconv.Atoi(conf[key]); err == nil && n > 0 && n < 1<<31-1 {
		return n, nil
	}
	return 0, &ExecutorsUnknownError{Setting: key}
}

// ExecutorsUnknownError reports that the limits of an endpoint cannot be
// divided, because Spark's settings do not bound the number of executors.
type ExecutorsUnknownError struct{ Setting string }

func (e *ExecutorsUnknownError) Error() string {
	return fmt.Sprintf("the limits of an endpoint are divided among the executors, but Spark's setting %s does not bound their number; set EndpointLimits.Executors", e.Setting)
}

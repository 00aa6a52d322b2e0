package spark

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/endpoint"
	"github.com/firesteel/firesteel/internal/network/egress"
)

// EndpointLimits hold for a session's models that are endpoints, each of them,
// over all executors together; 0 is no limit.
type EndpointLimits struct {
	RequestsPerMinute, TokensPerMinute int
	// Executors is how many there are at most, each of which gets the same part
	// of the limits. 0 takes what the server's settings say.
	Executors int
}

// WithEndpointLimits bounds how fast the session's endpoints are asked.
func WithEndpointLimits(l EndpointLimits) Option {
	return func(c *config) { c.ship.limits = l }
}

// shipEndpoint completes the manifest's model that is an endpoint. The key is
// not read: executors have it, or say what is missing.
func (s *Session) shipEndpoint(ctx context.Context, m *bundle.Model) error {
	l := s.config.ship.limits
	policy := egress.FromEnvironment()
	err := endpoint.Check(m.Ref, endpoint.Options{
		RequestsPerMinute: l.RequestsPerMinute, TokensPerMinute: l.TokensPerMinute, AllowHosts: policy.Hosts, LocalOnly: policy.LocalOnly})
	if err != nil {
		return err
	}
	m.Name = endpoint.Name(m.Ref)
	m.Endpoint = &bundle.Endpoint{AllowHosts: policy.Hosts, LocalOnly: policy.LocalOnly}
	if l.RequestsPerMinute == 0 && l.TokensPerMinute == 0 {
		return nil
	}
	n := l.Executors
	if n == 0 {
		if n, err = s.executors(ctx); err != nil {
			return err
		}
	}
	if l.RequestsPerMinute > 0 && l.RequestsPerMinute < n || l.TokensPerMinute > 0 && l.TokensPerMinute < n {
		return fmt.Errorf("the limits of the endpoint %s are less than 1 a minute for each of %d executors; raise them, or let the job have fewer executors", m.Name, n)
	}
	m.Endpoint.RequestsPerMinute, m.Endpoint.TokensPerMinute = l.RequestsPerMinute/n, l.TokensPerMinute/n
	return nil
}

// executors is the most that the session's application may have.
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
	// Without a maximum, Spark gives the largest number there is.
	if n, err := strconv.Atoi(conf[key]); err == nil && n > 0 && n < 1<<31-1 {
		return n, nil
	}
	return 0, fmt.Errorf("how many executors share the endpoint's limits? Spark's %s does not say; say it yourself (--executors N, EndpointLimits.Executors)", key)
}

// Package telemetrytest has an OpenTelemetry collector for tests.
package telemetrytest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	metrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"
)

// Collector is an OpenTelemetry collector that keeps what it gets: Raw, and by String as text.
type Collector struct {
	mu      sync.Mutex
	records []string
	Raw     []byte
}

func attributes(of []*common.KeyValue) string {
	var all []string
	for _, a := range of {
		value := a.GetValue().GetStringValue()
		if value == "" {
			value = fmt.Sprint(a.GetValue().GetIntValue())
		}
		all = append(all, a.GetKey()+"="+value)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Raw = append(c.Raw, body...)
	switch r.URL.Path {
	case "/v1/metrics":
		var m metrics.ExportMetricsServiceRequest
		if proto.Unmarshal(body, &m) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, resource := range m.GetResourceMetrics() {
			for _, scope := range resource.GetScopeMetrics() {
				for _, metric := range scope.GetMetrics() {
					for _, p := range metric.GetHistogram().GetDataPoints() {
						c.records = append(c.records, fmt.Sprintf("%s %s count=%d sum=%v", metric.GetName(), attributes(p.GetAttributes()), p.GetCount(), p.GetSum()))
					}
					for _, p := range metric.GetSum().GetDataPoints() {
						c.records = append(c.records, fmt.Sprintf("%s %s %d", metric.GetName(), attributes(p.GetAttributes()), p.GetAsInt()))
					}
				}
			}
		}
	case "/v1/traces":
		var t traces.ExportTraceServiceRequest
		if proto.Unmarshal(body, &t) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, resource := range t.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				for _, s := range scope.GetSpans() {
					c.records = append(c.records, fmt.Sprintf("span %s %s %s", s.GetName(), attributes(s.GetAttributes()), attributes(resource.GetResource().GetAttributes())))
				}
			}
		}
	}
}

func (c *Collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.records)
	return strings.Join(c.records, "\n")
}

// Reset forgets what came.
func (c *Collector) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records, c.Raw = nil, nil
}

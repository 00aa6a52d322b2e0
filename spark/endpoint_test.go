package spark

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/bundle"
)

// The archive contains the reference of an endpoint and each executor's part of the
// limits, but not the key.
func TestShipEndpoint(t *testing.T) {
	t.Setenv("MY_KEY", "sesame-open")
	t.Setenv("OPENAI_API_KEY", "sesame-open")
	const ref = "openai:m@https://api.example.com/v1?key=MY_KEY"
	for _, c := range []struct {
		name   string
		conf   map[string]string
		limits EndpointLimits
		env    string
		want   string // the manifest's endpoint, or the error
	}{
		{"no limits", nil, EndpointLimits{}, "", `{}`},
		{"local", map[string]string{"spark.master": "local[4]"}, EndpointLimits{RequestsPerMinute: 60}, "", `{"requests_per_minute":60}`},
		{"fixed", map[string]string{"spark.master": "yarn", "spark.executor.instances": "4"}, EndpointLimits{RequestsPerMinute: 61, TokensPerMinute: 1000}, "", `{"requests_per_minute":15,"tokens_per_minute":250}`},
		{"dynamic", map[string]string{"spark.master": "k8s://x", "spark.dynamicAllocation.enabled": "true", "spark.dynamicAllocation.maxExecutors": "10", "spark.executor.instances": "2"},
			EndpointLimits{RequestsPerMinute: 100}, "", `{"requests_per_minute":10}`},
		{"endless", map[string]string{"spark.master": "k8s://x", "spark.dynamicAllocation.enabled": "true", "spark.dynamicAllocation.maxExecutors": "2147483647"},
			EndpointLimits{RequestsPerMinute: 100}, "", "Spark's setting spark.dynamicAllocation.maxExecutors does not bound their number"},
		{"unknown", map[string]string{"spark.master": "spark://x"}, EndpointLimits{RequestsPerMinute: 100}, "", "Spark's setting spark.executor.instances does not bound"},
		{"said", map[string]string{"spark.master": "spark://x"}, EndpointLimits{RequestsPerMinute: 100, Executors: 3}, "", `{"requests_per_minute":33}`},
		{"too little", nil, EndpointLimits{RequestsPerMinute: 2, Executors: 3}, "", "less than 1 a minute for each of 3 executors"},
		{"negative", nil, EndpointLimits{RequestsPerMinute: -2}, "", "must not be negative"},
		{"policy", nil, EndpointLimits{}, "api.example.com", `{"allow_hosts":["api.example.com"]}`},
		{"refused", nil, EndpointLimits{}, "other.example.com", "api.example.com is not among the allowed hosts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("FIRESTEEL_ALLOW_HOSTS", c.env)
			f := newFake(t)
			f.conf = c.conf
			s, _ := f.start(t, "", WithEndpointLimits(c.limits))
			s.config.ship.model = ref
			a := bundle.Archive{Programs: []bundle.Program{{Path: os.Args[0]}}}
			err := s.shipModels(t.Context(), &a)
			if !strings.HasPrefix(c.want, "{") {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			m := a.Manifest.Models[0]
			got, _ := json.Marshal(m.Endpoint)
			if string(got) != c.want || m.Ref != ref || m.Name != "openai:m@https://api.example.com/v1" || m.File != "" {
				t.Errorf("%s of %+v, want %s", got, m, c.want)
			}
			a.Programs[0].Path = "endpoint_test.go" // any file
			var packed bytes.Buffer
			if _, err := a.WriteTo(&packed); err != nil {
				t.Fatal(err)
			}
			z, err := gzip.NewReader(&packed)
			if err != nil {
				t.Fatal(err)
			}
			manifest, _ := io.ReadAll(z)
			manifest, _, _ = bytes.Cut(manifest, []byte("bin/firesteel")) // this file follows
			if !bytes.Contains(manifest, []byte("key=MY_KEY")) || bytes.Contains(manifest, []byte("sesame")) {
				t.Errorf("the archive begins with %s", manifest)
			}
		})
	}
}

// FIRESTEEL_LOCAL_ONLY forbids connecting to Spark on another machine.
func TestLocalOnlySpark(t *testing.T) {
	t.Setenv("FIRESTEEL_LOCAL_ONLY", "1")
	if _, err := Connect(t.Context(), "sc://spark.example.com"); err == nil || !strings.Contains(err.Error(), "local only, but spark.example.com is not this machine") {
		t.Errorf("%v", err)
	}
	newFake(t).start(t, "")
}

package worker

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/llm"
)

// The executor asks an endpoint itself, with the key in its own environment.
func TestEndpointModel(t *testing.T) {
	var asked atomic.Int32
	var key atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		key.Store(r.Header.Get("Authorization"))
		io.WriteString(w, `{"choices":[{"message":{"role":"assistant","content":"Paris"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}`)
	}))
	defer server.Close()
	log := &syncBuffer{}
	open := func(options string, of bundle.Endpoint) (*sharedModel, llm.Model, error) {
		s := newSharedModel(slog.New(slog.NewTextHandler(log, nil)), t.TempDir(),
			&bundle.Model{Aliases: []string{"default"}, Ref: "openai:m@" + server.URL + "/v1" + options, Name: "openai:m@" + server.URL + "/v1", Endpoint: &of})
		m, err := s.get(t.Context())
		return s, m, err
	}
	t.Setenv("EXECUTORS_KEY", "sesame-open")
	s, m, err := open("?key=EXECUTORS_KEY", bundle.Endpoint{})
	if err != nil {
		t.Fatal(err)
	}
	if asked.Load() != 0 {
		t.Error("opening the endpoint sent a request")
	}
	for range 2 { // Spark computes a column twice if a query uses it twice
		results, err := m.Do(t.Context(), []llm.Request{{Messages: []llm.Message{{Role: llm.User, Text: "capital of France?"}}, MaxTokens: 5}})
		if err != nil || results[0].Err != nil || results[0].Text != "Paris" || key.Load() != "Bearer sesame-open" {
			t.Errorf("%+v, %v, key %v", results, err, key.Load())
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the same request was sent %d times", n)
	}
	if s.loads() != 1 {
		t.Errorf("opened %d times", s.loads())
	}
	m.Close()
	before := asked.Load()
	for _, c := range []struct {
		options string
		of      bundle.Endpoint
		want    string
	}{
		{"?key=NOT_SET_HERE", bundle.Endpoint{}, "the variable NOT_SET_HERE holds no key; it must be set in the environment or the files of every executor"},
		{"?keyfile=/no/such/key", bundle.Endpoint{}, "the key's file must be there in the environment or the files of every executor: open /no/such/key"},
		{"?key=none", bundle.Endpoint{AllowHosts: []string{"api.example.com"}}, "is not among the allowed hosts"},
		{"?key=none", bundle.Endpoint{RequestsPerMinute: -1}, "must not be negative"},
	} {
		if _, _, err := open(c.options, c.of); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "on the executor") {
			t.Errorf("%s: %v, want %q", c.options, err, c.want)
		}
	}
	t.Setenv("FIRESTEEL_LOCAL_ONLY", "1")
	server.URL = "http://api.example.com"
	if _, _, err := open("?key=none", bundle.Endpoint{}); err == nil || !strings.Contains(err.Error(), "local only") {
		t.Errorf("with the executor's FIRESTEEL_LOCAL_ONLY: %v", err)
	}
	if asked.Load() != before {
		t.Error("a refused endpoint got a request")
	}
	if strings.Contains(log.String(), "sesame") {
		t.Errorf("the key is in the log: %s", log)
	}
}

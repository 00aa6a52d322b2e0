package endpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/firesteel/firesteel/llm"
)

// server is a server with OpenAI's API on loopback. It counts what it charges for
// by text.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	charged map[string]int
	tries   map[string]int
	keys    map[string]map[string]bool // idempotency keys by text
	arrived []arrival
	busy    int
	most    int // maximum of busy
	// serve answers one request; nil means good.
	serve func(w http.ResponseWriter, r asked)
}

type arrival struct {
	at     time.Time
	tokens int
}

// asked is one request as the server receives it.
type asked struct {
	*http.Request
	body wireRequest
	raw  []byte
	text string // the last message, or the prompt
	try  int    // number of requests with this text, from 1
}

func newServer(t testing.TB) *server {
	s := newServerInMemory()
	s.Server = httptest.NewServer(http.HandlerFunc(s.handle))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// newServerInMemory is a server that listens nowhere.
func newServerInMemory() *server {
	return &server{charged: map[string]int{}, tries: map[string]int{}, keys: map[string]map[string]bool{}}
}

func (s *server) handle(w http.ResponseWriter, r *http.Request) {
	a := asked{Request: r}
	a.raw, _ = io.ReadAll(r.Body)
	_ = json.Unmarshal(a.raw, &a.body)
	a.text = a.body.Prompt
	if n := len(a.body.Messages); n > 0 {
		a.text = a.body.Messages[n-1].Content
	}
	s.mu.Lock()
	s.tries[a.text]++
	a.try = s.tries[a.text]
	if s.keys[a.text] == nil {
		s.keys[a.text] = map[string]bool{}
	}
	s.keys[a.text][r.Header.Get("Idempotency-Key")] = true
	s.arrived = append(s.arrived, arrival{at: time.Now()})
	s.busy++
	s.most = max(s.most, s.busy)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy--
		s.mu.Unlock()
	}()
	if s.serve != nil {
		s.serve(w, a)
		return
	}
	s.good(w, a, "answer to "+a.text)
}

// charge counts the work for a text.
func (s *server) charge(text string) {
	s.mu.Lock()
	s.charged[text]++
	s.mu.Unlock()
}

// good sends an answer and charges for it.
func (s *server) good(w http.ResponseWriter, a asked, text string) {
	s.charge(a.text)
	w.Header().Set("Content-Type", "application/json")
	w.Write(body(a, text, 7, 5))
}

func body(a asked, text string, prompt, output any) []byte {
	choice := map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text}}
	if len(a.body.Messages) == 0 {
		choice = map[string]any{"finish_reason": "stop", "text": text}
	}
	b, _ := json.Marshal(map[string]any{"choices": []any{choice}, "usage": map[string]any{"prompt_tokens": prompt, "completion_tokens": output}})
	return b
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"message":%q,"code":"test"}}`, message)
}

// open opens an Endpoint of the server. A second of the server lasts a
// millisecond unless opts sets another value.
func (s *server) open(t testing.TB, opts Options) *Endpoint {
	t.Helper()
	if opts.minute == 0 {
		opts.minute = 60 * time.Millisecond
	}
	e, err := Open("openai:small@"+s.URL+"/v1", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func chat(text string) llm.Request {
	return llm.Request{Messages: []llm.Message{{Role: llm.User, Text: text}}, MaxTokens: 20}
}

func chats(n int) []llm.Request {
	r := make([]llm.Request, n)
	for i := range r {
		r[i] = chat(fmt.Sprintf("row %d", i))
	}
	return r
}

func do(t testing.TB, e *Endpoint, requests ...llm.Request) []llm.Result {
	t.Helper()
	results, err := e.Do(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(requests) {
		t.Fatalf("%d results for %d requests", len(results), len(requests))
	}
	return results
}

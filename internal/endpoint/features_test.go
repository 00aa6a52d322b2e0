package endpoint

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/llm"
)

// failsAt returns a server that answers plain chats and calls fail for other
// requests.
func failsAt(t *testing.T, fail func(w http.ResponseWriter, a asked)) *server {
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) {
		switch {
		case len(a.body.Messages) == 0 || a.body.Logprobs != nil || a.body.ResponseFormat != nil:
			fail(w, a)
		case strings.Contains(a.text, "JSON Schema"):
			s.good(w, a, `{"name":"Ann"}`)
		case strings.Contains(a.text, "labels"):
			s.good(w, a, "b")
		default:
			s.good(w, a, "fine")
		}
	}
	return s
}

// TestProbesThatFail checks that rows are answered without unsupported features,
// however the server responds to probes.
func TestProbesThatFail(t *testing.T) {
	fails := map[string]func(w http.ResponseWriter, a asked){
		"hangs up":     func(w http.ResponseWriter, a asked) { hangUp(w) },
		"is silent":    func(w http.ResponseWriter, a asked) { <-a.Context().Done() },
		"web page":     func(w http.ResponseWriter, a asked) { fmt.Fprint(w, "<html>") },
		"error in 200": func(w http.ResponseWriter, a asked) { fmt.Fprint(w, `{"error":{"message":"no","code":403}}`) },
		"broken off": func(w http.ResponseWriter, a asked) {
			fmt.Fprint(w, `{"choices":[{"message":{"content":"x"},"text":"x","finish_reason":"error"}]}`)
		},
		"redirect": func(w http.ResponseWriter, a asked) {
			http.Redirect(w, a.Request, "https://elsewhere.example", http.StatusFound)
		},
	}
	for _, code := range []int{400, 401, 403, 404, 405, 406, 408, 410, 415, 422, 451, 500, 501, 502, 503, 504, 520, 529} {
		fails[fmt.Sprint(code)] = func(w http.ResponseWriter, a asked) { refuse(w, code, "no") }
	}
	for name, fail := range fails {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := failsAt(t, fail)
			e := s.open(t, Options{AttemptTimeout: 100 * time.Millisecond, BreakerFailures: 3})
			message := []llm.Message{{Role: llm.User, Text: "?"}}
			for round := range 2 {
				for _, c := range []struct {
					request llm.Request
					want    string
				}{
					{llm.Request{Prefix: "Say ", Text: "it"}, "fine"},
					{llm.Request{Text: "a or b?", Constraint: llm.Choice{Labels: []string{"a", "b"}}}, "b"},
					{llm.Request{Messages: message, Constraint: llm.Choice{Labels: []string{"a", "b"}}}, "b"},
					{llm.Request{Messages: message, Constraint: llm.JSON{Schema: `{"type":"object","required":["name"]}`}}, `{"name":"Ann"}`},
				} {
					if r := do(t, e, c.request)[0]; r.Err != nil || r.Text != c.want {
						t.Errorf("%T: %q, %v", c.request.Constraint, r.Text, r.Err)
					}
				}
				// Probes with fewer parameters follow, each at most twice.
				if probed := len(s.arrived); round == 0 && probed > 20 {
					t.Errorf("%d requests for 4 rows", probed)
				}
				// Features are probed once, not for each row.
				if before := len(s.arrived); round == 1 {
					do(t, e, chats(5)...)
					if do(t, e, llm.Request{Prefix: "Say ", Text: "it again"}); len(s.arrived) != before+6 {
						t.Errorf("%d requests for 6 rows", len(s.arrived)-before)
					}
				}
			}
		})
	}
}

// TestProbesInTrouble checks that features are probed again after the server has
// failed.
func TestProbesInTrouble(t *testing.T) {
	s := newServer(t)
	down := true
	s.serve = func(w http.ResponseWriter, a asked) {
		switch {
		case down:
			refuse(w, 503, "starting")
		case a.body.ResponseFormat != nil:
			s.good(w, a, `{"name":"Ann"}`)
		default:
			s.good(w, a, "I was not asked for JSON")
		}
	}
	e := s.open(t, Options{Attempts: 2, BreakerPause: time.Millisecond})
	request := llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "who?"}}, Constraint: llm.JSON{Schema: `{"type":"object","required":["name"]}`}}
	if r := do(t, e, request)[0]; status(r.Err) != 503 {
		t.Errorf("%+v", r)
	}
	down = false
	if r := do(t, e, request)[0]; r.Err != nil || r.Text != `{"name":"Ann"}` {
		t.Errorf("%+v", r)
	}
	// A failed connection says nothing about features.
	s.Close()
	e2, err := Open("openai:small@"+s.URL+"/v1", Options{Attempts: 2, minute: 60 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer e2.Close()
	if r := do(t, e2, request)[0]; r.Err == nil || !strings.Contains(r.Err.Error(), "Check that the server is running") || e2.features.format.value.Load() != nil {
		t.Errorf("%+v", r)
	}
}

// TestFormatsThatFail checks that a schema is sent as text if the server fails
// with it, although it supports schemas.
func TestFormatsThatFail(t *testing.T) {
	for _, code := range []int{400, 404, 422, 500, 501} {
		s := newServer(t)
		s.serve = func(w http.ResponseWriter, a asked) {
			if a.body.ResponseFormat != nil && strings.Contains(string(a.raw), "uniqueItems") {
				refuse(w, code, "failed to parse grammar")
				return
			}
			s.good(w, a, `{"l":[1]}`)
		}
		r := do(t, s.open(t, Options{Attempts: 2}), llm.Request{Text: "list", Constraint: llm.JSON{Schema: `{"type":"object","properties":{"l":{"type":"array","uniqueItems":true}}}`}})[0]
		if r.Err != nil || r.Text != `{"l":[1]}` {
			t.Errorf("%d: %+v", code, r)
		}
	}
}

// TestScoresThatFail checks that a choice is made by instruction if the server
// refuses log probabilities that it has returned before.
func TestScoresThatFail(t *testing.T) {
	s := newServer(t)
	offering(s, true, false, false, false)
	good := s.serve
	s.serve = func(w http.ResponseWriter, a asked) {
		if a.body.Logprobs != nil && a.text == "a or b?" {
			refuse(w, 400, "too few tokens for this text")
			return
		}
		good(w, a)
	}
	r := do(t, s.open(t, Options{}), llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "a or b?"}}, Constraint: llm.Choice{Labels: []string{"a", "b"}}})[0]
	if r.Err != nil || r.Text != "b" || r.Scores != nil {
		t.Errorf("%+v", r)
	}
}

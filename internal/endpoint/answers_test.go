package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

// TestImpossibleUsage checks that a reported usage counts only if it is possible.
func TestImpossibleUsage(t *testing.T) {
	for _, test := range []struct {
		name           string
		prompt, output any
		believed       bool
	}{
		{"true", 11, 4, true}, {"negative", -5, 4, false}, {"negative output", 11, -1, false}, {"too much", 1e9, 4, false},
		{"more than was allowed", 11, 5000, false}, {"nothing", 0, 4, false}, {"no output", 11, 0, false}, {"fraction", 10.5, 4, false}, {"missing", nil, nil, false},
	} {
		s := newServer(t)
		s.serve = func(w http.ResponseWriter, a asked) { w.Write(body(a, "one two three", test.prompt, test.output)) }
		e := s.open(t, Options{Price: Price{PromptPerMillion: 1e6, OutputPerMillion: 2e6}})
		r := do(t, e, chat("how many words?"))[0]
		totals := e.Totals()
		if r.Err != nil || (totals.Estimated == 0) != test.believed || totals.PromptTokens != r.PromptTokens || totals.OutputTokens != r.OutputTokens {
			t.Errorf("%s: %+v, %+v", test.name, r, totals)
		}
		if test.believed && (r.PromptTokens != 11 || r.OutputTokens != 4) || !test.believed && (r.PromptTokens < 5 || r.PromptTokens > 15 || r.OutputTokens != 3) {
			t.Errorf("%s: %d and %d tokens", test.name, r.PromptTokens, r.OutputTokens)
		}
		if want := float64(r.PromptTokens) + 2*float64(r.OutputTokens); totals.Cost != want {
			t.Errorf("%s: cost %v, want %v", test.name, totals.Cost, want)
		}
	}
	// No usage, and a usage that is not an object.
	for _, usage := range []string{"", `,"usage":null`} {
		s := newServer(t)
		s.serve = func(w http.ResponseWriter, a asked) {
			fmt.Fprintf(w, `{"choices":[{"message":{"content":"hi"}}]%s}`, usage)
		}
		e := s.open(t, Options{})
		if r := do(t, e, chat("hello"))[0]; r.Err != nil || e.Totals().Estimated != 1 {
			t.Errorf("%s: %+v", usage, r)
		}
	}
}

// TestDialects checks that the parameters change after a server refuses them.
func TestDialects(t *testing.T) {
	for _, status := range []int{400, 422} {
		s := newServer(t)
		s.serve = func(w http.ResponseWriter, a asked) {
			switch {
			case a.body.MaxTokens != 0:
				refuse(w, status, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
			case a.body.Temperature != nil:
				refuse(w, status, "Unsupported value: 'temperature' does not support 0")
			default:
				s.good(w, a, "fine")
			}
		}
		e := s.open(t, Options{MaxConcurrency: 1})
		for _, r := range do(t, e, chats(5)...) {
			if r.Err != nil {
				t.Error(r.Err)
			}
		}
		if len(s.arrived) != 7 {
			t.Errorf("%d: %d requests for 5 rows", status, len(s.arrived))
		}
	}
}

func TestJSON(t *testing.T) {
	schema := `{"type":"object","properties":{"name":{"type":"string"},"kind":{"enum":["a","b"]}},"required":["name"]}`
	for _, test := range []struct {
		answer, source string
		want           string // "" for an error
	}{
		{`{"name": "Ann", "kind": "a"}`, "", `{"name":"Ann","kind":"a"}`},
		{"```json\n{\"name\":\"Ann\"}\n```", "", `{"name":"Ann"}`},
		{`{"name":3}`, "", ""}, {`{"kind":"a"}`, "", ""}, {`{"name":"x"} and more`, "", ""}, {`{"name":"x"`, "", ""}, {`sure`, "", ""},
		{`{"name":"Ann","kind":"a"}`, "I met Ann.", `{"name":"Ann","kind":"a"}`},
		{`{"name":"An"}`, "I met Ann.", ""}, {`{"name":""}`, "I met Ann.", `{"name":""}`}, {`{"name":"Bob"}`, "I met Ann.", ""},
		{`{"name":"x","extra":["Bob"]}`, "x", ""},
	} {
		for _, offered := range []bool{true, false} {
			s := newServer(t)
			offering := 0
			s.serve = func(w http.ResponseWriter, a asked) {
				if a.body.ResponseFormat != nil {
					if !offered {
						refuse(w, 400, "response_format is unknown")
						return
					}
					offering++
				} else if !strings.Contains(a.text, schema) {
					t.Error("the message does not contain the schema")
				}
				s.good(w, a, test.answer)
			}
			e := s.open(t, Options{Reasks: -1})
			r := do(t, e, llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "who?"}}, Constraint: llm.JSON{Schema: schema, Source: test.source}})[0]
			if r.Text != test.want || (r.Err == nil) != (test.want != "") || r.Err != nil && !errors.Is(r.Err, llm.ErrModel) {
				t.Errorf("%s of %q: %q, %v", test.answer, test.source, r.Text, r.Err)
			}
			if (offering == 2) != offered {
				t.Errorf("response_format was sent %d times", offering)
			}
		}
	}
}

// TestSchemaRefused checks that a schema that the server refuses is sent as text.
func TestSchemaRefused(t *testing.T) {
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) {
		if a.body.ResponseFormat != nil && strings.Contains(string(a.raw), "uniqueItems") {
			refuse(w, 400, "uniqueItems is not supported")
			return
		}
		s.good(w, a, `{"l":[1]}`)
	}
	r := do(t, s.open(t, Options{}), llm.Request{Text: "list", Constraint: llm.JSON{Schema: `{"type":"object","properties":{"l":{"type":"array","uniqueItems":true}}}`}})[0]
	if r.Err != nil || r.Text != `{"l":[1]}` {
		t.Errorf("%+v", r)
	}
}

func TestStrict(t *testing.T) {
	for in, want := range map[string]bool{
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`:                                                true,
		`{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`:                                                                 false,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`:                                                                             false,
		`{"type":"array","items":{"type":"string"}}`:                                                                                                          false,
		`{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{}}}}},"required":["a"],"additionalProperties":false}`: false,
	} {
		s, err := newSchema(in)
		if err != nil || s.strict != want {
			t.Errorf("%s: %v, %v", in, s.strict, err)
		}
	}
}

// embedding makes s return a vector that depends on the length of each text.
// refuses decides about errors.
func embedding(s *server, refuses func(input []string) (int, string)) {
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in wireEmbedRequest
		json.NewDecoder(r.Body).Decode(&in)
		s.mu.Lock()
		s.arrived = append(s.arrived, arrival{})
		s.mu.Unlock()
		if code, says := refuses(in.Input); code != 0 {
			refuse(w, code, says)
			return
		}
		var data []any
		for i := len(in.Input) - 1; i >= 0; i-- { // in any order
			s.charge(in.Input[i])
			data = append(data, map[string]any{"index": i, "embedding": []float64{3, 4, float64(len(in.Input[i]))}})
		}
		json.NewEncoder(w).Encode(map[string]any{"data": data, "usage": map[string]any{"prompt_tokens": 3 * len(in.Input)}})
	})
}

func TestEmbed(t *testing.T) {
	s := newServer(t)
	embedding(s, func(input []string) (int, string) {
		for _, text := range input {
			if text == "bad" {
				return 400, "a bad text"
			}
			if len(text) > 1000 {
				return 400, "maximum context length exceeded"
			}
		}
		return 0, ""
	})
	e := s.open(t, Options{})
	texts := []string{"bad", "long " + strings.Repeat("x ", 800), "last", "last"}
	for i := range 150 {
		texts = append(texts, fmt.Sprintf("text %d", i))
	}
	vectors, err := e.Embed(t.Context(), testkit.EmbedRequests(texts...))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range vectors {
		switch {
		case texts[i] == "bad":
			if !errors.Is(v.Err, llm.ErrRequest) || v.Vector != nil {
				t.Errorf("the bad text: %+v", v)
			}
			continue
		case v.Err != nil || v.Cut != strings.HasPrefix(texts[i], "long") || v.Tokens < 1:
			t.Fatalf("%q: %+v", texts[i], v)
		}
		want := math.Sqrt(25 + math.Pow(float64(len(texts[i])), 2))
		sum := 0.0
		for _, x := range v.Vector {
			sum += float64(x) * float64(x)
		}
		if math.Abs(sum-1) > 1e-5 || !v.Cut && math.Abs(float64(v.Vector[0])-3/want) > 1e-5 {
			t.Errorf("%q: %v", texts[i], v.Vector)
		}
	}
	for text, n := range s.charged {
		if n != 1 {
			t.Errorf("%q was charged %d times", text, n)
		}
	}
	if len(s.charged) != 152 || len(s.arrived) > 40 {
		t.Errorf("%d texts charged in %d requests", len(s.charged), len(s.arrived))
	}
	// A request with a wrong key is sent once.
	s = newServer(t)
	embedding(s, func([]string) (int, string) { return 401, "no" })
	vectors, err = s.open(t, Options{MaxConcurrency: 1}).Embed(t.Context(), testkit.EmbedRequests(texts...))
	if err != nil || status(vectors[150].Err) != 401 || len(s.arrived) != 1 {
		t.Errorf("%v, %v, %d requests", err, vectors[150].Err, len(s.arrived))
	}
}

// TestAnswersAreCached checks that a repeated request is not sent again if
// answers are cached, and that failed requests are sent again.
func TestAnswersAreCached(t *testing.T) {
	for _, c := range []struct{ room, charged, vectors int }{{1 << 20, 1, 1}, {0, 2, 2}} {
		s := newServer(t)
		failing := true
		embedding(s, func(input []string) (int, string) {
			if failing && slices.Contains(input, "bad") {
				return 400, "a bad text"
			}
			return 0, ""
		})
		e := s.open(t, Options{AnswerBytes: c.room})
		var first []llm.Embedding
		for n := range 2 {
			vectors, err := e.Embed(t.Context(), testkit.EmbedRequests("a", "b", "bad", "a"))
			if err != nil || (vectors[2].Err == nil) != (n == 1) {
				t.Fatalf("%+v, %v", vectors, err)
			}
			if first == nil {
				first = vectors
			}
			if !reflect.DeepEqual(vectors[:2], first[:2]) || !reflect.DeepEqual(vectors[3], first[0]) {
				t.Errorf("%+v after %+v", vectors, first)
			}
			failing = false
		}
		if s.charged["a"] != c.vectors || s.charged["bad"] != 1 {
			t.Errorf("room for %d bytes: texts were charged so: %v", c.room, s.charged)
		}

		s = newServer(t)
		e = s.open(t, Options{AnswerBytes: c.room})
		for range 2 {
			if results := do(t, e, chats(3)...); results[2].Text == "" || results[2].Err != nil {
				t.Errorf("%+v", results)
			}
		}
		for text, n := range s.charged {
			if n != c.charged {
				t.Errorf("room for %d bytes: %q was charged %d times, want %d", c.room, text, n, c.charged)
			}
		}
		if len(s.charged) != 3 {
			t.Errorf("%d questions were charged", len(s.charged))
		}
	}
}

func TestEstimate(t *testing.T) {
	for text, want := range map[string]int{"": 0, "hello world": 2, "unbelievable things": 3, "1234567": 3, "a, b": 3, "x\n\ny": 4, "日本語": 3, "привет": 3} {
		if got := estimate(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	text := "The quick brown fox, 12345 日本語 jumps  over привет."
	for most := range estimate(text) + 2 {
		got, wasCut := cut(text, most)
		if !strings.HasPrefix(text, got) || !utf8.ValidString(got) || estimate(got) > most || wasCut != (got != text) || !wasCut && estimate(text) > most {
			t.Errorf("%d: %q, %v", most, got, wasCut)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"choices":[{"message":{"content":"a"},"finish_reason":"stop","logprobs":{"content":[{"token":"a","logprob":-1,"top_logprobs":[{"token":"b","logprob":-2}]}]}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`), 1)
	f.Add([]byte(`{"choices":[{"text":"a","logprobs":{"tokens":["a"],"token_logprobs":[-1],"top_logprobs":[{"a":-1,"b":-2}]}}]}`), 2)
	f.Add([]byte(`{"data":[{"index":1,"embedding":[1,2]},{"index":0,"embedding":[0.5,1e300]}],"usage":{"prompt_tokens":-1}}`), 2)
	f.Add([]byte(`{"error":{"message":"x","code":5}}`), 0)
	f.Add([]byte("<think>a</think>b</think> [/think] <|channel|>final<|message|>x"), 0)
	f.Add([]byte(`{"choices":[{"message":{"content":[{"type":"thinking"},{"type":"text","text":"a"}]},"finish_reason":"error","error":{"code":"429"}}],"error":[{"error":{"message":["x"]}}]}`), 1)
	f.Add([]byte("```json\n{\"name\":\"a\"}\n```"), 0)
	rule, err := newSchema(`{"type":"object","properties":{"name":{"type":"string"}}}`)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		if a, err := parseAnswer(body); err == nil {
			for _, chat := range []bool{true, false} {
				for _, s := range labelScores(a.positions, []string{"a", "ab", "b"}, chat) {
					if math.IsNaN(s) || s > 0 {
						t.Errorf("score %v", s)
					}
				}
			}
			u := (&usage{}).settle(a.usage, size{100, 20, 1}, a.text, 50)
			if u.prompt < 0 || u.output < 0 || !u.estimated && (u.prompt > 1000 || u.output > 100) {
				t.Errorf("usage %+v", u)
			}
		}
		n = max(0, min(n, 8))
		if vectors, _, err := parseEmbeddings(body, n); err == nil && len(vectors) != n {
			t.Errorf("%d vectors of %d", len(vectors), n)
		}
		if e := parseError(body); len(e.message) > 400 || strings.ContainsAny(e.message, "\n\x00\x1b") {
			t.Errorf("message %q", e.message)
		}
		if text, thought := removeReasoning(string(body), "a [/think] b"); !thought && text != string(body) && !strings.Contains(string(body), "<|channel|>") || len(text) > len(body) {
			t.Errorf("%q without reasoning is %q", body, text)
		}
		if finish, refused, trouble := readFinish(body); finish == llm.FinishLength && (refused != nil || trouble != nil) || refused != nil && trouble != nil {
			t.Errorf("%s: %v, %v, %v", body, finish, refused, trouble)
		}
		if text, problem := (jsonRule{rule, "a"}).check(string(body)); problem == nil && !json.Valid([]byte(text)) {
			t.Errorf("%q is not JSON", text)
		}
		oneOf{[]string{"a"}, []string{"a"}}.check(string(body))
		serverDuration(string(body), 1)
		estimate(string(body))
	})
}

package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

// Responses of servers other than OpenAI's. Each test has a server that responds
// as they do.

// saying returns a server that sends this body to every chat.
func saying(t *testing.T, body string) *server {
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) {
		s.charge(a.text)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}
	return s
}

// TestFinishReasons checks that an answer counts only if it is known to be
// complete, or cut off at the limit.
func TestFinishReasons(t *testing.T) {
	const whole, cut = "whole", "cut"
	for reason, want := range map[string]string{
		`null`: whole, `""`: whole, `"stop"`: whole, `"STOP"`: whole, `"eos"`: whole, `"eos_token"`: whole, `"stop_sequence"`: whole, `"end_turn"`: whole,
		`"COMPLETE"`: whole, `"FinishReason.STOP"`: whole, `"FINISH_REASON_STOP"`: whole,
		`"length"`: cut, `"max_tokens"`: cut, `"MAX_TOKENS"`: cut, `"model_length"`: cut, `"max_length"`: cut, `"model_context_window_exceeded"`: cut, `"max_output_tokens"`: cut,
		`"content_filter"`: "content filter", `"content_filter: RECITATION"`: "RECITATION", `"SAFETY"`: "content filter", `"sensitive"`: "content filter", `"PROHIBITED_CONTENT"`: "content filter",
		`"BLOCKLIST"`: "content filter", `"SPII"`: "content filter", `"ERROR_TOXIC"`: "content filter", `"refusal"`: "content filter", `"guardrail_intervened"`: "content filter",
		`"error"`: "broke off", `"insufficient_system_resource"`: "broke off", `"abort"`: "broke off", `"network_error"`: "broke off", `"load"`: "broke off", `"cancelled"`: "broke off", `"timeout"`: "broke off",
		`"tool_calls"`: "requested a tool call", `"function_call"`: "requested a tool call", `"function_call_filter: MALFORMED_FUNCTION_CALL"`: "requested a tool call", `"UNEXPECTED_TOOL_CALL"`: "requested a tool call",
		`"OTHER"`: "unknown reason", `"FINISH_REASON_UNSPECIFIED"`: "unknown reason", `"some new reason"`: "unknown reason", `7`: "unknown reason", `{"a":1}`: "unknown reason",
	} {
		s := saying(t, `{"choices":[{"message":{"role":"assistant","content":"half an answer"},"finish_reason":`+reason+`}],"usage":{"prompt_tokens":7,"completion_tokens":3}}`)
		e := s.open(t, Options{AnswerBytes: 1 << 20})
		r := do(t, e, chat("hello"))[0]
		switch want {
		case whole, cut:
			finish := map[string]llm.Finish{whole: llm.FinishStop, cut: llm.FinishLength}[want]
			if r.Err != nil || r.Text != "half an answer" || r.Finish != finish {
				t.Errorf("%s: %+v", reason, r)
			}
			continue
		}
		var failed *Error
		if !errors.As(r.Err, &failed) || !strings.Contains(sensitive.Shown(r.Err), want) || r.Text != "" || failed.MayBeCharged != (want == "broke off") {
			t.Errorf("%s: %q, %v", reason, r.Text, r.Err)
		}
		// The answer is not cached, and the request is not repeated.
		if len(s.arrived) != 1 {
			t.Errorf("%s: %d requests", reason, len(s.arrived))
		}
		if do(t, e, chat("hello")); len(s.arrived) != 2 {
			t.Errorf("%s: the answer was kept", reason)
		}
	}
	// With RetryCharged, the request is sent again. Constraints do not accept an
	// incomplete answer.
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) {
		if a.try == 1 {
			fmt.Fprint(w, `{"choices":[{"message":{"content":"half"},"finish_reason":"insufficient_system_resource"}]}`)
			return
		}
		s.good(w, a, "fine")
	}
	if r := do(t, s.open(t, Options{RetryCharged: true}), chat("hello"))[0]; r.Err != nil || r.Text != "fine" {
		t.Errorf("sent again: %+v", r)
	}
	s = saying(t, `{"choices":[{"message":{"content":"b"},"text":" b","finish_reason":"error"}]}`)
	for _, c := range []llm.Constraint{llm.Choice{Labels: []string{"a", "b"}}, llm.JSON{}, llm.Pattern{Expr: "b"}} {
		r := do(t, s.open(t, Options{}), llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "?"}}, Constraint: c})[0]
		if r.Err == nil || r.Text != "" || r.Scores != nil {
			t.Errorf("%T: %+v", c, r)
		}
	}
}

// TestEmptyAnswers checks that an empty text is an error.
func TestEmptyAnswers(t *testing.T) {
	for message, want := range map[string]string{
		`{"content":null}`: "the answer is empty", `{"content":""}`: "the answer is empty", `{"content":" \n"}`: "the answer is empty", `{}`: "the answer is empty", `{"content":[]}`: "the answer is empty",
		`{"content":null,"tool_calls":[{"id":"1"}]}`:                           "the answer is empty",
		`{"content":null,"reasoning_content":"I wonder"}`:                      "returned its reasoning, but no answer",
		`{"content":"","reasoning":"I wonder"}`:                                "returned its reasoning, but no answer",
		`{"content":"<think>I wonder</think>"}`:                                "returned its reasoning, but no answer",
		`{"content":"<think>I wonder"}`:                                        "returned its reasoning, but no answer",
		`{"content":[{"type":"thinking","thinking":[{"text":"I wonder"}]}]}`:   "returned its reasoning, but no answer",
		`{"content":null,"refusal":"I will not"}`:                              `the model refused: "I will not"`,
		`{"content":[{"type":"refusal","refusal":"I will not"}]}`:              `the model refused: "I will not"`,
		`{"content":[{"type":"image_url","image_url":{"url":"https://x/y"}}]}`: "the answer is empty",
	} {
		s := saying(t, `{"choices":[{"message":`+message+`,"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":0}}`)
		r := do(t, s.open(t, Options{}), chat("hello"))[0]
		if r.Err == nil || !strings.Contains(sensitive.Shown(r.Err), want) || r.Text != "" || len(s.arrived) != 1 {
			t.Errorf("%s: %q, %v after %d requests", message, r.Text, r.Err, len(s.arrived))
		}
	}
	for _, body := range []string{`{"choices":[{"finish_reason":"stop"}]}`, `{"choices":[{"text":null,"finish_reason":"stop"}]}`, `{"choices":[]}`, `{"choices":null}`, `{}`, `[]`, `null`, ``, `7`} {
		s := saying(t, body)
		if r := do(t, s.open(t, Options{}), chat("hello"))[0]; !errors.Is(r.Err, errUnreadable) {
			t.Errorf("%s: %+v", body, r)
		}
	}
	// A rule is failed again, without an empty turn, which servers refuse.
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) {
		for _, m := range a.body.Messages {
			if m.Content == "" {
				refuse(w, 400, "messages must not be empty")
				return
			}
		}
		if a.body.ResponseFormat != nil {
			refuse(w, 400, "response_format is not supported")
		} else if strings.Count(a.text, "regular expression") == 2 {
			s.good(w, a, "1234")
		} else {
			s.good(w, a, "")
		}
	}
	if r := do(t, s.open(t, Options{}), llm.Request{Text: "a year", Constraint: llm.Pattern{Expr: `\d{4}`}})[0]; r.Err != nil || r.Text != "1234" {
		t.Errorf("%+v", r)
	}
	// A rule that an empty text keeps is kept.
	if r := do(t, saying(t, `{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}`).open(t, Options{}), llm.Request{Text: "x", Constraint: llm.Pattern{Expr: `\d*`}})[0]; r.Err != nil {
		t.Error(r.Err)
	}
}

// Contents that are no plain text.
func TestContents(t *testing.T) {
	for raw, want := range map[string]content{
		`"text"`: {text: "text"}, `null`: {}, `[]`: {},
		`[{"type":"text","text":"a "},{"type":"text","text":"b"}]`: {text: "a b"},
		`["a ","b"]`: {text: "a b"},
		`[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}]`:     {text: "a", reasoning: true},
		`[{"type":"reasoning","text":"hm"},{"type":"redacted_thinking","data":"x"},"a"]`:                {text: "a", reasoning: true},
		`[{"type":"output_text","text":"a","annotations":[]},{"type":"reference","reference_ids":[1]}]`: {text: "a"},
		`[{"type":"text","text":{"value":"a","annotations":[]}}]`:                                       {text: "a"},
		`{"type":"text","text":"a"}`:          {text: "a"},
		`[{"type":"refusal","refusal":"no"}]`: {refusal: "no"},
		`{"label":"b"}`:                       {text: `{"label":"b"}`},
		`[{"name":"x"}]`:                      {text: `[{"name":"x"}]`},
		`[1,2]`:                               {text: `[1,2]`},
		`7`:                                   {text: `7`},
		`true`:                                {text: `true`},
	} {
		if got := readContent(json.RawMessage(raw)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", raw, got, want)
		}
	}
	s := saying(t, `{"choices":[{"message":{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"{\"name\":\"Ann\"}"}]},"finish_reason":"stop"}]}`)
	if r := do(t, s.open(t, Options{}), llm.Request{Text: "who?", Constraint: llm.JSON{Schema: `{"type":"object","required":["name"]}`}})[0]; r.Err != nil || r.Text != `{"name":"Ann"}` {
		t.Errorf("%+v", r)
	}
}

// TestWrongUsageAndLogprobs checks that invalid fields other than the text do not
// lose the answer.
func TestWrongUsageAndLogprobs(t *testing.T) {
	const good = `{"token":"b","logprob":-0.5}`
	for _, beside := range []string{
		`"usage":null`, `"usage":[]`, `"usage":"many"`, `"usage":{"prompt_tokens":"7","completion_tokens":"3"}`, `"usage":{"prompt_tokens":{},"completion_tokens":[]}`, `"usage":{"completion_tokens_details":[]}`, `"usage":7`,
		`"logprobs":null`, `"logprobs":[]`, `"logprobs":{}`, `"logprobs":"none"`, `"logprobs":{"content":null}`, `"logprobs":{"content":[]}`, `"logprobs":{"content":{}}`, `"logprobs":{"content":[{}]}`,
		`"logprobs":{"content":[{"token":null,"logprob":-1,"top_logprobs":[` + good + `]}]}`, `"logprobs":{"content":[{"token":"b","logprob":null,"top_logprobs":[` + good + `]}]}`,
		`"logprobs":{"content":[{"token":"b","logprob":"-1"}]}`, `"logprobs":{"content":[{"token":"b","logprob":-1,"top_logprobs":[{"token":"b","logprob":null}]}]}`, `"logprobs":{"content":[{"token":"b","logprob":-1,"top_logprobs":{}}]}`,
		`"logprobs":{"content":[{"token":"b","logprob":3,"top_logprobs":[` + good + `]}]}`, `"logprobs":{"tokens":["b"],"token_logprobs":[null],"top_logprobs":[{"b":-1}]}`, `"logprobs":{"tokens":[7],"token_logprobs":[-1]}`,
		`"logprobs":{"tokens":["b"],"token_logprobs":[-1],"top_logprobs":[{"b":"x"}]}`, `"index":"zero"`, `"created":"now"`, `"error":null`, `"error":{}`, `"error":""`, `"id":null`,
	} {
		inner, outer := beside, `"x":0`
		if strings.HasPrefix(beside, `"usage`) || strings.HasPrefix(beside, `"created`) || strings.HasPrefix(beside, `"error`) || strings.HasPrefix(beside, `"id`) {
			inner, outer = `"x":0`, beside
		}
		s := saying(t, `{"choices":[{"message":{"content":"b"},"finish_reason":"stop",`+inner+`}],`+outer+`}`)
		e := s.open(t, Options{})
		r := do(t, e, chat("hello"), llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "a or b?"}}, Constraint: llm.Choice{Labels: []string{"a", "b"}}})
		if r[0].Err != nil || r[0].Text != "b" || r[1].Err != nil || r[1].Text != "b" || r[1].Scores != nil {
			t.Errorf("%s: %+v", beside, r)
		}
		if r[0].PromptTokens <= 0 || r[0].OutputTokens <= 0 {
			t.Errorf("%s: %d and %d tokens", beside, r[0].PromptTokens, r[0].OutputTokens)
		}
	}
	// The same for vectors.
	s := newServer(t)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"data":[{"index":0,"embedding":[3,4]}],"usage":[]}`)
	})
	if v, err := s.open(t, Options{}).Embed(t.Context(), testkit.EmbedRequests("x")); err != nil || v[0].Err != nil || len(v[0].Vector) != 2 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestErrorsInBodies checks that an error in the body of a response with status
// 200 is reported and has the status that it stands for.
func TestErrorsInBodies(t *testing.T) {
	const answer = `,"choices":[{"message":{"content":"half"},"finish_reason":"stop"}]`
	for _, c := range []struct {
		body, says string
		status     int
		tries      int
		charged    bool
	}{
		{`{"error":{"message":"Provider returned error","code":502,"metadata":{"provider_name":"x"}}}`, "Provider returned error", 502, 1, true},
		{`{"error":{"message":"the model is overloaded","type":"overloaded_error"}}`, "overloaded", 503, 2, false},
		{`{"error":{"message":"oops","code":"internal_error"}}`, "oops", 500, 2, false},
		{`{"error":{"message":"wrong key","code":"invalid_api_key"}}`, "wrong key", 401, 1, false},
		{`{"error":{"message":"No credit","code":402}}`, "No credit", 402, 1, false},
		{`{"error":{"message":"You exceeded your quota","type":"insufficient_quota"}}`, "exceeded your quota", 402, 1, false},
		{`{"error":{"message":"no such model","code":"model_not_found"}}`, "no such model", 404, 1, false},
		{`{"error":{"message":"maximum context length is 4096 tokens","code":null,"type":null}}`, "maximum context", 400, 1, false},
		{`{"error":{"message":"bad","type":"invalid_request_error"}}`, "bad", 400, 1, false},
		{`[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]`, "API key not valid", 400, 1, false},
		{`{"error":"model 'x' is loading"}`, "model 'x' is loading", 200, 1, true},
		{`{"object":"error","message":"something went wrong","code":40303}`, "something went wrong", 200, 1, true},
		{`{"detail":"Not allowed here"}`, "Not allowed here", 200, 1, true},
		{`{"detail":[{"loc":["body"],"msg":"field required"}]}`, "field required", 200, 1, true},
		{`{"success":false,"errors":[{"code":7000,"message":"No route"}]}`, "No route", 200, 1, true},
		{`{"base_resp":{"status_code":1004,"status_msg":"login fail"}}`, "login fail", 200, 1, true},
		{`{"error_code":17,"error_msg":"daily limit reached"}`, "daily limit reached", 200, 1, true},
		{`{"choices":[{"error":{"code":503,"message":"upstream died"},"message":{"content":"half"},"finish_reason":"stop"}]}`, "upstream died", 503, 1, true},
		{`{"error":{"message":"stopped in the middle","code":500}` + answer + `}`, "stopped in the middle", 500, 1, true},
		{`{"error":{"code":"weird"}}`, "weird", 200, 1, true},
		{`{"error":true}`, "", 200, 1, true},
	} {
		s := saying(t, c.body)
		r := do(t, s.open(t, Options{Attempts: 2}), chat("hello"))
		var failed *Error
		if !errors.As(r[0].Err, &failed) || !strings.Contains(sensitive.Shown(r[0].Err), c.says) || c.says != "" && status(r[0].Err) != c.status || failed.MayBeCharged != c.charged || s.tries["hello"] != c.tries {
			t.Errorf("%s: status %d after %d requests, %v", c.body, status(r[0].Err), s.tries["hello"], r[0].Err)
		}
	}
	// Too many requests, in a body: the request is repeated.
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) {
		if a.try < 4 {
			fmt.Fprint(w, `{"error":{"message":"Rate limit exceeded","code":"rate_limit_exceeded"}}`)
			return
		}
		s.good(w, a, "fine")
	}
	if r := do(t, s.open(t, Options{Attempts: 1}), chat("hello"))[0]; r.Err != nil || s.tries["hello"] != 4 {
		t.Errorf("%v after %d requests", r.Err, s.tries["hello"])
	}
	// An error that affects all rows ends the call.
	s = saying(t, `{"error":{"message":"wrong key","code":401}}`)
	for _, r := range do(t, s.open(t, Options{MaxConcurrency: 1}), chats(20)...) {
		if status(r.Err) != 401 || len(s.arrived) != 1 {
			t.Fatalf("%v after %d requests", r.Err, len(s.arrived))
		}
	}
	// The same for vectors.
	s = newServer(t)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"error":{"message":"no such model","code":404}}`)
	})
	if v, err := s.open(t, Options{}).Embed(t.Context(), testkit.EmbedRequests("x")); err != nil || status(v[0].Err) != 404 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestModeration checks that a text that the server refuses for its content is
// the error of its row only.
func TestModeration(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
	}{
		{403, `{"error":{"code":403,"message":"openai/x requires moderation on OpenAI. Your input was flagged for \"violence\"","metadata":{"reasons":["violence"]}}}`},
		{400, `{"error":{"code":"content_filter","message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","status":400}}`},
		{451, `{"error":{"message":"blocked by safety settings"}}`},
		{200, `{"error":{"code":403,"message":"Your input was flagged"}}`},
	} {
		s := newServer(t)
		s.serve = func(w http.ResponseWriter, a asked) {
			if a.text == "row 1" {
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
				return
			}
			s.good(w, a, "fine")
		}
		for i, r := range do(t, s.open(t, Options{MaxConcurrency: 1}), chats(4)...) {
			if (r.Err == nil) != (i != 1) || i == 1 && !errors.Is(r.Err, llm.ErrRequest) {
				t.Errorf("%d: row %d: %v", c.status, i, r.Err)
			}
		}
	}
}

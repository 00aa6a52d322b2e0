package endpoint

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

func TestWithoutThinking(t *testing.T) {
	for _, c := range []struct {
		text, question, want string
		thought              bool
	}{
		{"plain", "", "plain", false},
		{" plain \n", "", " plain \n", false},
		{"<think>hm</think>yes", "", "yes", true},
		{"\n<think>\nhm\n\nhm\n</think>\n\nyes \n", "", "yes", true},
		{"<think>\n\n</think>\n\nyes", "", "yes", true},
		{"<THINK>hm</Think>yes", "", "yes", true},
		{"<thinking>hm</thinking>\nyes", "", "yes", true}, {"<thought>hm</thought>yes", "", "yes", true}, {"<reasoning>hm</reasoning>yes", "", "yes", true},
		{"<seed:think>hm</seed:think>yes", "", "yes", true}, {"<longcat_think>hm</longcat_think>yes", "", "yes", true},
		{"[THINK]hm[/THINK]yes", "", "yes", true}, {"◁think▷hm◁/think▷yes", "", "yes", true},
		{"<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>yes<|END_RESPONSE|>", "", "yes", true},
		{"<|begin_of_thought|>hm<|end_of_thought|>\n<|begin_of_solution|>yes<|end_of_solution|>", "", "yes", true},
		{"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes<|return|>", "", "yes", true},
		{"<|channel|>final<|message|>yes", "", "yes", false},
		{"<|channel|>analysis<|message|>hm", "", "", true},
		{"<think>a</think><think>b</think>yes", "", "yes", true},
		{"hm, so it is\n</think>\n\nyes", "", "yes", true}, {"hm[/THINK]yes", "", "yes", true}, {"hm◁/think▷yes", "", "yes", true},
		{"</think>yes", "", "yes", true},
		{"<think>hm", "", "", true}, {"<think>", "", "", true}, {"<think></think>", "", "", true},
		// Not before the answer, or no reasoning.
		{"A tag <think>x</think> is for reasoning.", "", "A tag <think>x</think> is for reasoning.", false},
		{"<thinker>x</thinker>", "", "<thinker>x</thinker>", false}, {"<b>x</b>", "", "<b>x</b>", false}, {"[think", "", "[think", false},
		// What stands in the question may be an answer.
		{"<think>hm</think> [NAME]", "mask: <think>hm</think> Ann", "<think>hm</think> [NAME]", false},
		{"<think>I mask Ann</think><think>hm</think> [NAME]", "mask: <think>hm</think> Ann", "<think>hm</think> [NAME]", true},
		{"the end is </think>", "which tag ends it, </think> or </b>?", "the end is </think>", false},
		{"<think> begins it", "does <think> begin it?", "<think> begins it", false},
	} {
		got, thought := removeReasoning(c.text, c.question)
		if got != c.want || thought != c.thought {
			t.Errorf("%q: %q, %v; want %q, %v", c.text, got, thought, c.want, c.thought)
		}
	}
}

// TestThinkingInAnswers checks that reasoning before an answer is removed for
// text, labels, JSON and patterns.
func TestThinkingInAnswers(t *testing.T) {
	for name, before := range map[string]string{"whole": "<think>\nIt could be a, or {\"a\":1}, or 12.\n</think>\n\n", "end only": "It could be a, or 12.\n</think>\n\n", "brackets": "[THINK]a?[/THINK]"} {
		s := newServer(t)
		s.serve = func(w http.ResponseWriter, a asked) {
			switch {
			case len(a.body.Messages) == 0:
				refuse(w, 404, "not found")
			case a.body.Logprobs != nil, a.body.ResponseFormat != nil:
				refuse(w, 400, "logprobs and response_format are not supported")
			case strings.Contains(a.text, "JSON Schema"):
				s.good(w, a, before+"```json\n{\"name\": \"Ann\"}\n```")
			case strings.Contains(a.text, "regular expression"):
				s.good(w, a, before+"1234")
			case strings.Contains(a.text, "labels"):
				s.good(w, a, before+"b")
			default:
				s.good(w, a, before+"yes")
			}
		}
		message := []llm.Message{{Role: llm.User, Text: "?"}}
		e := s.open(t, Options{Reasks: -1})
		for _, c := range []struct {
			constraint llm.Constraint
			want       string
		}{{nil, "yes"}, {llm.Choice{Labels: []string{"a", "b"}}, "b"}, {llm.JSON{Schema: `{"type":"object","required":["name"]}`}, `{"name":"Ann"}`}, {llm.Pattern{Expr: `\d+`}, "1234"}} {
			if r := do(t, e, llm.Request{Messages: message, Constraint: c.constraint})[0]; r.Err != nil || r.Text != c.want {
				t.Errorf("%s, %T: %q, %v", name, c.constraint, r.Text, r.Err)
			}
		}
	}
	// If the server returns the reasoning separately, the text does not change.
	s := saying(t, `{"choices":[{"message":{"content":"<think> is a tag","reasoning_content":"hm"},"finish_reason":"stop"}]}`)
	if r := do(t, s.open(t, Options{}), chat("a tag?"))[0]; r.Err != nil || r.Text != "<think> is a tag" {
		t.Errorf("%+v", r)
	}
}

// reasoner returns a server whose model needs so many tokens before it answers,
// as those of OpenAI, DeepSeek and others. refuses is its response to a smaller
// limit; if it is empty, the answer ends at the limit.
func reasoner(t *testing.T, needs int, inline bool, refuses string) *server {
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) {
		limit := a.body.MaxTokens + a.body.MaxCompletionTokens
		content, reasoning, finish, used := "yes", "hm", "stop", needs+2
		if a.body.ResponseFormat != nil {
			content = `{"ok":true,"name":"Ann","label":"b"}`
		} else if strings.Contains(a.text, "labels") {
			content = "b"
		}
		switch {
		case a.URL.Path != "/v1/chat/completions":
			refuse(w, 404, "unknown url")
			return
		case a.body.Logprobs != nil:
			refuse(w, 400, "Unsupported parameter: 'logprobs' is not supported with this model.")
			return
		case limit > 0 && limit < needs && refuses != "":
			refuse(w, 400, refuses)
			return
		case limit > 0 && limit < needs:
			content, finish, used = "", "length", limit
		}
		if inline {
			content, reasoning = "<think>hm"+strings.Repeat("</think>", min(1, len(content)))+content, ""
		}
		s.charge(a.text)
		fmt.Fprintf(w, `{"choices":[{"message":{"content":%q,"reasoning_content":%q},"finish_reason":%q}],"usage":{"prompt_tokens":9,"completion_tokens":%d,"completion_tokens_details":{"reasoning_tokens":%d}}}`,
			content, reasoning, finish, used, min(used, needs))
	}
	return s
}

// TestModelsThatReason checks that a model that reasons first gets the tokens
// that it needs, keeps its JSON mode, and gives an answer.
func TestModelsThatReason(t *testing.T) {
	const openAI = "Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens."
	for name, s := range map[string]*server{
		"ends at the limit":       reasoner(t, 300, false, ""),
		"ends at the limit, text": reasoner(t, 300, true, ""),
		"refuses":                 reasoner(t, 300, false, openAI),
		"refuses, at least":       reasoner(t, 32, false, "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 32, but got 16 instead."),
		"refuses without a word":  reasoner(t, 300, false, "Bad request"),
	} {
		e := s.open(t, Options{})
		if f, err := e.formats(t.Context()); err != nil || !f.schema {
			t.Errorf("%s: JSON mode is lost: %+v, %v", name, f, err)
		}
		message := []llm.Message{{Role: llm.User, Text: "?"}}
		for _, c := range []struct {
			constraint llm.Constraint
			want       string
		}{{llm.JSON{Schema: `{"type":"object","required":["name"]}`}, `{"ok":true,"name":"Ann","label":"b"}`}, {llm.Choice{Labels: []string{"a", "b"}}, "b"}, {nil, "yes"}} {
			r := do(t, e, llm.Request{Messages: message, Constraint: c.constraint, MaxTokens: 20})[0]
			if r.Err != nil || r.Text != c.want {
				t.Errorf("%s, %T: %q, %v", name, c.constraint, r.Text, r.Err)
			}
		}
		// The need for tokens is found out once.
		before := len(s.arrived)
		if do(t, e, chats(10)...); len(s.arrived) != before+10 {
			t.Errorf("%s: %d requests for 10 rows", name, len(s.arrived)-before)
		}
	}
	// A refusal of few tokens is recognised without a probe.
	for _, refuses := range []string{openAI, "max_tokens must be greater than thinking.budget_tokens", "max_completion_tokens is too small"} {
		s := reasoner(t, 300, false, refuses)
		if r := do(t, s.open(t, Options{}), chat("hello"))[0]; r.Err != nil || r.Text != "yes" || len(s.arrived) != 2 {
			t.Errorf("%s: %+v after %d requests", refuses, r, len(s.arrived))
		}
	}
	// A model that needs more tokens than allowed, or without a second request,
	// is the error of the row.
	r := do(t, reasoner(t, 100_000, false, "").open(t, Options{}), chat("hello"))[0]
	if r.Err == nil || !strings.Contains(r.Err.Error(), "before it gave an answer") || r.OutputTokens == 0 {
		t.Errorf("%+v", r)
	}
	s := reasoner(t, 300, false, "")
	if r := do(t, s.open(t, Options{Reasks: -1}), chat("hello"))[0]; r.Err == nil || len(s.arrived) != 1 {
		t.Errorf("%+v after %d requests", r, len(s.arrived))
	}
}

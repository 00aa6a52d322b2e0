package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// Reasons why an answer ended, in small letters with _ between words. Servers
// have more than OpenAI's, and a new one is no reason to take half an answer
// for a whole one: what is not known here is an error.
//
//	OpenAI, Azure      stop, length, content_filter, tool_calls, function_call
//	DeepSeek           insufficient_system_resource
//	Mistral            model_length, error
//	vLLM               abort
//	Ollama             load, unload
//	OpenRouter         error
//	Gemini             content_filter: RECITATION, function_call_filter: MALFORMED_FUNCTION_CALL, safety and others
//	Together, TGI      eos, eos_token, stop_sequence
//	Anthropic, Cohere  end_turn, max_tokens, refusal, complete, error_toxic
var wholeReasons = map[string]bool{
	"": true, "stop": true, "stop_sequence": true, "stop_token": true, "eos": true, "eos_token": true,
	"end_turn": true, "end_of_turn": true, "end_of_text": true, "complete": true, "completed": true,
}

// Others are told by a word that they hold; the first list that has one counts.
var (
	filterWords  = []string{"filter", "safety", "recitation", "blocklist", "blocked", "prohibited", "spii", "sensitive", "moderation", "guardrail", "toxic", "refus", "policy"}
	lengthWords  = []string{"length", "max_tokens", "max_output", "max_completion", "token_limit", "context_window", "truncat"}
	troubleWords = []string{"error", "abort", "cancel", "timeout", "timed_out", "insufficient", "resource", "overload", "network", "unavailable", "fail", "interrupt", "preempt"}
	troubles     = map[string]bool{"load": true, "unload": true}
)

// reasonForm are reasons that are shown, as they are names.
var reasonForm = regexp.MustCompile(`^[A-Za-z][A-Za-z_.: -]{0,59}$`)

// errTrouble is an answer that the server gave up: it is no answer, but was
// begun, and may be charged.
var errTrouble = errors.New("the server broke off the answer")

// readFinish says how far an answer can be taken: refused is why it is none
// although the server is well, trouble why the server is not.
func readFinish(raw json.RawMessage) (finish llm.Finish, refused, trouble error) {
	reason := textOf(raw)
	if reason == "" && !isNull(raw) && string(raw) != `""` {
		reason = string(raw) // no text
	}
	name := strings.ToLower(strings.TrimSpace(reason))
	name = name[strings.LastIndexByte(name, '.')+1:] // FinishReason.STOP
	name = strings.TrimPrefix(strings.NewReplacer("-", "_", " ", "_").Replace(name), "finish_reason_")
	if name == "null" || name == "none" {
		name = ""
	}
	holds := func(words []string) bool {
		for _, w := range words {
			if strings.Contains(name, w) {
				return true
			}
		}
		return false
	}
	said := fmt.Sprintf("(finish_reason %q)", reason)
	if !reasonForm.MatchString(reason) {
		said = "(finish_reason is not a name)"
	}
	switch {
	case wholeReasons[name]:
		return llm.FinishStop, nil, nil
	case holds(filterWords) && !strings.Contains(name, "function_call"):
		return llm.FinishStop, fmt.Errorf("the server's content filter stopped the answer %s", said), nil
	case holds(lengthWords):
		return llm.FinishLength, nil, nil
	case troubles[name] || holds(troubleWords):
		return llm.FinishStop, nil, fmt.Errorf("%w %s", errTrouble, said)
	case strings.Contains(name, "tool") || strings.Contains(name, "function"):
		return llm.FinishStop, fmt.Errorf("the model wants to call a tool instead of answering %s", said), nil
	}
	return llm.FinishStop, fmt.Errorf("the answer ended for a reason that is not known, so it may not be whole %s", said), nil
}

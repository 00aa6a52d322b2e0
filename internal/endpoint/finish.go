package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// Finish reasons in lower case, with _ between words. Servers have more than
// OpenAI's. An unknown reason is an error, because the answer may be incomplete.
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

// Other reasons are recognised by a word in them. The first list with a match
// counts.
var (
	filterWords  = []string{"filter", "safety", "recitation", "blocklist", "blocked", "prohibited", "spii", "sensitive", "moderation", "guardrail", "toxic", "refus", "policy"}
	lengthWords  = []string{"length", "max_tokens", "max_output", "max_completion", "token_limit", "context_window", "truncat"}
	troubleWords = []string{"error", "abort", "cancel", "timeout", "timed_out", "insufficient", "resource", "overload", "network", "unavailable", "fail", "interrupt", "preempt"}
	troubles     = map[string]bool{"load": true, "unload": true}
)

// reasonForm matches reasons that are names, which are shown in errors.
var reasonForm = regexp.MustCompile(`^[A-Za-z][A-Za-z_.: -]{0,59}$`)

// errTrouble means that the server stopped in the middle of an answer. The
// answer may have been charged.
var errTrouble = errors.New("the server broke off the answer")

// readFinish reads a finish reason. refused means that the answer cannot be used
// although the server works. trouble means that the server failed.
func readFinish(raw json.RawMessage) (finish llm.Finish, refused, trouble error) {
	reason := textOf(raw)
	if reason == "" && !isNull(raw) && string(raw) != `""` {
		reason = string(raw) // not a string
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
		return llm.FinishStop, fmt.Errorf("the model requested a tool call instead of giving an answer %s", said), nil
	}
	return llm.FinishStop, fmt.Errorf("the answer ended for an unknown reason, so it may be incomplete %s", said), nil
}

package endpoint

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// The forms of errors in a body, of an unsuccessful response and of one with
// status 200:
//
//	{"error": {"message", "code", "type", "status"}}    OpenAI, Azure, OpenRouter (code is an HTTP status), Groq
//	[{"error": {...}}]                                  Gemini
//	{"error": "..."}, {"message": "...", "code"}        Ollama, older vLLM, Mistral
//	{"detail": "..."}, {"detail": [{"msg"}]}            FastAPI
//	{"errors": [{"message"}]}                           Cloudflare
//	{"base_resp": {"status_code", "status_msg"}}        MiniMax
//	{"error_code", "error_msg"}                         Baidu
//	{"choices": [{"error": {...}}]}                     OpenRouter

// serverError is the error in a body, on one line. note is a description by
// this package.
type serverError struct{ message, code, note string }

// wireError has the fields of all forms.
type wireError struct {
	Error    json.RawMessage `json:"error"`
	Errors   json.RawMessage `json:"errors"`
	Message  json.RawMessage `json:"message"`
	Msg      json.RawMessage `json:"msg"`
	Detail   json.RawMessage `json:"detail"`
	BaseResp json.RawMessage `json:"base_resp"`

	StatusCode json.RawMessage `json:"status_code"`
	StatusMsg  json.RawMessage `json:"status_msg"`
	ErrorCode  json.RawMessage `json:"error_code"`
	ErrorMsg   json.RawMessage `json:"error_msg"`

	Code   json.RawMessage `json:"code"`
	Type   json.RawMessage `json:"type"`
	Status json.RawMessage `json:"status"`
}

// parseError parses the body of an unsuccessful response.
func parseError(body []byte) serverError {
	if e, ok := findError(body, 0); ok {
		return e
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return serverError{note: "a web page"}
	}
	return serverError{message: shorten(string(body))}
}

// maxErrorDepth bounds the nesting in which an error is searched for.
const maxErrorDepth = 4

// findError finds an error in a value, if it has the form of one.
func findError(raw json.RawMessage, depth int) (serverError, bool) {
	raw = bytes.TrimSpace(raw)
	if isNull(raw) || depth > maxErrorDepth {
		return serverError{}, false
	}
	switch raw[0] {
	case '"':
		text := textOf(raw)
		return serverError{message: shorten(text)}, text != "" && depth > 0
	case '[':
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
			return serverError{}, false
		}
		return findError(list[0], depth+1)
	case '{':
		return findInObject(raw, depth)
	}
	return serverError{}, false
}

func findInObject(raw json.RawMessage, depth int) (serverError, bool) {
	var w wireError
	if json.Unmarshal(raw, &w) != nil {
		return serverError{}, false
	}
	if text := textOf(w.ErrorMsg); text != "" {
		return serverError{message: shorten(text), code: code(w.ErrorCode)}, true
	}
	if text := textOf(w.StatusMsg); text != "" && code(w.StatusCode) != "0" {
		return serverError{message: shorten(text), code: code(w.StatusCode)}, true
	}
	for _, inner := range []json.RawMessage{w.Error, w.Errors, w.Detail, w.BaseResp, w.Message, w.Msg} {
		if e, ok := findError(inner, depth+1); ok {
			if e.code == "" {
				e.code = firstOf(code(w.Code), code(w.Type), code(w.Status))
			}
			return e, true
		}
	}
	// {"error": {"code": "..."}} without a message.
	if c := firstOf(code(w.Code), code(w.Type), code(w.Status)); c != "" && depth > 0 {
		return serverError{message: shorten(string(raw)), code: c}, true
	}
	return serverError{}, false
}

// code returns a name or a number as text.
func code(raw json.RawMessage) string {
	if isNull(raw) || raw[0] == '{' || raw[0] == '[' {
		return ""
	}
	if text := textOf(raw); text != "" {
		return shorten(text)
	}
	return strings.Trim(string(raw), `"`)
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// bodyError returns the error in the body of a response with status 200, or nil
// if there is none or the body cannot be parsed.
func bodyError(body []byte) error {
	var w struct {
		Error   json.RawMessage `json:"error"`
		Choices json.RawMessage `json:"choices"`
		Data    json.RawMessage `json:"data"`
	}
	err := json.Unmarshal(body, &w)
	partial := false
	var said serverError
	var found bool
	switch {
	case err == nil && holdsAnything(w.Error):
		said, found = findError(body, 0)
		partial = holdsAnything(w.Choices)
	case err == nil && holdsAnything(w.Choices):
		var choices []wireChoice
		if json.Unmarshal(w.Choices, &choices) != nil || len(choices) == 0 || !holdsAnything(choices[0].Error) {
			return nil
		}
		said, found = findError(choices[0].Error, 1)
		partial = true
	case err == nil && holdsAnything(w.Data):
		return nil
	default:
		// An object without an answer, or a list of errors.
		said, found = findError(body, 0)
	}
	if !found {
		return nil
	}
	return &statusError{status: statusOf(said), serverError: said, inBody: true, partial: partial}
}

// holdsAnything reports whether a value is not null, false, 0, nor an empty
// string, list or object.
func holdsAnything(raw json.RawMessage) bool {
	switch strings.Join(strings.Fields(string(raw)), "") {
	case "", "null", `""`, "[]", "{}", "false", "0":
		return false
	}
	return true
}

// statusWords are words in codes and types, and the HTTP status that they mean.
// The first match counts.
var statusWords = []struct {
	status int
	words  []string
}{
	{http.StatusPaymentRequired, []string{"insufficient_quota", "insufficient_balance", "billing", "payment", "credit"}},
	{http.StatusTooManyRequests, []string{"rate_limit", "ratelimit", "too_many", "resource_exhausted", "throttl", "quota"}},
	{http.StatusUnauthorized, []string{"api_key", "unauthorized", "unauthenticated", "authentication"}},
	{http.StatusForbidden, []string{"permission", "forbidden"}},
	{http.StatusNotFound, []string{"not_found", "notfound", "no_such_model"}},
	{http.StatusServiceUnavailable, []string{"overloaded", "unavailable", "engine_overloaded"}},
	{http.StatusGatewayTimeout, []string{"timeout", "deadline"}},
	{http.StatusInternalServerError, []string{"server_error", "internal", "api_error"}},
	{http.StatusBadRequest, []string{"invalid", "bad_request", "badrequest", "context_length", "content_filter", "unsupported"}},
}

// statusOf returns the HTTP status that an error in a body stands for, or 200 if
// it is unknown.
func statusOf(e serverError) int {
	if n, err := strconv.Atoi(e.code); err == nil {
		if n >= 400 && n < 600 {
			return n
		}
		return http.StatusOK
	}
	name := strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(e.code))
	for _, s := range statusWords {
		for _, w := range s.words {
			if strings.Contains(name, w) {
				return s.status
			}
		}
	}
	if probe := (&statusError{status: http.StatusBadRequest, serverError: e}); probe.tooLong() {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

package endpoint

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// Error is a request that failed, told to a person. It wraps one of llm's
// classes. Its text holds no secret, also where the server sends one back.
type Error struct {
	Model, Host string
	Request     int    // its place in the call, from 0
	Class       error  // llm.ErrModel, llm.ErrRequest or llm.ErrTooLong
	Status      int    // the server's HTTP status, or 0
	Err         error  // what happened
	Advice      string // what to do; may be empty
	// MayBeCharged: the server may have done the work without our getting it.
	MayBeCharged bool
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%v: %s at %s, request %d of the call: %v", e.Class, e.Model, e.Host, e.Request+1, e.Err)
	if e.MayBeCharged {
		s += "; it may have been charged, so it was not sent again"
	}
	if e.Advice != "" {
		s += "\n  " + e.Advice
	}
	return s
}

func (e *Error) Unwrap() []error { return []error{e.Class, e.Err} }

// statusError is an HTTP answer that is no success, by its status or, within a
// body of status 200, by the server's own words.
type statusError struct {
	status int // 200 where the body does not say which one is meant
	serverError
	within bool // in a body of status 200
	began  bool // beside the beginning of an answer
}

func (e *statusError) Error() string { return e.text(fmt.Sprintf) }

// Shown is the text with the server's words, which are content: some repeat
// what they were asked.
func (e *statusError) Shown() string { return e.text(sensitive.Sprintf) }

func (e *statusError) text(format func(string, ...any) string) string {
	s := fmt.Sprintf("the server answered %d %s", e.status, http.StatusText(e.status))
	if e.within {
		s = "the server answered 200 OK, but with an error in the body"
		if e.status != http.StatusOK {
			s += fmt.Sprintf(" (%d %s)", e.status, http.StatusText(e.status))
		}
	}
	if slices.Contains(knownCodes, e.code) {
		s += " (" + e.code + ")"
	}
	if e.note != "" {
		s += ": " + e.note
	}
	if e.message != "" {
		s += format(": %s", sensitive.Text(e.message))
	}
	return s
}

// knownCodes are codes of OpenAI's interface that are shown, as they say more
// than the status and hold nothing of a request.
var knownCodes = []string{
	"billing_hard_limit_reached", "content_filter", "content_policy_violation", "context_length_exceeded", "insufficient_quota",
	"invalid_api_key", "invalid_request_error", "model_not_found", "not_found_error", "permission_denied", "rate_limit_exceeded",
	"server_error", "string_above_max_length", "unsupported_parameter", "unsupported_value",
}

// says tells whether the server's words or code hold one of these.
func (e *statusError) says(words ...string) bool {
	text := strings.ToLower(e.code + " " + e.message)
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// ofContent: the server does not take this text, for what it says.
func (e *statusError) ofContent() bool {
	return (e.status == http.StatusForbidden || e.status == http.StatusBadRequest || e.status == http.StatusUnavailableForLegalReasons) &&
		e.says("moderation", "flagged", "content policy", "content_policy", "content_filter", "content management policy", "safety")
}

func (e *statusError) tooLong() bool {
	return (e.status == http.StatusBadRequest || e.status == http.StatusRequestEntityTooLarge || e.status == http.StatusUnprocessableEntity) &&
		e.says("context_length", "context length", "context size", "exceed_context", "context window", "maximum context", "too many tokens", "too large to process")
}

// wantsMoreTokens: the limit of tokens is too small for the model, as it is for
// those that reason first.
func (e *statusError) wantsMoreTokens() bool {
	return !e.tooLong() && e.says("max_tokens", "max_completion_tokens", "max_output_tokens", "output limit", "output tokens", "budget_tokens", "thinking budget") &&
		e.says("was reached", "at least", "minimum", "too small", "too low", "too few", "greater than", "larger than", "higher", ">=", "increase")
}

// namesFeature: it is one of the features looked for that the server refuses,
// and not the limit of tokens.
func (e *statusError) namesFeature() bool {
	return e.says("logprob", "response_format", "json_schema", "json_object", "json mode") && !e.says("token")
}

// outOfMoney: waiting does not help.
func (e *statusError) outOfMoney() bool {
	return e.status == http.StatusPaymentRequired || e.status == http.StatusTooManyRequests && e.says("insufficient_quota", "insufficient_balance", "billing")
}

// everyRow tells errors that every other request would meet too.
func everyRow(err error) bool {
	var status *statusError
	if errors.As(err, &status) {
		if status.ofContent() {
			return false
		}
		switch status.status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired:
			return true
		}
		return status.outOfMoney() || status.status >= 300 && status.status < 400
	}
	return errors.Is(err, errRefused) || certificate(err) || nameNotFound(err)
}

func certificate(err error) bool {
	var verify *tls.CertificateVerificationError
	return errors.As(err, &verify)
}

func nameNotFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// advice says what a person can do about err.
func (e *Endpoint) advice(err error) string {
	var status *statusError
	var dns *net.DNSError
	var wait *waitError
	switch {
	case errors.Is(err, errRefused):
		return "Allow the host, or name an endpoint on this machine."
	case errors.As(err, &status):
		switch {
		case status.ofContent():
			return "The server does not answer this text; the others are asked."
		case status.status == http.StatusUnauthorized:
			return e.key.advice
		case status.status == http.StatusForbidden:
			return "The key does not allow this model, or the server does not serve you. " + e.key.advice
		case status.status == http.StatusNotFound:
			return "Look at the model's name, and whether the address ends as the server wants it (most: /v1; Azure: /openai/v1, or /openai/deployments/NAME?api-version=DATE)."
		case status.outOfMoney():
			return "The account has no credit left; what is answered is kept."
		case status.status == http.StatusTooManyRequests:
			return "Set a limit of requests or tokens per minute below the server's, or allow more time."
		case status.status >= 300 && status.status < 400:
			return "Redirects are not followed: name the address itself, if you trust it."
		case status.status >= 500:
			return "The server has trouble: look at its log, or try again later."
		}
	case errors.As(err, &wait):
		return "Run the rest later: what is answered is kept. Fewer requests or tokens per minute keep the server from saying so."
	case certificate(err):
		return "If a proxy opens TLS here, name its certificate in SSL_CERT_FILE."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Is the server running, and is the port right?"
	case errors.As(err, &dns):
		return "Is the host's name right, and is there a network? Behind a proxy set HTTPS_PROXY."
	case errors.Is(err, errAttemptTimeout):
		return "Allow more time for one attempt, or fewer tokens for an answer."
	}
	return ""
}

func status(err error) int {
	var s *statusError
	if errors.As(err, &s) {
		return s.status
	}
	return 0
}

// class is llm's for err.
func class(err error) error {
	var s *statusError
	switch {
	case !errors.As(err, &s):
		return llm.ErrModel
	case s.tooLong():
		return llm.ErrTooLong
	case s.ofContent() || s.status == http.StatusBadRequest || s.status == http.StatusUnprocessableEntity || s.status == http.StatusRequestEntityTooLarge:
		return llm.ErrRequest
	}
	return llm.ErrModel
}

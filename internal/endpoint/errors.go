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

// Error is the error of a request, for people. It wraps one of the error classes
// of package llm. Its text contains no secret, even if the server returned one.
type Error struct {
	Model, Host string
	Request     int    // the index of the request in the call
	Class       error  // llm.ErrModel, llm.ErrRequest or llm.ErrTooLong
	Status      int    // the server's HTTP status, or 0
	Err         error  // the cause
	Advice      string // what to do; may be empty
	// MayBeCharged means that the server may have done the work although no
	// answer was received.
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

// statusError is an unsuccessful response: by its status, or by an error in the
// body of a response with status 200.
type statusError struct {
	status int // 200 if the error in the body has no known status
	serverError
	inBody  bool // the error is in the body of a response with status 200
	partial bool // the body also has the start of an answer
}

func (e *statusError) Error() string { return e.text(fmt.Sprintf) }

// Shown returns the text with the server's message. The message is content,
// because some servers repeat the request in it.
func (e *statusError) Shown() string { return e.text(sensitive.Sprintf) }

func (e *statusError) text(format func(string, ...any) string) string {
	s := fmt.Sprintf("the server answered %d %s", e.status, http.StatusText(e.status))
	if e.inBody {
		s = "the server answered 200 OK with an error in the body"
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

// knownCodes are error codes of OpenAI's API that are shown: they are more
// specific than the status and contain nothing of a request.
var knownCodes = []string{
	"billing_hard_limit_reached", "content_filter", "content_policy_violation", "context_length_exceeded", "insufficient_quota",
	"invalid_api_key", "invalid_request_error", "model_not_found", "not_found_error", "permission_denied", "rate_limit_exceeded",
	"server_error", "string_above_max_length", "unsupported_parameter", "unsupported_value",
}

// mentions reports whether the server's message or code contains one of words.
func (e *statusError) mentions(words ...string) bool {
	text := strings.ToLower(e.code + " " + e.message)
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// contentRefused reports whether the server refuses the text for its content.
func (e *statusError) contentRefused() bool {
	return (e.status == http.StatusForbidden || e.status == http.StatusBadRequest || e.status == http.StatusUnavailableForLegalReasons) &&
		e.mentions("moderation", "flagged", "content policy", "content_policy", "content_filter", "content management policy", "safety")
}

func (e *statusError) tooLong() bool {
	return (e.status == http.StatusBadRequest || e.status == http.StatusRequestEntityTooLarge || e.status == http.StatusUnprocessableEntity) &&
		e.mentions("context_length", "context length", "context size", "exceed_context", "context window", "maximum context", "too many tokens", "too large to process")
}

// requiresMoreTokens reports whether the limit of tokens is too small for the
// model, as for models that reason first.
func (e *statusError) requiresMoreTokens() bool {
	return !e.tooLong() && e.mentions("max_tokens", "max_completion_tokens", "max_output_tokens", "output limit", "output tokens", "budget_tokens", "thinking budget") &&
		e.mentions("was reached", "at least", "minimum", "too small", "too low", "too few", "greater than", "larger than", "higher", ">=", "increase")
}

// mentionsFeature reports whether the server refuses a feature that is probed,
// and not the limit of tokens.
func (e *statusError) mentionsFeature() bool {
	return e.mentions("logprob", "response_format", "json_schema", "json_object", "json mode") && !e.mentions("token")
}

// noCredit reports whether the account has no credit. Waiting does not help.
func (e *statusError) noCredit() bool {
	return e.status == http.StatusPaymentRequired || e.status == http.StatusTooManyRequests && e.mentions("insufficient_quota", "insufficient_balance", "billing")
}

// affectsAllRows reports whether every other request would have the same error.
func affectsAllRows(err error) bool {
	var status *statusError
	if errors.As(err, &status) {
		if status.contentRefused() {
			return false
		}
		switch status.status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired:
			return true
		}
		return status.noCredit() || status.status >= 300 && status.status < 400
	}
	return errors.Is(err, errRefused) || isCertificateError(err) || isNameNotFound(err)
}

func isCertificateError(err error) bool {
	var verify *tls.CertificateVerificationError
	return errors.As(err, &verify)
}

func isNameNotFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// advice returns what a person can do about err.
func (e *Endpoint) advice(err error) string {
	var status *statusError
	var dns *net.DNSError
	var wait *waitError
	switch {
	case errors.Is(err, errRefused):
		return "Allow the host, or name an endpoint on this machine."
	case errors.As(err, &status):
		switch {
		case status.contentRefused():
			return "The server refuses this text; the other texts are still sent."
		case status.status == http.StatusUnauthorized:
			return e.key.advice
		case status.status == http.StatusForbidden:
			return "The key does not allow this model, or the server denies access. " + e.key.advice
		case status.status == http.StatusNotFound:
			return "Check the model's name and the end of the address (most servers: /v1; Azure: /openai/v1, or /openai/deployments/NAME?api-version=DATE)."
		case status.noCredit():
			return "The account has no credit left; the answers so far are kept."
		case status.status == http.StatusTooManyRequests:
			return "Set a limit of requests or tokens per minute below the server's, or allow more time."
		case status.status >= 300 && status.status < 400:
			return "Redirects are not followed: use the target address, if you trust it."
		case status.status >= 500:
			return "The server failed: check its log, or try again later."
		}
	case errors.As(err, &wait):
		return "Run the rest later: the answers so far are kept. A lower limit of requests or tokens per minute avoids this."
	case isCertificateError(err):
		return "If a proxy intercepts TLS, set SSL_CERT_FILE to its certificate."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Check that the server is running and that the port is right."
	case errors.As(err, &dns):
		return "Check the host's name and the network. Behind a proxy, set HTTPS_PROXY."
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

// class returns the error class of package llm for err.
func class(err error) error {
	var s *statusError
	switch {
	case !errors.As(err, &s):
		return llm.ErrModel
	case s.tooLong():
		return llm.ErrTooLong
	case s.contentRefused() || s.status == http.StatusBadRequest || s.status == http.StatusUnprocessableEntity || s.status == http.StatusRequestEntityTooLarge:
		return llm.ErrRequest
	}
	return llm.ErrModel
}

package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/secret"
)

// Error reports a failed download.
type Error struct {
	Name   string // name of the file; may be empty
	URL    string // without credentials and query
	Err    error
	Advice string // what to do; may be empty
	Path   string // where to put a file that was downloaded by hand; may be empty
}

func (e *Error) Error() string {
	s := "download of " + e.URL + " failed: " + e.Err.Error()
	if e.Advice != "" {
		s += "\n  " + e.Advice
	}
	if e.Path != "" {
		s += "\n  Without a network: download " + e.URL + " elsewhere and put it at " + e.Path
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// StatusError reports an HTTP response with an error status.
type StatusError struct {
	Code       int
	RetryAfter time.Duration // from the header Retry-After, at most a minute
	Header     http.Header
}

func newStatusError(r *http.Response) *StatusError {
	wait, _ := egress.RetryAfter(r.Header, time.Now(), maxPause)
	return &StatusError{r.StatusCode, wait, r.Header}
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.Code, http.StatusText(e.Code))
}

// Status returns the code of a *StatusError in err, or 0.
func Status(err error) int {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Code
	}
	return 0
}

// permanent marks an error that another attempt would not change.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

func retryable(err error) bool {
	var stop permanent
	if errors.As(err, &stop) || errors.Is(err, egress.ErrRefused) || errors.Is(err, egress.ErrRedirect) {
		return false
	}
	var status *StatusError
	if errors.As(err, &status) {
		return status.Code == http.StatusTooManyRequests || status.Code == http.StatusRequestTimeout || status.Code >= 500
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return false
	}
	return !certificate(err)
}

func certificate(err error) bool {
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	return errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &host)
}

// advice returns what the user can do about err, or "".
func advice(err error) string {
	var dns *net.DNSError
	var wrong *SumError
	switch {
	case errors.As(err, &wrong):
		return "The digest differs from the one in the index: try again; if it differs again, do not trust the mirror."
	case errors.Is(err, egress.ErrRefused):
		return "Download it first where that is allowed (firesteel models get), or name a local file. A proxy must be an allowed host, too."
	case errors.Is(err, egress.ErrRedirect):
		return "The server redirects to another server: set the address that you trust in HF_ENDPOINT, PIP_INDEX_URL or MAVEN_REPOSITORY."
	case certificate(err):
		return "If a proxy intercepts TLS, set SSL_CERT_FILE to its certificate (PIP_CERT and REQUESTS_CA_BUNDLE are read, too)."
	case Status(err) == http.StatusUnauthorized, Status(err) == http.StatusForbidden:
		return "The server requires other credentials, or you have no access to this file."
	case Status(err) == http.StatusProxyAuthRequired:
		return "The proxy requires credentials: HTTPS_PROXY=http://user:password@host:port"
	case Status(err) == http.StatusNotFound:
		return "The address does not exist on that server."
	case Status(err) >= 500, Status(err) == http.StatusTooManyRequests:
		return "The server is overloaded or failing: try again later. The part that was downloaded is kept."
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, fs.ErrPermission):
		return "Set FIRESTEEL_CACHE to a writable folder with enough space."
	case errors.As(err, &dns), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "Check the network. Behind a proxy set HTTPS_PROXY; for a mirror set PIP_INDEX_URL or HF_ENDPOINT."
	}
	return ""
}

// describe adds the URL and advice to the error of a download.
func describe(r Request, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("download of %s stopped (the part that was downloaded is kept): %w", r.Name, err)
	}
	return &Error{Name: r.Name, URL: Redact(r.URL), Err: secret.Error(err), Advice: advice(err), Path: r.Path}
}

// Redact removes from a URL the user, password, query and fragment, which may
// hold secrets, and all secrets that are registered with package secret.
func Redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(malformed address)"
	}
	u.User, u.RawQuery, u.Fragment, u.ForceQuery = nil, "", "", false
	return secret.Hide(u.String())
}

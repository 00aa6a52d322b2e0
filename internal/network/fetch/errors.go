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

// Error is a download that failed, told to a person.
type Error struct {
	Name   string // the file's name; may be empty
	URL    string // without credentials and query
	Err    error
	Advice string // what to do; may be empty
	Path   string // where the file belongs if brought by hand; may be empty
}

func (e *Error) Error() string {
	s := "download of " + e.URL + " failed: " + e.Err.Error()
	if e.Advice != "" {
		s += "\n  " + e.Advice
	}
	if e.Path != "" {
		s += "\n  Without a network here: download " + e.URL + " elsewhere and put it at " + e.Path
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// StatusError is an HTTP answer that is no success.
type StatusError struct {
	Code       int
	RetryAfter time.Duration // that the server asks for, up to a minute
	Header     http.Header
}

func newStatusError(r *http.Response) *StatusError {
	wait, _ := egress.RetryAfter(r.Header, time.Now(), maxPause)
	return &StatusError{r.StatusCode, wait, r.Header}
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.Code, http.StatusText(e.Code))
}

// Status is the code of a *StatusError within err, or 0.
func Status(err error) int {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Code
	}
	return 0
}

// permanent marks an error that another attempt would meet again.
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

// advice says what a person can do about err.
func advice(err error) string {
	var dns *net.DNSError
	var wrong *SumError
	switch {
	case errors.As(err, &wrong):
		return "The file is not the one that the index promised: try again, and if it stays so, distrust the mirror."
	case errors.Is(err, egress.ErrRefused):
		return "Get it first where that is allowed (firesteel models get), or name a file that is here; a proxy needs to be allowed too."
	case errors.Is(err, egress.ErrRedirect):
		return "The server sends elsewhere: name the address that you trust, as in HF_ENDPOINT, PIP_INDEX_URL or MAVEN_REPOSITORY."
	case certificate(err):
		return "If a proxy opens TLS here, name its certificate in SSL_CERT_FILE (PIP_CERT and REQUESTS_CA_BUNDLE are read too)."
	case Status(err) == http.StatusUnauthorized, Status(err) == http.StatusForbidden:
		return "The server wants other credentials, or does not serve this file to you."
	case Status(err) == http.StatusProxyAuthRequired:
		return "The proxy wants credentials: HTTPS_PROXY=http://user:password@host:port"
	case Status(err) == http.StatusNotFound:
		return "The address does not exist on that server."
	case Status(err) >= 500, Status(err) == http.StatusTooManyRequests:
		return "The server has trouble: try again later; what was downloaded is kept."
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, fs.ErrPermission):
		return "Set FIRESTEEL_CACHE to a folder with room that can be written."
	case errors.As(err, &dns), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "Is there a network? Behind a proxy set HTTPS_PROXY; a mirror is named by PIP_INDEX_URL or HF_ENDPOINT."
	}
	return ""
}

// describe gives a failed download its address and its advice.
func describe(r Request, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("download of %s stopped (what is there is kept): %w", r.Name, err)
	}
	return &Error{Name: r.Name, URL: Redact(r.URL), Err: secret.Error(err), Advice: advice(err), Path: r.Path}
}

// Redact strips an address of user, password, query and fragment, which may
// hold secrets, and of the secrets that are known.
func Redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(malformed address)"
	}
	u.User, u.RawQuery, u.Fragment, u.ForceQuery = nil, "", "", false
	return secret.Hide(u.String())
}

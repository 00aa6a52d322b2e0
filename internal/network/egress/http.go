package egress

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/firesteel/firesteel/internal/secret"
)

// ErrRedirect is a redirect that is not followed.
var ErrRedirect = errors.New("the redirect is not followed")

// maxRedirects is net/http's own bound.
const maxRedirects = 10

// Client sends requests by t and follows redirects as Redirect has it.
func Client(t *http.Transport) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: Redirect}
}

// Guarded is c with Redirect as its rule.
func Guarded(c *http.Client) *http.Client {
	guarded := *c
	guarded.CheckRedirect = Redirect
	return &guarded
}

// Still is c without following redirects: they are answers like others.
func Still(c *http.Client) *http.Client {
	still := *c
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &still
}

// kept are the headers of a request that another origin may see. Whatever else
// it has may be a credential.
var kept = []string{"Accept", "Accept-Encoding", "Accept-Language", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Range", "User-Agent"}

// Redirect is for http.Client.CheckRedirect. A redirect from https to http is
// an error, and so is one to a host that the process's policy forbids. The
// headers go along only while scheme, host and port stay the same: from the
// first other origin on, those that may be credentials are taken off, also if a
// later redirect leads back. A body never goes to another origin. The address
// before, which may hold a signature, is told to nobody.
func Redirect(r *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("%w: it is the server's %dth in a row", ErrRedirect, maxRedirects+1)
	}
	if err := FromEnvironment().Check(r.URL.Host); err != nil {
		return err
	}
	r.Header.Del("Referer")
	first, same := via[0].URL, true
	for _, before := range append(via[1:len(via):len(via)], r) {
		same = same && SameOrigin(first, before.URL)
	}
	if last := via[len(via)-1].URL; last.Scheme == "https" && r.URL.Scheme != "https" {
		return fmt.Errorf("%w: it leads from https to %s, to %s", ErrRedirect, r.URL.Scheme, r.URL.Hostname())
	}
	if same {
		return nil
	}
	if r.Body != nil && r.Body != http.NoBody || r.GetBody != nil {
		return fmt.Errorf("%w: it would take what was sent to another server, %s", ErrRedirect, r.URL.Host)
	}
	allowed := http.Header{}
	for _, name := range kept {
		if values, ok := r.Header[name]; ok {
			allowed[name] = values
		}
	}
	r.Header = allowed
	return nil
}

// SameOrigin tells whether two addresses have scheme, host and port in common.
func SameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// Credentials moves user and password of a request's address to the header
// that they are sent in, which Redirect looks after; in the address they would
// be lost by a redirect within the same origin. They and what else is in that
// header are known to package secret from then on.
func Credentials(r *http.Request) {
	secret.AddUser(r.URL.User)
	if user := r.URL.User; user != nil && r.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		r.SetBasicAuth(user.Username(), password)
	}
	r.URL.User = nil
	for _, value := range r.Header["Authorization"] {
		_, credentials, _ := strings.Cut(value, " ")
		secret.Add(credentials)
	}
}

// Proxy is the environment's proxy for a request, nil for none. Its credentials
// are known to package secret from then on.
func Proxy(r *http.Request) (*url.URL, error) {
	proxy, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, secret.Error(err)
	}
	if proxy != nil {
		secret.AddUser(proxy.User)
	}
	return proxy, nil
}

package egress

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/firesteel/firesteel/internal/secret"
)

// ErrRedirect reports a redirect that was not followed.
var ErrRedirect = errors.New("the redirect is not followed")

// maxRedirects is the limit of net/http.
const maxRedirects = 10

// Client returns a client that uses t and follows redirects by the rules of
// Redirect.
func Client(t *http.Transport) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: Redirect}
}

// WithRedirect returns a copy of c that follows redirects by the rules of
// Redirect.
func WithRedirect(c *http.Client) *http.Client {
	copied := *c
	copied.CheckRedirect = Redirect
	return &copied
}

// WithoutRedirects returns a copy of c that returns redirects as responses.
func WithoutRedirects(c *http.Client) *http.Client {
	copied := *c
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &copied
}

// harmless are the headers that are sent to another origin. Any other header may
// hold a credential.
var harmless = []string{"Accept", "Accept-Encoding", "Accept-Language", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Range", "User-Agent"}

// Redirect is a function for http.Client.CheckRedirect. It refuses redirects
// from https to http and to hosts that the policy of the process forbids. From
// the first redirect to another origin (scheme, host and port) on, only harmless
// headers are sent, even if a later redirect leads back. A body is never sent to
// another origin. The Referer, which may hold a signature, is removed.
func Redirect(r *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("%w: it is number %d in a row", ErrRedirect, maxRedirects+1)
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
		return fmt.Errorf("%w: it leads from https to %s at %s", ErrRedirect, r.URL.Scheme, r.URL.Hostname())
	}
	if same {
		return nil
	}
	if r.Body != nil && r.Body != http.NoBody || r.GetBody != nil {
		return fmt.Errorf("%w: it would send the request body to another server, %s", ErrRedirect, r.URL.Host)
	}
	allowed := http.Header{}
	for _, name := range harmless {
		if values, ok := r.Header[name]; ok {
			allowed[name] = values
		}
	}
	r.Header = allowed
	return nil
}

// SameOrigin reports whether two URLs have the same scheme, host and port.
func SameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// Credentials moves the user and password of a request's URL to the header
// Authorization, because a redirect within the same origin would lose them in
// the URL. It registers the credentials of the header with package secret.
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

// Proxy returns the proxy of the environment for a request, or nil. It registers
// the proxy's credentials with package secret.
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

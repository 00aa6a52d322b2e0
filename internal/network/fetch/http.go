package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/secret"
)

// fromEnvironment returns the client that the environment describes. It is made
// once, because it reads a bundle of certificates.
var fromEnvironment = sync.OnceValues(func() (*http.Client, error) {
	roots, err := authorities()
	if err != nil {
		return nil, err
	}
	return egress.Client(&http.Transport{
		Proxy:           egress.Proxy,
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return egress.Dial(ctx, network, address, egress.FromEnvironment())
		},
		TLSHandshakeTimeout:   20 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		ForceAttemptHTTP2:     true,
		// A transparently decompressed body would not match its checksum.
		DisableCompression: true,
	}), nil
})

// authorities returns the certificate authorities of the system and of the
// bundles that are set for Python's tools, as in companies whose proxy
// intercepts TLS. It returns nil if no bundle is set.
func authorities() (*x509.CertPool, error) {
	var pool *x509.CertPool
	seen := map[string]bool{}
	for _, name := range []string{"PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"} {
		path := os.Getenv(name)
		if path == "" || seen[path] {
			continue
		}
		seen[path] = true
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the certificates of %s: %w", name, err)
		}
		if pool == nil {
			if pool, err = x509.SystemCertPool(); err != nil {
				pool = x509.NewCertPool()
			}
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s=%s has no certificate in PEM format", name, path)
		}
	}
	return pool, nil
}

func (c *Client) httpClient() (*http.Client, error) {
	if c.HTTP != nil {
		return egress.WithRedirect(c.HTTP), nil
	}
	return fromEnvironment()
}

// get sends a GET request and follows redirects.
func (c *Client) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	client, err := c.httpClient()
	if err != nil {
		return nil, permanent{err}
	}
	return send(ctx, client, http.MethodGet, address, header)
}

// send sends one request. Its errors do not contain the URL, which may hold
// credentials and signatures.
func send(ctx context.Context, client *http.Client, method, address string, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, permanent{errors.New("not a URL of a web server")}
	}
	if request.URL.Scheme != "http" && request.URL.Scheme != "https" {
		return nil, permanent{fmt.Errorf("%q is not http or https", request.URL.Scheme)}
	}
	if err := egress.FromEnvironment().Check(request.URL.Host); err != nil {
		return nil, permanent{err}
	}
	for key, values := range header {
		request.Header[key] = values
	}
	egress.Credentials(request)
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", "firesteel")
	response, err := client.Do(request)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, err
	}
	return response, nil
}

// Document returns a small document (an index page, a description) of at most
// limit bytes and its headers. It retries like Get. A status other than 200 is a
// *StatusError.
func (c *Client) Document(ctx context.Context, address string, header http.Header, limit int64) ([]byte, http.Header, error) {
	pause := newPauses(c.backoff())
	for try := 1; ; try++ {
		body, answer, err := c.document(ctx, address, header, limit)
		if err == nil {
			return body, answer, nil
		}
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		if !retryable(err) || try >= c.tries() {
			return nil, nil, &Error{URL: Redact(address), Err: secret.Error(err), Advice: advice(err)}
		}
		if err := pause.wait(ctx, err); err != nil {
			return nil, nil, err
		}
	}
}

func (c *Client) document(ctx context.Context, address string, header http.Header, limit int64) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, c.stall())
	defer cancel()
	response, err := c.get(ctx, address, header)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, newStatusError(response)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, nil, err
	}
	if int64(len(body)) > limit {
		return nil, nil, permanent{fmt.Errorf("the answer is longer than %d bytes", limit)}
	}
	return body, response.Header, nil
}

// Head sends a HEAD request and does not follow redirects, because only the
// first server sends some headers. The status of the response is below 400.
func (c *Client) Head(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	client, err := c.httpClient()
	if err != nil {
		return nil, err
	}
	client = egress.WithoutRedirects(client)
	pause := newPauses(c.backoff())
	for try := 1; ; try++ {
		within, cancel := context.WithTimeout(ctx, c.stall())
		response, err := send(within, client, http.MethodHead, address, header)
		cancel()
		if err == nil {
			response.Body.Close()
			if response.StatusCode < 400 {
				return response, nil
			}
			err = newStatusError(response)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !retryable(err) || try >= c.tries() {
			return nil, &Error{URL: Redact(address), Err: secret.Error(err), Advice: advice(err)}
		}
		if err := pause.wait(ctx, err); err != nil {
			return nil, err
		}
	}
}

// pauses are the growing pauses between attempts.
type pauses struct{ next time.Duration }

func newPauses(first time.Duration) *pauses { return &pauses{first} }

// wait sleeps for the Retry-After of err, or else for the next pause.
func (p *pauses) wait(ctx context.Context, err error) error {
	pause := p.next
	p.next = min(2*p.next, maxPause)
	var status *StatusError
	if errors.As(err, &status) && status.RetryAfter > 0 {
		pause = status.RetryAfter
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(pause):
		return nil
	}
}

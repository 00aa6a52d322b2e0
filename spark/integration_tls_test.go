package spark

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/firesteel/firesteel/internal/testkit"
)

// Spark has no TLS. A proxy in front of it has.
func TestServerBehindTLS(t *testing.T) {
	url := testkit.SharedSpark(t)
	authority := testkit.NewAuthority(t)
	behind := func(change func(*tls.Config)) string {
		settings := &tls.Config{Certificates: []tls.Certificate{authority.Certificate("127.0.0.1")}, NextProtos: []string{"h2"}}
		change(settings)
		return testkit.Through(url, testkit.NewProxy(t, testkit.Address(url), settings).Address())
	}
	asIs := behind(func(*tls.Config) {})
	demanding := behind(func(s *tls.Config) { s.ClientAuth, s.ClientCAs = tls.RequireAndVerifyClientCert, authority.Pool() })
	trusting := &tls.Config{RootCAs: authority.Pool()}
	known := &tls.Config{RootCAs: authority.Pool(), Certificates: []tls.Certificate{authority.Certificate("a client")}}
	stranger := &tls.Config{RootCAs: authority.Pool(), Certificates: []tls.Certificate{testkit.NewAuthority(t).Certificate("a stranger")}}
	for name, c := range map[string]struct {
		remote string
		option Option
	}{
		"a private authority":            {asIs, WithTLS(trusting)},
		"a private authority, by gRPC":   {asIs + ";use_ssl=true", WithDialOptions(grpc.WithTransportCredentials(credentials.NewTLS(trusting)))},
		"a client certificate and token": {demanding, WithTLS(known)},
	} {
		t.Run(name, func(t *testing.T) {
			s := connectAt(t, c.remote, c.option)
			expect(t, one(t, s.Range(3, 4, 1, 1)), []any{int64(3)})
			if _, err := s.CacheArtifact(t.Context(), content(3*chunkSize+7)); err != nil {
				t.Error(err)
			}
		})
	}
	for name, c := range map[string]struct {
		remote   string
		settings *tls.Config
		message  string
	}{
		"unknown authority":   {asIs, &tls.Config{RootCAs: x509.NewCertPool()}, "set SSL_CERT_FILE to a PEM file"},
		"another name":        {behind(func(s *tls.Config) { s.Certificates[0] = authority.Certificate("spark.example.com") }), trusting, "is not valid for this address"},
		"no HTTP/2":           {behind(func(s *tls.Config) { s.NextProtos = nil }), trusting, "does not offer HTTP/2"},
		"HTTP/1.1 only":       {behind(func(s *tls.Config) { s.NextProtos = []string{"http/1.1"} }), trusting, "does not offer HTTP/2"},
		"TLS 1.1":             {behind(func(s *tls.Config) { s.MaxVersion = tls.VersionTLS11 }), trusting, "does not support TLS 1.2 or later"},
		"no TLS at the other": {url, trusting, "the server does not use TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Connect(t.Context(), c.remote, WithTLS(c.settings))
			if err == nil || !strings.Contains(err.Error(), c.message) || strings.Contains(err.Error(), "failed for") {
				t.Error(err)
			}
		})
	}
	// These connections may be closed without an alert, as by a server that is
	// starting, so the client tries again.
	quick := WithRetry(RetryPolicy{MaxRetries: 2, InitialBackoff: 1, MaxBackoff: 1, BackoffMultiplier: 1})
	for _, settings := range []*tls.Config{trusting, stranger} {
		if _, err := Connect(t.Context(), demanding, quick, WithTLS(settings)); err == nil || !strings.Contains(err.Error(), "client certificate") {
			t.Error(err)
		}
	}
	if _, err := Connect(t.Context(), asIs, quick); err == nil || !strings.Contains(err.Error(), "does it need use_ssl=true?") {
		t.Error(err)
	}
}

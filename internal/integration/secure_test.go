package integration

import (
	"bytes"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// The server demands a token, with and without a proxy that speaks TLS with a
// certificate of a private authority.
func TestTokenAndTLS(t *testing.T) {
	url := testkit.SharedSpark(t)
	here, token, _ := strings.Cut(url, "/;authorization=Bearer%20")
	authority := testkit.NewAuthority(t)
	secure := "sc://" + testkit.NewProxy(t, testkit.Address(url), &tls.Config{
		Certificates: []tls.Certificate{authority.Certificate("127.0.0.1")}, NextProtos: []string{"h2"}}).Address()
	trusting := spark.WithTLS(&tls.Config{RootCAs: authority.Pool()})
	accept := func(remote string, options ...spark.Option) {
		t.Helper()
		s, err := spark.Connect(t.Context(), remote, options...)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if rows := query(t, s, "SELECT 7"); len(rows) != 1 {
			t.Error(rows)
		}
		if _, err := s.CacheArtifact(t.Context(), bytes.Repeat([]byte("much "), 200_000)); err != nil {
			t.Error(err)
		}
	}
	// refuse compares the error of the client and of the command.
	refuse := func(message, remote string, options ...spark.Option) {
		t.Helper()
		check := func(text string) {
			t.Helper()
			if !strings.Contains(text, message) || strings.Contains(text, "wr0ng") || strings.Contains(text, "failed for") || strings.Contains(text, "\n") {
				t.Errorf("%q", text)
			}
		}
		s, err := spark.Connect(t.Context(), remote, options...)
		if err == nil {
			s.Close()
			t.Fatal("connected to " + remote)
		}
		check(err.Error())
		out, errs, err := run(t, "", "sql", "--remote", remote, "-e", "SELECT 7")
		if err == nil {
			t.Error(out)
		}
		check(strings.TrimSuffix(errs, "\n"))
	}
	refuse("set SSL_CERT_FILE to a PEM file of trusted authorities", secure+"/;token="+token+";use_ssl=true")
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, authority.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
	const variable = "SPARK_CONNECT_AUTHENTICATE_TOKEN"
	const demands, refuses = "requires a token: set " + variable + " in the environment, or add it to the connection string, as in sc://", "; it must be the token with which the server was started"
	refuse(demands, here)
	refuse(demands, secure+"/;use_ssl=true", trusting)
	refuse("refused the token of the connection string"+refuses, here+"/;token=wr0ng")
	refuse("refused the token of the connection string"+refuses, secure+"/;token=wr0ng;use_ssl=true", trusting)
	accept(url)
	accept(here + "/;token=" + token)
	accept(secure+"/;token="+token, trusting)
	t.Setenv(variable, "wr0ng")
	refuse("refused the token of "+variable+refuses, here)
	t.Setenv(variable, token)
	accept(here)
	if out := firesteel(t, "sql", "--remote", secure+"/;use_ssl=true", "-e", "SELECT ai_mask('mail to ann@example.com', ARRAY('email')) AS masked"); !strings.Contains(out, "[MASKED]") {
		t.Error(out)
	}
}

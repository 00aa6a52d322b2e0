package spark

import (
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const tokenVariable = "SPARK_CONNECT_AUTHENTICATE_TOKEN"

// permanentErrors lists connection errors that a retry does not solve, by a part
// of gRPC's message, with advice.
var permanentErrors = []struct{ message, hint string }{
	{"certificate signed by unknown authority", "the server's certificate is signed by an authority that this machine does not trust: " +
		"on Linux, set SSL_CERT_FILE to a PEM file of trusted authorities; on other systems add it to the system's authorities; a Go program uses spark.WithTLS"},
	{"failed to verify certificate", "the server's certificate is not valid for this address or at this time; use an address that the certificate names"},
	{"tls: certificate required", "the server requires a client certificate, which a Go program sets with spark.WithTLS"},
	{"tls: bad certificate", "the server does not accept the client certificate"},
	{"tls: unknown certificate authority", "the server does not accept the authority of the client certificate"},
	{"first record does not look like a TLS handshake", "the server does not use TLS; connect without use_ssl=true and, to another machine, without a token"},
	{"missing selected ALPN property", "the TLS server at this address does not offer HTTP/2 (h2, by ALPN), which Spark Connect needs"},
	{"tls: no application protocol", "the TLS server at this address does not offer HTTP/2 (h2, by ALPN), which Spark Connect needs"},
	{"tls: protocol version not supported", "the server does not support TLS 1.2 or later"},
}

// closedByPeer matches the errors of a connection that the peer closed. A TLS
// 1.3 server also closes it to refuse a client certificate, and the error may
// arrive before the reason.
var closedByPeer = regexp.MustCompile(`EOF|broken pipe|connection reset|tls: handshake failure`)

// permanentHint returns the advice for an error that a retry does not solve, or
// "" for other errors.
func permanentHint(st *status.Status) string {
	if st.Code() != codes.Unavailable {
		return ""
	}
	for _, e := range permanentErrors {
		if strings.Contains(st.Message(), e.message) {
			return e.hint
		}
	}
	return ""
}

// explainTransport returns the message for an error of the connection.
// unreachable reports that there may be no server at the address.
func (s *Session) explainTransport(st *status.Status) (message string, unreachable bool) {
	text := st.Message()
	switch st.Code() {
	case codes.Unavailable:
		hint := permanentHint(st)
		switch {
		case hint != "":
		case s.secure && s.version == "" && closedByPeer.MatchString(text):
			hint = "the TLS server at this address closed the connection: Spark behind it may be down, or it requires another client certificate, which a Go program sets with spark.WithTLS"
		case strings.Contains(text, "server preface"), strings.Contains(text, "frame too large"):
			hint = "a server answers at this address, but not with gRPC; does it need use_ssl=true?"
		case s.version != "":
			hint = "it answered before; is it still running, and is the network up?"
		default:
			hint, unreachable = "is a Spark Connect server running there?", true
		}
		return fmt.Sprintf("Spark at %s is not available (%s): %s", s.address, hint, text), unreachable
	case codes.Unauthenticated:
		if s.tokenSource == "" {
			return fmt.Sprintf("Spark at %s requires a token: set %s in the environment, or add it to the connection string, as in sc://%s/;token=...: %s", s.address, tokenVariable, s.address, text), false
		}
		return fmt.Sprintf("Spark at %s refused the token of %s; it must be the token with which the server was started (%s in its environment, or its setting spark.connect.authenticate.token): %s",
			s.address, s.tokenSource, tokenVariable, text), false
	case codes.Unimplemented:
		return fmt.Sprintf("Spark at %s does not support this request; is it older than 3.5, or not a Spark Connect server? %s", s.address, text), false
	case codes.ResourceExhausted:
		if strings.Contains(text, "larger than max") {
			return fmt.Sprintf("a message is larger than the limit of Spark Connect (%d MiB): %s", maxMessage>>20, text), false
		}
	}
	if text = stripJava(text); text == "" {
		return fmt.Sprintf("Spark at %s failed (%s) without a message; see its log", s.address, st.Code()), false
	}
	return text, false
}

package spark

import (
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const tokenVariable = "SPARK_CONNECT_AUTHENTICATE_TOKEN"

// misunderstandings are reasons why two programs do not come to speak with each
// other, by what gRPC's message says of them, and what to do. Trying again
// does not help.
var misunderstandings = []struct{ said, hint string }{
	{"certificate signed by unknown authority", "the server's certificate is from an authority that this machine does not trust: " +
		"on Linux, SSL_CERT_FILE names a file of trusted ones in PEM form; elsewhere the system keeps them; a Go program has spark.WithTLS"},
	{"failed to verify certificate", "the server's certificate is not for this address, or not for now; the address must be one that it names"},
	{"tls: certificate required", "the server demands a client certificate, which a Go program gives by spark.WithTLS"},
	{"tls: bad certificate", "the server does not accept the client certificate"},
	{"tls: unknown certificate authority", "the server does not accept the authority of the client certificate"},
	{"first record does not look like a TLS handshake", "the server does not speak TLS; connect without use_ssl=true, and beyond this machine without a token"},
	{"missing selected ALPN property", "what speaks TLS there does not offer HTTP/2 (h2, by ALPN), which Spark Connect needs"},
	{"tls: no application protocol", "what speaks TLS there does not offer HTTP/2 (h2, by ALPN), which Spark Connect needs"},
	{"tls: protocol version not supported", "the server speaks no TLS 1.2 or later"},
}

// cutOff are the words for a connection that the other end closed. TLS 1.3
// refuses a client certificate so, if the reason is not read in time.
var cutOff = regexp.MustCompile(`EOF|broken pipe|connection reset|tls: handshake failure`)

// misunderstood gives what to do about a connection that will not come about
// however often it is tried; empty if it may.
func misunderstood(st *status.Status) string {
	if st.Code() != codes.Unavailable {
		return ""
	}
	for _, m := range misunderstandings {
		if strings.Contains(st.Message(), m.said) {
			return m.hint
		}
	}
	return ""
}

// explainTransport words an error that did not come from Spark itself.
func (s *Session) explainTransport(st *status.Status) string {
	text := st.Message()
	switch st.Code() {
	case codes.Unavailable:
		hint := misunderstood(st)
		switch {
		case hint != "":
		case s.secure && s.version == "" && cutOff.MatchString(text):
			hint = "what speaks TLS there ended the connection: Spark behind it may be down, or it demands another client certificate, which a Go program gives by spark.WithTLS"
		case strings.Contains(text, "server preface"), strings.Contains(text, "frame too large"):
			hint = "something answers there, but not gRPC; does it need use_ssl=true?"
		case s.version != "":
			hint = "it answered before; is it still running, and the network up?"
		default:
			hint = "is a Spark Connect server running there? 'firesteel demo --keep-spark' starts one to try"
		}
		return fmt.Sprintf("Spark at %s is not available (%s): %s", s.address, hint, text)
	case codes.Unauthenticated:
		if s.tokenFrom == "" {
			return fmt.Sprintf("Spark at %s demands a token: give it as %s in the environment, or in the connection string, as in sc://%s/;token=...: %s", s.address, tokenVariable, s.address, text)
		}
		return fmt.Sprintf("Spark at %s refused the token of %s; it must be the one that the server was started with (%s in its environment, or its setting spark.connect.authenticate.token): %s",
			s.address, s.tokenFrom, tokenVariable, text)
	case codes.Unimplemented:
		return fmt.Sprintf("Spark at %s does not know this request; is it older than 3.5, or no Spark Connect server? %s", s.address, text)
	case codes.ResourceExhausted:
		if strings.Contains(text, "larger than max") {
			return fmt.Sprintf("a message is larger than Spark Connect carries (%d MiB): %s", maxMessage>>20, text)
		}
	}
	if text = humanMessage(text); text == "" {
		return fmt.Sprintf("Spark at %s failed (%s) and does not say why; its log does", s.address, st.Code())
	}
	return text
}

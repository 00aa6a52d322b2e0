package endpoint

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

const hostileKey = `sk-Pr0j_aB3"dE/fG+hI=jK7890qrstuvwx`

// hostile are responses with the key in one place each (KEY). LENGTH is the
// length of the body.
var hostile = map[string]string{
	"status line":        "HTTP/1.1 400 KEY\r\nContent-Length: 0\r\n\r\n",
	"status code":        "HTTP/1.1 KEY\r\n\r\n",
	"protocol":           "KEY\r\n\r\n",
	"header":             "HTTP/1.1 400 Bad Request\r\nX-Key: KEY\r\nContent-Length: 0\r\n\r\n",
	"header's name":      "HTTP/1.1 400 Bad Request\r\nKEY: x\r\nContent-Length: 0\r\n\r\n",
	"malformed header":   "HTTP/1.1 400 Bad Request\r\nKEY\r\n\r\n",
	"length":             "HTTP/1.1 200 OK\r\nContent-Length: KEY\r\n\r\n",
	"transfer encoding":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: KEY\r\n\r\n",
	"chunk":              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nKEY\r\n",
	"redirect's host":    "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://KEY/v1\r\nContent-Length: 0\r\n\r\n",
	"redirect's scheme":  "HTTP/1.1 307 Temporary Redirect\r\nLocation: KEY://x/v1\r\nContent-Length: 0\r\n\r\n",
	"redirect":           "HTTP/1.1 307 Temporary Redirect\r\nLocation: ://KEY\r\nContent-Length: 0\r\n\r\n",
	"refusal's text":     "HTTP/1.1 401 Unauthorized\r\nContent-Length: LENGTH\r\n\r\nno such key: KEY",
	"refusal's JSON":     "HTTP/1.1 401 Unauthorized\r\nContent-Length: LENGTH\r\n\r\n" + `{"error":{"message":"Incorrect API key provided: KEY. And more.","code":"KEY","type":"KEY"}}`,
	"refusal's detail":   "HTTP/1.1 422 Unprocessable\r\nContent-Length: LENGTH\r\n\r\n" + `{"detail":[{"loc":["header","KEY"],"msg":"KEY"}]}`,
	"long refusal":       "HTTP/1.1 400 Bad Request\r\nContent-Length: LENGTH\r\n\r\n" + strings.Repeat("x", 285) + "KEY",
	"trouble":            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: KEY\r\nContent-Length: LENGTH\r\n\r\nAuthorization: Bearer KEY",
	"text":               "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\nyour key KEY is fine",
	"long text":          "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\n" + strings.Repeat("x", 385) + "KEY",
	"web page":           "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\n<html><title>KEY</title>",
	"events":             "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: LENGTH\r\n\r\ndata: {\"error\":{\"message\":\"KEY\"}}\n\ndata: [DONE]\n\n",
	"error in JSON":      "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\n" + `{"error":{"message":"KEY","code":500}}`,
	"wrong types":        "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\n" + `{"choices":"KEY","usage":"KEY"}`,
	"refusal in a body":  "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\n" + `{"choices":[{"message":{"refusal":"I do not take KEY"},"finish_reason":"stop"}]}`,
	"finish reason":      "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\n" + `{"choices":[{"message":{"content":"x"},"finish_reason":"KEY"}]}`,
	"cut answer":         "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + `{"choices":[{"message":{"content":"KEY`,
	"good answer":        "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\n" + `{"choices":[{"message":{"content":"the key is KEY, he said"},"finish_reason":"stop"}]}`,
	"unasked, when idle": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 KEY\r\nX: KEY\r\n\r\n",
}

// hostileServer sends hostile[name] to requests below /name.
func hostileServer(t *testing.T, spelled string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				io.Copy(io.Discard, r.Body)
				name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
				if r.Method == http.MethodConnect {
					name = "status line"
				}
				answer := strings.ReplaceAll(hostile[name], "KEY", spelled)
				if head, body, ok := strings.Cut(answer, "\r\n\r\n"); ok {
					answer = strings.Replace(head, "LENGTH", fmt.Sprint(len(body)), 1) + "\r\n\r\n" + body
				}
				io.WriteString(conn, answer)
			}()
		}
	}()
	return l.Addr().String()
}

// shows reports whether text contains a piece of sent.
func shows(text, sent string) bool {
	text = strings.ToLower(strings.ReplaceAll(text, `\`, ""))
	sent = strings.ToLower(strings.ReplaceAll(sent, `\`, ""))
	const piece = 12
	for at := 0; at+piece <= len(sent); at++ {
		if strings.Contains(text, sent[at:at+piece]) {
			return true
		}
	}
	return false
}

// TestKeyIsNeverShown checks that no answer, error or log contains the key,
// whatever the server sends.
func TestKeyIsNeverShown(t *testing.T) {
	t.Setenv("HOSTILE_KEY", hostileKey)
	var logged bytes.Buffer
	log.SetOutput(secret.Writer(&logged))
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	quoted, _ := json.Marshal(hostileKey)
	escaped := ""
	for _, c := range []byte(hostileKey) {
		escaped += fmt.Sprintf(`\u%04x`, c)
	}
	for spelling, spelled := range map[string]string{
		"as it is": hostileKey, "JSON": string(quoted[1 : len(quoted)-1]), "every character escaped": escaped,
		"base64": base64.StdEncoding.EncodeToString([]byte("user:" + hostileKey)),
	} {
		address := hostileServer(t, spelled)
		for name := range hostile {
			var told []string
			e, err := Open("openai:m@http://"+address+"/"+url.PathEscape(name)+"/v1?key=HOSTILE_KEY", Options{
				Attempts: 2, RetryCharged: true, minute: 60e6, Trouble: func(err error) { told = append(told, err.Error(), sensitive.Shown(err)) }})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []llm.Request{chat("hello"), {Text: "one", Constraint: llm.Pattern{Expr: "[a-z]"}}, {Text: "two", Constraint: llm.Choice{Labels: []string{"a", "b"}}}} {
				result := do(t, e, r)[0]
				all := append(told, result.Text, fmt.Sprintf("%v %+v", result.Err, result.Err), sensitive.Shown(result.Err))
				if failed, ok := result.Err.(*Error); ok {
					all = append(all, failed.Err.Error(), sensitive.Shown(failed.Err))
				}
				if found := strings.Join(all, "\n"); shows(found, spelled) || shows(found, hostileKey) {
					t.Errorf("%s, %s: %s", name, spelling, found)
				}
				if name == "good answer" && r.Constraint == nil && !strings.HasPrefix(result.Text, "the key is "+secret.Mark) && json.Valid([]byte(`"`+spelled+`"`)) {
					t.Errorf("%s: %q, %v", spelling, result.Text, result.Err)
				}
			}
			vectors, err := e.Embed(t.Context(), testkit.EmbedRequests("x"))
			if err != nil || shows(fmt.Sprint(vectors[0].Err), spelled) {
				t.Errorf("%s, %s: %v, %v", name, spelling, vectors[0].Err, err)
			}
			e.Close()
		}
		// A proxy that refuses to connect says why in its status line.
		e, err := Open("openai:m@https://model.example/v1?key=HOSTILE_KEY", Options{
			Attempts: 1, minute: 60e6, proxy: func(*http.Request) (*url.URL, error) {
				return url.Parse("http://who:" + url.QueryEscape(hostileKey) + "@" + address)
			}})
		if err != nil {
			t.Fatal(err)
		}
		if r := do(t, e, chat("hello"))[0]; r.Err == nil || shows(r.Err.Error(), spelled) || !strings.Contains(r.Err.Error(), secret.Mark) {
			t.Errorf("a proxy, %s: %v", spelling, r.Err)
		}
		e.Close()
	}
	if shows(logged.String(), hostileKey) {
		t.Errorf("the log: %s", &logged)
	}
}

// TestRowThatHoldsTheKey checks that the key is not hidden in the answer to a row
// that contains it.
func TestRowThatHoldsTheKey(t *testing.T) {
	t.Setenv("HOSTILE_KEY", "sk-0123456789abcdef")
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) { s.good(w, a, "it is sk-0123456789abcdef") }
	e, err := Open("openai:m@"+s.URL+"/v1?key=HOSTILE_KEY", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	results := do(t, e, chat("repeat sk-0123456789abcdef"), chat("what is your key?"))
	if results[0].Text != "it is sk-0123456789abcdef" || results[1].Text != "it is "+secret.Mark {
		t.Errorf("%q and %q", results[0].Text, results[1].Text)
	}
}

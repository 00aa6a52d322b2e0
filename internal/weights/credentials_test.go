package weights

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// A hub or a package index may send back the credentials that it received, in different parts of
// its answer. No error shows them.
func TestErrorsHideCredentials(t *testing.T) {
	const token, password = "hf_0123456789abcdefXYZ", "p4ss-0123456789"
	basic := base64.StdEncoding.EncodeToString([]byte("reader:" + password))
	echoes := map[string]func(w http.ResponseWriter, credentials string){
		"status":   func(w http.ResponseWriter, credentials string) { hijack(w, "HTTP/1.1 418 "+credentials+"\r\n\r\n") },
		"protocol": func(w http.ResponseWriter, credentials string) { hijack(w, credentials+"\r\n\r\n") },
		"header": func(w http.ResponseWriter, credentials string) {
			hijack(w, "HTTP/1.1 200 OK\r\n"+credentials+"\r\n\r\n")
		},
		"text":         func(w http.ResponseWriter, credentials string) { fmt.Fprint(w, credentials) },
		"other host":   func(w http.ResponseWriter, credentials string) { redirect(w, "http://"+credentials+".invalid/x") },
		"other scheme": func(w http.ResponseWriter, credentials string) { redirect(w, "x"+credentials[:4]+"://"+credentials) },
		"no address":   func(w http.ResponseWriter, credentials string) { redirect(w, "http://["+credentials) },
		"JSON":         func(w http.ResponseWriter, credentials string) { fmt.Fprintf(w, `{"sha":%q}`, credentials) },
		"names": func(w http.ResponseWriter, credentials string) {
			fmt.Fprintf(w, `{"sha":%q,"siblings":[{"rfilename":"%s.gguf"},{"rfilename":"b.gguf"}]}`, commit, credentials)
		},
		"versions": func(w http.ResponseWriter, credentials string) {
			w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
			fmt.Fprintf(w, `{"files":[{"filename":"tiny-%s-py3-none-any.whl","url":"x"}]}`, strings.ReplaceAll(credentials, "-", "%2D"))
		},
		"digest": func(w http.ResponseWriter, credentials string) {
			w.Header().Set("ETag", `"`+credentials+`"`)
			fmt.Fprintf(w, `{"sha":%q,"siblings":[{"rfilename":"a.gguf"}]}`, commit)
		},
	}
	for name, echo := range echoes {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			if user, password, ok := r.BasicAuth(); ok && user != "" && name != "no address" {
				credentials = password
			}
			if credentials == "" {
				t.Errorf("%s: no credentials", name)
			}
			echo(w, credentials)
		}))
		isolate(t)
		t.Setenv("HF_ENDPOINT", server.URL)
		t.Setenv("HF_TOKEN", token)
		t.Setenv("HF_HOME", t.TempDir())
		t.Setenv("PIP_INDEX_URL", strings.Replace(server.URL, "http://", "http://reader:"+password+"@", 1)+"/simple")
		for _, ref := range []string{"hf:org/tiny", "hf:org/tiny:c.gguf", "pypi:tiny==9"} {
			_, err := Resolve(t.Context(), ref, options())
			if err == nil {
				t.Errorf("%s, %s: no error", name, ref)
				continue
			}
			for _, shown := range []string{token, password, basic, basic[4:20], strings.ReplaceAll(password, "-", "%2D")} {
				if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(shown)) {
					t.Errorf("%s, %s: %v", name, ref, err)
				}
			}
		}
		server.Close()
	}
}

// hijack sends these bytes as the whole answer.
func hijack(w http.ResponseWriter, answer string) {
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	buffered.WriteString(answer)
	buffered.Flush()
	conn.Close()
}

func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

// The hub redirects requests for a renamed repository. The client follows redirects within the
// hub only, so that the token is not sent to another host.
func TestTokenIsSentToTheHubOnly(t *testing.T) {
	var leaked atomic.Value
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if auth := r.Header.Get("Authorization"); auth != "" {
			leaked.Store(r.Host + r.URL.String() + ": " + auth)
		}
		w.Header().Set("ETag", `"`+hexSum([]byte(tinyText))+`"`)
		fmt.Fprint(w, tinyText)
	}))
	defer other.Close()
	address := strings.TrimPrefix(other.URL, "http://")
	for _, location := range []string{
		other.URL + "/x", "//" + address + "/x", "@evil.example/x", ":x@evil.example/x", ".evil.example/x", `\\` + address + `\x`, `/\` + address + "/x", "http:" + address, "/moved/tiny.gguf",
	} {
		var followed atomic.Int64
		hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasPrefix(r.URL.Path, "/api/"):
				fmt.Fprintf(w, `{"sha":%q,"siblings":[{"rfilename":"tiny.gguf"}]}`, commit)
			case r.URL.Path == "/moved/tiny.gguf" && r.Header.Get("Authorization") == "Bearer hf_sesame-0815":
				followed.Add(1)
				w.Header().Set("ETag", `"`+hexSum([]byte(tinyText))+`"`)
				fmt.Fprint(w, tinyText)
			default:
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
		}))
		isolate(t)
		t.Setenv("HF_ENDPOINT", "http://hub.example")
		t.Setenv("HF_TOKEN", "hf_sesame-0815")
		o := options()
		o.Client.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, host string) (net.Conn, error) {
			to := address
			if host == "hub.example:80" {
				to = strings.TrimPrefix(hub.URL, "http://")
			}
			return new(net.Dialer).DialContext(ctx, network, to)
		}}}
		_, err := Resolve(t.Context(), "hf:org/tiny", o)
		if moved := location == "/moved/tiny.gguf"; moved && (err != nil || followed.Load() == 0) {
			t.Errorf("%s: %v", location, err)
		}
		if s := leaked.Load(); s != nil {
			t.Fatalf("%s: %v", location, s)
		}
		hub.Close()
	}
}

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

// A hub or a package index that sends back what it was sent, in one place each:
// no error shows it.
func TestCredentialsAreNeverShown(t *testing.T) {
	const token, password = "hf_0123456789abcdefXYZ", "p4ss-0123456789"
	basic := base64.StdEncoding.EncodeToString([]byte("reader:" + password))
	places := map[string]func(w http.ResponseWriter, said string){
		"status":       func(w http.ResponseWriter, said string) { hijack(w, "HTTP/1.1 418 "+said+"\r\n\r\n") },
		"protocol":     func(w http.ResponseWriter, said string) { hijack(w, said+"\r\n\r\n") },
		"header":       func(w http.ResponseWriter, said string) { hijack(w, "HTTP/1.1 200 OK\r\n"+said+"\r\n\r\n") },
		"text":         func(w http.ResponseWriter, said string) { fmt.Fprint(w, said) },
		"other host":   func(w http.ResponseWriter, said string) { redirect(w, "http://"+said+".invalid/x") },
		"other scheme": func(w http.ResponseWriter, said string) { redirect(w, "x"+said[:4]+"://"+said) },
		"no address":   func(w http.ResponseWriter, said string) { redirect(w, "http://["+said) },
		"JSON":         func(w http.ResponseWriter, said string) { fmt.Fprintf(w, `{"sha":%q}`, said) },
		"names": func(w http.ResponseWriter, said string) {
			fmt.Fprintf(w, `{"sha":%q,"siblings":[{"rfilename":"%s.gguf"},{"rfilename":"b.gguf"}]}`, commit, said)
		},
		"versions": func(w http.ResponseWriter, said string) {
			w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
			fmt.Fprintf(w, `{"files":[{"filename":"tiny-%s-py3-none-any.whl","url":"x"}]}`, strings.ReplaceAll(said, "-", "%2D"))
		},
		"digest": func(w http.ResponseWriter, said string) {
			w.Header().Set("ETag", `"`+said+`"`)
			fmt.Fprintf(w, `{"sha":%q,"siblings":[{"rfilename":"a.gguf"}]}`, commit)
		},
	}
	for name, place := range places {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, said, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			if user, password, ok := r.BasicAuth(); ok && user != "" && name != "no address" {
				said = password
			}
			if said == "" {
				t.Errorf("%s: no credentials", name)
			}
			place(w, said)
		}))
		alone(t)
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

// hijack answers with these bytes and nothing else.
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

// The hub sends a renamed repository's files elsewhere within itself. Whatever
// it names, the token stays with it.
func TestTokenStaysWithTheHub(t *testing.T) {
	var stolen atomic.Value
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if said := r.Header.Get("Authorization"); said != "" {
			stolen.Store(r.Host + r.URL.String() + ": " + said)
		}
		w.Header().Set("ETag", `"`+hexSum([]byte(tinyText))+`"`)
		fmt.Fprint(w, tinyText)
	}))
	defer thief.Close()
	address := strings.TrimPrefix(thief.URL, "http://")
	for _, location := range []string{
		thief.URL + "/x", "//" + address + "/x", "@evil.example/x", ":x@evil.example/x", ".evil.example/x", `\\` + address + `\x`, `/\` + address + "/x", "http:" + address, "/moved/tiny.gguf",
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
		alone(t)
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
		if s := stolen.Load(); s != nil {
			t.Fatalf("%s: %v", location, s)
		}
		hub.Close()
	}
}

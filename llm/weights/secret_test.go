package weights

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
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

package endpoint

import (
	"net/http"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// TestAzure checks Azure's deployments: each request has the version, keys have
// their own header, and a deployment of a chat model has no other paths.
func TestAzure(t *testing.T) {
	const token = "eyJhbGciOiJub25l.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"
	t.Setenv("AZURE_OPENAI_API_KEY", "azure-0123456789")
	t.Setenv("AZURE_TOKEN", token)
	t.Setenv("OPENAI_API_KEY", "")
	s := newServer(t)
	var refused string
	s.serve = func(w http.ResponseWriter, a asked) {
		bearer := a.Header.Get("Authorization")
		switch key := a.Header.Get("Api-Key"); {
		case a.URL.Query().Get("api-version") != "2024-10-21" || len(a.URL.Query()) != 1:
			refuse(w, 404, "Resource not found")
		case key == "" && bearer != "Bearer "+token || key != "" && (key != "azure-0123456789" || bearer != ""):
			refused = key + bearer
			refuse(w, 401, "Access denied due to invalid subscription key or wrong API endpoint.")
		case a.URL.Path == "/openai/deployments/d/completions":
			w.WriteHeader(400)
			w.Write([]byte(`{"error":{"code":"OperationNotSupported","message":"The completion operation does not work with the specified model, gpt. Please choose different model and try again."}}`))
		case a.URL.Path != "/openai/deployments/d/chat/completions":
			refuse(w, 404, "The API deployment for this resource does not exist.")
		default:
			s.good(w, a, "fine")
		}
	}
	for _, options := range []string{"?api-version=2024-10-21&key=AZURE_OPENAI_API_KEY", "?key=AZURE_TOKEN&api-version=2024-10-21", "/chat/completions?api-version=2024-10-21&key=AZURE_TOKEN"} {
		e, err := Open("openai:gpt@"+s.URL+"/openai/deployments/d"+options, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []llm.Request{chat("hello " + options), {Text: "plain " + options}} {
			if got := do(t, e, r)[0]; got.Err != nil || got.Text != "fine" {
				t.Errorf("%s: %q, %v (sent %s)", options, got.Text, got.Err, refused)
			}
		}
		if want := "openai:gpt@" + s.URL + "/openai/deployments/d?api-version=2024-10-21"; e.Info().Name != want {
			t.Errorf("%s is called %s", options, e.Info().Name)
		}
		e.Close()
	}
	// The error contains an address with which the request works.
	e, err := Open("openai:gpt@"+s.URL+"/openai/deployments/d?api-version=2024-10-21", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if r := do(t, e, chat("no key"))[0]; status(r.Err) != 401 || !strings.Contains(r.Err.Error(), "/openai/deployments/d?api-version=2024-10-21&key=VARIABLE") {
		t.Error(r.Err)
	}
}

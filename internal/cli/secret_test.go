package cli

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// If a server repeats the key in all its messages, the key is not on the terminal,
// in the output, its column of errors, the report or the ledger.
func TestKeyIsNowhere(t *testing.T) {
	const key = "sk-0123456789abcdefghij"
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := r.Header.Get("Authorization")
		switch asked.Add(1) % 5 {
		case 0:
			fmt.Fprintf(w, "no JSON: %s", said)
		case 1:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error":{"message":"a bad request with %s"}}`, said)
		case 2:
			fmt.Fprintf(w, `{"error":{"message":"in a body: %s"}}`, said)
		case 3:
			fmt.Fprintf(w, `{"choices":[{"message":{"refusal":"I refuse %s"}}]}`, said)
		default:
			text, _ := json.Marshal("an answer with " + said)
			fmt.Fprintf(w, `{"choices":[{"message":{"content":%s},"finish_reason":"stop"}]}`, text)
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(dir, "cache"))
	t.Setenv("JOB_KEY", key)
	rows := "text\n"
	for i := range 15 {
		rows += fmt.Sprintf("row %d\n", i)
	}
	if err := os.WriteFile("in.csv", []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errs := do("run", "in.csv", "--model", "openai:m@"+server.URL+"/v1?key=JOB_KEY", "--add", "a=ai_gen(text)",
		"--errors", "problem", "-o", "out.csv", "--report", "report.html", "--ledger", "ledger")
	if status != exitIncomplete || asked.Load() < 15 {
		t.Fatalf("exit code %d after %d requests: %s%s", status, asked.Load(), out, errs)
	}
	found := map[string]string{"the terminal": out + errs}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			text, err := os.ReadFile(path)
			found[path] = string(text)
			return err
		}
		return err
	})
	if err != nil || len(found) < 4 {
		t.Fatalf("%d places, %v", len(found), err)
	}
	for place, text := range found {
		if strings.Contains(text, key[3:]) {
			t.Errorf("%s: %s", place, text)
		}
	}
	if written := found[filepath.Join(dir, "out.csv")]; strings.Count(written, "(redacted)") < 15 {
		t.Errorf("not every row tells of it: %s", written)
	}
	// A flag that holds a secret by mistake.
	if status, _, errs := do("run", "in.csv", "--add", "a=ai_gen(text)", "--model", "openai:m@https://u:"+key+"@h/v1"); status == exitOK || strings.Contains(errs, key) {
		t.Errorf("exit code %d: %s", status, errs)
	}
}

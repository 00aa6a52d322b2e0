package cli

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm/catalogue"
)

// A model of the user's catalogue is listed, shown, downloaded and removed by its name.
func TestCatalogueModels(t *testing.T) {
	root := t.TempDir()
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(root, "cache"))
	t.Setenv("HF_HUB_CACHE", filepath.Join(root, "hub"))
	t.Setenv("HF_HUB_OFFLINE", "1")
	t.Setenv(catalogue.Variable, "") // --catalogue sets it
	server := modelServer(t, gguftest.Llama(1).Bytes())
	own := filepath.Join(root, "own.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(own, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"models": {"tiny": {"about": "a tiny model", "roles": ["text"], "size": 1234, "licence": {"spdx": "CC-BY-4.0", "attribution": "by A. Author"},
		"sources": ["` + server + `"], "measured": [{"function": "ai_translate", "metric": "chrF", "value": 0.5, "low": 0.4, "high": 0.6, "plain": 0.3, "data": "d", "rows": 7, "date": "2026-01-02", "note": "in small"}]}}}`)
	status, out, errs := do("models", "--catalogue", own)
	if status != exitOK || errs != "" || !strings.Contains(out, "\ntiny ") || !strings.Contains(out, "\nminilm-l6 ") || !strings.Contains(out, "embed*") || !strings.Contains(out, "ai_translate 0.50") {
		t.Errorf("list: %d %s%s", status, out, errs)
	}
	status, out, errs = do("models", "get", "tiny")
	path := strings.TrimSpace(out)
	if want := "downloading tiny: a tiny model, 1.2 kB; licence CC-BY-4.0\n  by A. Author\n"; status != exitOK || errs != want {
		t.Errorf("get: %d %s%s; want %s", status, out, errs, want)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	if status, out, errs := do("models", "get", "tiny"); status != exitOK || errs != "" || strings.TrimSpace(out) != path {
		t.Errorf("get again: %d %s%s", status, out, errs)
	}
	status, out, errs = do("models", "--json", "--downloaded")
	var list struct{ Models []listedModel }
	if err := json.Unmarshal([]byte(out), &list); err != nil || status != exitOK || len(list.Models) != 1 || list.Models[0].Name != "tiny" || list.Models[0].Path != path || len(list.Models[0].Best) != 1 {
		t.Errorf("json: %d %s%s, %v", status, out, errs, err)
	}
	status, out, errs = do("models", "show", "Tiny")
	for _, want := range []string{"tiny: a tiny model\n", "attribution   by A. Author\n", path, server, "0.50   0.40 to 0.60  0.30          d [1]  7", "\n[1] in small\n"} {
		if status != exitOK || !strings.Contains(out, want) {
			t.Errorf("show: %d %s%s; want %q", status, out, errs, want)
		}
	}
	// What show prints as JSON is a catalogue.
	_, out, _ = do("models", "show", "minilm-l6", "--json")
	if c, err := catalogue.Parse("out", []byte(out)); err != nil || c.Models["minilm-l6"].Digest() != catalogue.Embedded().Models["minilm-l6"].Digest() {
		t.Errorf("%s: %v", out, err)
	}
	if status, out, errs := do("models", "remove", "tiny"); status != exitOK || out+errs != "" {
		t.Errorf("remove: %d %s%s", status, out, errs)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("remove left the file")
	}
	for want, args := range map[string]string{
		"did you mean minilm-l6?":                                  "models show minlm-l6",
		"The catalogue has minilm-l6":                              "models get minlm-l6",
		"The catalogue has qwen2.5-coder-0.5b, qwen2.5-coder-1.5b": "models get Qwen2.5-Coder",
		"did you mean ms-marco-minilm-l6?":                         "models show marco",
		"'firesteel models' lists them":                            "models list",
		"--role is text, embed, tag or rank":                       "models --role speech",
		"--catalogue is the path of a file":                        "models --catalogue=",
	} {
		if status, out, errs := do(strings.Fields(args)...); status == exitOK || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: %d %s%s; want %q", args, status, out, errs, want)
		}
	}
	if status, _, errs := do("version", "--catalogue", "none.json"); status != exitUsage || !strings.Contains(errs, "none.json: no such file") {
		t.Errorf("no file: %d %s", status, errs)
	}
	write("{\n\"models\": {\"a\": {\"abuot\": 1}}}")
	if status, out, errs := do("version", "--catalogue", own); status != exitUsage || out != "" || !strings.Contains(errs, own+", line 2: models.a.abuot: unknown field") {
		t.Errorf("an unknown field: %d %s%s", status, out, errs)
	}
	write(`{"models": {"a": {"about": "x", "roles": ["text"], "licence": {"spdx": "MIT"}, "sources": ["pypi:a==../b"]}}}`)
	if status, out, errs := do("models", "--catalogue", own); status != exitFailed || out != "" || !strings.Contains(errs, "line 1: models.a.sources: source 1:") {
		t.Errorf("a malformed source: %d %s%s", status, out, errs)
	}
}

// modelServer serves a file, and returns its address as a reference.
func modelServer(t *testing.T, body []byte) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	t.Cleanup(server.Close)
	return server.URL + "/tiny.gguf#sha256=" + sumOf(body)
}

func sumOf(body []byte) string { return fmt.Sprintf("%x", sha256.Sum256(body)) }

// A model of several files is one line of the list. Its path is the folder, and
// it is removed as a whole.
func TestModelsOfSeveralFiles(t *testing.T) {
	root := t.TempDir()
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(root, "cache"))
	t.Setenv("HF_HUB_CACHE", filepath.Join(root, "hub"))
	t.Setenv("HF_HUB_OFFLINE", "1")
	const commit = "0123456789abcdef0123456789abcdef01234567"
	repository := filepath.Join(root, "hub", "models--org--flan")
	snapshot := filepath.Join(repository, "snapshots", commit)
	for name, text := range map[string]string{
		"config.json": "{}", "tokenizer.json": "{}",
		"model.safetensors": string(binary.LittleEndian.AppendUint64(nil, 2)) + "{}",
		"../../refs/main":   commit,
	} {
		path := filepath.Join(snapshot, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	status, out, errs := do("models")
	if status != exitOK || errs != "" || !strings.Contains(out, "\n\nOTHER REFERENCE ") || !strings.Contains(out, "\nhf:org/flan@"+commit+":model.safetensors   14 B   "+snapshot+"\n") {
		t.Errorf("models: %d %s%s", status, out, errs)
	}
	if status, out, errs := do("models", "get", "hf:org/flan"); status != exitOK || errs != "" || out != snapshot+"\n" {
		t.Errorf("get: %d %s%s", status, out, errs)
	}
	if status, out, errs := do("models", "remove", "hf:org/flan"); status != exitOK || out+errs != "" {
		t.Errorf("remove: %d %s%s", status, out, errs)
	}
	if _, err := os.Stat(repository); err == nil {
		t.Error("remove left files")
	}
	if err := os.WriteFile(filepath.Join(root, "model.safetensors"), []byte("PK this is an archive"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.json", "tokenizer.json"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if status, out, errs := do("models", "get", root); status != exitFailed || out != "" || !strings.Contains(errs, "model.safetensors: the header of ") {
		t.Errorf("damaged: %d %s%s", status, out, errs)
	}
}

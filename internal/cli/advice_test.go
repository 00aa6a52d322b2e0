package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
	"github.com/firesteel/firesteel/llm/models"
)

// weakModel has the digest of the default text model.
type weakModel struct{ evalModel }

func (m weakModel) Info() llm.Info {
	info := m.evalModel.Info()
	small, _ := catalogue.Embedded().Default(llm.Text)
	info.Digest = small.Digest()
	return info
}

// A run and an estimate with a model that is measured to be poor at a function name the model to
// type, once.
func TestAdvice(t *testing.T) {
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Setenv(catalogue.Variable, "")
	replaceModels(t, func(models.Reference) (llm.Model, error) { return weakModel{}, nil })
	in := file(t, "in.csv", "text\nIt is good.\n")
	const call = "fr=try_ai_translate(text, 'fr')"
	for _, args := range [][]string{
		{"run", in, "--add", call, "--add", "again=ai_translate(text, 'fr')", "-o", in + ".csv"},
		{"explain", in, "--add", call},
	} {
		_, out, errs := do(args...)
		if n := strings.Count(errs, "smollm2-135m is not good enough for ai_translate: its chrF is "); n != 1 || !strings.Contains(errs, ": --model qwen2.5-coder-") {
			t.Errorf("%s: %d times in %s%s", args[0], n, out, errs)
		}
	}
	if _, out, errs := do("run", in, "--add", "mood=ai_analyze_sentiment(text)", "-o", in+".mood.csv"); strings.Contains(errs, "not good enough") {
		t.Errorf("%s%s", out, errs)
	}
}

// Advice on a SQL statement is about its functions and the default models of the session.
func TestAdviseSQL(t *testing.T) {
	root := t.TempDir()
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(root, "cache"))
	own := filepath.Join(root, "own.json")
	text := fmt.Sprintf(`{"functions": {"ai_translate": {"metric": "m", "enough": 0.5}, "ai_gen": {"metric": "m", "enough": 0.5}},
		"models": {"poor": {"about": "x", "roles": ["text"], "licence": {"spdx": "MIT"}, "sources": [%q], "files": [{"name": "m.gguf", "sha256": "%s"}],
		"measured": [{"function": "ai_translate", "metric": "m", "value": 0.1, "data": "d", "date": "2026-01-02"}]}}}`,
		modelServer(t, gguftest.Llama(1).Bytes()), sumOf(gguftest.Llama(1).Bytes()))
	if err := os.WriteFile(own, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(catalogue.Variable, own)
	set, err := models.ParseSet("poor")
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	a := &app{err: &errs}
	for range 2 {
		a.adviseSQL(t.Context(), set, "SELECT AI_Translate (text, 'fr'), ai_gen(text), ai_unknown(1), ai_query('other', text) FROM t")
	}
	if got, want := errs.String(), "poor is not good enough for ai_translate: its m is 0.10 on d, and 0.50 is needed; no better model has been measured\n"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/engine"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// The real tagger, if it is in shared/models, corrects texts as quire-grammar does; see
// ai/testdata/edits.py.
func TestRealGrammarTagger(t *testing.T) {
	path := filepath.Join(os.Getenv(testkit.SharedEnv), "models", "gector-distilbert")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not there; shared/models/fetch.sh makes it", path)
	}
	data, err := os.ReadFile("../../ai/testdata/edits.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Rounds    []struct{ Text string }
		Corrected string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	m, err := engine.Open(t.Context(), path, engine.Options{Name: "grammar", Precision: llm.Float32})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	f, err := ai.Lookup("ai_fix_grammar")
	if err != nil {
		t.Fatal(err)
	}
	var rows []ai.Row
	for _, c := range cases {
		rows = append(rows, ai.Row{c.Rounds[0].Text, nil, "grammar"})
	}
	answers, err := f.Eval(t.Context(), models.Of(m).Source, rows)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		if a.Err != nil || a.Value != cases[i].Corrected {
			t.Errorf("%q: %v, %v; want %q", rows[i][0], a.Value, a.Err, cases[i].Corrected)
		}
	}
}

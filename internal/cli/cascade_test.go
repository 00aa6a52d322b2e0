package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// lastLabel is a text model that chooses the last label.
type lastLabel struct{ llm.Unsupported }

func (lastLabel) Info() llm.Info {
	return llm.Info{Name: "big", Digest: "big", Context: 1000, Roles: []llm.ModelRole{llm.Text}}
}
func (lastLabel) Close() error                       { return nil }
func (lastLabel) CountTokens(s string) int           { return len(s) / 4 }
func (lastLabel) Cut(s string, _ int) (string, bool) { return s, false }
func (lastLabel) Do(_ context.Context, requests []llm.Request) ([]llm.Result, error) {
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		if c, ok := r.Constraint.(llm.Choice); ok {
			last := len(c.Labels) - 1
			results[i] = llm.Result{Text: c.Labels[last], Scores: make([]float64, len(c.Labels)), PromptTokens: 10}
			results[i].Scores[last] = 9
		}
	}
	return results, nil
}

// run and explain say what share of the rows a cascade sends on, and eval compares it with its first model.
func TestCascade(t *testing.T) {
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	var texts atomic.Int64
	replaceModels(t, func(r models.Reference) (llm.Model, error) {
		switch name := r.String(); {
		case strings.HasSuffix(name, ".safetensors"):
			return models.Open(t.Context(), r, models.Options{})
		case strings.HasSuffix(name, "big.gguf"):
			return lastLabel{}, nil
		default:
			return wordVectors{name: name, texts: &texts}, nil
		}
	})
	t.Chdir(t.TempDir())
	unclear := "text,topic\n"
	for i := range 30 {
		unclear += fmt.Sprintf("the invoice number %d is wrong,billing\nthe parcel and the invoice %d,delivery\nneither of them %d,other\n", i, i, i)
	}
	if err := errors.Join(os.WriteFile("in.csv", []byte(labelledCSV()), 0o600), os.WriteFile("new.csv", []byte(unclear), 0o600), os.WriteFile("big.gguf", []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := do("fit", "in.csv", "--input", "text", "--label", "topic", "-o", "topic.safetensors"); status != exitOK {
		t.Fatal(errs)
	}
	models := []string{"--model", "topic=./topic.safetensors", "--model", "big=./big.gguf"}
	call := "ai_predict(text, 'topic', MAP('escalate_below', '0.8', 'escalate_to', 'big'))"
	status, out, errs := do(append([]string{"explain", "new.csv", "--add", "p=" + call}, models...)...)
	if status != exitOK || !strings.Contains(out, "; of the sample, ") || !strings.Contains(out, " % sent on to the larger model (") {
		t.Errorf("exit code %d\n%s%s", status, out, errs)
	}
	status, out, errs = do(append([]string{"run", "new.csv", "--add", "p=" + call, "-o", "out.jsonl", "--report", "run.html"}, models...)...)
	page, err := os.ReadFile("run.html")
	if status != exitOK || err != nil || !strings.Contains(errs, " % sent on to the larger model (") || !strings.Contains(string(page), "sent on to the larger model") {
		t.Errorf("exit code %d, %v\n%s%s", status, err, out, errs)
	}
	if strings.Contains(errs, "(0 of ") || strings.Contains(errs, "(90 of ") {
		t.Errorf("all or none are sent on: %s", errs)
	}
	compare := []string{"eval", "new.csv", "--function", "ai_predict", "--args", `{"model": "topic"}`, "--input", "text", "--label", "topic", "--none", "other"}
	status, out, errs = do(append(append([]string{}, append(compare, models...)...), "--compare-args", `{"model": "topic", "options": {"threshold": "0.8"}}`)...)
	if status != exitOK || !strings.Contains(out, "ai_predict with other arguments") {
		t.Errorf("exit code %d\n%s%s", status, out, errs)
	}
	t.Log(out)
	for args, want := range map[string]string{
		"--compare-function|ai_translate":                "is not measured as ai_predict is",
		"--compare-function|ai_none":                     "--compare-function: ",
		"--compare-args|{":                               "--compare-args is a JSON object",
		"--compare-args|{}":                              "give it by --compare-args",
		`--compare-args|{"model": "other"}`:              "other",
		"--compare-function|ai_filter|--compare-args|{}": `give it by --compare-args '{"predicate": ...}'`,
	} {
		status, _, errs := do(append(append(append([]string{}, compare...), models...), strings.Split(args, "|")...)...)
		if status == exitOK || !strings.Contains(errs, want) {
			t.Errorf("%s: %d, %s", args, status, errs)
		}
	}
}

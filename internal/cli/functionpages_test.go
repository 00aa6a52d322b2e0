package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/engine"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// outputsFile holds what the examples of all functions gave with the default
// model: JSON of name -> result.
const outputsFile = "testdata/function_examples.json"

// The pages of docs/functions come from the same source as 'firesteel
// functions'. With -update they are written anew; what the examples give is
// computed anew where the real model is to be had.
func TestFunctionPages(t *testing.T) {
	outputs := map[string]string{}
	text, err := os.ReadFile(outputsFile)
	if err == nil {
		err = json.Unmarshal(text, &outputs)
	}
	if err != nil && !*update {
		t.Fatal(err)
	}
	var index strings.Builder
	index.WriteString("# The AI functions\n\nEach is also there with `try_` before its name: it then gives `STRUCT<result, error, raw>`, and a row's error does not get lost.\n" +
		"This page and those it names are written by `go test ./internal/cli -run TestFunctionPages -update`.\n\n| function | what it does | models that are good enough |\n|---|---|---|\n")
	for _, f := range ai.All() {
		if f.Of != nil {
			continue
		}
		fmt.Fprintf(&index, "| [%s](%s.md) | %s | %s |\n", f.Name, f.Name, f.Summary, ai.Models(f))
		page(t, f.Name+".md", pageOf(f, outputs[f.Name]))
	}
	index.WriteString("\n" + rules)
	page(t, "README.md", index.String())
}

// rules hold for all functions.
const rules = `## What holds for all of them

- Rows keep their order, and a row's answer never depends on its neighbours, on partitions or on threads.
- NULL gives NULL. Blank text never reaches a model: it gives NULL, or itself where the answer is the text rewritten (ai_mask, ai_fix_grammar, ai_translate).
- A row that cannot be answered is NULL, and is counted in the worker's log; try_ gives the reason. So is an answer that goes round in circles.
- A wrong argument (a label twice, an unknown language, a bad schema) fails the query, with the argument named, before the model is loaded. With try_ it is the row's error, so that labels which come from a column cannot fail a query.
- Arguments may be named in Spark 4, and in Spark 3.5 by ` + "`firesteel sql`: `ai_classify(text, labels => ARRAY('a', 'b'))`" + `; those in brackets may be left out.
- The functions are known to the session that shipped them, as temporary functions are: a permanent view cannot name them. Take CREATE TEMPORARY VIEW, or CREATE TABLE AS.
- Databricks' functions that are not about text alone, such as ai_forecast and ai_parse_document, are not here.
- A model that is not good enough for a function says so once in the worker's log, with another to take.
`

func page(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join("..", "..", "docs", "functions", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(file)
	if err != nil || strings.ReplaceAll(string(have), "\r\n", "\n") != text {
		t.Errorf("%s is not what the functions say of themselves (%v): run go test ./internal/cli -run TestFunctionPages -update", file, err)
	}
}

func pageOf(f *ai.Function, output string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n    %s -> %s\n\nIt %s.\n\n| parameter | type | |\n|---|---|---|\n", f.Name, f.Signature(), f.Returns, f.Summary)
	for _, p := range f.Params {
		about := strings.ReplaceAll(p.About, "|", `\|`)
		if p.Optional {
			about += " (may be left out)"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", p.Name, p.Type, about)
	}
	fmt.Fprintf(&b, "\n%s\n\n## Example\n\n```sql\n%s\n```\n", f.Detail, f.Example)
	if output != "" {
		fmt.Fprintf(&b, "\nWith the default model, %s, it gives\n\n```\n%s\n```\n", models.Default, output)
	}
	fmt.Fprintf(&b, "\n## How good it is\n\n")
	if f.Measured != "" {
		fmt.Fprintf(&b, "%s\n", f.Measured)
	} else {
		b.WriteString("Not measured yet.\n")
	}
	fmt.Fprintf(&b, "\nModels that are good enough: %s\n", strings.ToLower(ai.Models(f)[:1])+ai.Models(f)[1:])
	if f.Weakness != "" {
		fmt.Fprintf(&b, "\nKnown weakness: %s\n", f.Weakness)
	}
	if f.Differs != "" {
		fmt.Fprintf(&b, "\n## Unlike on Databricks\n\n%s\n", f.Differs)
	}
	return b.String()
}

// What the pages show is what the default model gives.
func TestFunctionExamples(t *testing.T) {
	m, err := engine.Open(t.Context(), testkit.Model(t), engine.Options{Name: models.Default})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	outputs := map[string]string{}
	for _, f := range ai.All() {
		if f.Of != nil {
			continue
		}
		answers, err := f.Eval(t.Context(), func(context.Context, string) (llm.Model, error) { return m, nil }, []ai.Row{f.Sample})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if outputs[f.Name] = shown(answers[0].Value); answers[0].Err != nil {
			outputs[f.Name] = "NULL (" + answers[0].Err.Error() + ")"
		}
	}
	text, err := json.MarshalIndent(outputs, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(outputsFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(outputsFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(outputsFile)
	if err != nil || strings.TrimSpace(string(want)) != string(text) {
		t.Errorf("%v: the examples now give\n%s\nwrite them by go test ./internal/cli -run 'TestFunctionExamples|TestFunctionPages' -update, twice", err, text)
	}
}

// shown writes a result as Spark's show does, long vectors cut.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', 3, 64)
	case []float32:
		return fmt.Sprintf("[%.4f, %.4f, %.4f, ... %d numbers in all]", v[0], v[1], v[2], len(v))
	case ai.Map:
		entries := make([]string, len(v))
		for i, e := range v {
			entries[i] = e.Key + " -> " + shown(e.Value)
		}
		return "{" + strings.Join(entries, ", ") + "}"
	case []any:
		fields := make([]string, len(v))
		for i, f := range v {
			fields[i] = shown(f)
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	return fmt.Sprint(v)
}

package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
	"github.com/firesteel/firesteel/llm/models"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// outputsFile holds what the examples of all functions gave with the default
// model: JSON of name -> result.
const outputsFile = "testdata/function_examples.json"

// TestFunctionPages compares the pages of docs/functions with the descriptions of
// the functions, which 'firesteel functions' shows too. With -update it writes the
// pages. TestFunctionExamples updates the results of the examples.
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
	index.WriteString("# The AI functions\n\nEach function also has a form with the prefix `try_`, which returns `STRUCT<result, error, raw>` with the error of a row.\n" +
		"`go test ./internal/cli -run TestFunctionPages -update` writes this page and the linked pages.\n\n| function | what it does | measured models that are good enough |\n|---|---|---|\n")
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

// The comparison with other systems has every function.
func TestComparisonHasAllFunctions(t *testing.T) {
	text, err := os.ReadFile("../../docs/comparison.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range ai.All() {
		if f.Of == nil && !strings.Contains(string(text), "["+f.Name+"](functions/"+f.Name+".md)") {
			t.Errorf("docs/comparison.md has no %s", f.Name)
		}
	}
}

// rules apply to all functions.
const rules = `## Rules for all functions

- Rows keep their order. The answer of a row never depends on other rows, partitions or threads.
- NULL gives NULL. Blank text is never sent to a model: it gives NULL, or is returned unchanged by the functions that rewrite a text (ai_mask, ai_redact, ai_fix_grammar, ai_translate).
- A row that cannot be answered is NULL, and the worker's log counts it; try_ returns the reason. An answer in which the model repeats itself is such an error.
- An invalid argument (a repeated label, an unknown language, an invalid schema) fails the query before the model is loaded, and the error names the argument. With try_ it is the error of the row, so labels that come from a column cannot fail a query.
- Arguments may have names in Spark 4, and in Spark 3.5 with ` + "`firesteel sql`: `ai_classify(text, labels => ARRAY('a', 'b'))`" + `. Arguments in brackets are optional.
- The functions are temporary functions of the session that registered them. A permanent view cannot use them: use CREATE TEMPORARY VIEW or CREATE TABLE AS.
- Databricks' functions for other data than text, such as ai_forecast and ai_parse_document, are not included.
- If a model was measured to be poor at a function, firesteel says so once and names a better one: ` + "`run`, `explain` and `sql`" + ` on standard error, and
  the worker in its log. [Models](../models.md) has all figures.
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
		t.Errorf("%s differs from the descriptions of the functions (%v): run go test ./internal/cli -run TestFunctionPages -update", file, err)
	}
}

func pageOf(f *ai.Function, output string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n    %s -> %s\n\nIt %s.\n\n| parameter | type | |\n|---|---|---|\n", f.Name, f.Signature(), f.Returns, f.Summary)
	for _, p := range f.Params {
		about := strings.ReplaceAll(p.About, "|", `\|`)
		if p.Optional {
			about += " (optional)"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", p.Name, p.Type, about)
	}
	fmt.Fprintf(&b, "\n%s\n\n## Example\n\n```sql\n%s\n```\n", f.Detail, f.Example)
	if output != "" {
		fmt.Fprintf(&b, "\nThe result%s:\n\n```\n%s\n```\n", withDefaults(f), output)
	}
	fmt.Fprintf(&b, "\n## Quality\n\n")
	table := figuresTable(catalogue.Embedded(), f.Name)
	switch {
	case f.Measured != "":
		fmt.Fprintf(&b, "%s\n", f.Measured)
	case table == "":
		b.WriteString("Not measured yet.\n")
	}
	if table != "" && f.Measured != "" {
		b.WriteByte('\n')
	}
	b.WriteString(table)
	if f.WithoutModel() {
		fmt.Fprintf(&b, "\n%s\n", ai.Models(f))
	} else {
		fmt.Fprintf(&b, "\nGood enough: %s [Models](../models.md) has speeds, memory and licences.\n", strings.ToLower(ai.Models(f)[:1])+ai.Models(f)[1:])
	}
	if f.Weakness != "" {
		fmt.Fprintf(&b, "\nKnown weakness: %s\n", f.Weakness)
	}
	if f.Differs != "" {
		fmt.Fprintf(&b, "\n## Differences from Databricks\n\n%s\n", f.Differs)
	}
	return b.String()
}

// withDefaults names the default models that answer the example of a function.
func withDefaults(f *ai.Function) string {
	var names []string
	for _, a := range f.Asks(f.Sample) {
		if e, ok := catalogue.Embedded().Default(a.Role); ok {
			names = append(names, e.Name)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return " with the default model, " + names[0]
	}
	return " with the default models, " + strings.Join(names, " and ")
}

// TestFunctionExamples compares the results on the pages with the answers of the
// default models.
func TestFunctionExamples(t *testing.T) {
	testkit.Integration(t)
	all := models.Set(nil).Lazy(func(ctx context.Context, r models.Reference) (llm.Model, error) {
		return models.Open(ctx, r, models.Options{})
	})
	defer all.Close()
	outputs := map[string]string{}
	for _, f := range ai.All() {
		if f.Of != nil || slices.ContainsFunc(f.Asks(f.Sample), func(a ai.Ask) bool { return a.Role == llm.Predict }) {
			continue // the model of the example is the reader's
		}
		answers, err := f.Eval(t.Context(), all.Source, []ai.Row{f.Sample})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		outputs[f.Name] = shown(answers[0].Value)
		if _, isArray := f.Returns.Element(); isArray {
			outputs[f.Name] = "[" + strings.TrimSuffix(strings.TrimPrefix(outputs[f.Name], "{"), "}") + "]"
		}
		if answers[0].Err != nil {
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

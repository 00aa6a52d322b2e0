//go:build linux

package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/worker"
)

// echoFile is the name of a model file for which the test's worker opens a testkit.Echo.
const echoFile = "echo.gguf"

func openEchoes() {
	open := worker.OpenModel
	worker.OpenModel = func(ctx context.Context, m *models.Resolved, o models.Options) (llm.Model, error) {
		switch filepath.Base(m.Path()) {
		case echoFile:
			return testkit.Echo{}, nil
		case digestFile:
			return digestModel{busy: m.Path() + ".busy"}, nil
		}
		return open(ctx, m, o)
	}
}

// randomModel writes a model with random weights, under a name for which openEchoes may
// open another model.
func randomModel(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, gguftest.Llama(7).Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// On Spark, each function gives the same results for the arguments of the test kit's
// table as in Go with the same model (ai/testdata/table.txt).
func TestFunctionTable(t *testing.T) {
	t.Parallel()
	for _, version := range []string{localspark.DefaultVersion, "3.5.1"} {
		t.Run(version, func(t *testing.T) { functionTable(t, version) })
	}
}

func functionTable(t *testing.T, version string) {
	file := randomModel(t, echoFile)
	session, err := spark.Connect(t.Context(), testkit.SharedSparkOf(t, version), spark.WithModel(file), spark.WithNamedModel("fake", file), spark.WithModelFor(llm.Embed, file), spark.WithLogContent(), spark.WithConnectTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	type input struct {
		ID      int32   `spark:"id"`
		Content *string `spark:"content"`
	}
	var inputs []input
	contents := testkit.Contents()
	for i, c := range contents {
		text, given := c.Value.(string)
		switch {
		case !given:
			inputs = append(inputs, input{ID: int32(i)})
		case utf8.ValidString(text): // Spark's strings are
			inputs = append(inputs, input{int32(i), &text})
		}
	}
	df, err := session.CreateDataFrame(t.Context(), inputs)
	if err != nil {
		t.Fatal(err)
	}
	if err := df.CreateOrReplaceTempView(t.Context(), "contents"); err != nil {
		t.Fatal(err)
	}
	// Calls that fail before any row is computed do not open a model.
	failing, answered := tableCalls(t)
	for _, c := range failing {
		_, err := collect(t, session, "SELECT "+c.sql("content")+" AS v FROM contents")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %s fails with %v, want %q", c.f.Name, c.name, err, c.want)
		}
	}
	rows := query(t, session, "SELECT get_json_object(firesteel_worker_info(), '$.model_loads') AS n")
	if loads, _ := spark.Get[string](rows[0], "n"); loads != "0" {
		t.Errorf("%s models were opened", loads)
	}
	for _, f := range tableFunctions() {
		ids := make([]string, len(inputs))
		var want []ai.Row
		for i, in := range inputs {
			ids[i] = fmt.Sprint(in.ID)
			want = append(want, tableRow(f, contents[in.ID].Value))
		}
		c := tableCall{f: f, row: tableRow(f, "")}
		got, err := collect(t, session, "SELECT "+c.sql("content")+" AS v FROM contents ORDER BY id")
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		compare(t, f, want, got)
	}
	for _, f := range tableFunctions() {
		var columns []string
		var want []ai.Row
		for _, c := range answered {
			if c.f == f {
				columns = append(columns, c.sql(literal(c.row[textAt(f)]))+fmt.Sprintf(" AS v%d", len(columns)))
				want = append(want, c.row)
			}
		}
		if len(columns) == 0 {
			continue
		}
		rows, err := collect(t, session, "SELECT "+strings.Join(columns, ", "))
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		var got []any
		for i := range columns {
			got = append(got, rows[0].At(i))
		}
		compareValues(t, f, want, got)
	}
	castArguments(t, session)
}

// castArguments passes arguments that are not text. They are read as the text that
// Spark's CAST to STRING writes.
func castArguments(t *testing.T, session *spark.Session) {
	arguments := []string{
		"DATE'2024-02-29'", "DATE'0001-01-01'", "DATE'9999-12-31' + 1000", "TIMESTAMP'2024-07-01 12:34:56.78'", "TIMESTAMP_NTZ'1582-10-15 00:00:00.000001'",
		"1.50BD", "2.5E10D", "-7", "true", "1.5F",
	}
	zone := "America/Los_Angeles"
	if strings.HasPrefix(session.Version(), "4.") {
		arguments = append(arguments, "TIME'12:34:56.5'", `parse_json('{"b": [1, 2.50, "x", null, {"c": true}], "a": 1e30}')`, `parse_json('"a \\"text\\""')`, "parse_json('12.30')",
			"CAST(DATE'2024-02-29' AS VARIANT)", "to_variant_object(named_struct('d', DATE'2024-02-29', 'n', TIMESTAMP_NTZ'2024-02-29 01:02:03.5', 'f', 1.5D, 'b', X'00ff'))")
	}
	if err := session.Conf().Set(t.Context(), "spark.sql.session.timeZone", zone); err != nil {
		t.Fatal(err)
	}
	for _, a := range arguments {
		// ai_mask finds nothing to mask, so it returns the text that it reads.
		rows, err := collect(t, session, fmt.Sprintf("SELECT ai_mask(x, array('iban')) AS read, CAST(x AS STRING) AS cast FROM (SELECT %s AS x FROM range(1))", a))
		if err != nil {
			t.Errorf("%s: %v", a, err)
			continue
		}
		if rows[0].At(0) != rows[0].At(1) {
			t.Errorf("%s is read as %v, but Spark's CAST writes %v", a, rows[0].At(0), rows[0].At(1))
		}
	}
}

// tableFunctions are the functions that the model of the session answers. Those of
// fitted models are tested where one is fitted.
func tableFunctions() []*ai.Function {
	return slices.DeleteFunc(ai.All(), func(f *ai.Function) bool {
		if len(f.Params) > 1 && f.Params[1].Type == ai.StringArray {
			return true // of two lists of texts: join_test.go tests them
		}
		return slices.ContainsFunc(f.Asks(f.Sample), func(a ai.Ask) bool { return a.Role == llm.Predict })
	})
}

// tableCall is a call of a function.
type tableCall struct {
	name string
	f    *ai.Function
	row  ai.Row
	want string // a part of the query's error
}

// tableCalls returns the calls with the table's arguments: those that fail the
// query, and the others.
func tableCalls(t *testing.T) (failing, answered []tableCall) {
	for _, f := range tableFunctions() {
		for _, a := range testkit.Arguments() {
			for i, p := range f.Params {
				if p.Name != a.Param {
					continue
				}
				c := tableCall{name: a.Name, f: f, row: tableRow(f, "good text of some words")}
				c.row[i] = a.Value
				_, err := f.Eval(t.Context(), echoes, []ai.Row{c.row})
				switch _, isText := a.Value.(string); {
				case a.Name == "a wrong type" && !isText || p.Type == ai.Int && isText:
					// The types belong to the query, so try_ does not turn the error into NULL.
					c.want = f.Name + ": the argument " + p.Name
					failing = append(failing, c)
				case err != nil:
					c.want, _, _ = strings.Cut(sensitive.Shown(err), "; the models are ")
					failing = append(failing, c)
				default:
					answered = append(answered, c)
				}
			}
		}
	}
	return failing, answered
}

// echoes returns the models of the session by name.
func echoes(_ context.Context, _ llm.ModelRole, name string) (llm.Model, error) {
	if name != "" && name != llm.DefaultModel && name != "fake" {
		return nil, &llm.UnknownModelError{Name: name}
	}
	return testkit.Echo{}, nil
}

func textAt(f *ai.Function) int {
	if f.Params[0].Name == "endpoint" {
		return 1
	}
	return 0
}

// tableRow returns arguments of a function for a text.
func tableRow(f *ai.Function, text any) ai.Row {
	row := make(ai.Row, len(f.Params))
	for i, p := range f.Params {
		switch {
		case i == textAt(f):
			row[i] = text
			if s, ok := text.(string); ok && p.Type == ai.StringArray {
				row[i] = []string{s}
			}
		case p.Optional:
		case p.Type == ai.Labels:
			row[i] = []string{"good", "bad"}
		case p.Name == "to_lang":
			row[i] = "de"
		case p.Name == "endpoint":
			row[i] = "fake"
		default:
			row[i] = "x"
		}
	}
	return row
}

// sql returns the call in SQL, with an SQL expression for the content.
func (c tableCall) sql(content string) string {
	args := make([]string, len(c.row))
	last := 0
	for i, v := range c.row {
		if args[i] = literal(v); i == textAt(c.f) {
			if args[i] = content; c.f.Params[i].Type == ai.StringArray && !strings.HasPrefix(content, "ARRAY") {
				args[i] = "ARRAY(" + content + ")"
			}
		}
		if v != nil || !c.f.Params[i].Optional {
			last = i + 1
		}
	}
	return c.f.Name + "(" + strings.Join(args[:last], ", ") + ")"
}

func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "CAST(NULL AS STRING)"
	case string:
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(v) + "'"
	case []string:
		all := make([]string, len(v))
		for i, s := range v {
			all[i] = literal(s)
		}
		return "ARRAY(" + strings.Join(all, ", ") + ")"
	}
	return fmt.Sprint(v)
}

func collect(t *testing.T, s *spark.Session, statement string) ([]spark.Row, error) {
	df, err := s.SQL(t.Context(), statement)
	if err != nil {
		return nil, err
	}
	return df.Collect(t.Context())
}

func compare(t *testing.T, f *ai.Function, calls []ai.Row, rows []spark.Row) {
	t.Helper()
	var got []any
	for _, row := range rows {
		got = append(got, row.At(0))
	}
	compareValues(t, f, calls, got)
}

// compareValues compares values of Spark with the answers of the function in Go.
func compareValues(t *testing.T, f *ai.Function, calls []ai.Row, got []any) {
	t.Helper()
	answers, err := f.Eval(t.Context(), echoes, calls)
	if err != nil || len(got) != len(answers) {
		t.Errorf("%s: %d answers, want %d, %v", f.Name, len(got), len(answers), err)
		return
	}
	for i, a := range answers {
		want := plain(a.Value)
		if have := plain(got[i]); !reflect.DeepEqual(have, want) {
			t.Errorf("%s%.80q: Spark gives %.200v, Go %.200v", f.Name, fmt.Sprint(calls[i]), have, want)
		}
	}
}

// plain converts values of Spark and of package ai to the same types.
func plain(v any) any {
	switch v := v.(type) {
	case ai.Map:
		m := map[string]any{}
		for _, e := range v {
			m[e.Key] = e.Value
		}
		return m
	case map[any]any:
		m := map[string]any{}
		for k, inner := range v {
			m[fmt.Sprint(k)] = plain(inner)
		}
		return m
	case spark.Row:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.At(i))
		}
		return list
	case []any:
		list := make([]any, len(v))
		for i := range list {
			list[i] = plain(v[i])
		}
		return list
	case []float32:
		list := make([]any, len(v))
		for i := range list {
			list[i] = float32(v[i])
		}
		return list
	case float64:
		return float32(v) // the precision of FLOAT
	case int32:
		return int64(v)
	case string: // the names of model files differ
		text, _, _ := strings.Cut(v, "; the models are ")
		return text
	}
	return v
}

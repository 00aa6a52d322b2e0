package sqlexpr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
)

var rowSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "stars", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "score", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "amount", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "ok", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "who", Type: arrow.StructOf(arrow.Field{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: "age", Type: arrow.PrimitiveTypes.Int32, Nullable: true}), Nullable: true},
	{Name: "found", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String), Nullable: true},
	{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
	{Name: "ntz", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
	{Name: "small", Type: arrow.PrimitiveTypes.Int16, Nullable: true},
	{Name: "f", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
	{Name: "digits", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

func testRows(t testing.TB, mem memory.Allocator) arrow.RecordBatch {
	t.Helper()
	text, err := os.ReadFile("testdata/rows.json")
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := array.RecordFromJSON(mem, rowSchema, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Release)
	return b
}

// The results are those of Spark; an integration test compares them with a real one.
func TestResults(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	rows := testRows(t, mem)
	for _, c := range readCases(t) {
		e, err := Parse(c.expr)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		b, err := Bind(e, rowSchema)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		a, err := b.Eval(t.Context(), mem, rows, nil)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		var got []string
		for i := range a.Len() {
			got = append(got, a.ValueStr(i))
		}
		if want := strings.Split(c.want, "|"); !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", c.expr, got, want)
		}
		if !arrow.TypeEqual(a.DataType(), b.Type) {
			t.Errorf("%s is of type %s, not %s", c.expr, a.DataType(), b.Type)
		}
		a.Release()
	}
}

// Types, values and errors are those of Spark in ANSI mode; an integration test writes and compares them.
func TestANSIResults(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	rows := testRows(t, mem)
	content, err := os.ReadFile("testdata/ansi.txt")
	if err != nil {
		t.Fatal(err)
	}
	expr, compared := "", 0
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		want, isWant := strings.CutPrefix(line, "  ")
		if !isWant {
			expr = line
			continue
		}
		compared++
		quoted := strconv.Quote(ansiResult(t, mem, rows, expr))
		if got := quoted[1 : len(quoted)-1]; got != want && !(strings.HasPrefix(want, "error DATATYPE_MISMATCH") && strings.HasPrefix(got, "error: ")) {
			t.Errorf("%s\n got %s\nwant %s", expr, got, want)
		}
	}
	if compared < 250 {
		t.Errorf("only %d expressions were compared", compared)
	}
}

func ansiResult(t *testing.T, mem memory.Allocator, rows arrow.RecordBatch, expr string) string {
	e, err := Parse(expr)
	if err != nil {
		return "error: " + err.Error()
	}
	b, err := Bind(e, rowSchema)
	if err != nil {
		if m := errorClass.FindStringSubmatch(err.Error()); m != nil {
			return "error " + m[1]
		}
		return "error: " + err.Error()
	}
	a, err := b.Eval(t.Context(), mem, rows, nil)
	var failed *ValueError
	if errors.As(err, &failed) {
		return "error " + failed.Class
	}
	if err != nil {
		return "error: " + err.Error()
	}
	defer a.Release()
	got := sqlType(a.DataType())
	for i := range a.Len() {
		got += "|" + a.ValueStr(i)
	}
	return got
}

var errorClass = regexp.MustCompile(`\[([A-Z_.]+)\]`)

type testCase struct{ expr, want string }

// readCases reads cases.txt.
func readCases(t testing.TB) (cases []testCase) {
	t.Helper()
	content, err := os.ReadFile("testdata/cases.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(content), "\n") {
		switch want, isWant := strings.CutPrefix(line, "  "); {
		case line == "" || line[0] == '#':
		case !isWant:
			cases = append(cases, testCase{expr: line})
		default:
			if want, err = strconv.Unquote(`"` + want + `"`); err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
			cases[len(cases)-1].want = want
		}
	}
	if len(cases) < 50 {
		t.Fatalf("only %d cases were read", len(cases))
	}
	return cases
}

// A call is asked once for all rows, after the calls in its arguments. Operands of
// AND without calls come first.
func TestCalls(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	rows := testRows(t, mem)
	var asked []string
	ask := func(_ context.Context, c *Call, at []int, rows []ai.Row) ([]ai.Answer, error) {
		answers := make([]ai.Answer, len(rows))
		if !slices.Equal(at, []int{0, 1, 2, 3}) {
			t.Errorf("rows at %v", at)
		}
		for i, r := range rows {
			asked = append(asked, fmt.Sprint(c.Function.Name, r))
			switch c.Function.Name {
			case "ai_analyze_sentiment":
				answers[i].Value = map[any]any{"Great, 100%_ok": "positive", "": nil}[r[0]]
			case "ai_extract":
				answers[i].Value = ai.Map{{Key: "person", Value: r[0]}}
			case "try_ai_gen":
				answers[i] = ai.Answer{Value: []any{nil, "no", nil}, Err: errors.New("no")}
			default:
				answers[i].Value = fmt.Sprint(r[0], "!")
			}
		}
		return answers, nil
	}
	for _, c := range []struct {
		expr, want string
		asked      int
		columns    []string
	}{
		{"ai_analyze_sentiment(text)", "positive|(null)|(null)|(null)", 4, []string{"text"}},
		{"ai_analyze_sentiment(text) = 'positive' OR ai_analyze_sentiment(text) IS NULL", "true|true|true|true", 4, []string{"text"}},
		{"ai_extract(content => text, labels => array('person')).person", "Great, 100%_ok||(null)|ΑΣ ß é\n😀 x", 4, []string{"text"}},
		{"AI_EXTRACT(text, '[\"person\"]')['nobody']", "(null)|(null)|(null)|(null)", 4, []string{"text"}},
		{"ai_fix_grammar(ai_gen(concat(who.name, stars)))", "Ann5!!|<nil>!!|<nil>!!|Bob3!!", 8, []string{"who", "stars"}},
		{"try_ai_gen(text).error", "no|no|no|no", 4, []string{"text"}},
		{"try_ai_gen(text).result", "(null)|(null)|(null)|(null)", 4, []string{"text"}},
		{"ai_gen('hello')", "hello!|hello!|hello!|hello!", 4, nil},
	} {
		asked = nil
		e, err := Parse(c.expr)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Bind(e, rowSchema)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		a, err := b.Eval(t.Context(), mem, rows, ask)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		var got []string
		for i := range a.Len() {
			got = append(got, a.ValueStr(i))
		}
		a.Release()
		if strings.Join(got, "|") != c.want || len(asked) != c.asked {
			t.Errorf("%s\n got %q, asked %q\nwant %q, %d questions", c.expr, strings.Join(got, "|"), asked, c.want, c.asked)
		}
		if first := b.Calls()[0]; !reflect.DeepEqual(first.Columns, c.columns) {
			t.Errorf("%s: %s reads %q, want %q", c.expr, first.Text, first.Columns, c.columns)
		}
	}
}

func TestKeep(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	rows := testRows(t, mem)
	asked := 0
	ask := func(_ context.Context, c *Call, at []int, rows []ai.Row) ([]ai.Answer, error) {
		asked += len(rows)
		if len(at) != len(rows) {
			t.Errorf("%d rows at %v", len(rows), at)
		}
		answers := make([]ai.Answer, len(rows))
		for i := range answers {
			answers[i].Value = "positive"
		}
		return answers, nil
	}
	for _, c := range []struct {
		where string
		want  []bool
		asked int
		plain string
	}{
		{"stars > 1", []bool{true, false, false, true}, 0, "(stars > 1)"},
		{"stars BETWEEN 2 AND 5", []bool{true, false, false, true}, 0, "(stars BETWEEN 2 AND 5)"},
		{"ai_analyze_sentiment(text) = 'positive' AND stars > 3 AND ( ok )", []bool{true, false, false, false}, 1, "(stars > 3) AND (( ok ))"},
		{"ai_analyze_sentiment(text) = 'positive' OR stars > 3", []bool{true, true, true, true}, 4, ""},
		{"NULL", []bool{false, false, false, false}, 0, "(NULL)"},
		{"false AND ai_analyze_sentiment(text) = 'positive'", []bool{false, false, false, false}, 0, "(false)"},
	} {
		asked = 0
		e, err := Parse(c.where)
		if err != nil {
			t.Fatal(err)
		}
		b, err := BindCondition(e, rowSchema)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Plain(); got != c.plain {
			t.Errorf("%s: without calls it is %s, want %s", c.where, got, c.plain)
		}
		keep, err := b.Keep(t.Context(), mem, rows, ask)
		if err != nil || !slices.Equal(keep, c.want) || asked != c.asked {
			t.Errorf("%s keeps %v, asked %d, error %v; want %v, %d", c.where, keep, asked, err, c.want, c.asked)
		}
	}
	e, _ := Parse("text")
	if _, err := BindCondition(e, rowSchema); err == nil || !strings.Contains(err.Error(), "a condition is needed") {
		t.Errorf("a condition that is a text: %v", err)
	}
}

func TestSQL(t *testing.T) {
	for _, c := range []struct{ expr, want, args string }{
		{"ai_gen(text) = 'a' OR stars > 1", "c(ai_gen) = 'a' OR stars > 1", "text"},
		{"coalesce(ai_gen( concat(text, ai_fix_grammar(text)) ) , ai_gen(text))", "coalesce(c(ai_gen) , c(ai_gen))", "text concat(text, c(ai_fix_grammar)) text"},
		{"ai_extract(content => who.name, labels => array('a', 'b')).a BETWEEN 'a' AND 'b'", "c(ai_extract).a BETWEEN 'a' AND 'b'", "content=who.name labels=array('a', 'b') constant"},
		{"stars > 1", "stars > 1", ""},
	} {
		e, err := Parse(c.expr)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Bind(e, rowSchema)
		if err != nil {
			t.Fatal(err)
		}
		instead := func(c *Call) string { return "c(" + c.Function.Name + ")" }
		var args []string
		for _, call := range b.Calls() {
			for _, a := range call.Args {
				text := a.SQL(instead)
				if a.Name != "" {
					text = a.Name + "=" + text
				}
				if a.Constant {
					text += " constant"
				}
				args = append(args, text)
			}
		}
		if got := b.SQL(instead); got != c.want || strings.Join(args, " ") != c.args {
			t.Errorf("%s: %s with %s", c.expr, got, args)
		}
	}
}

package worker

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
)

// fromJSON builds an array of a type.
func fromJSON(t testing.TB, mem memory.Allocator, dt arrow.DataType, text string) arrow.Array {
	t.Helper()
	a, _, err := array.FromJSON(mem, dt, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// bound is a function that is called with n arguments by position.
func bound(t *testing.T, f *ai.Function, n int) *aiFunction {
	t.Helper()
	a := &aiFunction{f: f}
	if _, err := a.bind(make([]argument, n)); err != nil {
		t.Fatal(err)
	}
	return a
}

// The error of a row gives NULL and is counted. An error of Eval fails the task.
func TestAnswers(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	log := &syncBuffer{}
	for _, large := range []bool{false, true} {
		s := &scope{mem: mem, log: slog.New(slog.NewTextHandler(log, nil)), results: columns.Types{LargeStrings: large},
			model: func(context.Context, llm.ModelRole, string) (llm.Model, error) { return &fakeModel{}, nil }}
		s.stats.rows = 100
		f := &ai.Function{Name: "f", Returns: ai.StringArray, Params: []ai.Param{{Name: "p", Type: ai.String}},
			Eval: func(_ context.Context, _ ai.Source, rows []ai.Row) ([]ai.Answer, error) {
				return []ai.Answer{{Value: []string{"a", "b"}, Cut: true}, {}, {Err: llm.ErrTooLong}, {Value: []string{}}}, nil
			}}
		arg := fromJSON(t, mem, arrow.BinaryTypes.String, `["1", "2", "3", "4"]`)
		result, err := bound(t, f, 1).eval(t.Context(), s, []arrow.Array{arg}, 4)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.String(); got != `[["a" "b"] (null) (null) []]` {
			t.Errorf("got %s", got)
		}
		result.Release()
		if s.stats.errors != 1 || s.stats.cut != 1 {
			t.Errorf("got %+v", s.stats)
		}
		if !strings.Contains(log.String(), "row=102 error=") {
			t.Errorf("the log does not name the row: %s", log)
		}
		f.Eval = func(context.Context, ai.Source, []ai.Row) ([]ai.Answer, error) { return make([]ai.Answer, 3), nil }
		if _, err := bound(t, f, 1).eval(t.Context(), s, []arrow.Array{arg}, 4); err == nil || !strings.Contains(err.Error(), "3 answers for 4 rows") {
			t.Errorf("too few answers: %v", err)
		}
		f.Eval = func(context.Context, ai.Source, []ai.Row) ([]ai.Answer, error) {
			return []ai.Answer{{Value: "text"}, {}, {}, {}}, nil
		}
		if _, err := bound(t, f, 1).eval(t.Context(), s, []arrow.Array{arg}, 4); err == nil || !strings.Contains(err.Error(), "row 0: it is a string, not ARRAY<STRING>") {
			t.Errorf("a wrong type: %v", err)
		}
		arg.Release()
	}
}

// Arguments may be omitted at the end and given by name.
func TestOptionalArguments(t *testing.T) {
	f := &ai.Function{Name: "f", Params: []ai.Param{{Name: "content", Type: ai.String}, {Name: "labels", Type: ai.Labels},
		{Name: "options", Type: ai.Options, Optional: true}, {Name: "n", Type: ai.Int, Optional: true}}}
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	inputs := []arrow.Array{fromJSON(t, mem, arrow.BinaryTypes.String, `["x"]`), fromJSON(t, mem, arrow.ListOf(arrow.BinaryTypes.String), `[["a"]]`),
		fromJSON(t, mem, arrow.BinaryTypes.String, `["{}"]`), fromJSON(t, mem, arrow.PrimitiveTypes.Int32, `[5]`)}
	for _, a := range inputs {
		defer a.Release()
	}
	arg := func(column int, name ...string) argument {
		return argument{column: column, name: strings.Join(name, "")}
	}
	for _, c := range []struct {
		args []argument
		want ai.Row // nil for an error
		err  string
	}{
		{[]argument{arg(0), arg(1)}, ai.Row{"x", []string{"a"}, nil, nil}, ""},
		{[]argument{arg(0), arg(1), arg(2), arg(3)}, ai.Row{"x", []string{"a"}, "{}", int64(5)}, ""},
		{[]argument{arg(0), arg(1), arg(3, "n")}, ai.Row{"x", []string{"a"}, nil, int64(5)}, ""},
		{[]argument{arg(3, "N"), arg(1, "Labels"), arg(0, "content")}, ai.Row{"x", []string{"a"}, nil, int64(5)}, ""},
		{[]argument{arg(0)}, nil, `f: the argument labels is missing; call it as f(content, labels[, options[, n]])`},
	} {
		a := &aiFunction{f: f}
		bound, err := a.bind(c.args)
		if c.want == nil {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v: error %v, want %q", c.args, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", c.args, err)
			continue
		}
		args := make([]arrow.Array, len(bound))
		for i, from := range bound {
			args[i] = inputs[from]
		}
		values := make([]ai.Values, len(args))
		for i, arg := range args {
			values[i] = columns.Values{Array: arg}
		}
		rows, err := a.binding.Rows(1, values...)
		if err != nil || !reflect.DeepEqual(rows[0], c.want) {
			t.Errorf("%v: %v, %v", c.args, rows, err)
		}
	}
}

// Advice about a model is logged once in a process.
func TestAdvice(t *testing.T) {
	f, err := ai.Lookup("ai_translate")
	if err != nil {
		t.Fatal(err)
	}
	log := &syncBuffer{}
	s := &scope{log: slog.New(slog.NewTextHandler(log, nil))}
	small, _ := catalogue.Embedded().Default(llm.Text)
	for range 3 {
		advise(s, f, llm.Info{Digest: small.Digest()})
		advise(s, f, llm.Info{Name: small.Name})
	}
	if n := strings.Count(log.String(), "is not good enough for ai_translate"); n != 1 {
		t.Errorf("logged %d times: %s", n, log)
	}
}

// Rows that need no answer of a model do not load one.
func TestNothingToAsk(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	lost := errors.New("no model")
	s := &scope{mem: mem, model: func(context.Context, llm.ModelRole, string) (llm.Model, error) { return nil, lost }}
	for _, f := range ai.All() {
		for _, texts := range []string{`[]`, `[null, null]`, `[null, "text of some words"]`} {
			first := fromJSON(t, mem, arrow.BinaryTypes.String, texts)
			var args []arrow.Array
			for _, p := range f.Params[:f.Required()] {
				switch {
				case p.Type == ai.Labels:
					args = append(args, fromJSON(t, mem, arrow.ListOf(arrow.BinaryTypes.String), `[["a"], ["a"]]`))
				case p.Type == ai.StringArray:
					args = append(args, fromJSON(t, mem, arrow.ListOf(arrow.BinaryTypes.String), strings.Replace(texts, `"text of some words"`, `["text of some words"]`, 1)))
				case p.Name == "to_lang" || p.Name == "endpoint":
					args = append(args, fromJSON(t, mem, arrow.BinaryTypes.String, `["de", "de"]`))
				default:
					first.Retain()
					args = append(args, first)
				}
			}
			if strings.Contains(f.Name, "ai_summarize") {
				args = append(args, fromJSON(t, mem, arrow.PrimitiveTypes.Int32, `[1, 1]`))
			}
			result, err := bound(t, f, len(args)).eval(t.Context(), s, args, first.Len())
			nulls := strings.Count(texts, "null")
			switch {
			case nulls < first.Len() && !f.WithoutModel():
				if !errors.Is(err, lost) {
					t.Errorf("%s of %s: %v, expected %q", f.Name, texts, err, lost)
				}
			case err != nil || result.NullN() != nulls:
				t.Errorf("%s of %s: %v, %v", f.Name, texts, result, err)
			}
			if err == nil {
				result.Release()
			}
			first.Release()
			for _, a := range args {
				a.Release()
			}
		}
	}
}

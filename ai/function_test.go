package ai

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

func TestEveryFunction(t *testing.T) {
	name := regexp.MustCompile(`^ai_[a-z_]+$`)
	all := All()
	if len(all) < 3 || !slices.IsSortedFunc(all, func(a, b *Function) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("%d functions, or not in order", len(all))
	}
	for _, f := range all {
		if found, err := Lookup(f.Name); found != f || err != nil {
			t.Errorf("%s is not found by its name: %v", f.Name, err)
		}
		if !name.MatchString(f.Name) || f.Returns == "" || len(f.Params) == 0 || f.Eval == nil {
			t.Errorf("%s: name, parameters, type of the result and Eval are wanted", f.Name)
		}
		if f.Summary == "" || strings.ContainsAny(f.Summary, "\n.") {
			t.Errorf("%s: the summary %q is not one line without a full stop", f.Name, f.Summary)
		}
		if !strings.Contains(f.Detail, "NULL") || !strings.HasSuffix(f.Detail, ".") {
			t.Errorf("%s: the detail does not say in sentences what NULL gives: %q", f.Name, f.Detail)
		}
		if !strings.HasPrefix(f.Example, "SELECT "+f.Name+"(") || strings.HasSuffix(f.Example, ";") {
			t.Errorf("%s: the example does not call it: %q", f.Name, f.Example)
		}
		if want := f.Name + "(" + f.Params[0].Name; !strings.HasPrefix(f.Signature(), want) {
			t.Errorf("%s: signature %s", f.Name, f.Signature())
		}
	}
	if s := classify.Signature(); s != "ai_classify(content, labels)" {
		t.Error(s)
	}
	if _, err := Lookup("ai_clasify"); err == nil || !strings.Contains(err.Error(), "ai_classify") {
		t.Errorf("an unknown name: %v", err)
	}
}

// args gives f's arguments for one text: labels where it wants a list.
func args(f *Function, text any) Row {
	row := Row{text}
	for _, p := range f.Params[1:] {
		if p.Type == StringArray {
			row = append(row, []string{"good", "bad"})
		} else {
			row = append(row, "x")
		}
	}
	return row
}

func TestNullAndBlankNeedNoModel(t *testing.T) {
	for _, f := range All() {
		var rows []Row
		for _, v := range []any{nil, "", " ", "\t\r\n", "\u00a0\u2003"} {
			rows = append(rows, args(f, v))
		}
		for i, a := range eval(t, f, closed, rows...) {
			if a != (Answer{}) {
				t.Errorf("%s of %q: %+v", f.Name, rows[i][0], a)
			}
		}
		eval(t, f, closed) // no rows at all
		// Among others they are left out.
		m := &fake{score: like, reply: func(llm.Request) llm.Result { return llm.Result{Text: "an answer"} }}
		answers := eval(t, f, m.source, append(rows, args(f, "good positive"))...)
		for i := range rows {
			if answers[i] != (Answer{}) {
				t.Errorf("%s of %q beside others: %+v", f.Name, rows[i][0], answers[i])
			}
		}
		if answers[len(rows)].Value == nil || m.calls != 1 {
			t.Errorf("%s: %+v after %d calls", f.Name, answers[len(rows)], m.calls)
		}
	}
	for _, row := range []Row{{"text", nil}, {nil, []string{}}, {"", []string{"a", "a"}}} {
		if a := eval(t, classify, closed, row)[0]; a != (Answer{}) {
			t.Errorf("%v: %+v", row, a)
		}
	}
}

func TestModelErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	short := func(context.Context) (llm.Model, error) { return shortModel{&fake{}}, nil }
	for _, f := range All() {
		rows := []Row{args(f, "text")}
		if _, err := f.Eval(t.Context(), closed, rows); !errors.Is(err, errClosed) {
			t.Errorf("%s without a model: %v", f.Name, err)
		}
		if _, err := f.Eval(cancelled, (&fake{}).source, rows); !errors.Is(err, context.Canceled) {
			t.Errorf("%s cancelled: %v", f.Name, err)
		}
		if _, err := f.Eval(t.Context(), short, rows); !errors.Is(err, llm.ErrModel) {
			t.Errorf("%s with too few results: %v", f.Name, err)
		}
	}
}

// shortModel breaks the contract.
type shortModel struct{ *fake }

func (shortModel) Do(context.Context, []llm.Request) ([]llm.Result, error) { return nil, nil }

func TestOneBadRow(t *testing.T) {
	for _, f := range All() {
		m := &fake{score: like, reply: func(r llm.Request) llm.Result {
			if strings.Contains(rendered(r), "too long") {
				return llm.Result{Err: llm.ErrTooLong}
			}
			return llm.Result{Text: "fine"}
		}}
		answers := eval(t, f, m.source, args(f, "good"), args(f, "too long"), args(f, "bad"))
		if a := answers[1]; a.Value != nil || !errors.Is(a.Err, llm.ErrTooLong) {
			t.Errorf("%s: %+v", f.Name, a)
		}
		for _, i := range []int{0, 2} {
			if a := answers[i]; a.Value == nil || a.Err != nil {
				t.Errorf("%s: a neighbour of a bad row: %+v", f.Name, a)
			}
		}
	}
}

func TestGen(t *testing.T) {
	m := &fake{reply: func(r llm.Request) llm.Result { return llm.Result{Text: " to " + r.Messages[0].Text + "\n"} }}
	answers := eval(t, gen, m.source, Row{"a {content}"}, Row{nil}, Row{" b\n"})
	for i, want := range []any{"to a {content}", nil, "to  b"} {
		if answers[i].Value != want || answers[i].Err != nil {
			t.Errorf("row %d: %+v, want %v", i, answers[i], want)
		}
	}
	if r := m.asked[0]; len(r.Messages) != 1 || r.Messages[0].Role != llm.User || r.MaxTokens != 256 || r.Constraint != nil {
		t.Errorf("asked %+v", r)
	}
}

// column notes calls as a table engine's columns would.
type column struct{ text string }

func (c column) Call(function string, args ...any) column {
	for _, a := range args {
		c.text += "," + strings.Join(a.([]string), "|")
	}
	return column{function + "(" + c.text + ")"}
}

func TestExpressions(t *testing.T) {
	c := column{"c"}
	for got, want := range map[string]string{
		AnalyzeSentiment(c).text:      "ai_analyze_sentiment(c)",
		Classify(c, "a", "b").text:    "ai_classify(c,a|b)",
		Gen(AnalyzeSentiment(c)).text: "ai_gen(ai_analyze_sentiment(c))",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

package ai

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/testkit"
)

// What every function makes of what people and their data can bring, held in
// testdata/table.txt; internal/integration has the same on Spark. The model is a fake that answers "an answer" or, held to
// a form, with the emptiest that has it: the table shows what reaches a model
// and what becomes of its answers, not how good they are.
func TestTable(t *testing.T) {
	var b strings.Builder
	for _, f := range textFunctions() {
		if f.Of != nil {
			continue
		}
		try := lookup(t, "try_"+f.Name)
		fmt.Fprintf(&b, "%s\n", f.Signature())
		line := func(name string, row Row) {
			fmt.Fprintf(&b, "  %-36s %s\n", name, outcome(t, f, try, row))
		}
		for _, c := range testkit.Contents() {
			row := make(Row, len(f.Params))
			copy(row, exampleArgs(f, "good text"))
			row[textAt(f)] = contentOf(f, c.Value)
			line(c.Name, row)
		}
		for _, a := range testkit.Arguments() {
			for i, p := range f.Params {
				if p.Name == a.Param {
					row := make(Row, len(f.Params))
					copy(row, exampleArgs(f, "good text of some words"))
					row[i] = a.Value
					line(a.Name, row)
				}
			}
		}
	}
	golden(t, "testdata/table.txt", b.String(), "a documented result has changed; see git diff after -update")
}

// outcome shows what a call gives; that of try_ must say the same.
func outcome(t *testing.T, f, try *Function, row Row) string {
	t.Helper()
	m := echoing()
	answers, err := f.Eval(t.Context(), m.source, []Row{row})
	tried, tryErr := try.Eval(t.Context(), m.source, []Row{row})
	if tryErr != nil {
		t.Errorf("%s%.40v: %v", try.Name, row, tryErr)
		return ""
	}
	var wrong *ArgumentError
	if err != nil {
		if !errors.As(err, &wrong) || m.calls > 0 {
			t.Errorf("%s%.40v: error %v after %d calls", f.Name, row, err, m.calls)
		}
		if v, _ := tried[0].Value.([]any); v == nil || v[0] != nil || v[1] != sensitive.Shown(err) {
			t.Errorf("%s%.40v: %+v, and not the error %v", try.Name, row, tried[0], err)
		}
		return "the query fails: " + sensitive.Shown(err)
	}
	a := answers[0]
	if v, _ := tried[0].Value.([]any); (v == nil) != (a.Value == nil && a.Err == nil) || v != nil && fmt.Sprint(v[0]) != fmt.Sprint(a.Value) {
		t.Errorf("%s%.40v: %+v, but without try_ %+v", try.Name, row, tried[0], a)
	}
	text := "NULL"
	if s, ok := a.Value.(string); ok {
		text = fmt.Sprintf("%q", s)
	} else if a.Value != nil {
		text = fmt.Sprintf("%v", a.Value)
	}
	if len(text) > 90 {
		text = fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(text[:60], ""), len(text))
	}
	if a.Err != nil {
		text += ", error: " + sensitive.Shown(a.Err)
	}
	if a.Note != "" {
		text += ", note: " + a.Note
	}
	if m.calls == 0 {
		text += " (no model call)"
	}
	return text
}

package job

import (
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

var inSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "text", Type: arrow.BinaryTypes.String},
}, nil)

func TestBind(t *testing.T) {
	p, err := Spec{Where: "id > 1 AND ai_analyze_sentiment(text) = 'positive'", Add: []string{"x=ai_gen(text)", "m=ai_mask(text, array('person'))", "n=length(text)"}, Errors: "why"}.Bind(inSchema)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range p.Output.Fields() {
		names = append(names, f.Name+" "+f.Type.Name())
		if !f.Nullable {
			t.Errorf("the column %s is not nullable", f.Name)
		}
	}
	if got := strings.Join(names, ", "); got != "id int64, x utf8, m utf8, n int32, why utf8" {
		t.Errorf("the output has the columns %s", got)
	}
	if len(p.Expressions()) != 4 || len(p.Calls()) != 3 || len(p.ModelCalls()) > 3 {
		t.Errorf("%d expressions, %d calls, %d of a model", len(p.Expressions()), len(p.Calls()), len(p.ModelCalls()))
	}
}

// Select and Drop choose the columns of the input that are written. A column that is masked is not, unless it is selected.
func TestSelect(t *testing.T) {
	for _, c := range []struct {
		spec         Spec
		want, hidden string
	}{
		{Spec{Add: []string{"n=length(text)"}}, "id text n", ""},
		{Spec{Add: []string{"n=length(text)"}, Drop: []string{"TEXT"}}, "id n", ""},
		{Spec{Add: []string{"n=length(text)"}, Select: []string{"text", "id"}}, "text id n", ""},
		{Spec{Add: []string{"n=length(text)"}, Select: []string{}}, "n", ""},
		{Spec{Add: []string{"m=ai_mask(text, array('e-mail'))"}}, "id m", "text"},
		{Spec{Add: []string{"m=upper(ai_redact(concat(text, id), array('e-mail')))"}}, "m", "text id"},
		{Spec{Add: []string{"text=ai_mask(text, array('e-mail'))"}}, "id text", "text"},
		{Spec{Add: []string{"m=ai_mask(text, array('e-mail'))"}, Select: []string{"text"}}, "text m", ""},
	} {
		p, err := c.spec.Bind(inSchema)
		if err != nil {
			t.Errorf("%+v: %v", c.spec, err)
			continue
		}
		var names []string
		for _, f := range p.Output.Fields() {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != c.want || strings.Join(p.Hidden, " ") != c.hidden {
			t.Errorf("%+v: %s, without %v; want %s", c.spec, got, p.Hidden, c.want)
		}
	}
	var unknown *ColumnError
	if _, err := (Spec{Drop: []string{"txt"}}).Bind(inSchema); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "did you mean text?") {
		t.Error(err)
	}
}

func TestBindMistakes(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		part Part // of an ExpressionError
		want string
	}{
		{Spec{Where: "nothing = 1"}, Condition, `condition: there is no column "nothing"`},
		{Spec{Where: "text"}, Condition, "a condition is needed"},
		{Spec{Where: "id ="}, Condition, "at character"},
		{Spec{Add: []string{"a=ai_gen(txt)"}}, AddedColumn, "did you mean text?"},
		{Spec{Add: []string{"ai_gen(text)"}}, AddedColumn, "name=expression"},
		{Spec{Add: []string{"Text=ai_gen(text)"}}, -1, "the column text exists already"},
		{Spec{Add: []string{"a=ai_gen(text)"}, Errors: "A"}, -1, "the column a exists already"},
	} {
		_, err := c.spec.Bind(inSchema)
		var expression *ExpressionError
		var duplicate *DuplicateColumnError
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.spec, err)
		}
		if errors.As(err, &expression) != (c.part >= 0) || c.part >= 0 && expression.Part != c.part || errors.As(err, &duplicate) != (c.part < 0) {
			t.Errorf("%+v: the error is a %T", c.spec, err)
		}
	}
	if err := (Spec{Where: "id =", Add: []string{"x=1"}}).Check(); err == nil {
		t.Error("Check finds no syntax error")
	}
	if err := (Spec{Where: "nothing = 1", Add: []string{"x=ai_gen(nothing)"}}).Check(); err != nil {
		t.Errorf("Check needs columns: %v", err)
	}
}

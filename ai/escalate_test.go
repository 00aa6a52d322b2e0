package ai

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// Rows whose answer is not sure enough are answered by the larger model, and no others.
func TestEscalation(t *testing.T) {
	small := &fake{score: func(prompt, label string) float64 {
		if strings.Contains(prompt, "unclear") {
			return 0 // all labels are equally probable
		}
		return like(prompt, label)
	}}
	big := &fake{score: func(prompt, label string) float64 {
		if !strings.Contains(prompt, "unclear") {
			return 0
		}
		if strings.Contains(label, "bad") || strings.Contains(label, "no") {
			return 9
		}
		return 0
	}}
	embedder := echoing()
	asked := map[string]int{}
	source := func(_ context.Context, role llm.ModelRole, name string) (llm.Model, error) {
		asked[string(role)+" "+name]++
		switch {
		case role == llm.Predict && name == "topic":
			return fakeHead{}, nil // 0.625 for delivery
		case role == llm.Embed:
			return embedder, nil
		case name == "big":
			return big, nil
		case name == "":
			return small, nil
		}
		return nil, &llm.UnknownModelError{Name: name, Have: []string{"big"}}
	}
	options := func(below string) map[string]string {
		return map[string]string{"escalate_below": below, "escalate_to": "big"}
	}
	labels := []string{"good", "bad"}
	for _, c := range []struct {
		f       *Function
		row     Row
		want    string
		larger  bool
		smaller bool
	}{
		{classify, Row{"a good one", labels, options("0.6")}, "good", false, true},
		{classify, Row{"an unclear one", labels, options("0.6")}, "bad", true, true},
		{classify, Row{"an unclear one", labels, options("0")}, "good", false, true},
		{filter, Row{"an unclear one", "x is", options("1")}, "false", true, true},
		{predict, Row{"text", "topic", options("0.5")}, "[delivery 0.625]", false, false},
	} {
		clear(asked)
		a := eval(t, c.f, source, c.row)[0]
		if got := fmt.Sprint(a.Value); got != c.want || (asked["text big"] > 0) != c.larger || (asked["text "] > 0) != c.smaller {
			t.Errorf("%s%v: %s, %v, asked %v; want %s", c.f.Name, c.row, got, a.Err, asked, c.want)
		}
	}
	clear(asked)
	a := eval(t, predict, source, Row{"text", "topic", options("0.7")})[0]
	if v, ok := a.Value.([]any); !ok || asked["text big"] == 0 || asked["text "] != 0 || v[0] == nil {
		t.Errorf("%+v, asked %v", a, asked)
	}
	// The larger model is one of those that the call asks, so its identity is in that of the answer.
	for _, f := range []*Function{classify, classifyScore, filter, filterScore, predict} {
		row := exampleArgs(f, "text")
		row = append(row, options("0.5"))
		found := false
		for _, ask := range f.Asks(row) {
			found = found || ask == Ask{Role: llm.Text, Name: "big"}
		}
		if !found {
			t.Errorf("%s does not ask big: %v", f.Name, f.Asks(row))
		}
	}
	for _, c := range []struct {
		f    *Function
		row  Row
		want string
	}{
		{classify, Row{"text", labels, map[string]string{"escalate_to": "big"}}, "belong together"},
		{classify, Row{"text", labels, map[string]string{"escalate_to": "big", "escalate_below": "2"}}, "from 0 to 1"},
		{classify, Row{"an unclear one", labels, map[string]string{"escalate_to": "other", "escalate_below": "1"}}, "there is no model"},
		{classify, Row{"text", labels, map[string]string{"escalate_to": "big", "escalate_below": "1", "multilabel": "true"}}, "no row is sent to a larger model"},
		{predictLabels, Row{"text", "topic", options("1")}, "by ai_predict"},
	} {
		_, err := c.f.Eval(t.Context(), source, []Row{c.row})
		var argument *ArgumentError
		if !errors.As(err, &argument) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s%v: %v, want %q", c.f.Name, c.row, err, c.want)
		}
	}
}

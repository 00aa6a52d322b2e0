package ai

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// headSource is a source of a fake embedder and a head, which counts the texts that are embedded.
func headSource(h fakeHead, embedder *fake) Source {
	return func(_ context.Context, role llm.ModelRole, name string) (llm.Model, error) {
		switch {
		case role == llm.Embed:
			return embedder, nil
		case name == "topic":
			return h, nil
		case name == "default":
			return embedder, nil
		}
		return nil, &llm.UnknownModelError{Name: name, Have: []string{"topic"}}
	}
}

func TestPredict(t *testing.T) {
	e := echoing()
	for _, c := range []struct {
		f       *Function
		head    fakeHead
		options any
		want    string
	}{
		{predict, fakeHead{}, nil, "[delivery 0.625]"},
		{predict, fakeHead{}, map[string]string{"threshold": "0.7"}, "[<nil> 0.625]"},
		{predict, fakeHead{}, `{"threshold": 0.625}`, "[delivery 0.625]"},
		{predictLabels, fakeHead{kind: llm.PredictsLabels}, map[string]string{"threshold": "0.2"}, "[[delivery 0.625] [billing 0.25]]"},
		{predictLabels, fakeHead{kind: llm.PredictsLabels}, map[string]string{"threshold": "1"}, "[]"},
		{predictLabels, fakeHead{}, nil, "[[delivery 0.625]]"},
		{predictNumber, fakeHead{number: true}, nil, "12.5"},
	} {
		row := Row{"text", "topic", c.options}[:len(c.f.Params)]
		if got := fmt.Sprint(eval(t, c.f, headSource(c.head, e), row)[0].Value); got != c.want {
			t.Errorf("%s with %v: %s, want %s", c.f.Name, c.options, got, c.want)
		}
	}
}

func TestPredictFails(t *testing.T) {
	e := echoing()
	for _, c := range []struct {
		f    *Function
		head fakeHead
		row  Row
		want string
	}{
		{predict, fakeHead{}, Row{"text", "other"}, "there is no model"},
		{predict, fakeHead{}, Row{"text", "default"}, "a model with the role predict is needed"},
		{predict, fakeHead{}, Row{"text", " "}, "blank"},
		{predict, fakeHead{}, Row{"text", "topic", map[string]string{"threshold": "2"}}, "from 0 to 1"},
		{predict, fakeHead{}, Row{"text", "topic", map[string]string{"limit": "2"}}, "the options are threshold"},
		{predict, fakeHead{kind: llm.PredictsLabels}, Row{"text", "topic"}, "use ai_predict_labels"},
		{predictLabels, fakeHead{number: true}, Row{"text", "topic"}, "use ai_predict_number"},
		{predictNumber, fakeHead{}, Row{"text", "topic"}, "use ai_predict"},
		{predict, fakeHead{want: "x"}, Row{"text", "topic"}, "fake head was fitted on vectors of another"},
	} {
		_, err := c.f.Eval(t.Context(), headSource(c.head, e), []Row{c.row})
		var argument *ArgumentError
		if !errors.As(err, &argument) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s%q: %v, want %q", c.f.Name, c.row, err, c.want)
		}
	}
}

// The rows of a call may name several models. Each text is embedded once.
func TestPredictEmbedsOnce(t *testing.T) {
	e := echoing()
	rows := []Row{{"a", "topic"}, {"b", "topic"}, {"a", "topic"}, {nil, "topic"}, {"b", nil}}
	answers := eval(t, predict, headSource(fakeHead{}, e), rows...)
	for i, a := range answers {
		if (a.Value == nil) != (i > 2) {
			t.Errorf("row %d: %+v", i, a)
		}
	}
	if e.calls != 1 {
		t.Errorf("%d calls of the embedder", e.calls)
	}
}

package ai

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// vectorsModel gives each text a vector of four numbers. A prompt changes the first.
type vectorsModel struct {
	*fake
	asked []llm.EmbedRequest
}

func (m *vectorsModel) Embed(_ context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	m.asked = append(m.asked, requests...)
	all := make([]llm.Embedding, len(requests))
	for i, r := range requests {
		v := []float32{0.5, 0.5, 0.5, 0.5}
		if r.Prompt == "query" {
			v = []float32{-0.5, 0.5, 0.5, 0.5}
		}
		all[i].Vector = v
	}
	return all, nil
}

func TestVectorOptions(t *testing.T) {
	m := &vectorsModel{fake: &fake{}}
	of := func(f *Function, row ...any) any {
		t.Helper()
		answers, err := f.Eval(t.Context(), sourceOf(m), []Row{row})
		if err != nil || answers[0].Err != nil {
			t.Fatalf("%v: %+v, %v", row, answers, err)
		}
		return answers[0].Value
	}
	v := of(embedding, "a", map[string]string{"prompt": "query", "dimensions": "2"}).([]float32)
	if len(v) != 2 || v[0] >= 0 || math.Abs(float64(v[0]*v[0]+v[1]*v[1])-1) > 1e-6 {
		t.Errorf("two numbers of a query: %v", v)
	}
	if v := of(embedding, "a", `{"dimensions": "4"}`).([]float32); len(v) != 4 || v[0] != 0.5 {
		t.Errorf("all numbers: %v", v)
	}
	if got := of(similarity, "a", "a", map[string]string{"prompt_a": "query"}); math.Abs(got.(float64)-0.5) > 1e-6 {
		t.Errorf("a query and a document: %v, want 0.5", got)
	}
	if got := of(similarity, "a", "a", map[string]string{"prompt_a": "query", "dimensions": "2"}); math.Abs(got.(float64)) > 1e-6 {
		t.Errorf("two numbers of a query and a document: %v, want 0", got)
	}
	m.asked = nil
	if of(similarity, "a", "a", nil); len(m.asked) != 1 {
		t.Errorf("a text and itself are embedded %d times", len(m.asked))
	}
	for _, c := range []struct {
		f    *Function
		row  Row
		want string
	}{
		{embedding, Row{"a", map[string]string{"dimensions": "0"}}, "it must be a number from 1"},
		{embedding, Row{"a", map[string]string{"dimensions": "x"}}, "it must be a number from 1"},
		{embedding, Row{"a", map[string]string{"dimension": "1"}}, "the options are prompt, dimensions"},
		{similarity, Row{"a", "b", map[string]string{"prompt": "query"}}, "the options are prompt_a, prompt_b, dimensions"},
	} {
		_, err := c.f.Eval(t.Context(), closed, []Row{c.row}) // no model is opened for a wrong option
		var argument *ArgumentError
		if !errors.As(err, &argument) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.row, err)
		}
	}
	_, err := embedding.Eval(t.Context(), sourceOf(m), []Row{{"a", map[string]string{"dimensions": "5"}}})
	var argument *ArgumentError
	if !errors.As(err, &argument) || !strings.Contains(err.Error(), "dimensions is 5, but the vectors of fake have 4 numbers") {
		t.Errorf("too many dimensions: %v", err)
	}
	try, err := Lookup("try_ai_embed")
	if err != nil {
		t.Fatal(err)
	}
	answers, err := try.Eval(t.Context(), sourceOf(m), []Row{{"a", map[string]string{"dimensions": "5"}}})
	if err != nil || !strings.Contains(answers[0].Value.([]any)[1].(string), "dimensions is 5") {
		t.Errorf("%+v, %v", answers, err)
	}
}

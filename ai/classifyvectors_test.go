package ai

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

// fakeEmbedder is a model of the role Embed, by default by the letters of a text.
type fakeEmbedder struct {
	testkit.Echo
	roles  []llm.ModelRole
	digest string
	texts  []string // that were embedded
}

func (e *fakeEmbedder) Info() llm.Info {
	return llm.Info{Name: "embedder", Digest: e.digest, Roles: e.roles}
}

func (e *fakeEmbedder) Embed(ctx context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	for _, r := range requests {
		e.texts = append(e.texts, r.Text)
	}
	return e.Echo.Embed(ctx, requests)
}

func newEmbedder() *fakeEmbedder { return &fakeEmbedder{roles: []llm.ModelRole{llm.Embed}} }

// both returns a source of a text model, and of an embedder or the error for it.
func both(m llm.Model, e *fakeEmbedder, err error) Source {
	return func(_ context.Context, role llm.ModelRole, _ string) (llm.Model, error) {
		if role == llm.Text {
			return m, nil
		}
		return e, err
	}
}

// likeAnswer is like for labels that may follow "Category:".
func likeAnswer(prompt, label string) float64 {
	return like(prompt, strings.TrimPrefix(label, "Category:"))
}

var fourLabels = []string{"aaa_bbb", "cdCdCd", "efef", "xyz"}

func TestClassifyByVectors(t *testing.T) {
	many := []string{"qqqq"}
	for i := range listedLabels {
		many = append(many, strings.Repeat("w", i+1)+strings.Repeat("k", 30-i))
	}
	small, large, server := fakeOf(135e6, true), fakeOf(15e8, true), &fake{}
	for _, c := range []struct {
		name           string
		m              *fake
		labels         any
		options        any
		text, embedder bool // which is asked
	}{
		{"few labels", small, fourLabels[1:], nil, true, false},
		{"a small model", small, fourLabels, nil, false, true},
		{"a large model", large, fourLabels, nil, true, true},
		{"a large model and many labels", large, many, nil, false, true},
		{"a server", server, fourLabels, nil, true, false},
		{"several labels for one text", small, fourLabels, `{"multilabel": true}`, true, false},
	} {
		c.m.requests, c.m.score = nil, likeAnswer
		e := newEmbedder()
		labels := c.labels.([]string)
		want := readable(labels[len(labels)-1])
		a := eval(t, classify, both(c.m, e, nil), Row{want, labels, c.options})[0]
		if a.Err != nil || a.Value != labels[len(labels)-1] && c.options == nil {
			t.Errorf("%s: %+v", c.name, a)
		}
		if text, embedder := len(c.m.requests) > 0, len(e.texts) > 0; text != c.text || embedder != c.embedder {
			t.Errorf("%s: the text model was asked: %v, the embedder: %v", c.name, text, embedder)
		}
	}
	// Rows with few and many labels in one call.
	answers := eval(t, classify, both(small, newEmbedder(), nil), Row{"xyz", fourLabels}, Row{"b", []string{"a", "b"}}, Row{"too long", fourLabels}, Row{"abab", fourLabels})
	for i, want := range []any{"xyz", "b", nil, "aaa_bbb"} {
		if a := answers[i]; a.Value != want || (a.Err == nil) != (want != nil) {
			t.Errorf("row %d: %+v, want %v", i, a, want)
		}
	}
	if !errors.Is(answers[2].Err, llm.ErrTooLong) {
		t.Errorf("%v", answers[2].Err)
	}
	// The label cannot be embedded.
	if a := eval(t, classify, both(small, newEmbedder(), nil), Row{"xyz", append([]string{"too long"}, fourLabels...)})[0]; !errors.Is(a.Err, llm.ErrTooLong) || a.Value != nil {
		t.Errorf("%+v", a)
	}
}

// Without an embedder the text model is asked; other errors fail the query.
func TestClassifyWithoutEmbedder(t *testing.T) {
	m := fakeOf(135e6, true)
	m.score = likeAnswer
	lost := errors.New("the disk is gone")
	for _, c := range []struct {
		e    *fakeEmbedder
		err  error
		want error
	}{
		{nil, &llm.UnknownModelError{Name: "embed"}, nil},
		{nil, llm.ErrNoModel, nil},
		{&fakeEmbedder{roles: []llm.ModelRole{llm.Text}}, nil, nil},
		{&fakeEmbedder{roles: []llm.ModelRole{llm.Text, llm.Embed}}, nil, nil},
		{nil, lost, lost},
	} {
		m.requests = nil
		answers, err := classify.Eval(t.Context(), both(m, c.e, c.err), []Row{{"efef", fourLabels}})
		if !errors.Is(err, c.want) || c.want == nil && (answers[0].Value != "efef" || len(m.requests) == 0) {
			t.Errorf("%v: %+v, %v", c.err, answers, err)
		}
	}
}

// Similarities are divided by the spread of the labels, and added to the scores of
// questions.
func TestVectorScores(t *testing.T) {
	e := newEmbedder()
	score := func(row Row) ([]float64, *labelSpace) {
		in, _, err := readClassify(padRow(row, 4))
		if err != nil {
			t.Fatal(err)
		}
		var spaces labelSpaces
		e.digest = "1"
		scores, embeddings, err := vectorScores(t.Context(), e, &spaces, []task[labelInput]{{in, &Answer{}}})
		if err != nil || embeddings[0].Err != nil || len(spaces.known) != 1 {
			t.Fatalf("%v, %+v, %d spaces", err, embeddings, len(spaces.known))
		}
		for _, space := range spaces.known {
			return scores[0], space
		}
		return nil, nil
	}
	scores, space := score(Row{"xyz", fourLabels})
	sum := 0.0
	embed := func(texts ...string) ([]llm.Embedding, error) {
		requests := make([]llm.EmbedRequest, len(texts))
		for i, text := range texts {
			requests[i].Text = text
		}
		return newEmbedder().Embed(t.Context(), requests)
	}
	vectors, err := embed(neutral...)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		var of []float64
		for _, l := range space.labels {
			of = append(of, cosine(v.Vector, l))
		}
		sum += deviation(of) / float64(len(neutral))
	}
	// The vector of a label is between those of its words and of a request with them.
	texts, err := embed("xyz", "I want to ask about xyz.", "a")
	if err != nil {
		t.Fatal(err)
	}
	middle := unit(plus(texts[0].Vector, texts[1].Vector))
	if want := cosine(texts[0].Vector, middle); math.Abs(scores[3]*sum-want) > 1e-6 {
		t.Errorf("the similarity of a text and the label with its words is %g at the spread %g, want %g", scores[3]*sum, sum, want)
	}
	// Descriptions and examples move a label.
	for _, row := range []Row{
		{"mmm", `{"aaa": "mmmm", "ccc": "", "eee": "", "xyz": ""}`},
		{"mmm", []string{"aaa", "ccc", "eee", "xyz"}, nil, []Example{{"mmmm", "aaa"}}},
	} {
		if scores, _ := score(row); scores[0] <= scores[1] || scores[0] <= scores[3] {
			t.Errorf("%v: %v", row, scores)
		}
	}
	if s, space := score(Row{"a", []string{"a"}}); math.Abs(s[0]-cosine(space.labels[0], texts[2].Vector)) > 1e-6 {
		t.Errorf("one label: %v", s)
	}
	// A large model and an embedder together.
	m := fakeOf(15e8, true)
	m.score = func(prompt, label string) float64 { return 0 }
	a := eval(t, classifyScore, both(m, newEmbedder(), nil), Row{"xyz", fourLabels})[0]
	p := make([]float64, len(scores))
	copy(p, scores)
	softmax(p)
	if v := a.Value.([]any); v[0] != "xyz" || math.Abs(v[1].(float64)-p[3]) > 1e-6 {
		t.Errorf("%+v, want the probability %g", a, p[3])
	}
}

// The vectors of labels are computed once for a model with a digest.
func TestLabelVectorsAreRemembered(t *testing.T) {
	e := newEmbedder()
	e.digest = "remembered"
	m := fakeOf(135e6, true)
	rows := []Row{{"abab", fourLabels}, {"xyz", fourLabels}, {"xyz", fourLabels}}
	for _, want := range []int{2 + 2*len(fourLabels) + len(neutral) - 1, 2} { // xyz is a label, too
		e.texts = nil
		eval(t, classify, both(m, e, nil), rows...)
		if len(e.texts) != want {
			t.Errorf("%d texts were embedded, want %d", len(e.texts), want)
		}
	}
	var s labelSpaces
	for i := range maxSpaces + 3 {
		s.put(llm.Info{Digest: "x"}, fmt.Sprint(i), &labelSpace{})
	}
	if len(s.known) != 3 {
		t.Errorf("%d spaces are kept", len(s.known))
	}
}

func TestClassifyAsks(t *testing.T) {
	text, both := []Ask{{Role: llm.Text}}, []Ask{{Role: llm.Text}, {Role: llm.Embed, Optional: true}}
	for _, c := range []struct {
		row  Row
		want []Ask
	}{
		{nil, both}, // the labels are in a column
		{Row{"x", fourLabels}, both},
		{Row{"x", `["a", "b", "c", "d"]`}, both},
		{Row{"x", fourLabels[1:]}, text},
		{Row{"x", fourLabels, `{"multilabel": "true"}`}, text},
		{Row{"x", fourLabels, `{"multilabel": "false"}`}, both},
		{Row{"x", "not a list"}, text},
	} {
		for _, f := range []*Function{classify, classifyScore} {
			if got := f.Asks(c.row); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s of %v asks %v, want %v", f.Name, c.row, got, c.want)
			}
		}
	}
	row := Row{"x", fourLabels}
	infos := []llm.Info{{Name: "m", Digest: "1"}, {Name: "e", Digest: "2"}}
	with, without := classify.Identity(infos, row), classify.Identity([]llm.Info{infos[0], {}}, row)
	if with == "" || without == "" || with == without {
		t.Errorf("the identities with and without an embedder are %q and %q", with, without)
	}
	if classify.Identity([]llm.Info{{}, infos[1]}, row) != "" || classify.Identity([]llm.Info{infos[0], {Name: "e"}}, row) != "" {
		t.Error("an identity without a digest")
	}
}

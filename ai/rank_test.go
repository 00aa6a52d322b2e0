package ai

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// crossEncoder gives a pair the difference of the lengths of its texts.
type crossEncoder struct {
	llm.Model
	labels  []string
	asked   []llm.Pair
	numbers int
}

func (c *crossEncoder) Info() llm.Info {
	return llm.Info{Name: "crosser", Roles: []llm.ModelRole{llm.Rank}, Labels: c.labels}
}

func (c *crossEncoder) Rank(_ context.Context, pairs []llm.Pair) ([]llm.Ranking, error) {
	c.asked = append(c.asked, pairs...)
	all := make([]llm.Ranking, len(pairs))
	for i, p := range pairs {
		if all[i].Logits = make([]float64, c.numbers); c.numbers > 0 {
			all[i].Logits[0] = float64(len(p.B) - len(p.A))
		}
		if all[i].Cut = len(p.B) > 9; p.B == "bad" {
			all[i].Err = llm.ErrTooLong
		}
	}
	return all, nil
}

func TestRank(t *testing.T) {
	c := &crossEncoder{numbers: 1}
	source := func(_ context.Context, role llm.ModelRole, _ string) (llm.Model, error) {
		if role != llm.Rank {
			t.Errorf("the role %s is asked", role)
		}
		return c, nil
	}
	answers := eval(t, rank, source, Row{"ab", "ab"}, Row{"ab", "abcd"}, Row{"ab", "ab"}, Row{"ab", nil}, Row{" ", "ab"}, Row{"ab", "bad"}, Row{"ab", "a long text"})
	for i, want := range map[int]float64{0: 0.5, 1: 1 / (1 + math.Exp(-2)), 2: 0.5} {
		if got := answers[i].Value; got != want {
			t.Errorf("row %d: %v, want %v", i, got, want)
		}
	}
	if answers[3] != (Answer{}) || answers[4] != (Answer{}) || !errors.Is(answers[5].Err, llm.ErrTooLong) || !answers[6].Cut || answers[6].Note == "" {
		t.Errorf("%+v", answers[3:])
	}
	if len(c.asked) != 4 {
		t.Errorf("%d pairs were asked, want the 4 different ones", len(c.asked))
	}
	c.labels = []string{"yes", "no"}
	if _, err := rank.Eval(t.Context(), source, []Row{{"a", "b"}}); !errors.Is(err, llm.ErrRole) {
		t.Errorf("a model with classes: %v", err)
	}
	c.labels, c.numbers = nil, 0
	if a := eval(t, rank, source, Row{"a", "b"})[0]; !errors.Is(a.Err, llm.ErrModel) {
		t.Errorf("a model without a number: %+v", a)
	}
}

// Without a model of the role rank, the vectors of a query and a document are compared.
func TestRankByVectors(t *testing.T) {
	m := &vectorsModel{fake: &fake{}}
	source := func(_ context.Context, role llm.ModelRole, _ string) (llm.Model, error) {
		if role == llm.Rank {
			return nil, llm.ErrNoModel
		}
		return m, nil
	}
	if got := eval(t, rank, source, Row{"a", "b"})[0].Value; got == nil || math.Abs(got.(float64)-0.5) > 1e-6 {
		t.Errorf("%v, want 0.5", got)
	}
	if len(m.asked) != 2 || m.asked[0].Prompt != "query" || m.asked[1].Prompt != "document" {
		t.Errorf("%+v", m.asked)
	}
}

package asking

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

func function(t *testing.T) *ai.Function {
	t.Helper()
	f, err := ai.Lookup("ai_gen")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Requests of all roles use the budget.
func TestMeterOfEachRole(t *testing.T) {
	limit := func() llm.Model {
		return metered(readingModel{}, NewSpending(job.Budget{Tokens: new(int64(45))}, job.Price{}), function(t))
	}
	for role, ask := range map[llm.ModelRole]func(m llm.Model, n int) ([]error, error){
		llm.Embed: func(m llm.Model, n int) (errs []error, err error) {
			results, err := m.Embed(t.Context(), make([]llm.EmbedRequest, n))
			for _, r := range results {
				errs = append(errs, r.Err)
			}
			return errs, err
		},
		llm.Tag: func(m llm.Model, n int) (errs []error, err error) {
			results, err := m.Tag(t.Context(), make([]string, n))
			for _, r := range results {
				errs = append(errs, r.Err)
			}
			return errs, err
		},
		llm.Rank: func(m llm.Model, n int) (errs []error, err error) {
			results, err := m.Rank(t.Context(), make([]llm.Pair, n))
			for _, r := range results {
				errs = append(errs, r.Err)
			}
			return errs, err
		},
	} {
		m := limit()
		errs, err := ask(m, 3)
		if err != nil || errs[0] != nil || errs[1] != nil {
			t.Fatal(role, errs, err)
		}
		if errs, err = ask(m, 2); err != nil || errs[0] != nil || job.AsSpent(errs[1]) == nil {
			t.Errorf("%s: %v, %v", role, errs, err)
		}
	}
	if _, err := metered(testkit.Echo{}, NewSpending(job.Budget{}, job.Price{}), function(t)).Tag(t.Context(), []string{"a"}); !errors.Is(err, llm.ErrRole) {
		t.Errorf("of a model without the role: %v", err)
	}
}

// readingModel reads 9 tokens for each request.
type readingModel struct{ testkit.Echo }

func (readingModel) CountTokens(s string) int { return len(s) }

func (readingModel) Embed(_ context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	return slices.Repeat([]llm.Embedding{{Vector: []float32{1}, Tokens: 9}}, len(requests)), nil
}

func (readingModel) Tag(_ context.Context, texts []string) ([]llm.Tagging, error) {
	return slices.Repeat([]llm.Tagging{{Tokens: make([]llm.TagToken, 9)}}, len(texts)), nil
}

func (readingModel) Rank(_ context.Context, pairs []llm.Pair) ([]llm.Ranking, error) {
	return slices.Repeat([]llm.Ranking{{Tokens: 9}}, len(pairs)), nil
}

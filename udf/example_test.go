package udf_test

import (
	"context"
	"strings"

	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/udf"
)

// ExampleAggregate declares a function that labels each group with the session's
// model:
//
//	SELECT product, verdict(text) FROM reviews GROUP BY product
func ExampleAggregate() {
	udf.Aggregate("verdict", func(ctx context.Context, reviews []string) (*string, error) {
		model, err := udf.Model(ctx)
		if err != nil {
			return nil, err
		}
		results, err := model.Do(ctx, []llm.Request{{
			Prefix:     "What do these customers think of the product, on the whole?\n",
			Text:       "- " + strings.Join(reviews[:min(len(reviews), 20)], "\n- ") + "\nAnswer:",
			Constraint: llm.Choice{Labels: []string{" good", " bad", " mixed"}},
		}})
		if err != nil || results[0].Err != nil {
			return nil, err // NULL if the model has no answer
		}
		return &results[0].Text, nil
	})
}

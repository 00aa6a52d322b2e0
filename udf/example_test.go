package udf_test

import (
	"context"
	"fmt"
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

// A function takes a slice and returns one of the same length. Its SQL types
// come from its Go types.
func ExampleFunc() {
	f := udf.Func("example_shout", func(_ context.Context, in []string) ([]string, error) {
		out := make([]string, len(in))
		for i, text := range in {
			out[i] = strings.ToUpper(text) + "!"
		}
		return out, nil
	})
	fmt.Println(f.Signature(), f.Returns(), f.Kind(), f.Deterministic())
	// Output: example_shout() STRING a scalar function true
}

// The fields of a struct are the arguments, by position and by name.
func ExampleFunc_arguments() {
	type args struct {
		Text  string `spark:"text"`
		Times int32  `spark:"times"`
	}
	f := udf.Func("example_repeat", func(_ context.Context, in []args) ([]string, error) {
		out := make([]string, len(in))
		for i, a := range in {
			out[i] = strings.Repeat(a.Text, int(a.Times))
		}
		return out, nil
	})
	fmt.Println(f.Signature(), f.Returns())
	// Output: example_repeat(text, times) STRING
}

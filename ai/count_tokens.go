package ai

import (
	"context"

	"github.com/firesteel/firesteel/llm"
)

var countTokens = define(&Function{
	Name:    "ai_count_tokens",
	Params:  []Param{{Name: "content", Type: String, About: "the text"}},
	Returns: Int,
	Summary: "counts the tokens of a text with the model's tokenizer",
	Detail: "NULL gives NULL, and an empty text 0. Blank text is counted too, because spaces are tokens. Only the tokenizer of the model runs, " +
		"which is fast. The tokens of a prompt around the text are not counted.",
	Measured: "There is nothing to measure: the count is exact, and tests compare the tokenizers with those of other programs.",
	Example:  "SELECT ai_count_tokens('It is a good test for Spark.') AS tokens",
	exact:    true,
	Sample:   Row{"It is a good test for Spark."},
	Direct:   true,
}, func(row Row) (string, bool, error) {
	content, ok := row[0].(string)
	return content, ok, nil
}, func(ctx context.Context, model Source, need []task[string]) error {
	var m llm.Model
	for _, a := range need {
		if a.in == "" {
			a.Value = int64(0)
			continue
		}
		if m == nil {
			var err error
			if m, err = open(ctx, model, llm.Text, ""); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		a.Value = int64(m.CountTokens(a.in))
	}
	return nil
})

package ai

import (
	"context"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// maxGenerated bounds an answer of ai_gen, in tokens.
const maxGenerated = 256

var gen = register(&Function{
	Name:    "ai_gen",
	Params:  []Param{{"prompt", String}},
	Returns: String,
	Summary: "answers a prompt with generated text",
	Detail: "NULL and blank prompts give NULL without a model call. The answer is greedy (the same prompt always gives the " +
		"same answer) and at most 256 tokens long. A prompt that does not fit the model's context window is that row's error: " +
		"NULL, counted in the worker's log.",
	Example: "SELECT ai_gen('Name three colours.') AS answer",
	Eval: func(ctx context.Context, model Source, rows []Row) ([]Answer, error) {
		prompt := func(row Row) (string, bool, error) {
			s, ok := text(row[0])
			return s, ok, nil
		}
		return ask(ctx, model, rows, prompt, func(m llm.Model, need []asked[string]) error {
			requests := make([]llm.Request, len(need))
			for i, a := range need {
				requests[i] = llm.Request{Messages: []llm.Message{{Role: llm.User, Text: a.in}}, MaxTokens: maxGenerated}
			}
			results, err := do(ctx, m, requests)
			if err != nil {
				return err
			}
			for i, r := range results {
				if need[i].Err = r.Err; r.Err == nil {
					need[i].Value = strings.TrimSpace(r.Text)
				}
			}
			return nil
		})
	},
})

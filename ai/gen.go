package ai

import (
	"context"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

var gen = register(&Function{
	Name:    "ai_gen",
	Params:  []Param{{"prompt", String}},
	Returns: String,
	Summary: "answers a prompt with generated text",
	Detail: "NULL and blank prompts give NULL without a model call. The answer is greedy (the same prompt always gives the " +
		"same answer) and at most 256 tokens long. A prompt that does not fit the model's context window is that row's error: " +
		"NULL, counted in the worker's log.",
	Example: "SELECT ai_gen('Name three colours.') AS answer",
	Eval: func(ctx context.Context, m llm.Model, rows []Row) ([]Answer, error) {
		request := func(row Row, _ *Answer) (llm.Request, bool) {
			prompt, ok := text(row[0])
			return llm.Request{Messages: []llm.Message{{Role: llm.User, Text: prompt}}, MaxTokens: 256}, ok
		}
		read := func(_ int, r llm.Result, a *Answer) { a.Value = strings.TrimSpace(r.Text) }
		return ask(ctx, m, rows, request, read)
	},
})

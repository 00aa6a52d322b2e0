package ai

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// maxGenerated bounds an answer of ai_gen, in tokens.
const maxGenerated = 256

var gen = define(&Function{
	Name:    "ai_gen",
	Params:  []Param{{Name: "prompt", Type: String, About: "what to ask, as it goes to the model"}},
	Returns: String,
	Summary: "answers a prompt with generated text",
	Detail: "NULL and blank prompts give NULL without a model call. The answer is greedy (the same prompt always gives the " +
		"same answer) and at most 256 tokens long; one that was cut off there is given, with a note. A prompt that does not fit " +
		"the model's context window is that row's error: NULL, counted in the worker's log.",
	Weakness: "Small models state falsehoods fluently. Do not use answers as facts.",
	Example:  "SELECT ai_gen('Name three colours.') AS answer",
	Sample:   Row{"Name three colours."},
}, func(row Row) (string, bool, error) {
	prompt, ok := text(row[0])
	return prompt, ok, nil
}, withModel(func(ctx context.Context, m llm.Model, need []asked[string]) error {
	requests := make([]llm.Request, len(need))
	for i, a := range need {
		requests[i] = llm.Request{Messages: []llm.Message{{Role: llm.User, Text: a.in}}, MaxTokens: maxGenerated}
	}
	results, err := do(ctx, m, requests)
	if err != nil {
		return err
	}
	for i, r := range results {
		need[i].generated(r, maxGenerated)
	}
	return nil
}))

// generated takes a free answer of at most limit tokens.
func (a asked[In]) generated(r llm.Result, limit int) {
	answer := strings.TrimSpace(r.Text)
	if a.Err = r.Err; a.Err != nil {
		a.Raw = answer
		return
	}
	if a.Value = answer; r.Finish == llm.FinishLength {
		a.Note = fmt.Sprintf("the answer was cut off after %d tokens", limit)
	}
}

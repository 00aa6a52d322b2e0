package ai

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// maxGenerated bounds an answer of ai_gen, in tokens.
const maxGenerated = 256

// measuredGen holds for ai_gen and ai_query, which send the same requests.
const measuredGen = "200 product reviews (UCI sentiment, Amazon) with the question whether they are positive or negative, to be answered with one word; the first of the two words in the answer " +
	"counts, in any case. Accuracy in 8 bits: SmolLM2-135M 0.615 (20 answers have neither word), Qwen2.5-Coder-0.5B 0.930, Qwen2.5-Coder-1.5B 0.965. The form of an answer is the model's: " +
	"equal to the word in lower case are 0.015, 0.010 and 0.280 of the answers, because the larger models mostly write Positive. ai_query with a returnType, or ai_classify, returns a fixed form."

var gen = define(&Function{
	Name:    "ai_gen",
	Params:  []Param{{Name: "prompt", Type: String, About: "the prompt; it is sent to the model unchanged"}},
	Returns: String,
	Summary: "answers a prompt with generated text",
	Detail: "NULL and blank prompts give NULL without a model call. The answer is greedy (the same prompt always gives the " +
		"same answer) and has at most 256 tokens. An answer that was cut off at this limit has a note. A prompt that is longer than " +
		"the model's context window is an error of the row: its answer is NULL, and the worker's log counts it.",
	Measured: measuredGen,
	Weakness: "Small models make false statements fluently. Do not use answers as facts.",
	Example:  "SELECT ai_gen('Name three colours.') AS answer",
	Sample:   Row{"Name three colours."},
}, func(row Row) (string, bool, error) {
	prompt, ok := text(row[0])
	return prompt, ok, nil
}, withModel(llm.Text, func(ctx context.Context, m llm.Model, need []task[string]) error {
	requests := make([]llm.Request, len(need))
	for i, a := range need {
		requests[i] = llm.Request{Messages: []llm.Message{{Role: llm.User, Text: a.in}}, MaxTokens: maxGenerated}
	}
	results, err := do(ctx, m, requests)
	if err != nil {
		return err
	}
	for i, r := range results {
		need[i].setGenerated(r, maxGenerated)
	}
	return nil
}))

// setGenerated sets the answer to generated text of at most limit tokens.
func (a task[In]) setGenerated(r llm.Result, limit int) {
	answer := strings.TrimSpace(r.Text)
	if a.Err = r.Err; a.Err != nil {
		a.Raw = answer
		return
	}
	if a.Value = answer; r.Finish == llm.FinishLength {
		a.Note = fmt.Sprintf("the answer was cut off after %d tokens", limit)
	}
}

package ai

import (
	"context"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

var fixGrammarPrompt = mustPrompt("fix_grammar", "content")

var fixGrammar = define(&Function{
	Name: "ai_fix_grammar",
	Params: []Param{
		{Name: "content", Type: String, About: "the text to correct"},
		examplesParam("corrected texts of your own, as struct(text, corrected)"),
	},
	Returns: String,
	Summary: "corrects the grammar and spelling of a text",
	Detail: "NULL gives NULL, and blank content gives itself, without a model call. A long text is corrected in parts of at most " +
		"384 tokens, each by itself; the space between them stays as it is. An answer that is no correction of the text, as it has " +
		"hardly a word of it, is that row's error.",
	Weakness: "Small models leave mistakes, and now and then change words that were right.",
	Example:  "SELECT ai_fix_grammar('She have went to the shop yesterday.') AS corrected",
	Sample:   Row{"She have went to the shop yesterday."},
	Prompts:  []string{"fix_grammar"},
	rewrites: true,
}, func(row Row) (in fixing, ok bool, err error) {
	in.content, ok = row[0].(string)
	in.examples, err = readExamples("examples", row[1], nil)
	return in, ok, err
}, withModel(func(ctx context.Context, m llm.Model, need []asked[fixing]) error {
	return rewrite(ctx, m, need, func(in fixing) (string, rewriting) {
		return in.content, rewriting{done: "corrected", check: isCorrection, request: func(text string) llm.Request {
			return fixGrammarPrompt.fill(in.examples, "content", text)
		}}
	})
}))

type fixing struct {
	content  string
	examples []Example
}

// isCorrection doubts an answer that shares less than a third of its words
// with the text, or is twice as long.
func isCorrection(text, answer string) error {
	words := map[string]bool{}
	for _, w := range strings.Fields(strings.ToLower(text)) {
		words[w] = true
	}
	kept := 0
	all := strings.Fields(strings.ToLower(answer))
	for _, w := range all {
		if words[w] {
			kept++
		}
	}
	if len(words) >= 8 && 3*kept < len(all) || len(answer) > 2*len(text)+40 {
		return sensitive.Errorf("%w: its answer is no correction of the text: %s", llm.ErrModel, sensitive.Text(answer))
	}
	return nil
}

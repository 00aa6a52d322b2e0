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
		examplesParam("your own corrected texts, as struct(text, corrected)"),
	},
	Returns: String,
	Summary: "corrects the grammar and spelling of a text",
	Detail: "NULL gives NULL, and blank content is returned unchanged, without a model call. A long text is corrected in parts of at most " +
		"384 tokens, independently of each other; the space between them does not change. An answer that has few of the words of the text is not a correction; " +
		"it is the error of the row.",
	Weakness: "Small models overlook mistakes and sometimes change correct words.",
	Example:  "SELECT ai_fix_grammar('She have went to the shop yesterday.') AS corrected",
	Sample:   Row{"She have went to the shop yesterday."},
	Prompts:  []string{"fix_grammar"},
	rewrites: true,
}, func(row Row) (in grammarInput, ok bool, err error) {
	in.content, ok = row[0].(string)
	in.examples, err = readExamples("examples", row[1], nil)
	return in, ok, err
}, withModel(llm.Text, func(ctx context.Context, m llm.Model, need []task[grammarInput]) error {
	return rewrite(ctx, m, need, func(in grammarInput) (string, rewriting) {
		return in.content, rewriting{done: "corrected", check: isCorrection, request: func(text string) llm.Request {
			return fixGrammarPrompt.fill(in.examples, "content", text)
		}}
	})
}))

type grammarInput struct {
	content  string
	examples []Example
}

// isCorrection returns an error if the answer shares less than a third of its
// words with the text, or is twice as long.
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
		return sensitive.Errorf("%w: its answer is not a correction of the text: %s", llm.ErrModel, sensitive.Text(answer))
	}
	return nil
}

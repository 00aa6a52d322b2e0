package ai

import (
	"context"

	"github.com/firesteel/firesteel/llm"
)

var translatePrompt = mustPrompt("translate", "language", "content")

var translate = define(&Function{
	Name: "ai_translate",
	Params: []Param{
		{Name: "content", Type: String, About: "the text"},
		{Name: "to_lang", Type: String, About: "the language to translate into: a code (de, pt-BR) or an English name (German)"},
		examplesParam("translated texts of your own, as struct(text, translated)"),
	},
	Returns: String,
	Summary: "translates a text into another language",
	Detail: "NULL content and a NULL language give NULL, and blank content gives itself, without a model call. A language that is " +
		"not known, by its ISO 639-1 code, a locale such as pt-BR or its English name, fails the query. A long text is translated " +
		"in parts of at most 384 tokens, each by itself; the space between them stays as it is. A model that goes round in circles " +
		"is that row's error.",
	Weakness: "Needs a multilingual model: SmolLM2-135M, the default, cannot translate.",
	Example:  "SELECT ai_translate('Good morning.', 'fr') AS translated",
	Sample:   Row{"Good morning.", "fr"},
	Prompts:  []string{"translate"},
	rewrites: true,
}, func(row Row) (in translation, ok bool, err error) {
	content, ok := row[0].(string)
	code, given := row[1].(string)
	if !given {
		return in, false, nil
	}
	in = translation{content: content}
	if in.language, err = language(code); err != nil {
		return in, false, &ArgumentError{"to_lang", err}
	}
	in.examples, err = readExamples("examples", row[2], nil)
	return in, ok, err
}, withModel(func(ctx context.Context, m llm.Model, need []asked[translation]) error {
	return rewrite(ctx, m, need, func(in translation) (string, rewriting) {
		return in.content, rewriting{done: "translated", request: func(text string) llm.Request {
			return translatePrompt.fill(in.examples, "language", in.language, "content", text)
		}}
	})
}))

type translation struct {
	content, language string
	examples          []Example
}

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
		{Name: "to_lang", Type: String, About: "the target language: a code (de, pt-BR) or an English name (German)"},
		examplesParam("your own translated texts, as struct(text, translated)"),
	},
	Returns: String,
	Summary: "translates a text into another language",
	Detail: "NULL content and a NULL language give NULL, and blank content is returned unchanged, without a model call. The query fails if the language " +
		"is not a known ISO 639-1 code, a locale such as pt-BR, or an English name. A long text is translated " +
		"in parts of at most 384 tokens, independently of each other; the space between them does not change. An answer in which the model repeats itself " +
		"is an error of the row.",
	Measured: "100 sentences of news (NTREX), English to French, chrF in 8 bits, and of the same model with a plain prompt: SmolLM2-135M 0.076 and 0.178, Qwen2.5-Coder-0.5B 0.353 " +
		"and 0.343 (p 0.17), Qwen2.5-Coder-1.5B 0.426 and 0.430: for models that can translate, the prompt is as good as a plain one. SmolLM2-135M, the default, cannot: 63 of its 100 answers are errors " +
		"because it repeats itself or does not end, which is better than such a text. Its answers to the plain prompt are not translations either: French sentences of other rows score 0.17 to 0.21, " +
		"and the English text unchanged 0.245.",
	Weakness: "It needs a multilingual model: SmolLM2-135M, the default, cannot translate.",
	Example:  "SELECT ai_translate('Good morning.', 'fr') AS translated",
	Sample:   Row{"Good morning.", "fr"},
	Prompts:  []string{"translate"},
	rewrites: true,
}, func(row Row) (in translateInput, ok bool, err error) {
	content, ok := row[0].(string)
	code, given := row[1].(string)
	if !given {
		return in, false, nil
	}
	in = translateInput{content: content}
	if in.language, err = language(code); err != nil {
		return in, false, &ArgumentError{"to_lang", err}
	}
	in.examples, err = readExamples("examples", row[2], nil)
	return in, ok, err
}, withModel(llm.Text, func(ctx context.Context, m llm.Model, need []task[translateInput]) error {
	return rewrite(ctx, m, need, func(in translateInput) (string, rewriting) {
		return in.content, rewriting{done: "translated", request: func(text string) llm.Request {
			return translatePrompt.fill(in.examples, "language", in.language, "content", text)
		}}
	})
}))

type translateInput struct {
	content, language string
	examples          []Example
}

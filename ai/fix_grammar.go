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
		{Name: "tagger", Type: String, Optional: true, About: "the name of a model of the session that corrects instead of the text model: a tagger of edits, such as gector-distilbert"},
	},
	Returns: String,
	Summary: "corrects the grammar and spelling of a text",
	Detail: "NULL gives NULL, and blank content is returned unchanged, without a model call. A long text is corrected in parts of at most " +
		"384 tokens, independently of each other; the space between them does not change. An answer that has few of the words of the text is not a correction; " +
		"it is the error of the row. With tagger, a tagger of edits decides for each word whether it stays, and by which of its about 200 edits it changes; " +
		"nothing is written, all other bytes stay, and a text of any length is corrected as a whole. It knows frequent mistakes of English and no spelling, and examples are an error.",
	Measured: "ROUGE-L on 200 English sentences of news and captions with one to three mistakes that ai/testdata/grammar.py made (unchanged: 0.894), and the share of 100 correct " +
		"sentences that stayed as they were: SmolLM2-135M 0.780 (0.746 to 0.813) and 0.51, gector-distilbert as tagger 0.904 (0.895 to 0.914) and 0.98, " +
		"Qwen2.5-Coder-0.5B 0.927 (0.917 to 0.936), Qwen2.5-Coder-1.5B 0.955 (0.947 to 0.962), all in 8 bits. " +
		"So the tagger is the better choice beside the default model, and where correct texts must stay as they are.",
	Weakness: "Small models overlook mistakes and sometimes change correct words. The tagger overlooks most mistakes of spelling.",
	Example:  "SELECT ai_fix_grammar('She have went to the shop yesterday.') AS corrected",
	Sample:   Row{"She have went to the shop yesterday."},
	Prompts:  []string{"fix_grammar"},
	rewrites: true,
	asks: func(row Row) []Ask {
		if name, ok := text(row[2]); ok {
			return []Ask{{Role: llm.Tag, Name: strings.TrimSpace(name)}}
		}
		return []Ask{{Role: llm.Text}}
	},
}, readGrammar, correctAll)

type grammarInput struct {
	content  string
	examples []Example
	tagger   string // the name of a tagger of edits; empty for the text model
}

func readGrammar(row Row) (in grammarInput, ok bool, err error) {
	in.content, ok = row[0].(string)
	if in.examples, err = readExamples("examples", row[1], nil); err != nil {
		return in, false, err
	}
	tagger, given := row[2].(string)
	in.tagger = strings.TrimSpace(tagger)
	switch {
	case given && in.tagger == "":
		return in, false, badArgument("tagger", "it is blank; name a model of the session")
	case given && len(in.examples) > 0:
		return in, false, badArgument("examples", "a tagger does not read examples; leave out one of both")
	}
	return in, ok, nil
}

// correctAll corrects the texts of each tagger, and those of the text model.
func correctAll(ctx context.Context, model Source, need []task[grammarInput]) error {
	byTagger := map[string][]task[grammarInput]{}
	var names []string
	for _, a := range need {
		if byTagger[a.in.tagger] == nil {
			names = append(names, a.in.tagger)
		}
		byTagger[a.in.tagger] = append(byTagger[a.in.tagger], a)
	}
	for _, name := range names {
		correct := withModel(llm.Text, correctByText)
		if name != "" {
			correct = correctByTagger(name)
		}
		if err := correct(ctx, model, byTagger[name]); err != nil {
			return err
		}
	}
	return nil
}

func correctByText(ctx context.Context, m llm.Model, need []task[grammarInput]) error {
	return rewrite(ctx, m, need, func(in grammarInput) (string, rewriting) {
		return in.content, rewriting{done: "corrected", check: isCorrection, request: func(text string) llm.Request {
			return fixGrammarPrompt.fill(in.examples, "content", text)
		}}
	})
}

func correctByTagger(name string) func(context.Context, Source, []task[grammarInput]) error {
	return func(ctx context.Context, model Source, need []task[grammarInput]) error {
		m, err := open(ctx, model, llm.Tag, name)
		if err == nil {
			err = editsOf(m)
		}
		if err != nil {
			return err
		}
		texts := make([]string, len(need))
		for i, a := range need {
			texts[i] = a.in.content
		}
		corrected, errs, err := correctEdits(ctx, m, texts)
		if err != nil {
			return err
		}
		for i, a := range need {
			if a.Err = errs[i]; a.Err == nil {
				a.Value = corrected[i]
			}
		}
		return nil
	}
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

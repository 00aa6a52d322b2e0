package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

var (
	classifyPrompt = mustPrompt("classify", "instructions", "labels", "content")
	severalPrompt  = mustPrompt("classify_several", "instructions", "label", "content")
)

var classifyLabeller = &labeller{questions: func(in labelled) []question {
	instructions := ""
	if in.instructions != "" {
		instructions = in.instructions + "\n"
	}
	if !in.several {
		return []question{{words: plainly(len(in.labels)), about: func(content string) llm.Request {
			r := classifyPrompt.fill(in.examples, "instructions", instructions, "labels", described(in.labels), "content", content)
			return classifyPrompt.choose(r, trimmed(in.labels))
		}}}
	}
	questions := make([]question, len(in.labels))
	for i, l := range in.labels {
		var examples []Example
		for _, e := range in.examples {
			is := "no"
			if e.Output == strings.TrimSpace(l.name) {
				is = "yes"
			}
			examples = append(examples, Example{e.Input, is})
		}
		questions[i] = question{words: plainly(2), about: func(content string) llm.Request {
			r := severalPrompt.fill(examples, "instructions", instructions, "label", described([]label{l}), "content", content)
			return severalPrompt.choose(r, []string{"yes", "no"})
		}}
	}
	return questions
}}

var classifyParams = []Param{
	{Name: "content", Type: String, About: "the text"},
	{Name: "labels", Type: Labels, About: `the labels to choose from: ARRAY('a', 'b'), or JSON: '["a", "b"]' or '{"a": "what a is", "b": "what b is"}'`},
	{Name: "options", Type: Options, Optional: true, About: "MAP('instructions', 'what the texts are about', 'multilabel', 'true')"},
	examplesParam("labelled rows of your own, as struct(text, label)"),
}

const labelErrors = "An empty list, a blank or repeated label, more than 100 of them, one of more than 256 bytes, text that is no such " +
	"JSON and an unknown option fail the query. "

var classify = define(&Function{
	Name:    "ai_classify",
	Params:  classifyParams,
	Returns: String,
	Summary: "gives the one of labels that fits the text best",
	Detail: "NULL and blank content, and NULL labels, give NULL without a model call. The labels are scored, not generated, so " +
		"the answer is always one of them, as it stands in the list. With multilabel each label is asked for by itself, and the " +
		"answer is a JSON list of those that fit, perhaps []. " + labelErrors + "Of a text of more than 1024 tokens the first 1024 are read.",
	Differs: "Databricks' newer version answers with a VARIANT. A registered function has one result type on all Sparks, so it is " +
		"a STRING here, and with multilabel a JSON list in one. Labels may differ from row to row.",
	Measured: measuredClassify,
	Weakness: "multilabel asks too much of SmolLM2-135M, the default: what it gives is hardly better than chance.",
	Example:  "SELECT ai_classify('My card was charged twice.', ARRAY('billing', 'delivery', 'product')) AS topic",
	Sample:   Row{"My card was charged twice.", []string{"billing", "delivery", "product"}},
	Prompts:  []string{"classify", "classify_several"},
}, readClassify, answerLabels(classifyLabeller, func(a asked[labelled], f fit) {
	if a.in.several {
		severalLabels(a, f)
	} else {
		bestLabel(a, f)
	}
}))

const measuredClassify = "SmolLM2-135M-Instruct, the default (Q4_1, computed in 8 bits): which one of date, time, name and number of people a message " +
	"of the Restaurant-8k test set gives, 500 messages, names of the labels only: accuracy 0.520 (0.476 to 0.566), where the same model asked in plain words has " +
	"0.216 (0.182 to 0.252); of the probabilities, a calibration error of 0.08. Which one of positive and negative the first 300 Amazon sentences of UCI's " +
	"\"Sentiment Labelled Sentences\" are, asked the same way: 0.807 (0.760 to 0.850), in plain words 0.480 (0.420 to 0.533); calibration error 0.14. ai_analyze_sentiment does that better."

var classifyScore = define(&Function{
	Name:    "ai_classify_score",
	Params:  classifyParams,
	Returns: Struct(Field{"label", String}, Field{"probability", Float}),
	Summary: "gives the one of labels that fits the text best, and its probability",
	Detail: "NULL and blank content, and NULL labels, give NULL without a model call. The label is that of ai_classify. Its " +
		"probability is the model's, among the labels and after calibration; how far to trust it, a labelled sample tells. " +
		labelErrors + "With multilabel, which asks for more than one, it fails too.",
	Example:  "SELECT ai_classify_score('My card was charged twice.', ARRAY('billing', 'delivery', 'product')) AS topic",
	Measured: measuredClassify,
	Sample:   Row{"My card was charged twice.", []string{"billing", "delivery", "product"}},
	Prompts:  []string{"classify"},
}, func(row Row) (labelled, bool, error) {
	in, ok, err := readClassify(row)
	if err == nil && in.several {
		err = badArgument("options", "multilabel gives more than one label; use ai_classify")
	}
	return in, ok, err
}, answerLabels(classifyLabeller, func(a asked[labelled], f fit) {
	best, p := f.best()
	a.Value = []any{a.in.labels[best].name, p[best]}
	a.Raw = probabilities(a.in.labels, p)
}))

func readClassify(row Row) (in labelled, ok bool, err error) {
	content, ok := text(row[0])
	labels, given, err := readLabels("labels", row[1])
	if err != nil {
		return in, false, err
	}
	options, err := readOptions("options", row[2], "instructions", "multilabel", "version")
	if err != nil {
		return in, false, err
	}
	in = labelled{content: content, labels: labels}
	in.instructions = oneLine.Replace(strings.TrimSpace(options["instructions"]))
	if len(in.instructions) > maxAboutBytes {
		return in, false, badArgument("options", "instructions of %d bytes are longer than %d", len(in.instructions), maxAboutBytes)
	}
	if several, given := options["multilabel"]; given {
		if in.several, err = strconv.ParseBool(strings.ToLower(several)); err != nil {
			return in, false, badArgument("options", "multilabel is %s; it must be true or false", sensitive.Text(several))
		}
	}
	if given {
		in.examples, err = readExamples("examples", row[3], trimmed(labels))
	}
	return in, ok && given, err
}

// answerLabels scores labels, and lets answer read each row's.
func answerLabels(l *labeller, answer func(asked[labelled], fit)) func(context.Context, Source, []asked[labelled]) error {
	return withModel(func(ctx context.Context, m llm.Model, need []asked[labelled]) error {
		return l.score(ctx, m, need, answer)
	})
}

func bestLabel(a asked[labelled], f fit) {
	best, p := f.best()
	a.Value = a.in.labels[best].name
	a.Raw = probabilities(a.in.labels, p)
}

// severalLabels gives those whose own question was answered with yes.
func severalLabels(a asked[labelled], f fit) {
	chosen := []string{}
	p := make([]float64, len(f))
	for i, yesNo := range f {
		_, both := fit{yesNo}.best()
		if p[i] = both[0]; p[i] > .5 {
			chosen = append(chosen, a.in.labels[i].name)
		}
	}
	list, err := json.Marshal(chosen)
	if err != nil {
		a.Err = fmt.Errorf("writing the labels as JSON: %w", err)
		return
	}
	a.Value = string(list)
	a.Raw = probabilities(a.in.labels, p)
}

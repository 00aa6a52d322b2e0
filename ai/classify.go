package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

var (
	classifyPrompt     = mustPrompt("classify", "instructions", "labels", "content")
	classifyOpenPrompt = mustPrompt("classify_open", "instructions", "content")
	classifyListPrompt = mustPrompt("classify_list", "instructions", "labels", "content")
	severalPrompt      = mustPrompt("classify_several", "instructions", "label", "content")
)

// classTemperature divides the scores before they become probabilities. The same
// number is best for models from 135 million to 1.5 billion parameters.
const classTemperature = 1 / 0.6

// largeParameters is the number of parameters from which models choose better with
// a list of the labels than without; see
// docs/decisions/2026-12-01-asking-for-labels.md.
const largeParameters = 1_000_000_000

var classifyLabeller = &labeller{questions: func(in labelInput, m llm.Info) []question {
	if in.instructions != "" {
		in.instructions += "\n"
	}
	if in.multiLabel {
		return severalQuestions(in)
	}
	listed := describeBy(in.labels, labelWords(in.labels))
	open := in.labelQuestion(classifyOpenPrompt, "instructions", in.instructions)
	list := in.labelQuestion(classifyListPrompt, "instructions", in.instructions, "labels", listed)
	plain := in.labelQuestion(classifyPrompt, "instructions", in.instructions, "labels", listed)
	plain.even = false
	described := slices.ContainsFunc(in.labels, func(l label) bool { return strings.TrimSpace(l.about) != "" })
	switch {
	case m.Parameters == 0 || !m.Chat: // a server, which may not score, or a model that only continues text
		return []question{plain}
	case m.Parameters >= largeParameters:
		list.even, list.keep = false, 0.5
		return []question{list}
	case len(in.examples) > 0:
		return []question{open, plain}
	case described:
		return []question{open, list}
	}
	return []question{open}
}}

// labelQuestion returns the question which label fits best. blanks are those of the
// prompt before the content.
func (in labelInput) labelQuestion(p prompt, blanks ...string) question {
	words := labelWords(in.labels)
	examples := make([]Example, len(in.examples))
	for i, e := range in.examples {
		at := slices.IndexFunc(in.labels, func(l label) bool { return strings.TrimSpace(l.name) == e.Output })
		examples[i] = Example{e.Input, words[at]}
	}
	return question{even: true, words: oneWordEach(len(words)), about: func(content string) llm.Request {
		return p.choose(p.fill(examples, append(slices.Clip(blanks), "content", content)...), words)
	}}
}

// severalQuestions returns for each label the question whether it fits.
func severalQuestions(in labelInput) []question {
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
		questions[i] = question{words: oneWordEach(2), about: func(content string) llm.Request {
			r := severalPrompt.fill(examples, "instructions", in.instructions, "label", describe([]label{l}), "content", content)
			return severalPrompt.choose(r, []string{"yes", "no"})
		}}
	}
	return questions
}

var classifyParams = []Param{
	{Name: "content", Type: String, About: "the text"},
	{Name: "labels", Type: Labels, About: `the labels to choose from: ARRAY('a', 'b'), or JSON: '["a", "b"]' or '{"a": "what a is", "b": "what b is"}'`},
	{Name: "options", Type: Options, Optional: true, About: "MAP('instructions', 'the topic of the texts', 'multilabel', 'true', 'escalate_below', '0.8', 'escalate_to', 'big')"},
	examplesParam("your own labelled rows, as struct(text, label)"),
}

const labelErrors = "The query fails if the list is empty, if a label is blank, repeated or longer than 256 bytes, if there are more than 1000 " +
	"labels (100 with multilabel), if a text is not such JSON, and if an option is unknown. "

var classify = define(&Function{
	Name:    "ai_classify",
	Params:  classifyParams,
	Returns: String,
	Summary: "returns the label that fits the text best",
	Detail: "NULL and blank content, and NULL labels, give NULL without a model call. The labels are scored, not generated, so " +
		"the answer is always one of them, exactly as in the list. With multilabel, each label is a separate question, and the " +
		"answer is a JSON list of the labels that fit, which may be []. " + aboutEscalation + labelErrors + "Only the first 1024 tokens of a longer text are read.",
	Differs: "Databricks' newer version returns a VARIANT. A registered function has one result type in all versions of Spark, so here it is " +
		"a STRING, with multilabel a JSON list in a STRING. Labels may differ from row to row.",
	Measured: measuredClassify,
	Weakness: "SmolLM2-135M, the default, is too small for multilabel: its answers are hardly better than chance.",
	Example:  "SELECT ai_classify('My card was charged twice.', ARRAY('billing', 'delivery', 'product')) AS topic",
	Sample:   Row{"My card was charged twice.", []string{"billing", "delivery", "product"}},
	Prompts:  []string{"classify", "classify_open", "classify_list", "classify_several"},
	Version:  2,
	asks:     classifyAsks,
}, readClassify, escalating(scoreClasses, sureOfBest(classTemperature), func(a task[labelInput], f fit) {
	if a.in.multiLabel {
		severalLabels(a, f)
	} else {
		bestLabel(classTemperature)(a, f)
	}
}))

const measuredClassify = "With the default models, SmolLM2-135M-Instruct and bge-small-en, in 8 bits and with only the names of the labels, on rows that had no part in any choice: clinc150's " +
	"test part (4,500 requests), 150 intents 0.702 (0.688 to 0.715) and ten domains 0.472 (0.458 to 0.487); 3,000 questions to a bank (banking77), 77 intents 0.686 (0.668 to 0.702). " +
	"Names such as \"meta\" and \"utility\" say little: with a description of each of the ten domains 0.565 of 1,000 requests are right. On development data (150 rows each): four " +
	"domains 0.867, eight intents of a bank 0.947, four kinds of data in restaurant bookings 0.853, Amazon sentences as positive or negative 0.887; the same model asked by a plain " +
	"prompt has 0.187, 0.207, 0.180 and 0.487 there. The probabilities are calibrated for few labels (calibration error 0.05 with ten) and too low for many (0.32 with 150). ai_analyze_sentiment is " +
	"better for sentiments."

var classifyScore = define(&Function{
	Name:    "ai_classify_score",
	Params:  classifyParams,
	Returns: Struct(Field{"label", String}, Field{"probability", Float}),
	Summary: "returns the label that fits the text best, and its probability",
	Detail: "NULL and blank content, and NULL labels, give NULL without a model call. The label is that of ai_classify. Its " +
		"probability is that of the model among the labels, after calibration; use a labelled sample to find out how reliable it is. " +
		labelErrors + "The query also fails with multilabel, which returns more than one label.",
	Example:  "SELECT ai_classify_score('My card was charged twice.', ARRAY('billing', 'delivery', 'product')) AS topic",
	Measured: measuredClassify,
	Sample:   Row{"My card was charged twice.", []string{"billing", "delivery", "product"}},
	Prompts:  []string{"classify", "classify_open", "classify_list"},
	Version:  2,
	asks:     classifyAsks,
}, func(row Row) (labelInput, bool, error) {
	in, ok, err := readClassify(row)
	if err == nil && in.multiLabel {
		err = badArgument("options", "multilabel returns more than one label; use ai_classify")
	}
	return in, ok, err
}, escalating(scoreClasses, sureOfBest(classTemperature), bestWithProbability))

// bestWithProbability sets the answer to the best label and its probability.
func bestWithProbability(a task[labelInput], f fit) {
	best, p := f.best(classTemperature)
	a.Value = []any{a.in.labels[best].name, p[best]}
	a.Raw = probabilities(a.in.labels, p)
}

// classifyOptions are the names of the options of ai_classify.
var classifyOptions = append([]string{"instructions", "multilabel", "version"}, escalationOptions...)

func readClassify(row Row) (in labelInput, ok bool, err error) {
	content, ok := text(row[0])
	labels, given, err := readLabels("labels", row[1], maxChoices)
	if err != nil {
		return in, false, err
	}
	options, err := readOptions("options", row[2], classifyOptions...)
	if err != nil {
		return in, false, err
	}
	in = labelInput{content: content, labels: labels}
	in.instructions = oneLine.Replace(strings.TrimSpace(options["instructions"]))
	if len(in.instructions) > maxAboutBytes {
		return in, false, badArgument("options", "the instructions have %d bytes; the limit is %d", len(in.instructions), maxAboutBytes)
	}
	if in.multiLabel, err = readMultiLabel(options); err != nil {
		return in, false, err
	}
	if in.escalation, err = readEscalation(options); err == nil && in.multiLabel && in.to != "" {
		err = badArgument("options", "with multilabel, no row is sent to a larger model: a row has no single probability")
	}
	if err != nil {
		return in, false, err
	}
	if in.multiLabel && len(labels) > maxLabels {
		return in, false, badArgument("labels", "%d labels are given, but with multilabel at most %d are allowed", len(labels), maxLabels)
	}
	if given {
		in.examples, err = readExamples("examples", row[3], trimmed(labels))
	}
	return in, ok && given, err
}

// readMultiLabel reads the option multilabel, which is false by default.
func readMultiLabel(options map[string]string) (bool, error) {
	given, ok := options["multilabel"]
	if !ok {
		return false, nil
	}
	several, err := strconv.ParseBool(strings.ToLower(given))
	if err != nil {
		return false, badArgument("options", "multilabel is %s; it must be true or false", sensitive.Text(given))
	}
	return several, nil
}

// answerLabels scores labels and calls answer for each row.
func answerLabels(l *labeller, answer func(task[labelInput], fit)) func(context.Context, Source, []task[labelInput]) error {
	return withModel(llm.Text, func(ctx context.Context, m llm.Model, need []task[labelInput]) error {
		return l.score(ctx, m, need, answer)
	})
}

// bestLabel sets the answer to the best label, with probabilities at a temperature.
func bestLabel(temperature float64) func(task[labelInput], fit) {
	return func(a task[labelInput], f fit) {
		best, p := f.best(temperature)
		a.Value = a.in.labels[best].name
		a.Raw = probabilities(a.in.labels, p)
	}
}

// severalLabels sets the answer to the labels whose question was answered with
// yes.
func severalLabels(a task[labelInput], f fit) {
	chosen := []string{}
	p := make([]float64, len(f))
	for i, yesNo := range f {
		_, both := fit{yesNo}.best(1)
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

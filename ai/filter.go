package ai

import (
	"context"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

var (
	filterPrompt          = mustPrompt("filter", "predicate", "content")
	filterStatementPrompt = mustPrompt("filter_statement", "content")
	filterAskPrompt       = mustPrompt("filter_ask", "predicate", "content")
)

var filterLabeller = &labeller{questions: filterQuestions}

// filterAnswers are the labels of a predicate, in the order of probabilities, and the
// answers of examples.
var filterAnswers = []label{{name: "true"}, {name: "false"}}

// The numbers below were chosen on development data; see
// docs/decisions/2026-12-01-asking-for-predicates.md.
const (
	// statementMargin is how much better a statement must fit a text than texts without
	// content, and askMargin the same for the answer yes.
	statementMargin, askMargin = 3.0, 0.5
	// filterTemperature divides the scores before they become probabilities.
	filterTemperature = 6.0
)

// filterQuestions returns the questions that decide a predicate. A small model is asked
// what is true of the text, because its yes and no hardly depend on the text.
func filterQuestions(in labelInput, m llm.Info) []question {
	var examples []Example
	for _, e := range in.examples {
		answer := "no"
		if e.Output == filterAnswers[0].name {
			answer = "yes"
		}
		examples = append(examples, Example{e.Input, answer})
	}
	yesNo := func(p prompt) question {
		return question{words: oneWordEach(2), prior: []float64{0, askMargin}, about: func(content string) llm.Request {
			return p.choose(p.fill(examples, "predicate", in.predicate, "content", content), []string{"yes", "no"})
		}}
	}
	other := filterStatementPrompt.words["other"]
	statement := question{even: true, words: [][]int{{0}, make([]int, len(other))}, prior: []float64{0, statementMargin}, about: func(content string) llm.Request {
		return filterStatementPrompt.choose(filterStatementPrompt.fill(nil, "content", content), append([]string{in.predicate}, other...))
	}}
	for i := range other {
		statement.words[1][i] = i + 1
	}
	switch {
	case m.Parameters == 0 || !m.Chat:
		return []question{yesNo(filterPrompt)}
	case m.Parameters >= largeParameters:
		return []question{yesNo(filterAskPrompt)}
	case len(examples) > 0:
		return []question{statement, yesNo(filterPrompt)}
	}
	return []question{statement}
}

var filterParams = []Param{
	{Name: "content", Type: String, About: "the text; format_string puts several columns into one"},
	{Name: "predicate", Type: String, About: "what may be true of the text, as a statement: 'the review is positive'"},
	{Name: "options", Type: Options, Optional: true, About: "MAP('threshold', '0.7'): the probability from which on the answer is true (default 0.5); also escalate_below and escalate_to"},
	examplesParam("your own labelled rows, as struct(text, 'true' or 'false')"),
}

const measuredFilter = "SmolLM2-135M-Instruct, the default (Q4_1, computed in 8 bits), on data that had no part in any choice, beside the same model asked by a plain prompt: \"the review is " +
	"positive\", 180 Yelp sentences: accuracy 0.733 (0.667 to 0.789), plain 0.533, F1 of true 0.69, plain 0; \"the text is about food, cooking or restaurants\", 180 requests of clinc150's test part " +
	"of which a third are: accuracy 0.772 (0.706 to 0.833), plain 0.572, F1 0.53, plain 0.03; \"the person wants to travel: flights, hotels, luggage or visas\", likewise: 0.733 (0.672 to 0.794), plain " +
	"0.600, F1 0.60, plain 0.03. Calibration error 0.13 to 0.18. Qwen2.5-Coder-0.5B on 120 of the Yelp sentences: 0.742, plain 0.550, F1 0.72, plain 0.13. " +
	"Qwen2.5-Coder-1.5B on 84 other requests for travel and food each: accuracy 0.857 and 0.964, plain 0.714 and 0.786, F1 0.78 and 0.95, plain 0.50 and 0.65. " +
	"One sample of 240 requests of clinc150's test part, a sixth of each domain that is asked for, and a sixth outside all domains; descriptions that were written once: \"the request is about a bank account: its balance, transfers, " +
	"bills or payments\", \"... about travel: flights, hotels, luggage, visas or currencies\", \"... about a car, driving or the way to work: fuel, tires, traffic or directions\". F1 of true: SmolLM2-135M 0.59, 0.44 and 0.45, plain 0, 0 and 0; " +
	"ai_classify among the ten names of domains 0.55, 0.64 and 0.63. Qwen2.5-Coder-0.5B on the first 120 rows 0.49 and 0.39 for the first two, plain 0.09 and 0.07, ai_classify 0.54 and 0.65. Qwen2.5-Coder-1.5B on the first 80 rows 0.44 and 0.62, plain 0.43 and 0.44, ai_classify 0.44 and 0.54. " +
	"Where so few rows are true, a plain prompt that never says true has the higher accuracy with the small models: 0.76 beside 0.80, 0.70 beside 0.68, 0.71 beside 0.69 (SmolLM2-135M), 0.83 beside 0.72, 0.79 beside 0.73 (0.5B)."

const filterNulls = "NULL and blank content, and a NULL predicate, give NULL without a model call. The answer is scored, not generated. " +
	"The query fails if the predicate is blank or longer than 4096 bytes, if the threshold is not a number from 0 to 1, and if an option is unknown. " +
	"Only the first 1024 tokens of a longer text are read. " + aboutEscalation

var filter = define(&Function{
	Name:    "ai_filter",
	Params:  filterParams,
	Returns: Boolean,
	Answers: names(filterAnswers),
	Summary: "decides whether a statement is true of a text",
	Detail: filterNulls + "In a WHERE clause NULL keeps no row, like false. Spark evaluates the other conditions of the same WHERE first, " +
		"if they are joined by AND and are deterministic; see SQL for what it does with OR, CASE and joins.",
	Differs:  "Databricks has no such function. Snowflake's AI_FILTER has one argument, into which PROMPT puts the columns; here the statement is an argument of its own, so that it is checked before a model is loaded.",
	Example:  "SELECT ai_filter('The battery died after a day.', 'the customer complains') AS complains",
	Sample:   Row{"The battery died after a day.", "the customer complains"},
	Measured: measuredFilter,
	Weakness: "SmolLM2-135M, the default, is wrong for a quarter of the rows, and finds more rows than are true. For a sentiment or one of several topics, ai_analyze_sentiment and ai_classify are better.",
	Prompts:  []string{"filter", "filter_statement", "filter_ask"},
	Version:  1,
	asks:     asksFilter,
}, readFilter, escalating(scoreFilter, sureOfTruth, func(a task[labelInput], f fit) {
	p := truth(f)
	a.Value, a.Raw = p >= a.in.threshold, probabilities(filterAnswers[:1], []float64{p})
}))

var filterScore = define(&Function{
	Name:    "ai_filter_score",
	Params:  filterParams,
	Returns: Double,
	Answers: names(filterAnswers),
	Summary: "computes the probability that a statement is true of a text",
	Detail: filterNulls + "The result is from 0 to 1. It is the model's, after calibration; use a labelled sample to find out how reliable it is. " +
		"The query also fails with the option threshold, which is for ai_filter.",
	Example:  "SELECT ai_filter_score('The battery died after a day.', 'the customer complains') AS probability",
	Sample:   Row{"The battery died after a day.", "the customer complains"},
	Measured: measuredFilter,
	Prompts:  []string{"filter", "filter_statement", "filter_ask"},
	Version:  1,
	asks:     asksFilter,
}, func(row Row) (labelInput, bool, error) {
	in, ok, err := readFilter(row)
	if options, _ := readOptions("options", row[2], filterOptions...); err == nil && options["threshold"] != "" {
		err = badArgument("options", "a threshold makes no difference to a probability; use ai_filter")
	}
	return in, ok, err
}, escalating(scoreFilter, sureOfTruth, func(a task[labelInput], f fit) {
	p := truth(f)
	a.Value, a.Raw = p, probabilities(filterAnswers[:1], []float64{p})
}))

// truth returns the probability that the predicate is true.
func truth(f fit) float64 {
	_, p := f.best(filterTemperature)
	return p[0]
}

// filterOptions are the names of the options of ai_filter.
var filterOptions = append([]string{"threshold", "version"}, escalationOptions...)

// scoreFilter is a labelScorer.
func scoreFilter(ctx context.Context, source Source, need []task[labelInput], answer func(task[labelInput], fit)) error {
	return answerLabels(filterLabeller, answer)(ctx, source, need)
}

func asksFilter(row Row) []Ask { return asksLarger([]Ask{{Role: llm.Text}}, row[2], filterOptions) }

func readFilter(row Row) (in labelInput, ok bool, err error) {
	in = labelInput{labels: filterAnswers, threshold: 0.5}
	in.content, ok = text(row[0])
	given, isText := row[1].(string)
	in.predicate = strings.TrimRight(oneLine.Replace(strings.TrimSpace(given)), ".! ")
	switch {
	case !isText:
		ok = false
	case in.predicate == "":
		return in, false, badArgument("predicate", "it is blank; write a statement about the text, such as 'the review is positive'")
	case len(given) > maxAboutBytes:
		return in, false, badArgument("predicate", "it has %d bytes; the limit is %d", len(given), maxAboutBytes)
	}
	options, err := readOptions("options", row[2], filterOptions...)
	if err != nil {
		return in, false, err
	}
	if in.threshold, err = readProbability(options, "threshold", in.threshold); err != nil {
		return in, false, err
	}
	if in.escalation, err = readEscalation(options); err != nil {
		return in, false, err
	}
	in.examples, err = readExamples("examples", row[3], names(filterAnswers))
	return in, ok, err
}

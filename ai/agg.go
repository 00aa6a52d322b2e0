package ai

import (
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

var (
	aggPrompt          = mustPrompt("agg", "instruction", "content")
	aggCombinePrompt   = mustPrompt("agg_combine", "instruction", "content")
	summarizeAggPrompt = mustPrompt("summarize_agg", "limit", "content")
)

const (
	// maxGroupAnswer bounds the answer for a group, and maxPartialAnswer that for a part of
	// it, in tokens.
	maxGroupAnswer, maxPartialAnswer = 512, 160
	defaultGroupWords                = 100
)

const groupDetail = "NULL and blank texts are ignored; a group without others, and NULL, give NULL without a model call. Equal texts are read once, with their number. " +
	"The texts are sorted by their SHA-256, so that neither the order of rows nor their partitions change the answer. As many as fit are read in one prompt (1024 tokens, or less for a model with a small context window); " +
	"a longer text is divided. The answers for the prompts are combined in the same way until one is left, and nothing is left out: the note of try_ says in how many prompts a group was read, " +
	"and whether a partial answer was cut off or repeated itself. "

const aggContent = "the texts of a group: collect_list(column)"

var agg = define(&Function{
	Name: "ai_agg",
	Params: []Param{
		{Name: "content", Type: StringArray, About: aggContent},
		{Name: "instruction", Type: String, About: "what to find out about all texts: 'What do customers complain about most?'"},
	},
	Returns: String,
	Summary: "answers a question about all texts of a group",
	Detail: groupDetail + "A NULL instruction gives NULL. The query fails if the instruction is blank or longer than 4096 bytes. " +
		"firesteel sql and the Go client also take the plain call ai_agg(column, instruction) and write collect_list.",
	Weakness: "A language model does not count, and small ones do not weigh the texts of a group. For what most texts say, take the most frequent label of the rows, as in mode(ai_analyze_sentiment(review)) or mode(ai_classify(review, labels)); " +
		"for numbers and shares, count the labels with count(*).",
	Example: "SELECT ai_agg(collect_list(review), 'What do the customers complain about?') AS complaints FROM VALUES ('The battery died after a day.'), ('The battery is weak, the screen is fine.') AS t(review)",
	Sample:  Row{[]string{"The battery died after a day.", "The battery is weak, the screen is fine."}, "What do the customers complain about?"},
	Measured: "Groups of 20 texts in one prompt, which had no part in any choice for this function, beside the same model asked by a plain prompt, with answers of at most 40 tokens of the prompt of this function. The topic of most of 20 requests of clinc150's test part (14 of one domain), " +
		"12 groups, right if the answer has its name, also where it only quotes a request: SmolLM2-135M 9, plain 10; Qwen2.5-Coder-0.5B 11, plain 7; Qwen2.5-Coder-1.5B 4 of the first 4, plain 3. Whether most of 20 Amazon reviews are positive or negative (12 to 15 of one kind), 24 groups: SmolLM2-135M 10, plain 4; " +
		"Qwen2.5-Coder-0.5B 14, plain 14; Qwen2.5-Coder-1.5B 7 of the first 8, plain 8. Here the two small ones say positive to nearly every group; with Qwen2.5-Coder-0.5B, the question before the texts, or before and after them, did not change it. The same 24 groups by mode(ai_analyze_sentiment(review)) with SmolLM2-135M: 24; that function was developed on such reviews.",
	Prompts: []string{"agg", "agg_combine"},
}, func(row Row) (in groupInput, ok bool, err error) {
	instruction, given := row[1].(string)
	instruction = strings.TrimSpace(instruction)
	switch {
	case given && instruction == "":
		return in, false, badArgument("instruction", "it is blank; say what to find out about the texts")
	case len(instruction) > maxAboutBytes:
		return in, false, badArgument("instruction", "it has %d bytes, but at most %d are allowed", len(instruction), maxAboutBytes)
	case !given:
		return in, false, nil
	}
	in = groupInput{items: distinctTexts(row[0]), form: groupForm{
		request: func(content string, partial, combine bool) llm.Request {
			p := aggPrompt
			if combine {
				p = aggCombinePrompt
			}
			return p.fill(nil, "instruction", instruction, "content", content)
		},
		answer: maxGroupAnswer, partial: maxPartialAnswer,
	}}
	return in, len(in.items) > 0, nil
}, withModel(llm.Text, answerGroups))

var summarizeAgg = define(&Function{
	Name: "ai_summarize_agg",
	Params: []Param{
		{Name: "content", Type: StringArray, About: aggContent},
		{Name: "max_words", Type: Int, Optional: true, About: "the maximum number of words of the summary; default 100, 0 means no limit"},
	},
	Returns: String,
	Summary: "summarises all texts of a group",
	Detail: groupDetail + "A group of one text of at most max_words words is its own summary. A summary of more than max_words words is cut, at the end of a sentence if " +
		"possible, and has a note. The query fails if max_words is negative. " +
		"firesteel sql and the Go client also take the plain call ai_summarize_agg(column) and write collect_list.",
	Weakness: "Small models copy sentences of some of the texts, and leave out what other texts say. Facts that few texts have get lost in large groups.",
	Example:  "SELECT ai_summarize_agg(collect_list(review), 20) AS summary FROM VALUES ('The battery died after a day.'), ('The battery is weak, the screen is fine.') AS t(review)",
	Sample:   Row{[]string{"The battery died after a day.", "The battery is weak, the screen is fine."}, int64(20)},
	Measured: "Not measured yet.",
	Prompts:  []string{"summarize_agg"},
}, func(row Row) (in groupInput, ok bool, err error) {
	words := defaultGroupWords
	if row[1] != nil {
		n, isInt := row[1].(int64)
		if !isInt || n < 0 || n > 1<<20 {
			return in, false, badArgument("max_words", "%s is not a valid number of words; it must be 0 (no limit) to 1048576", sensitive.Of(row[1]))
		}
		words = int(n)
	}
	in = groupInput{items: distinctTexts(row[0]), words: words, whole: true, form: groupForm{
		request: func(content string, partial, _ bool) llm.Request {
			limit, most := "", words
			if partial {
				most = partWords
			}
			if most > 0 {
				limit = fmt.Sprintf(" in at most %d words", most)
			}
			return summarizeAggPrompt.fill(nil, "limit", limit, "content", content)
		},
		answer: unlimitedSummary, partial: 2*partWords + 16,
	}}
	if words > 0 {
		in.form.answer = 2*words + 16
	}
	return in, len(in.items) > 0, nil
}, withModel(llm.Text, answerGroups))

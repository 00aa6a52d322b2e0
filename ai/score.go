package ai

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

var (
	scorePrompt          = mustPrompt("score", "content", "criterion", "levels", "first", "last")
	scoreListPrompt      = mustPrompt("score_list", "content", "criterion", "levels", "first", "last")
	scoreStatementPrompt = mustPrompt("score_statement", "content")
)

var scoreLabeller = &labeller{questions: scoreQuestions}

// scoreTemperature divides the log odds of statements; see docs/decisions/2026-12-01-asking-for-scores.md.
const scoreTemperature = 3.0

// plainLevels are the numbers from which a model chooses without a rubric.
var plainLevels = []string{"1", "2", "3", "4", "5"}

// scoreQuestions returns the questions for a score. The labels of each are in ascending
// order of what they say about the score. A small model is asked what is true of the text,
// because the numbers that it writes hardly depend on the criterion.
func scoreQuestions(in labelInput, m llm.Info) []question {
	small := m.Parameters > 0 && m.Parameters < largeParameters && m.Chat
	switch {
	case m.Parameters == 0 || !m.Chat:
		return []question{in.numberQuestion(scorePrompt)}
	case !small:
		return []question{in.numberQuestion(scoreListPrompt)}
	}
	of := statementQuestions(in.scale)
	if len(in.examples) > 0 {
		of = append(of, in.numberQuestion(scorePrompt))
	}
	return of
}

// numberQuestion returns the question which number of the scale fits.
func (in labelInput) numberQuestion(p prompt) question {
	numbers, places := plainLevels, evenly(len(plainLevels))
	var about strings.Builder
	if levels := in.scale.levels; len(levels) > 0 {
		numbers, places = nil, in.scale.places()
		for _, l := range levels {
			numbers = append(numbers, number(l.value))
			about.WriteString(" " + number(l.value) + ": " + l.about + ".")
		}
	}
	examples := make([]Example, len(in.examples))
	for i, e := range in.examples {
		score, _ := strconv.ParseFloat(e.Output, 64) // readScore checked it
		nearest := 0
		for k, place := range places {
			if math.Abs(place-score) < math.Abs(places[nearest]-score) {
				nearest = k
			}
		}
		examples[i] = Example{e.Input, numbers[nearest]}
	}
	criterion := in.scale.criterion
	if criterion == "" {
		criterion = "the level that fits"
	}
	return question{even: true, words: oneWordEach(len(numbers)), about: func(content string) llm.Request {
		return p.choose(p.fill(examples, "criterion", criterion, "levels", about.String(), "first", numbers[0], "last", numbers[len(numbers)-1], "content", content), numbers)
	}}
}

// statementQuestions returns the question which level's description is true of a text or,
// without a rubric, which pole of the criterion; and whether the upper pole, or the
// criterion itself, is rather true than statements about other things.
func statementQuestions(s scale) []question {
	which := func(statements ...string) question {
		return question{even: true, words: oneWordEach(len(statements)), about: func(content string) llm.Request {
			return scoreStatementPrompt.choose(scoreStatementPrompt.fill(nil, "content", content), statements)
		}}
	}
	if len(s.levels) > 0 {
		about := make([]string, len(s.levels))
		for i, l := range s.levels {
			about[i] = l.about
		}
		return []question{which(about...)}
	}
	against := func(statement string) question {
		other := scoreStatementPrompt.words["other"]
		q := which(append(slices.Clone(other), statement)...)
		q.words = [][]int{make([]int, len(other)), {len(other)}}
		for i := range other {
			q.words[0][i] = i
		}
		q.prior = []float64{statementMargin, 0}
		return q
	}
	if low, high, ok := poles(s.criterion); ok {
		return []question{which(low, high), against(high)}
	}
	return []question{against(s.criterion)}
}

// expected returns the score from the answers to scoreQuestions: the expected value of the
// places of levels or numbers, and for pairs of statements the probability of the upper
// one, in which the second pair has half the weight. Of both kinds it is the mean.
func expected(s scale, f fit) float64 {
	var sum, odds float64
	kinds, pairs := 0, 0
	for _, scores := range f {
		if len(scores) == 2 && len(s.levels) == 0 {
			pairs++
			odds += (scores[1] - scores[0]) / float64(pairs)
			continue
		}
		places := evenly(len(scores))
		if len(s.levels) > 0 {
			places = s.places()
		}
		p := slices.Clone(scores)
		softmax(p)
		for i, place := range places {
			sum += p[i] * place
		}
		kinds++
	}
	if pairs > 0 {
		sum += 1 / (1 + math.Exp(-odds/scoreTemperature))
		kinds++
	}
	return max(0, min(1, sum/float64(kinds)))
}

var score = define(&Function{
	Name: "ai_score",
	Params: []Param{
		{Name: "content", Type: String, About: "the text; format_string puts several columns into one"},
		{Name: "criteria", Type: String, About: "what is scored: 'how satisfied the customer is', or a rubric: 'urgency; 1: it can wait; 2: this week; 3: now'"},
		{Name: "options", Type: Options, Optional: true, About: "MAP('low', 'the customer is angry', 'high', 'the customer is delighted'): what is true of a text with the score 0, and of one with 1"},
		examplesParam("your own scored rows, as struct(text, '0.75')"),
	},
	Returns: Double,
	Summary: "scores a text by a criterion or a rubric, from 0 to 1",
	Detail: "NULL and blank content, and NULL criteria, give NULL without a model call. The result is the expected value over the levels of a scale, whose probabilities the model " +
		"gives; nothing is written and read. Levels of a rubric are lines, or parts between semicolons, that begin with a number and a colon; the lowest number is 0 in the result, the " +
		"highest 1, and others lie between by their distance. Without a rubric, a criterion such as 'how urgent the request is' says most. The query fails if criteria are blank or longer than " +
		"4096 bytes, if a rubric has more than 20 levels or one twice, if only one of low and high is given, or both with a rubric, and if the score of an example is not a number from 0 to 1. " +
		"Only the first 1024 tokens of a longer text are read. Compare only scores of one model and one criterion; multiply by 4 and add 1 for a scale from 1 to 5.",
	Differs:  "Databricks has no such function. BigQuery's AI.SCORE returns numbers that the model writes, on a scale that it chooses.",
	Example:  "SELECT ai_score('The app crashes whenever I open it. I want my money back!', 'how satisfied the customer is') AS score",
	Sample:   Row{"The app crashes whenever I open it. I want my money back!", "how satisfied the customer is"},
	Measured: measuredScore,
	Weakness: "SmolLM2-135M, the default, orders texts coarsely: best by an attitude, as in 'how satisfied the customer is', or by what the text is about.",
	Prompts:  []string{"score", "score_list", "score_statement"},
	Version:  1,
}, readScore, answerLabels(scoreLabeller, func(a task[labelInput], f fit) { a.Value = expected(a.in.scale, f) }))

const measuredScore = "Spearman's correlation on data that had no part in any choice, beside the same model asked by a plain prompt for a number from 1 to 5. SmolLM2-135M-Instruct, the default (Q4_1, computed in 8 bits): stars of " +
	"120 reviews of a loudspeaker by \"how satisfied the customer is\" 0.586 (0.464 to 0.699), plain -0.061; intensities of joy in 79 tweets (EmoInt dev) by \"how happy the writer is\" 0.727 (0.595 to 0.829), plain 0.048; of " +
	"sadness in 74, by \"how sad the writer is\", 0.438 (0.261 to 0.589), plain -0.145. Qwen2.5-Coder-0.5B, 60 rows each: stars 0.710 (0.563 to 0.822), plain 0.382; joy 0.744 (0.588 to 0.856), plain 0.468."

func readScore(row Row) (in labelInput, ok bool, err error) {
	in.content, ok = text(row[0])
	given, isText := row[1].(string)
	switch {
	case !isText:
		ok = false
	case len(given) > maxAboutBytes:
		return in, false, badArgument("criteria", "they have %d bytes; the limit is %d", len(given), maxAboutBytes)
	default:
		if in.scale, err = readScale(given); err != nil {
			return in, false, err
		}
		if in.scale.criterion == "" && len(in.scale.levels) == 0 {
			return in, false, badArgument("criteria", "they are blank; write what is scored, such as 'how satisfied the customer is'")
		}
	}
	options, err := readOptions("options", row[2], "low", "high")
	if err != nil {
		return in, false, err
	}
	low, high := endless(oneLine.Replace(options["low"])), endless(oneLine.Replace(options["high"]))
	switch {
	case low == "" && high == "":
	case low == "" || high == "":
		return in, false, badArgument("options", "give both low and high, or none")
	case len(in.scale.levels) > 0:
		return in, false, badArgument("options", "low and high are for criteria without a rubric")
	default:
		in.scale.levels = []level{{0, low}, {1, high}}
		if err := in.scale.check(); err != nil {
			return in, false, err
		}
	}
	if in.examples, err = readExamples("examples", row[3], nil); err != nil {
		return in, false, err
	}
	for i, e := range in.examples {
		if v, err := strconv.ParseFloat(e.Output, 64); err != nil || !(v >= 0 && v <= 1) {
			return in, false, badArgument("examples", "the answer of example %d is %s; it must be a number from 0 to 1", i+1, sensitive.Text(e.Output))
		}
	}
	return in, ok, nil
}

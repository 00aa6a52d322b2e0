package ai

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/firesteel/firesteel/llm"
)

// overall is the key of the sentiment of the whole text.
const overall = "overall"

const maxAspects = 20

var aspectsPrompt = mustPrompt("analyze_aspects", "content")

// The numbers below were chosen on the sentences of testdata/aspects.jsonl that are for
// development; see docs/decisions/2026-12-01-asking-for-scores.md.
const (
	// mentioned is how much better an aspect must fit a text than things that few texts
	// are about, and wordBonus what a word of the aspect in the text adds.
	mentioned, wordBonus = 4.25, 2.0
	// undecided is the difference of good and bad words below which neither is chosen.
	undecided = 0.15
)

// aspectLabeller asks about all aspects in one request: the model reads the text once, and
// then scores the words for each aspect. The labels are positive and negative in turns, of
// the aspects and then of the other things.
var aspectLabeller = &labeller{questions: func(in labelInput, _ llm.Info) []question {
	var statements []string
	var places [][]int
	for _, thing := range append(aspectWords(in.labels), aspectsPrompt.words["other"]...) {
		for _, polarity := range []string{"positive", "negative"} {
			var of []int
			for _, word := range aspectsPrompt.words[polarity] {
				of = append(of, len(statements))
				statements = append(statements, "the "+thing+": "+word)
			}
			places = append(places, of)
		}
	}
	return []question{{words: places, scored: true, about: func(content string) llm.Request {
		return aspectsPrompt.choose(aspectsPrompt.fill(nil, "content", content), statements)
	}}}
}}

// aspectWords returns what stands for the aspects in a prompt: the description, if it has
// one, or the name.
func aspectWords(aspects []label) []string {
	words := labelWords(aspects)
	for i, a := range aspects {
		if about := endless(oneLine.Replace(a.about)); about != "" {
			words[i] = about
		}
		words[i] = strings.TrimPrefix(words[i], "the ")
	}
	return words
}

// aspectSentiments returns the sentiment of each aspect from the scores of aspectLabeller.
// parts has, for each aspect, its scores in the clause that names it, or nil. whole is the
// sentiment of the text. The answer for an aspect does not depend on the others.
func aspectSentiments(in labelInput, scores []float64, parts [][]float64, whole string) Map {
	found := Map{{overall, whole}}
	others := 0.0
	for _, s := range scores[2*len(in.labels):] {
		others += s / float64(len(scores)-2*len(in.labels))
	}
	for i, thing := range aspectWords(in.labels) {
		positive, negative := scores[2*i], scores[2*i+1]
		fits := (positive+negative)/2 - others
		if sharesWord(thing, in.content) {
			fits += wordBonus
		}
		if part := parts[i]; part != nil {
			positive, negative = part[0], part[1]
		}
		answer := "unknown"
		switch difference := positive - negative; {
		case fits < mentioned:
		case math.Abs(difference) < undecided && whole == "neutral":
			answer = "neutral"
		case math.Abs(difference) < undecided:
			answer = "mixed"
		case difference > 0:
			answer = "positive"
		default:
			answer = "negative"
		}
		found = append(found, Entry{strings.TrimSpace(in.labels[i].name), answer})
	}
	return found
}

// clauseEnds matches what separates the clauses of a text.
var clauseEnds = regexp.MustCompile(`(?i)[.!?;,:\n]+(?:\s|$)|\s[-–—]+\s|\b(?:but|yet|though|although|however|whereas|while|except)\b`)

// clauseOf returns the clauses of a text that share a word with an aspect, because a small
// model follows the tone of the whole text. It returns "" if there are none or if that is all of the text.
func clauseOf(thing, text string) string {
	var found []string
	all := 0
	for _, clause := range clauseEnds.Split(text, -1) {
		if clause = strings.TrimSpace(clause); len(strings.Fields(clause)) < 2 {
			continue
		}
		if all++; sharesWord(thing, clause) {
			found = append(found, clause)
		}
	}
	if len(found) == all {
		return ""
	}
	return strings.Join(found, ", ")
}

// sharesWord reports whether a word of at least three letters occurs in a text, perhaps with
// another ending.
func sharesWord(words, text string) bool {
	divide := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	}
	of := divide(text)
	return slices.ContainsFunc(divide(words), func(word string) bool {
		letters := []rune(word)
		if len(letters) < 3 {
			return false
		}
		stem := string(letters[:min(len(letters), max(4, len(letters)-2))])
		return slices.ContainsFunc(of, func(w string) bool { return w == word || len(letters) > 4 && strings.HasPrefix(w, stem) })
	})
}

var analyzeAspects = define(&Function{
	Name: "ai_analyze_aspects",
	Params: []Param{
		{Name: "content", Type: String, About: "the text"},
		{Name: "aspects", Type: Labels, About: `what the sentiment is about: ARRAY('food', 'service'), or JSON: '["food", "service"]', or with words for the model '{"svc": "service of the waiters"}'`},
	},
	Returns: StringMap,
	Summary: "finds the sentiment about each of several aspects of a text, and of the whole",
	Detail: "NULL and blank content, and NULL aspects, give NULL without a model call. The map has each aspect once, with positive, negative, neutral, mixed or unknown (the text does not speak of it), " +
		"and under the key overall the answer of ai_analyze_sentiment. The answers are scored, not generated. An aspect's answer does not depend on the other aspects. " +
		"The model reads the text once for all aspects, and then the clause that names an aspect, so five cost little more than one. The query fails if the list is empty, if an aspect is blank or repeated or has the name overall, and if there are " +
		"more than 20. Only the first 1024 tokens of a longer text are read.",
	Differs: "Databricks has no such function; Snowflake's AI_SENTIMENT takes categories. It is not ai_analyze_sentiment with a second argument, because a registered function has one " +
		"result type, and that of ai_analyze_sentiment is STRING.",
	Example:  "SELECT ai_analyze_aspects('The soup was delicious, but the waiter was rude.', ARRAY('soup', 'waiter', 'price')) AS sentiments",
	Sample:   Row{"The soup was delicious, but the waiter was rude.", []string{"soup", "waiter", "price"}},
	Measured: measuredAspects,
	Weakness: "neutral and mixed are seldom found, English conjunctions such as but divide clauses, and an aspect that the text names by other words may be unknown. Name aspects by the nouns that texts use.",
	Prompts:  []string{"analyze_aspects", "analyze_sentiment", "analyze_sentiment_short", "analyze_sentiment_list"},
	Version:  1,
}, func(row Row) (in labelInput, ok bool, err error) {
	in.content, ok = text(row[0])
	var given bool
	if in.labels, given, err = readLabels("aspects", row[1], maxAspects); err != nil {
		return in, false, err
	}
	for _, a := range in.labels {
		if strings.TrimSpace(a.name) == overall {
			return in, false, badArgument("aspects", "%q is the key of the whole text, which is always in the result", overall)
		}
	}
	return in, ok && given, nil
}, withModel(llm.Text, func(ctx context.Context, m llm.Model, need []task[labelInput]) error {
	whole := make(map[*Answer]string, len(need))
	plain := make([]task[labelInput], len(need))
	for i, a := range need {
		plain[i] = task[labelInput]{labelInput{content: a.in.content, labels: sentiments}, a.Answer}
	}
	if err := sentimentLabeller.score(ctx, m, plain, func(a task[labelInput], f fit) {
		best, _ := f.best(1)
		whole[a.Answer] = sentiments[best].name
	}); err != nil {
		return err
	}
	need = slices.DeleteFunc(slices.Clone(need), func(a task[labelInput]) bool { return a.Err != nil })
	asked := slices.Clone(need)
	clauses := make(map[*Answer][]task[labelInput], len(need))
	for _, a := range need {
		for i, thing := range aspectWords(a.in.labels) {
			part := task[labelInput]{labelInput{content: clauseOf(thing, a.in.content), labels: a.in.labels[i : i+1]}, new(Answer)}
			if part.in.content != "" {
				asked = append(asked, part)
			}
			clauses[a.Answer] = append(clauses[a.Answer], part)
		}
	}
	scores := make(map[*Answer][]float64, len(asked))
	if err := aspectLabeller.score(ctx, m, asked, func(a task[labelInput], f fit) { scores[a.Answer] = f[0] }); err != nil {
		return err
	}
	for _, a := range need {
		parts := make([][]float64, len(a.in.labels))
		for i, part := range clauses[a.Answer] {
			parts[i] = scores[part.Answer]
			if a.Err == nil {
				a.Err = part.Err
			}
		}
		if a.Err == nil {
			a.Value = aspectSentiments(a.in, scores[a.Answer], parts, whole[a.Answer])
		}
	}
	return nil
}))

const measuredAspects = "SmolLM2-135M-Instruct, the default (Q4_1, computed in 8 bits), on 30 own sentences with 90 answers that had no part in any choice (ai/testdata/aspects.jsonl; measured a second time, after the model " +
	"was shown clauses): accuracy 0.800 (0.706 to 0.870); 30 of 32 aspects that the text does not speak of are unknown. Five aspects of 60 Amazon sentences took 1.16 times the tokens of one."

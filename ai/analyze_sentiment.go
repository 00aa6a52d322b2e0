package ai

import "github.com/firesteel/firesteel/llm"

// sentiments are the answers of ai_analyze_sentiment.
var sentiments = []label{{name: "positive"}, {name: "negative"}, {name: "neutral"}, {name: "mixed"}}

var sentimentPrompt = mustPrompt("analyze_sentiment", "content")

var sentimentLabeller = &labeller{questions: func(in labelled) []question {
	return []question{{words: plainly(len(sentiments)), about: func(content string) llm.Request {
		return sentimentPrompt.choose(sentimentPrompt.fill(in.examples, "content", content), names(sentiments))
	}}}
}}

var analyzeSentiment = define(&Function{
	Name: "ai_analyze_sentiment",
	Params: []Param{
		{Name: "content", Type: String, About: "the text"},
		examplesParam("labelled rows of your own, as struct(text, sentiment)"),
	},
	Returns: String,
	Summary: "says whether a text is positive, negative, neutral or mixed",
	Detail: "NULL and blank content give NULL without a model call. The four answers are scored, not generated, so nothing " +
		"else can come back. Of a text of more than 1024 tokens the first 1024 are read.",
	Example: "SELECT ai_analyze_sentiment('It is a good test for Spark.') AS sentiment",
	Prompts: []string{"analyze_sentiment"},
}, func(row Row) (labelled, bool, error) {
	content, ok := text(row[0])
	examples, err := readExamples("examples", row[1], names(sentiments))
	return labelled{content: content, labels: sentiments, examples: examples}, ok, err
}, answerLabels(sentimentLabeller, bestLabel))

// examplesParam is the parameter by which few-shot examples are given.
func examplesParam(about string) Param {
	return Param{Name: "examples", Type: Examples, Optional: true, About: about}
}

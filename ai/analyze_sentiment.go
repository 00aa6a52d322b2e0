package ai

import "github.com/firesteel/firesteel/llm"

// sentiments are the answers of ai_analyze_sentiment.
var sentiments = []label{{name: "positive"}, {name: "negative"}, {name: "neutral"}, {name: "mixed"}}

// The sentiment is asked for in two ways, as each errs elsewhere: with few-shot
// examples and the sentiments' names, and by how a review would go on. Wording,
// words and priors were chosen on 164 sentences written for it and 500 of the
// Yelp part of UCI's "Sentiment Labelled Sentences". The Amazon part, which the
// integration test measures on, had no say in it.
var (
	sentimentPrompt      = mustPrompt("analyze_sentiment", "content")
	sentimentShortPrompt = mustPrompt("analyze_sentiment_short", "content")
)

var sentimentLabeller = &labeller{questions: func(in labelled) []question {
	return []question{
		sentimentPrompt.question(sentiments, func(content string) llm.Request { return sentimentPrompt.fill(in.examples, "content", content) }),
		sentimentShortPrompt.question(sentiments, func(content string) llm.Request { return sentimentShortPrompt.fill(nil, "content", content) }),
	}
}}

var analyzeSentiment = define(&Function{
	Name: "ai_analyze_sentiment",
	Params: []Param{
		{Name: "content", Type: String, About: "the text"},
		examplesParam("labelled rows of your own, as struct(text, sentiment)"),
	},
	Returns: String,
	Answers: names(sentiments),
	Summary: "says whether a text is positive, negative, neutral or mixed",
	Detail: "NULL and blank content give NULL without a model call. The four answers are scored, not generated, so nothing " +
		"else can come back. Of a text of more than 1024 tokens the first 1024 are read.",
	Example: "SELECT ai_analyze_sentiment('It is a good test for Spark.') AS sentiment",
	Sample:  Row{"It is a good test for Spark."},
	Measured: "SmolLM2-135M-Instruct, the default (Q4_1, computed in 8 bits): 0.943 of the 1,000 Amazon sentences of UCI's \"Sentiment Labelled " +
		"Sentences\", which are all positive or negative and had no part in choosing prompts, words and priors.",
	Weakness: "SmolLM2-135M, the default, seldom says neutral and hardly ever mixed: texts with some of both come out as positive or negative.",
	Prompts:  []string{"analyze_sentiment", "analyze_sentiment_short"},
}, func(row Row) (labelled, bool, error) {
	content, ok := text(row[0])
	examples, err := readExamples("examples", row[1], names(sentiments))
	return labelled{content: content, labels: sentiments, examples: examples}, ok, err
}, answerLabels(sentimentLabeller, bestLabel))

// examplesParam is the parameter by which few-shot examples are given.
func examplesParam(about string) Param {
	return Param{Name: "examples", Type: Examples, Optional: true, About: about}
}

package ai

import "context"

// sentiments are the answers of ai_analyze_sentiment.
var sentiments = []string{"positive", "negative", "neutral", "mixed"}

var sentimentLabeller = newLabeller("analyze_sentiment", "content")

var analyzeSentiment = register(&Function{
	Name:    "ai_analyze_sentiment",
	Params:  []Param{{"content", String}},
	Returns: String,
	Summary: "says whether a text is positive, negative, neutral or mixed",
	Detail: "NULL and blank content give NULL without a model call. The four answers are scored, not generated, so nothing " +
		"else can come back. Of a text of more than 1024 tokens the first 1024 are read.",
	Example: "SELECT ai_analyze_sentiment('It is a good test for Spark.') AS sentiment",
	Eval: func(ctx context.Context, model Source, rows []Row) ([]Answer, error) {
		return sentimentLabeller.label(ctx, model, rows, func(row Row) (scored, bool, error) {
			content, ok := text(row[0])
			return scored{content, sentiments}, ok, nil
		})
	},
})

package ai

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Expression is a column of a table engine, such as spark.Column. Call applies a
// function to it by name. Further arguments are columns of the same type, or Go
// literals (string, []string, numbers, bool, nil).
//
// Each function has a try_ function that returns the error of a row with the result.
// Call it by name, as in column.Call("try_ai_gen").
type Expression[C any] interface {
	Call(function string, args ...any) C
}

// AnalyzeSentiment returns the sentiment of each text: positive, negative, neutral or
// mixed, or NULL for NULL and blank text. examples are optional labelled texts.
func AnalyzeSentiment[C Expression[C]](content C, examples ...Example) C {
	if len(examples) == 0 {
		return content.Call(analyzeSentiment.Name)
	}
	return content.Call(analyzeSentiment.Name, examplesText(examples))
}

// Classify returns the best label for each text, or NULL for NULL and blank text.
func Classify[C Expression[C]](content C, labels ...string) C {
	return content.Call(classify.Name, notNull(labels))
}

// notNull converts nil to an empty list. Labels that are NULL give NULL; an empty
// list fails the query.
func notNull(labels []string) []string { return append([]string{}, labels...) }

// Label is a label of Classify or Extract.
type Label struct {
	Name  string
	About string // its description; may be empty
}

// ClassifyOptions are the options of ClassifyWith and ClassifyScore.
type ClassifyOptions struct {
	Labels       []Label
	Instructions string // such as what the texts are about
	// MultiLabel decides for each label whether it fits; the answer is a JSON list.
	MultiLabel bool
	Examples   []Example
}

// ClassifyWith is Classify with options.
func ClassifyWith[C Expression[C]](content C, o ClassifyOptions) C {
	return content.Call(classify.Name, o.args()...)
}

// ClassifyScore is ClassifyWith with STRUCT(label, probability) as its result.
func ClassifyScore[C Expression[C]](content C, o ClassifyOptions) C {
	return content.Call(classifyScore.Name, o.args()...)
}

func (o ClassifyOptions) args() []any {
	options := map[string]string{}
	if o.Instructions != "" {
		options["instructions"] = o.Instructions
	}
	if o.MultiLabel {
		options["multilabel"] = "true"
	}
	return withExamples(o.Examples, labelsText(o.Labels), jsonText(options))
}

// AnalyzeAspects returns a MAP of the sentiment about each aspect of a text, such as "food" and
// "service", and of the whole text under the key overall. NULL and blank text give NULL.
func AnalyzeAspects[C Expression[C]](content C, aspects ...string) C {
	return content.Call(analyzeAspects.Name, notNull(aspects))
}

// FilterOptions are the options of FilterWith and FilterScore.
type FilterOptions struct {
	// Threshold is the probability from which on the answer is true; 0 stands for 0.5.
	// FilterScore takes none.
	Threshold float64
	Examples  []Example // of a text and "true" or "false"
}

// Filter returns whether a statement, such as "the review is positive", is true of each
// text, or NULL for NULL and blank text.
func Filter[C Expression[C]](content C, predicate string) C {
	return content.Call(filter.Name, predicate)
}

// FilterWith is Filter with options.
func FilterWith[C Expression[C]](content C, predicate string, o FilterOptions) C {
	return content.Call(filter.Name, o.args(predicate)...)
}

// FilterScore returns the probability, from 0 to 1, that a statement is true of each
// text.
func FilterScore[C Expression[C]](content C, predicate string, o FilterOptions) C {
	return content.Call(filterScore.Name, o.args(predicate)...)
}

func (o FilterOptions) args(predicate string) []any {
	options := map[string]string{}
	if o.Threshold != 0 {
		options["threshold"] = strconv.FormatFloat(o.Threshold, 'g', -1, 64)
	}
	return withExamples(o.Examples, predicate, jsonText(options))
}

// ScoreOptions are the options of ScoreWith.
type ScoreOptions struct {
	// Low and High say what is true of a text with the score 0, and of one with 1. Both
	// are given, or none.
	Low, High string
	Examples  []Example // of a text and its score, such as "0.75"
}

// Score returns a score from 0 to 1 of each text by criteria, such as "how satisfied the
// customer is" or a rubric, or NULL for NULL and blank text.
func Score[C Expression[C]](content C, criteria string) C {
	return content.Call(score.Name, criteria)
}

// ScoreWith is Score with options.
func ScoreWith[C Expression[C]](content C, criteria string, o ScoreOptions) C {
	options := map[string]string{}
	if o.Low != "" || o.High != "" {
		options["low"], options["high"] = o.Low, o.High
	}
	return content.Call(score.Name, withExamples(o.Examples, criteria, jsonText(options))...)
}

// ExtractOptions are the options of ExtractWith and ExtractJSON.
type ExtractOptions struct {
	Labels []Label
	// Schema is a JSON Schema that replaces Labels; empty stands for none.
	Schema       string
	Instructions string
	// Free allows values that are not pieces of the text.
	Free     bool
	Examples []Example // of a text and the JSON of its values
}

// Extract returns a MAP of the values of labels in each text, or NULL for NULL and
// blank text.
func Extract[C Expression[C]](content C, labels ...string) C {
	return content.Call(extract.Name, notNull(labels))
}

// ExtractWith is Extract with options.
func ExtractWith[C Expression[C]](content C, o ExtractOptions) C {
	return content.Call(extract.Name, o.args()...)
}

// ExtractJSON is ExtractWith with JSON as its result.
func ExtractJSON[C Expression[C]](content C, o ExtractOptions) C {
	return content.Call(extractJSON.Name, o.args()...)
}

// ExtractSpans returns the values of labels in each text as an ARRAY of STRUCT(label, text, start, end,
// confidence). start and end count characters from 1; end is that after the last.
func ExtractSpans[C Expression[C]](content C, labels ...string) C {
	return content.Call(extractPlaces.Name, notNull(labels))
}

// ExtractSpansWith is ExtractSpans with options. It takes neither a Schema nor Free.
func ExtractSpansWith[C Expression[C]](content C, o ExtractOptions) C {
	return content.Call(extractPlaces.Name, o.args()...)
}

// SchemaFor returns the JSON Schema of a Go struct, for ExtractOptions.
func SchemaFor[T any]() (string, error) {
	s, err := schemaOf[T]()
	return s.text, err
}

func (o ExtractOptions) args() []any {
	what := o.Schema
	if what == "" {
		what = labelsText(o.Labels)
	}
	options := map[string]string{}
	if o.Instructions != "" {
		options["instructions"] = o.Instructions
	}
	if o.Free {
		options["spans"] = "false"
	}
	return withExamples(o.Examples, what, jsonText(options))
}

// Translate translates each text. language is a code such as "de", or an English
// name.
func Translate[C Expression[C]](content C, language string) C {
	return content.Call(translate.Name, language)
}

// Summarize summarizes each text in at most maxWords words. 0 sets no limit.
func Summarize[C Expression[C]](content C, maxWords int) C {
	return content.Call(summarize.Name, maxWords)
}

// Agg answers a question about all texts of a group, in an aggregation such as
// df.GroupBy("product").Agg(ai.Agg(spark.Col("review"), "What do customers complain about?")).
func Agg[C Expression[C]](content C, instruction string) C {
	return content.Call(collect).Call(agg.Name, instruction)
}

// SummarizeAgg summarizes all texts of a group in at most maxWords words. 0 sets no limit.
func SummarizeAgg[C Expression[C]](content C, maxWords int) C {
	return content.Call(collect).Call(summarizeAgg.Name, maxWords)
}

// collect is Spark's function that collects the texts of a group.
const collect = "collect_list"

// FixGrammar corrects the grammar of each text.
func FixGrammar[C Expression[C]](content C) C { return content.Call(fixGrammar.Name) }

// Gen returns generated text for each prompt, or NULL for a NULL or blank prompt. It
// asks the default model of the session. For another one call ai_query by name, as in
// spark.Call("ai_query", "big", prompt).
func Gen[C Expression[C]](prompt C) C { return prompt.Call(gen.Name) }

// Embed returns the embedding of each text.
func Embed[C Expression[C]](content C) C { return content.Call(embedding.Name) }

// Similarity returns the similarity of two texts. b is a column or a string.
func Similarity[C Expression[C]](a C, b any) C { return a.Call(similarity.Name, b) }

// EmbedOptions are the options of EmbedWith.
type EmbedOptions struct {
	// Prompt names a prompt of the model's files, such as query or document; empty
	// stands for the model's default.
	Prompt string
	// Dimensions is the number of numbers of a vector; 0 stands for all.
	Dimensions int
}

// EmbedWith is Embed with options.
func EmbedWith[C Expression[C]](content C, o EmbedOptions) C {
	return content.Call(embedding.Name, vectorOptions(o.Dimensions, "prompt", o.Prompt))
}

// SimilarityOptions are the options of SimilarityWith.
type SimilarityOptions struct {
	// PromptA and PromptB name prompts of the model's files; see EmbedOptions.
	PromptA, PromptB string
	// Dimensions is the number of numbers of the vectors; 0 stands for all.
	Dimensions int
}

// SimilarityWith is Similarity with options.
func SimilarityWith[C Expression[C]](a C, b any, o SimilarityOptions) C {
	return a.Call(similarity.Name, b, vectorOptions(o.Dimensions, "prompt_a", o.PromptA, "prompt_b", o.PromptB))
}

// Rank returns how well a text answers a query: content is a column or a string, and
// query a column, such as spark.Lit("how to cook rice").
func Rank[C Expression[C]](query C, content any) C { return query.Call(rank.Name, content) }

// vectorOptions returns the JSON of options: dimensions, and pairs of names and
// values. Empty ones are left out.
func vectorOptions(dimensions int, pairs ...string) string {
	options := map[string]string{}
	if dimensions != 0 {
		options["dimensions"] = strconv.Itoa(dimensions)
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			options[pairs[i]] = pairs[i+1]
		}
	}
	return jsonText(options)
}

// CountTokens counts the tokens of each text.
func CountTokens[C Expression[C]](content C) C { return content.Call(countTokens.Name) }

// withExamples returns the arguments without empty ones at the end.
func withExamples(examples []Example, labels, options string) []any {
	args := []any{labels}
	if options != "{}" || len(examples) > 0 {
		args = append(args, options)
	}
	if len(examples) > 0 {
		args = append(args, examplesText(examples))
	}
	return args
}

func examplesText(examples []Example) string {
	pairs := make([][2]string, len(examples))
	for i, e := range examples {
		pairs[i] = [2]string{e.Input, e.Output}
	}
	return jsonText(pairs)
}

// labelsText writes labels as a JSON object in their order.
func labelsText(labels []Label) string {
	members := make([]string, len(labels))
	for i, l := range labels {
		members[i] = jsonText(l.Name) + ": " + jsonText(l.About)
	}
	return "{" + strings.Join(members, ", ") + "}"
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("ai: %v", err)) // does not happen for texts, and maps and lists of them
	}
	return string(text)
}

// PredictOptions are the options of PredictWith and PredictLabels.
type PredictOptions struct {
	// Threshold, if it is not nil, is the probability below which no label is given. Nil stands for
	// that of the model.
	Threshold *float64
}

// Predict returns for each text STRUCT(label, probability) of a model that firesteel fit made, or
// NULL for NULL and blank text. model is its name in the session.
func Predict[C Expression[C]](content C, model string) C { return content.Call(predict.Name, model) }

// PredictWith is Predict with options.
func PredictWith[C Expression[C]](content C, model string, o PredictOptions) C {
	return content.Call(predict.Name, o.args(model)...)
}

// PredictLabels returns for each text all labels that fit, as an ARRAY of STRUCT(label, probability).
func PredictLabels[C Expression[C]](content C, model string, o PredictOptions) C {
	return content.Call(predictLabels.Name, o.args(model)...)
}

// PredictNumber returns for each text the number that a model predicts.
func PredictNumber[C Expression[C]](content C, model string) C {
	return content.Call(predictNumber.Name, model)
}

func (o PredictOptions) args(model string) []any {
	if o.Threshold == nil {
		return []any{model}
	}
	return []any{model, jsonText(map[string]string{"threshold": strconv.FormatFloat(*o.Threshold, 'g', -1, 64)})}
}

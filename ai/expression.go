package ai

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Expression is a column of some table engine, such as spark.Column: what can
// have a function called on it by name. The further arguments are columns of
// the same kind, or Go literals (string, []string, numbers, bool, nil).
//
// Every function has a sibling that gives a row's error beside its result:
// call it by name, as in column.Call("try_ai_gen").
type Expression[C any] interface {
	Call(function string, args ...any) C
}

// AnalyzeSentiment says for each text whether its sentiment is positive,
// negative, neutral or mixed. NULL and blank text give NULL. Examples are
// labelled texts of one's own.
func AnalyzeSentiment[C Expression[C]](content C, examples ...Example) C {
	if len(examples) == 0 {
		return content.Call(analyzeSentiment.Name)
	}
	return content.Call(analyzeSentiment.Name, examplesText(examples))
}

// Classify gives for each text the one of labels that fits it best. NULL and
// blank text give NULL.
func Classify[C Expression[C]](content C, labels ...string) C {
	return content.Call(classify.Name, given(labels))
}

// given makes labels that were forgotten an empty list, which fails the query:
// nil would be NULL, whose answers are NULL.
func given(labels []string) []string { return append([]string{}, labels...) }

// Label is one of the answers to choose from, or a thing to look for.
type Label struct {
	Name  string
	About string // what it means; may be empty
}

// ClassifyOptions say how to classify.
type ClassifyOptions struct {
	Labels       []Label
	Instructions string // what the texts are about
	// MultiLabel asks for each label by itself; the answer is a JSON list.
	MultiLabel bool
	Examples   []Example
}

// ClassifyWith is Classify with options.
func ClassifyWith[C Expression[C]](content C, o ClassifyOptions) C {
	return content.Call(classify.Name, o.args()...)
}

// ClassifyScore is ClassifyWith, but gives STRUCT(label, probability).
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

// ExtractOptions say what to find, and how.
type ExtractOptions struct {
	Labels []Label
	// Schema, instead of Labels, is a JSON Schema.
	Schema       string
	Instructions string
	// Free lets values be what does not stand in the text.
	Free     bool
	Examples []Example // of a text and the JSON of what to find in it
}

// Extract finds what labels name, as a MAP. NULL and blank text give NULL.
func Extract[C Expression[C]](content C, labels ...string) C {
	return content.Call(extract.Name, given(labels))
}

// ExtractWith is Extract with options.
func ExtractWith[C Expression[C]](content C, o ExtractOptions) C {
	return content.Call(extract.Name, o.args()...)
}

// ExtractJSON is ExtractWith, but gives JSON.
func ExtractJSON[C Expression[C]](content C, o ExtractOptions) C {
	return content.Call(extractJSON.Name, o.args()...)
}

// SchemaFor is the JSON Schema of a Go struct, for ExtractOptions.
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

// Translate translates each text; language is a code, such as "de", or an
// English name.
func Translate[C Expression[C]](content C, language string) C {
	return content.Call(translate.Name, language)
}

// Summarize summarises each text in at most maxWords words; 0 sets no limit.
func Summarize[C Expression[C]](content C, maxWords int) C {
	return content.Call(summarize.Name, maxWords)
}

// FixGrammar corrects each text.
func FixGrammar[C Expression[C]](content C) C { return content.Call(fixGrammar.Name) }

// Gen answers each prompt with generated text. NULL and blank prompts give
// NULL. To ask another of the session's models than the default one, call
// ai_query by its name, as in spark.Call("ai_query", "big", prompt).
func Gen[C Expression[C]](prompt C) C { return prompt.Call(gen.Name) }

// Embed gives each text's vector.
func Embed[C Expression[C]](content C) C { return content.Call(embedding.Name) }

// Similarity says how alike two texts are; b is a column or a string.
func Similarity[C Expression[C]](a C, b any) C { return a.Call(similarity.Name, b) }

// CountTokens counts the tokens of each text.
func CountTokens[C Expression[C]](content C) C { return content.Call(countTokens.Name) }

// withExamples leaves out arguments that say nothing.
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

// labelsText writes labels as the JSON object that keeps their order.
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
		panic(fmt.Sprintf("ai: %v", err)) // texts, and maps and lists of them, always can
	}
	return string(text)
}

package eval

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/eval/metric"
)

// Kind is the kind of a function's answers. It selects the figures.
type Kind string

// The kinds, and the figures of each.
const (
	LabelKind   Kind = "labels"  // one of a set of labels: metric.Labels, metric.Calibration
	TextKind    Kind = "text"    // free text: metric.Texts
	ExtractKind Kind = "extract" // spans with labels: metric.Spans
	MaskKind    Kind = "mask"    // the input with masked spans: metric.Masks
	ScoreKind   Kind = "scores"  // a number for a text or two: metric.Ranks
)

// Kinds lists the kinds.
func Kinds() []Kind { return []Kind{LabelKind, TextKind, ExtractKind, MaskKind, ScoreKind} }

// MaskText replaces a span in a masked text.
const MaskText = "[MASKED]"

// KindOf returns the kind of the answers of an AI function.
func KindOf(function string) (Kind, error) {
	switch strings.TrimPrefix(function, "try_") {
	case "ai_analyze_sentiment", "ai_classify", "ai_classify_score", "ai_filter", "ai_filter_score", "ai_predict":
		return LabelKind, nil
	case "ai_extract", "ai_extract_json":
		return ExtractKind, nil
	case "ai_mask":
		return MaskKind, nil
	case "ai_translate", "ai_summarize", "ai_fix_grammar", "ai_gen":
		return TextKind, nil
	case "ai_similarity", "ai_embed", "ai_rank", "ai_score":
		return ScoreKind, nil
	}
	return "", fmt.Errorf("%s has no default figures", function)
}

// TwoTexts reports whether a function is measured on pairs of texts.
func TwoTexts(function string) bool {
	switch strings.TrimPrefix(function, "try_") {
	case "ai_similarity", "ai_embed", "ai_rank":
		return true
	}
	return false
}

// Gold is the expected answer of a row. The field of the task's kind is set.
type Gold struct {
	Label string
	Texts []string // references; one of them is to be met
	Spans []metric.Span
	Score float64
}

// Outcome is the answer of a row as it was read. The field of the task's kind is
// set.
type Outcome struct {
	Label       string
	Probability float64 // of Label; NaN if the function returns none
	Text        string
	Spans       []metric.Span
	Score       float64 // NaN without an answer
	// Shown is the answer as a report shows it.
	Shown string
	// Err reports a missing answer or one that could not be read. It counts as
	// wrong.
	Err error
}

// Task is a kind with what is needed to read its answers.
type Task struct {
	Kind Kind
	// Labels are the labels of answers, for LabelKind and ExtractKind.
	Labels []string
	// AllAnswers shows answers that are not labels in the confusion matrix.
	AllAnswers bool
	// None is the label of rows of which the function returns NULL or a NULL label; empty stands for an error.
	None string
	// Keep lists the labels of gold spans that count; empty stands for all.
	Keep []string
}

// Measure computes the figures of outcomes. gold and outcomes have one element a
// row.
func (t Task) Measure(gold []Gold, outcomes []Outcome) *metric.Statistics {
	switch t.Kind {
	case LabelKind:
		return metric.Labels(labels(gold, outcomes))
	case TextKind:
		texts, references := make([]string, len(outcomes)), make([][]string, len(gold))
		for i := range gold {
			texts[i], references[i] = outcomes[i].Text, gold[i].Texts
		}
		return metric.Texts(texts, references)
	case ScoreKind:
		found, wanted := make([]float64, len(outcomes)), make([]float64, len(gold))
		for i := range gold {
			found[i], wanted[i] = outcomes[i].Score, gold[i].Score
		}
		return metric.Ranks(found, wanted)
	}
	wanted, found := make([][]metric.Span, len(gold)), make([][]metric.Span, len(outcomes))
	for i := range gold {
		wanted[i], found[i] = gold[i].Spans, outcomes[i].Spans
	}
	if t.Kind == MaskKind {
		return metric.Masks(wanted, found)
	}
	return metric.Spans(wanted, found)
}

// Confuse computes the confusion matrix of labels.
func (t Task) Confuse(gold []Gold, outcomes []Outcome) metric.Confusion {
	wanted, found := labels(gold, outcomes)
	for i, label := range found {
		if label != metric.None && !t.AllAnswers && !slices.Contains(t.Labels, label) && !slices.Contains(wanted, label) {
			found[i] = metric.Other
		}
	}
	return metric.Confuse(wanted, found)
}

func labels(gold []Gold, outcomes []Outcome) (wanted, found []string) {
	for i := range gold {
		wanted, found = append(wanted, gold[i].Label), append(found, outcomes[i].Label)
	}
	return wanted, found
}

// Probabilities returns the outcomes that have a probability: whether each is
// correct, and its probability.
func (t Task) Probabilities(gold []Gold, outcomes []Outcome) (right []bool, probability []float64) {
	for i, o := range outcomes {
		if t.Kind == LabelKind && o.Err == nil && !math.IsNaN(o.Probability) {
			right = append(right, o.Label == gold[i].Label)
			probability = append(probability, o.Probability)
		}
	}
	return right, probability
}

// Quality is the quality of one answer, from 0 to 1. A correct answer has 1. Scores
// are compared as a whole, so a single one has 1.
func (t Task) Quality(gold Gold, o Outcome) float64 {
	switch t.Kind {
	case LabelKind:
		if o.Label == gold.Label {
			return 1
		}
		return 0
	case TextKind:
		return metric.TextQuality(o.Text, gold.Texts)
	case ScoreKind:
		if o.Err != nil {
			return 0
		}
		return 1
	}
	return metric.SpanQuality(gold.Spans, o.Spans, t.Kind == ExtractKind)
}

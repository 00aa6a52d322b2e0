package eval

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Kind says what answers are, and with that which figures fit.
type Kind string

const (
	LabelKind   Kind = "labels"   // one of a set of labels: Labels, Calibration
	TextKind    Kind = "text"     // free text: Texts
	ExtractKind Kind = "extract"  // spans with labels: Spans
	MaskKind    Kind = "mask"     // the input with its spans masked: Masks
	MaskText         = "[MASKED]" // what stands for a span
)

// KindOf says which figures fit an AI function.
func KindOf(function string) (Kind, error) {
	switch strings.TrimPrefix(function, "try_") {
	case "ai_analyze_sentiment", "ai_classify", "ai_classify_score":
		return LabelKind, nil
	case "ai_extract", "ai_extract_json":
		return ExtractKind, nil
	case "ai_mask":
		return MaskKind, nil
	case "ai_translate", "ai_summarize", "ai_fix_grammar", "ai_gen":
		return TextKind, nil
	}
	return "", fmt.Errorf("which figures fit %s is not known", function)
}

// Gold is what a row's answer should be; its kind's field is set.
type Gold struct {
	Label string
	Texts []string // references, of which one is to be met
	Spans []Span
}

// Outcome is a row's answer as it was read; its kind's field is set.
type Outcome struct {
	Label       string
	Probability float64 // of Label; NaN if the function does not say
	Text        string
	Spans       []Span
	// Shown is the answer for people to read.
	Shown string
	// Err: there is no answer, or none that could be read. It counts as wrong.
	Err error
}

// Task is a kind with what it needs to read answers.
type Task struct {
	Kind Kind
	// Labels are those that answers can have, for labels and extraction.
	Labels []string
	// AllAnswers has a confusion matrix show answers that are no labels.
	AllAnswers bool
	// Keep names the labels of gold spans that count; empty counts all.
	Keep []string
}

// Measure gives the figures of outcomes.
func (t Task) Measure(gold []Gold, outcomes []Outcome) *Statistics {
	sameLength("outcomes", len(gold), len(outcomes))
	switch t.Kind {
	case LabelKind:
		return Labels(labelsOf(gold, outcomes))
	case TextKind:
		texts, references := make([]string, len(gold)), make([][]string, len(gold))
		for i := range gold {
			texts[i], references[i] = outcomes[i].Text, gold[i].Texts
		}
		return Texts(texts, references)
	}
	wanted, found := make([][]Span, len(gold)), make([][]Span, len(gold))
	for i := range gold {
		wanted[i], found[i] = gold[i].Spans, outcomes[i].Spans
	}
	if t.Kind == MaskKind {
		return Masks(wanted, found)
	}
	return Spans(wanted, found)
}

// Confuse makes the confusion matrix of labels.
func (t Task) Confuse(gold []Gold, outcomes []Outcome) Confusion {
	wanted, found := labelsOf(gold, outcomes)
	for i, label := range found {
		if label != None && !t.AllAnswers && !slices.Contains(t.Labels, label) && !slices.Contains(wanted, label) {
			found[i] = Other
		}
	}
	return Confuse(wanted, found)
}

func labelsOf(gold []Gold, outcomes []Outcome) (wanted, found []string) {
	for i := range gold {
		wanted, found = append(wanted, gold[i].Label), append(found, outcomes[i].Label)
	}
	return wanted, found
}

// Probabilities gives those outcomes that come with one: whether they are
// right, and the probability.
func (t Task) Probabilities(gold []Gold, outcomes []Outcome) (right []bool, probability []float64) {
	for i, o := range outcomes {
		if t.Kind == LabelKind && o.Err == nil && !math.IsNaN(o.Probability) {
			right = append(right, o.Label == gold[i].Label)
			probability = append(probability, o.Probability)
		}
	}
	return right, probability
}

// Quality is how good one answer is: 1 for a right one. For text it is ROUGE-L,
// or chrF where there are no words.
func (t Task) Quality(gold Gold, o Outcome) float64 {
	switch t.Kind {
	case LabelKind:
		if o.Label == gold.Label {
			return 1
		}
		return 0
	case TextKind:
		best, counts, equal := bestOf(o.Text, gold.Texts)
		if equal == 1 {
			return 1
		}
		return min(0.999, max(best.L, chrfScore(counts[:])))
	}
	c := exact(gold.Spans, o.Spans, t.Kind == ExtractKind)
	if c[1]+c[2] == 0 {
		return 1
	}
	return f1(c[0], c[1], c[2])
}

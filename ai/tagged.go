package ai

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firesteel/firesteel/ai/internal/entity"
	"github.com/firesteel/firesteel/ai/internal/pii"
	"github.com/firesteel/firesteel/llm"
)

// taggedLabel is a label of a kind that taggers may know.
type taggedLabel struct {
	label
	kind    entity.Kind
	pattern bool // exact rules find it, too
}

func (l taggedLabel) isPerson() bool {
	return l.kind == entity.Person || l.kind == entity.GivenName || l.kind == entity.Surname
}

// rarelyTagged reports whether only some taggers know the label, so that a call may need the text
// model, too, and can do without a tagger.
func (l taggedLabel) rarelyTagged() bool {
	return !l.pattern && l.kind >= entity.Organization && l.kind <= entity.Event
}

// asksOf returns the models that find labels; text reports whether there are labels for the text model.
func asksOf(tagged []taggedLabel, text bool) (asks []Ask) {
	if len(tagged) > 0 {
		asks = append(asks, Ask{Role: llm.Tag, Optional: allRarelyTagged(tagged)})
	}
	if text || slices.ContainsFunc(tagged, taggedLabel.rarelyTagged) {
		asks = append(asks, Ask{Role: llm.Text})
	}
	return asks
}

func allRarelyTagged(labels []taggedLabel) bool {
	return !slices.ContainsFunc(labels, func(l taggedLabel) bool { return !l.rarelyTagged() })
}

// taggedTexts are texts that a tagger has read.
type taggedTexts struct {
	*entity.Tagger
	texts    []string
	taggings []llm.Tagging
	taken    [][]entity.Span // by text, what exact rules find
}

// tagAll opens the tagger and asks it for texts. A session whose only model is a text model, and with
// optional also one that may not download a tagger, has a tagger that knows no label.
func tagAll(ctx context.Context, source Source, texts []string, optional bool) (*taggedTexts, error) {
	m, err := open(ctx, source, llm.Tag, "")
	switch {
	case errors.Is(err, llm.ErrRole), optional && errors.Is(err, llm.ErrNoModel):
		return &taggedTexts{Tagger: entity.NewTagger(nil), texts: texts, taggings: make([]llm.Tagging, len(texts)), taken: make([][]entity.Span, len(texts))}, nil
	case err != nil:
		return nil, err
	}
	t := &taggedTexts{Tagger: entity.NewTagger(m.Info().Labels), texts: texts, taken: make([][]entity.Span, len(texts))}
	if t.taggings, err = m.Tag(ctx, texts); err != nil {
		return nil, err
	}
	if len(t.taggings) != len(texts) {
		return nil, fmt.Errorf("%w: it returned %d results for %d texts", llm.ErrModel, len(t.taggings), len(texts))
	}
	for i, text := range texts {
		for _, s := range pii.Find(text, nil) {
			if s.Kind != pii.PostalCode { // a part of an address
				t.taken[i] = append(t.taken[i], entity.Span{Start: s.Start, End: s.End})
			}
		}
	}
	return t, nil
}

// split divides labels into those that the tagger knows and those for the text model. A label that has
// a pattern is left to the rules if the tagger does not know it.
func (t *taggedTexts) split(labels []taggedLabel) (known []taggedLabel, unknown []label) {
	for _, l := range labels {
		switch {
		case t.Has(l.kind):
			known = append(known, l)
		case !l.pattern:
			unknown = append(unknown, l.label)
		}
	}
	return known, unknown
}

// find returns the places of labels in text i, by label.
func (t *taggedTexts) find(i int, labels []taggedLabel) ([][]labelledSpan, error) {
	if err := t.taggings[i].Err; err != nil {
		return nil, err
	}
	found := make([][]labelledSpan, len(labels))
	for n, l := range labels {
		for _, s := range t.Find(t.texts[i], t.taggings[i].Tokens, []entity.Kind{l.kind}, t.taken[i]) {
			found[n] = append(found[n], labelledSpan{span{s.Start, s.End}, strings.TrimSpace(l.name), min(s.Score, 1)})
		}
	}
	return found, nil
}

// free returns the spans that do not overlap what exact rules find in text i.
func (t *taggedTexts) free(i int, spans []span) []span {
	return slices.DeleteFunc(spans, func(s span) bool {
		return slices.ContainsFunc(t.taken[i], func(x entity.Span) bool { return x.Start < s.end && s.start < x.End })
	})
}

func beginsWithCapital(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(r)
}

package ai

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firesteel/firesteel/ai/internal/entity"
	"github.com/firesteel/firesteel/ai/internal/pii"
	"github.com/firesteel/firesteel/llm"
)

type privateInput struct {
	content string
	privateLabels
}

// privateLabels are the data to find.
type privateLabels struct {
	kinds      []pii.Kind    // found by their patterns
	kindLabels []string      // of kinds
	tagged     []taggedLabel // found by the tagger if it knows them
	others     []label       // found by the text model
}

func readPrivateLabels(param string, v any) (m privateLabels, given bool, err error) {
	labels, given, err := readLabels(param, v, maxLabels)
	byPattern := func(k pii.Kind, l label) {
		m.kinds, m.kindLabels = append(m.kinds, k), append(m.kindLabels, strings.TrimSpace(l.name))
	}
	for _, l := range labels {
		pattern, hasPattern := pii.KindOf(l.name)
		if hasPattern {
			byPattern(pattern, l)
		}
		kind, named := entity.KindOf(l.name)
		if name, known := kindOf(l); !named && known { // "people"
			kind, named = entity.KindOf(name)
		}
		if kind == entity.Address { // a postal code is a part of an address
			byPattern(pii.PostalCode, l)
		}
		switch {
		case named && (hasPattern || l.about == ""):
			m.tagged = append(m.tagged, taggedLabel{l, kind, hasPattern})
		case !hasPattern:
			m.others = append(m.others, l)
		}
	}
	return m, given, err
}

// privateReader returns a reader of rows, which reads equal labels of successive rows once. param is the
// name of the parameter of labels.
func privateReader(param string) func(Row) (privateInput, bool, error) {
	var last any
	var labels privateLabels
	var given bool
	var err error
	return func(row Row) (in privateInput, ok bool, _ error) {
		if !sameLabels(row[1], last) {
			last = row[1]
			labels, given, err = readPrivateLabels(param, last)
		}
		in.content, ok = row[0].(string)
		in.privateLabels = labels
		return in, ok && given, err
	}
}

// sameLabels reports whether two arguments of type Labels, which are not NULL, are equal.
func sameLabels(a, b any) bool {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return ok && a == b
	case []string:
		b, ok := b.([]string)
		return ok && slices.Equal(a, b)
	}
	return false
}

// privateAsks returns the models for the labels: none if all have a pattern that needs no model.
func privateAsks(row Row) []Ask {
	labels, _, err := readPrivateLabels("", row[1])
	if err != nil || len(labels.kinds)+len(labels.tagged)+len(labels.others) == 0 {
		return []Ask{{Role: llm.Tag}, {Role: llm.Text}} // the rows have different labels
	}
	return asksOf(labels.tagged, len(labels.others) > 0)
}

// findPrivate returns the places of the data that labels name, by row. They may overlap. The answers of
// rows that fail have errors.
func findPrivate(ctx context.Context, model Source, need []task[privateInput]) ([][]labelledSpan, error) {
	var toTag []int // indexes into need
	found := make([][]labelledSpan, len(need))
	for i := range need {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		found[i] = need[i].in.patterned()
		if len(need[i].in.tagged) > 0 {
			toTag = append(toTag, i)
		}
	}
	if len(toTag) > 0 {
		if err := findTagged(ctx, model, need, toTag, found); err != nil {
			return nil, err
		}
	}
	var needText []task[privateInput]
	var of []int
	for i, a := range need {
		if a.Err == nil && len(a.in.others) > 0 {
			needText, of = append(needText, a), append(of, i)
		}
	}
	if len(needText) == 0 {
		return found, nil
	}
	m, err := open(ctx, model, llm.Text, "")
	if err != nil {
		return nil, err
	}
	named, err := findNames(ctx, m, needText)
	if err != nil {
		return nil, err
	}
	for k, i := range of {
		found[i] = append(found[i], named[k]...)
	}
	return found, nil
}

// findTagged finds the tagged labels of some rows. Labels that the tagger does not have become others.
func findTagged(ctx context.Context, model Source, need []task[privateInput], rows []int, spans [][]labelledSpan) error {
	contents := make([]string, len(rows))
	optional := true
	for k, i := range rows {
		contents[k] = need[i].in.content
		optional = optional && allRarelyTagged(need[i].in.tagged)
	}
	tagger, err := tagAll(ctx, model, contents, optional)
	if err != nil {
		return err
	}
	for k, i := range rows {
		a := &need[i]
		known, unknown := tagger.split(a.in.tagged)
		a.in.others = append(slices.Clip(a.in.others), unknown...)
		found, err := tagger.find(k, known)
		if a.Err = err; err != nil {
			continue
		}
		flat := oneLineKeepLength.Replace(a.in.content)
		for n, l := range known {
			for _, s := range found[n] {
				value := flat[s.start:s.end]
				a.Raw += fmt.Sprintf("%q: %s\n", value, l.name)
				spans[i] = append(spans[i], s)
				if l.isPerson() && beginsWithCapital(value) {
					spans[i] = append(spans[i], s.at(tagger.free(k, occurrences(flat, value)))...)
				}
			}
		}
		a.Raw = strings.TrimSpace(a.Raw)
	}
	return nil
}

// span is content[start:end], in bytes.
type span struct{ start, end int }

// labelledSpan is a span with the label that it is found for.
type labelledSpan struct {
	span
	label string
	score float64 // 0 to 1
}

// at returns other places with the label and the score of s.
func (s labelledSpan) at(places []span) []labelledSpan {
	all := make([]labelledSpan, len(places))
	for i, place := range places {
		all[i] = labelledSpan{place, s.label, s.score}
	}
	return all
}

func (in privateInput) patterned() []labelledSpan {
	if len(in.kinds) == 0 {
		return nil
	}
	var spans []labelledSpan
	for _, s := range pii.Find(in.content, in.kinds) {
		spans = append(spans, labelledSpan{span{s.Start, s.End}, in.labelOf(s.Kind), s.Score})
	}
	return spans
}

// labelOf returns the label that names a kind or, if there is none, one that includes it.
func (in privateInput) labelOf(kind pii.Kind) string {
	i := slices.Index(in.kinds, kind)
	if i < 0 {
		i = slices.IndexFunc(in.kinds, func(k pii.Kind) bool { return slices.Contains(k.Covers(), kind) })
	}
	return in.kindLabels[max(i, 0)]
}

// occurrences returns the places where a value occurs in a text, but not within a
// word. The text has spaces instead of line ends (oneLineKeepLength), as the text
// from which the value was read.
func occurrences(flat, value string) []span {
	value = trimName(value)
	if commonWords[strings.ToLower(value)] || !strings.ContainsFunc(value, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return nil
	}
	var spans []span
	for at := 0; ; {
		i := strings.Index(flat[at:], value)
		if i < 0 {
			return spans
		}
		start, end := at+i, at+i+len(value)
		if !withinWord(flat, start) && !withinWord(flat, end) {
			spans = append(spans, span{start, end})
			at = end
			continue
		}
		_, n := utf8.DecodeRuneInString(flat[start:])
		at = start + n
	}
}

// withinWord reports whether there are letters or digits on both sides of a place,
// of scripts that separate words with spaces.
func withinWord(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at:])
	return inWord(before) && inWord(after)
}

func inWord(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)) &&
		!unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// mergeSpans sorts spans and joins those that overlap. The longest gives its label, and of equally long
// ones the surest.
func mergeSpans(spans []labelledSpan) []labelledSpan {
	slices.SortFunc(spans, func(a, b labelledSpan) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), cmp.Compare(b.score, a.score), cmp.Compare(a.label, b.label))
	})
	var all []labelledSpan
	longest := 0 // of the parts of the last one
	for _, s := range spans {
		last := len(all) - 1
		if last < 0 || s.start >= all[last].end {
			all, longest = append(all, s), s.end-s.start
			continue
		}
		if n := s.end - s.start; n > longest {
			all[last].label, all[last].score, longest = s.label, s.score, n
		}
		all[last].end = max(all[last].end, s.end)
	}
	return all
}

// replaceSpans replaces spans, which are sorted and do not overlap.
func replaceSpans(content string, spans []labelledSpan, by func(labelledSpan) string) string {
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(content[at:s.start])
		b.WriteString(by(s))
		at = s.end
	}
	return b.String() + content[at:]
}

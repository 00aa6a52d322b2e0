package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai/internal/entity"
	"github.com/firesteel/firesteel/ai/internal/pii"
	"github.com/firesteel/firesteel/llm"
)

// exactKinds are the kinds whose rules find every value, so that no model is asked for them. The values
// of other kinds, such as dates, have also forms without a pattern.
var exactKinds = []pii.Kind{pii.Email, pii.Phone, pii.CreditCard, pii.IBAN, pii.IPAddress, pii.MACAddress, pii.URL, pii.SSN, pii.CryptoAddress}

// knownLabels are the labels of an extraction by the way in which they are found.
type knownLabels struct {
	patterns map[string]pii.Kind // by name; they are also in tagged if a tagger may know them
	tagged   []taggedLabel
	others   []label
}

// known divides the labels. Values that the user describes are found by the text model: with a schema,
// a description, instructions or examples, and if they need not occur in the text.
func (in extractInput) known() (k knownLabels) {
	if in.userSchema || in.anyValue || in.instructions != "" || len(in.examples) > 0 {
		k.others = in.labels
		return k
	}
	k.patterns = map[string]pii.Kind{}
	for _, l := range in.labels {
		pattern, hasPattern := pii.KindOf(l.name)
		kind, named := entity.KindOf(l.name)
		switch {
		case l.about != "":
			k.others = append(k.others, l)
		case named:
			if hasPattern {
				k.patterns[strings.TrimSpace(l.name)] = pattern
			}
			k.tagged = append(k.tagged, taggedLabel{l, kind, hasPattern})
		case hasPattern && slices.Contains(exactKinds, pattern):
			k.patterns[strings.TrimSpace(l.name)] = pattern
		default:
			k.others = append(k.others, l)
		}
	}
	return k
}

// extractAsks returns the models for the labels: none if all are found by exact rules.
func extractAsks(row Row) []Ask {
	in, _, err := readExtraction(row)
	if err != nil || len(in.names) == 0 && !in.userSchema {
		return []Ask{{Role: llm.Tag}, {Role: llm.Text}} // the rows have different labels
	}
	k := in.known()
	return asksOf(k.tagged, len(k.others) > 0 || in.userSchema)
}

// knownValue is a value at its place, with its probability. Its text is empty if there is none.
type knownValue struct {
	text string
	span
	score float64
}

// extractKnown finds the values of labels by exact rules and by the tagger. The result has, by row, the
// values by name; it is nil for a row without such labels.
func extractKnown(ctx context.Context, source Source, need []task[extractInput]) ([]map[string]knownValue, error) {
	found := make([]map[string]knownValue, len(need))
	known := make([]knownLabels, len(need))
	var toTag []int
	var contents []string
	optional := true
	for i, a := range need {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		known[i] = a.in.known()
		for name, kind := range known[i].patterns {
			if found[i] == nil {
				found[i] = map[string]knownValue{}
			}
			found[i][name] = knownValue{}
			if spans := pii.Find(a.in.content, []pii.Kind{kind}); len(spans) > 0 {
				found[i][name] = knownValue{a.in.content[spans[0].Start:spans[0].End], span{spans[0].Start, spans[0].End}, spans[0].Score}
			}
		}
		if len(known[i].tagged) > 0 {
			toTag, contents = append(toTag, i), append(contents, a.in.content)
			optional = optional && allRarelyTagged(known[i].tagged)
		}
	}
	if len(toTag) == 0 {
		return found, nil
	}
	tagger, err := tagAll(ctx, source, contents, optional)
	if err != nil {
		return nil, err
	}
	for k, i := range toTag {
		a := need[i]
		labels, _ := tagger.split(known[i].tagged)
		spans, err := tagger.find(k, labels)
		if err != nil {
			a.Err = err
			continue
		}
		if found[i] == nil && len(labels) > 0 {
			found[i] = map[string]knownValue{}
		}
		for n, l := range labels {
			name := strings.TrimSpace(l.name)
			if found[i][name].text == "" {
				found[i][name] = knownValue{}
				if len(spans[n]) > 0 {
					s := spans[n][0]
					found[i][name] = knownValue{oneLineKeepLength.Replace(a.in.content[s.start:s.end]), s.span, s.score}
				}
			}
		}
	}
	return found, nil
}

// merge returns the object of all names, with the values that were found and those of the text model's
// object, which is nil if it was not asked.
func (in extractInput) merge(found map[string]knownValue, object json.RawMessage) (json.RawMessage, error) {
	byModel := map[string]json.RawMessage{}
	if object != nil {
		members, err := orderedObject(string(object))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", llm.ErrModel, err) // cannot happen: it was checked before
		}
		for _, m := range members {
			byModel[m.name] = m.value
		}
	}
	all := make([]member, len(in.names))
	for i, name := range in.names {
		all[i] = member{name, byModel[name]}
		if value, ok := found[name]; ok {
			all[i].value = json.RawMessage(jsonText(value.text))
		}
	}
	return objectText(all), nil
}

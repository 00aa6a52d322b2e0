package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// kinds maps common labels to the kind of name that the model is asked about.
var kinds = map[string]string{
	"person": "person", "people": "person", "name": "person", "person name": "person", "full name": "person",
	"first name": "person", "last name": "person", "place": "place", "location": "place", "city": "place", "cities": "place",
	"country": "place", "countries": "place", "organization": "organization", "organisation": "organization",
	"company": "organization", "companies": "organization", "product": "product", "brand": "product",
}

// allKinds are the kinds of which a name may be, whether they are masked or not.
var allKinds = []string{"person", "place", "organization", "product", "time", "word"}

// kindOf returns the kind for a label, and whether it is one of kinds.
func kindOf(l label) (string, bool) {
	key := strings.Join(strings.FieldsFunc(strings.ToLower(l.name), func(r rune) bool { return r == ' ' || r == '_' || r == '-' }), " ")
	for _, name := range []string{key, strings.TrimSuffix(key, "s")} {
		if kind := kinds[name]; kind != "" && l.about == "" {
			return kind, true
		}
	}
	return strings.TrimSpace(l.name), false
}

var kindPrompt = mustPrompt("mask_kind", "content", "value")

// kindLabeller classifies a value, which is the content. The text around it is the
// context.
var kindLabeller = &labeller{questions: func(in labelInput, _ llm.Info) []question {
	return []question{{words: oneWordEach(len(in.labels)), about: func(value string) llm.Request {
		context := in.context
		if value != in.content {
			context = value // a contentFree value has no context
		}
		return kindPrompt.choose(kindPrompt.fill(nil, "content", context, "value", value), trimmed(in.labels))
	}}}
}}

// findNames finds data without a pattern with the text model. Candidates for names are
// found by their capitals and, if that is not sufficient, by the model. The model then
// classifies each candidate.
func findNames(ctx context.Context, m llm.Model, need []task[privateInput]) ([][]labelledSpan, error) {
	generated, err := findValues(ctx, m, need)
	if err != nil {
		return nil, err
	}
	var candidates []task[labelInput]
	var of []int        // the row of each candidate
	var places [][]span // the occurrences of each candidate
	for i, a := range need {
		if a.Err != nil {
			continue
		}
		flat := oneLineKeepLength.Replace(a.in.content)
		labels := a.in.nameLabels()
		seen := map[string]bool{}
		for _, value := range append(namesIn(flat), generated[i]...) {
			value = trimName(value)
			if seen[value] || len(value) > maxName {
				continue
			}
			found := occurrences(flat, value)
			if len(found) == 0 {
				continue
			}
			seen[value] = true
			places = append(places, found)
			candidates = append(candidates, task[labelInput]{labelInput{content: value, context: excerpt(flat, value), labels: labels}, &Answer{}})
			of = append(of, i)
		}
	}
	if err := kindLabeller.score(ctx, m, candidates, func(a task[labelInput], f fit) {
		best, p := f.best(1)
		a.Value = labelledSpan{label: a.in.labels[best].name, score: p[best]}
	}); err != nil {
		return nil, err
	}
	spans := make([][]labelledSpan, len(need))
	for k, d := range candidates {
		a := need[of[k]]
		if d.Err != nil {
			a.Err = sensitive.Errorf("%s: %w", sensitive.Text(d.in.content), d.Err)
			continue
		}
		kind := d.Value.(labelledSpan)
		a.Raw += fmt.Sprintf("\n%q: %s", d.in.content, kind.label)
		if label, wanted := a.in.wants(kind.label); wanted {
			kind.label = label
			spans[of[k]] = append(spans[of[k]], kind.at(places[k])...)
		}
	}
	for _, a := range need {
		a.Raw = strings.TrimSpace(a.Raw)
	}
	return spans, nil
}

const (
	// maxName bounds the bytes of a name.
	maxName = 120
	// maxMaskPart bounds the tokens of a text in one request for values: few
	// enough that a small model does not miss some.
	maxMaskPart = 256
	// maxFinds bounds the number of values of one label in one part.
	maxFinds = 16
)

var maskPrompt = mustPrompt("mask", "fields", "content")

// nameLabels returns the labels for the classification: all kinds, and the other
// labels of the user.
func (in privateInput) nameLabels() []label {
	var all []label
	for _, k := range allKinds {
		all = append(all, label{name: k})
	}
	for _, l := range in.others {
		if kind, known := kindOf(l); !known && !slices.Contains(allKinds, kind) {
			all = append(all, label{name: kind})
		}
	}
	return all
}

// wants returns the label that names a kind.
func (in privateInput) wants(kind string) (string, bool) {
	for _, l := range in.others {
		if k, _ := kindOf(l); k == kind {
			return strings.TrimSpace(l.name), true
		}
	}
	return "", false
}

// findValues requests values from the model for the texts for which capitals are
// not sufficient: with labels that are not kinds, and in scripts without capitals.
func findValues(ctx context.Context, m llm.Model, need []task[privateInput]) ([][]string, error) {
	limit := max(1, min(maxMaskPart, contextOf(m)/4))
	var requests []llm.Request
	parts := make([]int, len(need))
	for i, a := range need {
		byCapitals := !slices.ContainsFunc(a.in.others, func(l label) bool {
			_, known := kindOf(l)
			return !known
		})
		if byCapitals && !hasCaseless(a.in.content) {
			continue
		}
		schema := objectOf(trimmed(a.in.others), func(int) string {
			return fmt.Sprintf(`{"type":"array","items":{"type":"string"},"maxItems":%d}`, maxFinds)
		})
		for _, p := range cutPieces(m, oneLineKeepLength.Replace(a.in.content), limit) {
			r := maskPrompt.fill(nil, "fields", describe(a.in.others), "content", p.text)
			r.Constraint = llm.JSON{Schema: schema, Source: p.text}
			r.MaxTokens = min(1024, 64+64*len(a.in.others))
			requests = append(requests, r)
			parts[i]++
		}
	}
	results, err := do(ctx, m, requests)
	if err != nil {
		return nil, err
	}
	values := make([][]string, len(need))
	for i, a := range need {
		for k, r := range results[:parts[i]] {
			found := map[string][]string{}
			err := r.Err
			if err == nil {
				if err = json.Unmarshal([]byte(r.Text), &found); err != nil {
					err = sensitive.Errorf("%w: its answer is not JSON of lists: %s", llm.ErrModel, sensitive.Text(r.Text))
				}
			}
			if err != nil {
				if parts[i] > 1 {
					err = fmt.Errorf("part %d of %d: %w", k+1, parts[i], err)
				}
				a.Err, a.Raw = err, strings.TrimSpace(r.Text)
				break
			}
			for _, name := range slices.Sorted(maps.Keys(found)) {
				values[i] = append(values[i], found[name]...)
			}
		}
		results = results[parts[i]:]
	}
	return values, nil
}

package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

var extractPlaces = define(&Function{
	Name: "ai_extract_spans",
	Params: []Param{
		{Name: "content", Type: String, About: "the text"},
		{Name: "labels", Type: Labels, About: `the values to find: ARRAY('person', 'city'), or JSON: '["person", "city"]' or '{"person": "the writer of the letter"}'`},
		{Name: "options", Type: Options, Optional: true, About: "MAP('instructions', 'the topic of the texts')"},
		examplesParam("your own texts with the values in them, as struct(text, JSON)"),
	},
	Returns: Array(Struct(Field{"label", String}, Field{"text", String}, Field{"start", Int}, Field{"end", Int}, Field{"confidence", Double})),
	Summary: "finds the values of labels in a text, with their places and how sure they are",
	Detail: "NULL and blank content, and NULL labels, give NULL without a model call. The values are those of ai_extract, in the order of the labels; a label without a value is left out, and a text without values gives an empty list. " +
		extractKnownDetail + "start is the place of the first character in the content (Unicode code points), and end that after the last; both count from 1 as in substring, so text is substring(content, start, end - start). " +
		"The place of a value of the text model is the first one where the content has it as whole words. " +
		"The confidence lies between 0 and 1: of exact rules 0.95 and more if a check digit or strict grammar holds, of the tagger the mean probability of the words, of the text model an estimate of the probability that the value is right, " +
		"from two questions: the value or none, and an answer with or without it. It is NULL if a server answers. Confidences of different kinds and models are not comparable: choose a threshold on your own rows. " +
		"The query fails if the list is empty, if a label is blank or repeated, if there are more than 100 labels, if a text is not such JSON, if labels are a JSON Schema, and if an option is unknown. A long text is read in parts of 1024 tokens.",
	Differs: "Databricks' ai_extract has no such result. Here the map of ai_extract has one type for all options, so the places and the confidence have a function of their own.",
	Measured: "The values are those of ai_extract, where they are measured. The confidence on rows that had no part in its choice, as the share of values that are exact, label and place: five labels in 156 messages of the Restaurant-8k test set (every 24th from the 10th on), " +
		"SmolLM2-135M with rampart-pii: 0.26 (0.20 to 0.31) of all values, 0.42 (0.31 to 0.52) of the half with the highest confidence; of the values of SmolLM2-135M alone 0.18 (0.13 to 0.23) and 0.26 (0.18 to 0.34), with a mean confidence of 0.21. Qwen2.5-Coder-0.5B in 78 of these messages, too few to tell: 0.22 (0.11 to 0.34) and 0.33 (0.12 to 0.56), of its own values 0.13 and 0.16, with a mean confidence of 0.31. " +
		"Persons by rampart-pii in 504 posts of the WNUT17 dev set (social media), which was seen when its thresholds were chosen: 0.66 (0.59 to 0.73) and 0.75 (0.66 to 0.85).",
	Weakness: "Those of ai_extract. The confidence of a value of a small text model is a weak hint: in Restaurant-8k, three quarters of the surest values of SmolLM2-135M are still wrong.",
	Example:  "SELECT ai_extract_spans('Ann Lee booked a table for six at noon. Call 212-555-0143.', ARRAY('person', 'phone', 'time')) AS found",
	Sample:   Row{"Ann Lee booked a table for six at noon. Call 212-555-0143.", []string{"person", "phone", "time"}},
	Prompts:  []string{"extract", "extract_check"},
	asks:     extractAsks,
}, func(row Row) (extractInput, bool, error) {
	in, ok, err := readExtraction(row)
	switch {
	case err != nil:
		return in, false, err
	case in.userSchema:
		return in, false, badArgument("labels", "a JSON Schema has values without places; give labels, or call ai_extract_json")
	case in.anyValue:
		return in, false, badArgument("options", "spans is false, but only values that are pieces of the text have places; use ai_extract")
	}
	return in, ok, nil
}, answerExtraction(func(in extractInput, e extraction) (any, error) {
	members, err := orderedObject(string(e.object))
	if err != nil {
		return nil, sensitive.JSON(err) // cannot happen: it was checked before
	}
	list := []any{}
	for _, m := range members {
		v, known := e.known[m.name]
		if !known {
			v = in.valueOf(m, e.odds)
		}
		if v.text == "" {
			continue
		}
		start := 1 + utf8.RuneCountInString(in.content[:v.start])
		value := in.content[v.start:v.end]
		var sure any
		if _, asked := e.odds[m.name]; known || asked {
			sure = v.score
		}
		list = append(list, []any{m.name, value, int64(start), int64(start + utf8.RuneCountInString(value)), sure})
	}
	return list, nil
}, compareWithEmpty))

// compareWithEmpty adds to the odds of each value those of an answer with this value against one without it. The
// first comparison says little with Qwen2.5-Coder-0.5B (area under the ROC curve .46), and this one less with
// SmolLM2-135M (.59); the sum ranks the values of both (.65).
func compareWithEmpty(ctx context.Context, m llm.Model, need []task[extractInput], answers []extraction) error {
	type place struct {
		row  int
		name string
	}
	var requests []llm.Request
	var of []place
	for i, a := range need {
		if a.Err != nil || len(answers[i].odds) == 0 {
			continue
		}
		members, err := orderedObject(string(answers[i].object))
		if err != nil {
			return fmt.Errorf("%w: %w", llm.ErrModel, err) // cannot happen: it was checked before
		}
		flat := oneLineKeepLength.Replace(a.in.content)
		for _, f := range members {
			var value string
			l := slices.IndexFunc(a.in.labels, func(l label) bool { return strings.TrimSpace(l.name) == f.name })
			if _, kept := answers[i].odds[f.name]; !kept || l < 0 || json.Unmarshal(f.value, &value) != nil {
				continue
			}
			value = strings.TrimSpace(value)
			r := extractPrompt.fill(nil, "instructions", a.in.instructions, "fields", describe(a.in.labels[l:l+1]), "content", excerpt(flat, value))
			r.Constraint = llm.Choice{Labels: []string{jsonText(map[string]string{f.name: ""}), jsonText(map[string]string{f.name: value})}}
			requests, of = append(requests, r), append(of, place{i, f.name})
		}
	}
	results, err := do(ctx, m, requests)
	if err != nil {
		return err
	}
	for n, p := range of {
		r := results[n]
		if r.Err != nil {
			need[p.row].Err = r.Err
		} else if len(r.Scores) == 2 {
			answers[p.row].odds[p.name] += r.Scores[1] - r.Scores[0]
		}
	}
	return nil
}

// valueOf returns the value of the text model at the first place where the content has it as whole words,
// or else at its first place. A value that is not in the content has no text.
func (in extractInput) valueOf(m member, odds map[string]float64) (v knownValue) {
	var text string
	if json.Unmarshal(m.value, &text) != nil || isBlank(text) {
		return v
	}
	text = strings.TrimSpace(text)
	flat := oneLineKeepLength.Replace(in.content)
	first := -1
	for at := 0; at < len(flat); {
		i := strings.Index(flat[at:], text)
		if i < 0 {
			break
		}
		start := at + i
		if first < 0 {
			first = start
		}
		if !withinWord(flat, start) && !withinWord(flat, start+len(text)) {
			first = start
			break
		}
		_, n := utf8.DecodeRuneInString(flat[start:])
		at = start + n
	}
	if first < 0 {
		return v
	}
	return knownValue{text, span{first, first + len(text)}, confidence(odds[m.name])}
}

// confidence is the probability of a value with these odds, the sum of two comparisons with none. The numbers were
// fitted to 171 values of SmolLM2-135M and Qwen2.5-Coder-0.5B in 78 messages of Restaurant-8k.
func confidence(odds float64) float64 { return 1 / (1 + math.Exp(1.3-0.2*odds)) }

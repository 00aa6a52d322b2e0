package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/sensitive"
)

// Gold reads the expected answer of a row from its label. renamed maps labels of
// the data to labels of the function.
//
//	labels   a label
//	scores   a number
//	text     a text, or a JSON array of reference texts
//	extract  JSON: {"label": "value" or ["value", ...] or null, ...}, or an array
//	         of spans {"label": l, "start": s, "end": e, "text": t}
//	mask     JSON: an array of such spans with positions, or the masked text
//
// Positions count characters from 0, and end is the first character after the
// span. The members of a span may have the names of common data sets: type,
// entity_type, slot; start_position, begin; end_position; value, entity_value;
// and valueSpan with startIndex and endIndex.
func (t Task) Gold(text, input string, renamed map[string]string) (Gold, error) {
	switch t.Kind {
	case LabelKind:
		label := strings.TrimSpace(text)
		if to, ok := renamed[label]; ok {
			label = to
		}
		return Gold{Label: label}, nil
	case ScoreKind:
		score, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsNaN(score) || math.IsInf(score, 0) {
			return Gold{}, sensitive.Errorf("%s is not a number", sensitive.Text(text))
		}
		return Gold{Score: score}, nil
	case TextKind:
		var several []string
		if strings.HasPrefix(strings.TrimSpace(text), "[") && json.Unmarshal([]byte(text), &several) == nil && len(several) > 0 {
			return Gold{Texts: several}, nil
		}
		return Gold{Texts: []string{text}}, nil
	}
	if t.Kind == MaskKind && strings.Contains(text, MaskText) && !strings.HasPrefix(strings.TrimSpace(text), "[{") {
		spans, intact := metric.Masked(input, text, MaskText)
		if !intact {
			return Gold{}, fmt.Errorf("the masked text differs from the input in more than %s", MaskText)
		}
		return Gold{Spans: spans}, nil
	}
	spans, err := parseSpans(text, input)
	if err != nil {
		return Gold{}, err
	}
	kept := spans[:0]
	for _, s := range spans {
		if to, ok := renamed[s.Label]; ok {
			s.Label = to
		}
		if t.Kind == MaskKind && !s.Placed() {
			return Gold{}, sensitive.Errorf("the span %s has no start and end, which masks need", sensitive.Text(s.Label))
		}
		if len(t.Keep) == 0 || slices.Contains(t.Keep, s.Label) {
			kept = append(kept, s)
		}
	}
	return Gold{Spans: kept}, nil
}

var errSpans = errors.New(`write spans as JSON: {"label": "value", ...} or [{"label": ..., "start": ..., "end": ...}, ...]`)

func parseSpans(text, input string) ([]metric.Span, error) {
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "{") {
		var values map[string]any
		if err := json.Unmarshal([]byte(trimmed), &values); err != nil {
			return nil, fmt.Errorf("%w: %w", errSpans, sensitive.JSON(err))
		}
		return valueSpans(values)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(trimmed), &list); err != nil {
		return nil, fmt.Errorf("%w: %w", errSpans, sensitive.JSON(err))
	}
	length := utf8.RuneCountInString(input)
	var spans []metric.Span
	for i, members := range list {
		s, err := placedSpan(members, input, length)
		if err != nil {
			return nil, fmt.Errorf("span %d: %w", i+1, err)
		}
		spans = append(spans, s)
	}
	return spans, nil
}

// valueSpans reads {"label": value, ...} as spans without positions, in the order
// of the labels.
func valueSpans(values map[string]any) ([]metric.Span, error) {
	var spans []metric.Span
	for _, label := range slices.Sorted(maps.Keys(values)) {
		list, ok := values[label].([]any)
		if !ok {
			list = []any{values[label]}
		}
		for _, v := range list {
			switch v := v.(type) {
			case nil:
			case string:
				if strings.TrimSpace(v) != "" {
					spans = append(spans, metric.Span{Label: label, Text: v})
				}
			case float64, bool:
				spans = append(spans, metric.Span{Label: label, Text: fmt.Sprint(v)})
			default:
				return nil, sensitive.Errorf("the value of %s is not a text or a list of texts", sensitive.Text(label))
			}
		}
	}
	return spans, nil
}

func placedSpan(members map[string]any, input string, length int) (metric.Span, error) {
	member := func(names ...string) any {
		for _, name := range names {
			if v, ok := members[name]; ok {
				return v
			}
		}
		return nil
	}
	var s metric.Span
	s.Label, _ = member("label", "type", "entity_type", "slot").(string)
	s.Text, _ = member("text", "value", "entity_value").(string)
	start, end := member("start", "start_position", "begin"), member("end", "end_position")
	if inner, ok := members["valueSpan"].(map[string]any); ok {
		if start, end = inner["startIndex"], inner["endIndex"]; start == nil {
			start = 0.0
		}
	}
	if start == nil && end == nil {
		if s.Text == "" {
			return s, fmt.Errorf("start and end, or a text, are missing")
		}
		return s, nil
	}
	from, ok1 := start.(float64)
	to, ok2 := end.(float64)
	if !ok1 || !ok2 || from < 0 || to <= from || to > float64(length) || from != float64(int(from)) || to != float64(int(to)) {
		return s, sensitive.Errorf("start %s and end %s are not a range of a text of %d characters", sensitive.Of(start), sensitive.Of(end), length)
	}
	s.Start, s.End = int(from), int(to)
	s.Text = string([]rune(input)[s.Start:s.End])
	return s, nil
}

package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/sensitive"
)

// ErrUnread reports an answer that does not have the form of its kind.
var ErrUnread = errors.New("the answer could not be read")

// Read reads the value that a function returns: nil, a string, or a value as
// encoding/json decodes it ([]any, map[string]any, float64). Of the struct of a
// try_ function it reads result and error; of ai_classify_score, label and
// probability; of ai_filter_score, the label true from 0.5 on, else false.
func (t Task) Read(value any, input string) Outcome {
	value, err := tried(value)
	if err != nil {
		return t.Failed(err)
	}
	o := Outcome{Probability: math.NaN(), Shown: show(value)}
	if value == nil && t.Kind == LabelKind && t.None != "" {
		o.Label = t.None
		return o
	}
	if value == nil {
		return t.Failed(errors.New("NULL"))
	}
	text, isText := value.(string)
	truth, isTruth := value.(bool)
	p, isProbability := value.(float64)
	m, isMap := value.(map[string]any)
	switch {
	case t.Kind == LabelKind && isText:
		o.Label = strings.TrimSpace(text)
	case t.Kind == LabelKind && isTruth:
		o.Label = strconv.FormatBool(truth)
	case t.Kind == LabelKind && isProbability && p >= 0 && p <= 1:
		o.Label, o.Probability = strconv.FormatBool(p >= 0.5), max(p, 1-p)
	case t.Kind == LabelKind && isMap:
		if o.Label, _ = m["label"].(string); o.Label == metric.None {
			o.Label = t.None
		}
		for _, name := range []string{"probability", "score", "confidence"} {
			if p, ok := m[name].(float64); ok && p >= 0 && p <= 1 {
				o.Probability = p
			}
		}
	case t.Kind == TextKind && isText:
		o.Text = text
	case t.Kind == MaskKind && isText:
		o.Spans, _ = metric.Masked(input, text, MaskText)
	case t.Kind == ExtractKind && isMap:
		o.Spans, o.Err = valueSpans(m)
	case t.Kind == ExtractKind && isText:
		if o.Err = sensitive.JSON(json.Unmarshal([]byte(text), &m)); o.Err == nil {
			o.Spans, o.Err = valueSpans(m)
		}
	case t.Kind == ScoreKind && isNumber(value):
		o.Score = value.(float64)
	default:
		o.Err = fmt.Errorf("%w as %s: %T", ErrUnread, t.Kind, value)
	}
	if t.None != "" && o.Label == t.None {
		o.Probability = math.NaN() // that of the function is of another label
	}
	if t.Kind == LabelKind && o.Label == metric.None && o.Err == nil {
		o.Err = ErrUnread
	}
	return o
}

// tried returns the result or the error of the struct of a try_ function, and other
// values as they are.
func tried(value any) (any, error) {
	m, _ := value.(map[string]any)
	result, isTry := m["result"]
	failure, also := m["error"]
	if !isTry || !also {
		return value, nil
	}
	if text, _ := failure.(string); text != "" {
		return nil, sensitive.New(text)
	}
	return result, nil
}

func isNumber(value any) bool {
	_, ok := value.(float64)
	return ok
}

// Failed is the outcome of a row that has an error instead of an answer.
func (t Task) Failed(err error) Outcome {
	return Outcome{Probability: math.NaN(), Score: math.NaN(), Err: err, Shown: "(" + sensitive.Shown(err) + ")"}
}

// numberForm matches the first number in an answer.
var numberForm = regexp.MustCompile(`-?\d+(?:\.\d+)?`)

// ReadPlain reads the answer to a plain prompt: the first label or number in it, the first
// JSON object in it (its members with the names of Labels, or all without Labels),
// or the whole text.
func (t Task) ReadPlain(answer, input string) Outcome {
	o := Outcome{Probability: math.NaN(), Shown: answer}
	switch t.Kind {
	case LabelKind:
		if o.Label = firstLabel(answer, t.Labels); o.Label == metric.None {
			o.Err = ErrUnread
		}
	case ScoreKind:
		number := numberForm.FindString(answer)
		if o.Score, o.Err = strconv.ParseFloat(number, 64); o.Err != nil {
			o.Score, o.Err = math.NaN(), ErrUnread
		}
	case TextKind:
		o.Text = strings.TrimSpace(answer)
	case MaskKind:
		o.Spans, _ = metric.Masked(input, strings.TrimSpace(answer), MaskText)
	case ExtractKind:
		object, ok := firstObject(answer)
		if !ok {
			o.Err = ErrUnread
			break
		}
		named := map[string]any{}
		for name, value := range object {
			if _, nested := value.(map[string]any); !nested && len(t.Labels) == 0 {
				named[name] = value
			}
			for _, label := range t.Labels {
				if _, nested := value.(map[string]any); !nested && strings.EqualFold(strings.TrimSpace(name), label) {
					named[label] = value
				}
			}
		}
		o.Spans, o.Err = valueSpans(named)
	}
	return o
}

// firstLabel returns the label that occurs first as a whole word, in any case. If
// several begin at the same position, it returns the longest.
func firstLabel(answer string, labels []string) string {
	found, place := metric.None, len(answer)+1
	lower := strings.ToLower(answer)
	for _, label := range labels {
		at := wordIndex(lower, strings.ToLower(label))
		if at >= 0 && (at < place || at == place && len(label) > len(found)) {
			found, place = label, at
		}
	}
	return found
}

func wordIndex(text, word string) int {
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for from := 0; word != ""; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return -1
		}
		at += from
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(word):])
		if !inWord(before) && !inWord(after) {
			return at
		}
		from = at + len(word)
	}
	return -1
}

// maxObjects bounds the number of opening braces that are tried.
const maxObjects = 100

// firstObject decodes the first JSON object in a text.
func firstObject(text string) (object map[string]any, ok bool) {
	for range maxObjects {
		at := strings.IndexByte(text, '{')
		if at < 0 {
			return nil, false
		}
		text = text[at:]
		object = nil
		if json.NewDecoder(strings.NewReader(text)).Decode(&object) == nil {
			return object, true
		}
		text = text[1:]
	}
	return nil, false
}

func show(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(b)
}

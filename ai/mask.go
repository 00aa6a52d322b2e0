package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firesteel/firesteel/ai/pii"
	"github.com/firesteel/firesteel/llm"
)

const (
	// maskMark stands in place of what is masked.
	maskMark = "[MASKED]"
	// maxMaskPart is how much of a text one request looks for names in, in
	// tokens; few enough that a small model does not lose some.
	maxMaskPart = 256
	// maxFinds bounds what is found for one label in one part.
	maxFinds = 16
)

var maskPrompt = mustPrompt("mask", "fields", "content")

var mask = define(&Function{
	Name: "ai_mask",
	Params: []Param{
		{Name: "content", Type: String, About: "the text"},
		{Name: "labels", Type: Labels, About: `what to mask: ARRAY('person', 'email'), or JSON: '["person", "email"]' or '{"person": "the patient only"}'`},
	},
	Returns: String,
	Summary: "replaces private data in a text by [MASKED]",
	Detail: "NULL content and NULL labels give NULL, and blank content gives itself, without a model call. The text is never written " +
		"anew: each piece that is found is replaced, in all the places where it stands, and every other byte stays. Data of a known " +
		"pattern (e-mail, phone, card, IBAN, IP address, URL, SSN, date and more) are found by exact rules without a model; all else " +
		"(person, address, organization and whatever you name) by the model, which reads a long text in parts. If one part " +
		"cannot be read, the row is an error: half a masked text is never given. An empty list, a blank or repeated label, more " +
		"than 100 of them and text that is no such JSON fail the query.",
	Differs:  "Databricks' function leaves both kinds to a model. Here what has a pattern is found by rules, so that it is found always.",
	Weakness: "Small models miss names and places, above all in long or unusual texts. Do not rely on it alone where a miss does harm.",
	Example:  "SELECT ai_mask('Write to anna@example.com or call 212-555-0143.', ARRAY('email', 'phone')) AS masked",
	Prompts:  []string{"mask"},
	rewrites: true,
}, readMasking, maskAll)

// Mask replaces what labels name in each text by [MASKED].
func Mask[C Expression[C]](content C, labels ...string) C { return content.Call(mask.Name, labels) }

type masking struct {
	content string
	kinds   []pii.Kind // found by their patterns
	others  []label    // found by the model
}

func readMasking(row Row) (in masking, ok bool, err error) {
	in.content, ok = row[0].(string)
	labels, given, err := readLabels("labels", row[1])
	for _, l := range labels {
		if kind, known := pii.KindOf(l.name); known {
			in.kinds = append(in.kinds, kind)
		} else {
			in.others = append(in.others, l)
		}
	}
	return in, ok && given, err
}

func maskAll(ctx context.Context, model Source, need []asked[masking]) error {
	var unnamed []asked[masking] // that the model has to look at
	for _, a := range need {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(a.in.others) > 0 {
			unnamed = append(unnamed, a)
			continue
		}
		a.Value = maskSpans(a.in.content, a.in.patterned())
	}
	if len(unnamed) == 0 {
		return nil
	}
	return withModel(maskNames)(ctx, model, unnamed)
}

// span is content[start:end], in bytes.
type span struct{ start, end int }

func (in masking) patterned() []span {
	if len(in.kinds) == 0 {
		return nil
	}
	var spans []span
	for _, s := range pii.Find(in.content, in.kinds) {
		spans = append(spans, span{s.Start, s.End})
	}
	return spans
}

// maskNames asks the model for what has no pattern.
func maskNames(ctx context.Context, m llm.Model, need []asked[masking]) error {
	limit := max(1, min(maxMaskPart, contextOf(m)/4))
	var requests []llm.Request
	parts := make([]int, len(need))
	for i, a := range need {
		pieces := cutPieces(m, oneLineEach.Replace(a.in.content), limit)
		schema := objectOf(trimmed(a.in.others), func(int) string {
			return fmt.Sprintf(`{"type":"array","items":{"type":"string"},"maxItems":%d}`, maxFinds)
		})
		for _, p := range pieces {
			r := maskPrompt.fill(nil, "fields", described(a.in.others), "content", p.text)
			r.Constraint = llm.JSON{Schema: schema, Source: p.text}
			r.MaxTokens = min(1024, 64+64*len(a.in.others))
			requests = append(requests, r)
		}
		parts[i] = len(pieces)
	}
	results, err := do(ctx, m, requests)
	if err != nil {
		return err
	}
	for i, a := range need {
		spans := a.in.patterned()
		var raw []string
		for k, r := range results[:parts[i]] {
			raw = append(raw, strings.TrimSpace(r.Text))
			found := map[string][]string{}
			err := r.Err
			if err == nil {
				if err = json.Unmarshal([]byte(r.Text), &found); err != nil {
					err = fmt.Errorf("%w: its answer is no JSON of lists: %s", llm.ErrModel, quote(r.Text))
				}
			}
			if err != nil {
				if parts[i] > 1 {
					err = fmt.Errorf("part %d of %d: %w", k+1, parts[i], err)
				}
				a.Err = err
				break
			}
			for _, values := range found {
				for _, v := range values {
					spans = append(spans, occurrences(a.in.content, v)...)
				}
			}
		}
		a.Raw = strings.Join(raw, "\n")
		results = results[parts[i]:]
		if a.Err == nil {
			a.Value = maskSpans(a.in.content, spans)
		}
	}
	return nil
}

// tooCommon is what a model gives where it found nothing, and must not be
// masked wherever it stands.
var tooCommon = map[string]bool{"i": true, "a": true, "an": true, "the": true, "he": true, "she": true, "it": true, "we": true,
	"you": true, "they": true, "my": true, "his": true, "her": true, "our": true, "your": true, "their": true, "me": true, "him": true,
	"us": true, "them": true, "and": true, "or": true, "of": true, "to": true, "in": true, "on": true, "at": true, "is": true, "none": true}

// occurrences are the places where a value stands in the content by itself,
// and not within a word. The value was read with line ends as spaces.
func occurrences(content, value string) []span {
	value = strings.TrimSpace(value)
	if tooCommon[strings.ToLower(value)] || !strings.ContainsFunc(value, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return nil
	}
	flat := oneLineEach.Replace(content)
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

// withinWord tells whether letters or digits stand on both sides of a place,
// of scripts that put spaces between words.
func withinWord(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at:])
	return inWord(before) && inWord(after)
}

func inWord(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)) &&
		!unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// maskSpans replaces spans; those that overlap become one mark.
func maskSpans(content string, spans []span) string {
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	var b strings.Builder
	at := 0
	for i := 0; i < len(spans); {
		s := spans[i]
		for i++; i < len(spans) && spans[i].start < s.end; i++ {
			s.end = max(s.end, spans[i].end)
		}
		b.WriteString(content[at:s.start] + maskMark)
		at = s.end
	}
	return b.String() + content[at:]
}

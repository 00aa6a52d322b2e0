package eval

import (
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/sensitive"
)

func TestGold(t *testing.T) {
	const input = "Ann lives in Rome"
	rome := metric.Span{Label: "place", Start: 13, End: 17, Text: "Rome"}
	extract := Task{Kind: ExtractKind}
	for _, c := range []struct {
		task       Task
		text, fail string
		want       Gold
	}{
		{Task{Kind: LabelKind}, " 1 ", "", Gold{Label: "positive"}},
		{Task{Kind: TextKind}, `["a", "b"]`, "", Gold{Texts: []string{"a", "b"}}},
		{Task{Kind: TextKind}, `[a`, "", Gold{Texts: []string{"[a"}}},
		{extract, `{"place": "Rome", "who": ["Ann", null], "x": null, "n": 3}`, "",
			Gold{Spans: []metric.Span{{Label: "n", Text: "3"}, {Label: "place", Text: "Rome"}, {Label: "who", Text: "Ann"}}}},
		{extract, `[{"entity_type": "GPE", "start_position": 13, "end_position": 17, "entity_value": "x"}]`, "", Gold{Spans: []metric.Span{rome}}},
		{extract, `[{"slot": "who", "valueSpan": {"endIndex": 3}}]`, "", Gold{Spans: []metric.Span{{Label: "who", End: 3, Text: "Ann"}}}},
		{Task{Kind: ExtractKind, Keep: []string{"who"}}, `{"place": "Rome"}`, "", Gold{Spans: []metric.Span{}}},
		{Task{Kind: MaskKind}, "[MASKED] lives in Rome", "", Gold{Spans: []metric.Span{{End: 3, Text: "Ann"}}}},
		{Task{Kind: MaskKind}, "[MASKED] lived in Rome", "differs from the input", Gold{}},
		{Task{Kind: MaskKind}, `{"who": "Ann"}`, "has no start and end", Gold{}},
		{extract, `[{"label": "x", "start": 13, "end": 99}]`, "are not a range of a text of 17 characters", Gold{}},
		{extract, `[{"label": "x", "start": 0.5, "end": 2}]`, "not a range", Gold{}},
		{extract, `[{"label": "x"}]`, "span 1: start and end", Gold{}},
		{extract, `Rome`, "spans as JSON", Gold{}},
		{extract, `{"a": {"b": 1}}`, `the value of "a"`, Gold{}},
	} {
		got, err := c.task.Gold(c.text, input, map[string]string{"1": "positive", "GPE": "place"})
		if c.fail == "" && (err != nil || !reflect.DeepEqual(got, c.want)) || c.fail != "" && (err == nil || !strings.Contains(sensitive.Shown(err), c.fail)) {
			t.Errorf("%s %s: %+v, %v", c.task.Kind, c.text, got, err)
		}
	}
}

func FuzzGold(f *testing.F) {
	f.Add("Ann lives in Rome", `[{"label": "who", "start": 0, "end": 3}]`)
	f.Add("x", `{"a": ["b", 1]}`)
	f.Fuzz(func(t *testing.T, input, text string) {
		for _, kind := range []Kind{LabelKind, TextKind, ExtractKind, MaskKind} {
			task := Task{Kind: kind, Labels: []string{"who"}}
			gold, err := task.Gold(text, input, nil)
			if err != nil {
				continue
			}
			if kind == LabelKind && gold.Label == metric.None {
				continue
			}
			o := task.ReadPlain(text, input)
			task.Measure([]Gold{gold}, []Outcome{o}).Scores(metric.Resampling{Samples: 1})
			task.Quality(gold, o)
		}
	})
}

func TestAnswers(t *testing.T) {
	labels := Task{Kind: LabelKind, Labels: []string{"sport", "sport news", "arts"}}
	for answer, want := range map[string]string{
		"Sport.":                 "sport",
		"It is **Sport News**!":  "sport news",
		"transport":              metric.None,
		"transport is sport":     "sport",
		"arts rather than sport": "arts",
		"":                       metric.None,
	} {
		o := labels.ReadPlain(answer, "")
		if o.Label != want || (want == metric.None) != (o.Err != nil) {
			t.Errorf("%q: %q %v, want %q", answer, o.Label, o.Err, want)
		}
	}
	extract := Task{Kind: ExtractKind, Labels: []string{"who"}}
	o := extract.ReadPlain("Here {it} is:\n```json\n{\"Who\": \"Ann\", \"why\": \"x\"}\n```", "Ann")
	if !reflect.DeepEqual(o.Spans, []metric.Span{{Label: "who", Text: "Ann"}}) {
		t.Errorf("%+v", o)
	}
	if o := extract.ReadPlain("{ no", ""); o.Err == nil {
		t.Error("no JSON was read")
	}
	o = labels.Read(map[string]any{"label": "arts", "probability": 0.75}, "")
	if o.Label != "arts" || o.Probability != 0.75 {
		t.Errorf("%+v", o)
	}
	tried := map[string]any{"result": nil, "error": "too long", "raw": nil}
	if o := labels.Read(tried, ""); o.Err == nil || o.Err.Error() != "too long" {
		t.Errorf("%+v", o)
	}
	for _, value := range []any{nil, 3.5, "", []any{"arts"}} {
		if o := labels.Read(value, ""); o.Err == nil {
			t.Errorf("%v was read as %q", value, o.Label)
		}
	}
}

func TestPrompts(t *testing.T) {
	p, err := PlainPrompt("try_ai_classify")
	if err != nil {
		t.Fatal(err)
	}
	got := FillPrompt(p, "{labels} of a text", map[string]string{"labels": "a, b"})
	if !strings.Contains(got, "best: a, b?") || !strings.HasSuffix(got, "{labels} of a text") {
		t.Errorf("%q", got)
	}
	if _, err := PlainPrompt("ai_gen"); err == nil {
		t.Error("ai_gen has a plain prompt")
	}
}

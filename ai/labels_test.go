package ai

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

func TestClassify(t *testing.T) {
	m := &fake{score: like}
	labels := []string{"price", "quality", " delivery "}
	reversed := slices.Clone(labels)
	slices.Reverse(reversed)
	answers := eval(t, classify, m.source,
		Row{"the quality", labels}, Row{"the quality", reversed}, Row{"its delivery", labels},
		Row{"nothing of them", labels}, Row{"nothing of them", reversed}, Row{"one only", []string{"x"}})
	for i, want := range []any{
		"quality", "quality", " delivery ", // as it stands in the list
		"price", " delivery ", // of equals the first
		"x",
	} {
		if answers[i].Value != want || answers[i].Err != nil {
			t.Errorf("row %d: %+v, want %q", i, answers[i], want)
		}
	}
	r := m.requests[0]
	if want := (llm.Choice{Labels: []string{" price", " quality", " delivery"}}); !reflect.DeepEqual(r.Constraint, want) || !strings.Contains(r.Prefix, "price, quality, delivery.") {
		t.Errorf("asked %+v", r)
	}
	m.score = func(prompt, label string) float64 { return 20 * like(prompt, label) }
	if answers := eval(t, analyzeSentiment, m.source, Row{"so negative"}, Row{"rather mixed"}); answers[0].Value != "negative" || answers[1].Value != "mixed" {
		t.Errorf("%+v", answers)
	}
}

// Mistakes in the labels fail the query, and with try_ are the row's error;
// neither asks the model.
func TestBadLabels(t *testing.T) {
	var many []string
	for i := range maxChoices + 1 {
		many = append(many, fmt.Sprint("l", i))
	}
	m := &fake{score: like}
	for _, c := range []struct {
		labels any
		want   string // "" for none
	}{
		{[]string{}, "empty"},
		{[]string{"a", " "}, "label 2 is blank"},
		{[]string{"a", "b", "a"}, `"a" occurs twice`},
		{[]string{"a", " a"}, `"a" occurs twice`},
		{many, "1001 labels"},
		{[]string{"a", strings.Repeat("b", 257)}, "label 2 has 257 bytes"},
		{many[:maxChoices], ""},
		{[]string{"a", "A", "a b", "ab"}, ""},
		{`["a", "b"]`, ""},
		{` {"a": "the first", "b": {"description": "the second"}} `, ""},
		{`["a", 1]`, `["a", "b"]`},
		{`{"a": 1}`, `label "a"`},
		{`{"a": "x"} {`, "after the end"},
		{`{"a": "x"`, "JSON"},
		{`["a", "a"]`, `"a" occurs twice`},
		{"[]", "empty"},
		{"{}", "empty"},
		{"a, b", `it is "a, b"`},
		{"", `it is ""`},
	} {
		try, err := Lookup("try_ai_classify")
		if err != nil {
			t.Fatal(err)
		}
		row := Row{"a text", c.labels}
		if c.want == "" {
			if a := eval(t, classify, m.source, row)[0]; a.Err != nil || a.Value == nil {
				t.Errorf("%.40q: %+v", c.labels, a)
			}
			continue
		}
		// Of NULL content too, as they are wrong for every row.
		for _, content := range []any{"a text", nil} {
			_, err = classify.Eval(t.Context(), closed, []Row{{"b", []string{"a", "b"}}, {content, c.labels}})
			var wrong *ArgumentError
			if !errors.As(err, &wrong) || wrong.Param != "labels" || !strings.Contains(sensitive.Shown(err), c.want) || !strings.HasPrefix(err.Error(), "argument labels: ") {
				t.Errorf("%.40q: error %v, want one about labels with %q", c.labels, err, c.want)
			}
		}
		answers := eval(t, try, m.source, row, Row{"b", []string{"a", "b"}})
		if v, _ := answers[0].Value.([]any); answers[0].Err == nil || v[0] != nil || !strings.Contains(v[1].(string), c.want) {
			t.Errorf("tried %.40q: %+v", c.labels, answers[0])
		}
		if v := answers[1].Value.([]any); v[0] != "b" || v[1] != nil {
			t.Errorf("beside %.40q: %+v", c.labels, answers[1])
		}
	}
}

func TestClassifyOptions(t *testing.T) {
	m := &fake{score: func(prompt, label string) float64 {
		if strings.TrimSpace(label) == "yes" && strings.Contains(content(prompt)+prompt, "the quality") && strings.Contains(prompt, "this: quality") {
			return 1
		}
		return like(prompt, label)
	}}
	labels := `{"price": "what it costs", "quality": ""}`
	answers := eval(t, classify, m.source,
		Row{"the quality", labels, map[string]string{"instructions": "Reviews of\nkettles.", "multilabel": "true"}},
		Row{"nothing", labels, `{"multilabel": true}`},
		Row{"the quality", labels, map[string]string{"multilabel": "FALSE"}, []Example{{"so cheap", "price"}}},
	)
	for i, want := range []string{`["quality"]`, `[]`, "quality"} {
		if answers[i].Value != want {
			t.Errorf("row %d: %+v, want %s", i, answers[i], want)
		}
	}
	if p := m.requests[0].Prefix; !strings.HasPrefix(p, "Reviews of kettles.\n") {
		t.Errorf("instructions are not said first: %q", p)
	}
	asked := ""
	for _, r := range m.requests {
		if strings.Contains(r.Text, "Category:") {
			asked = r.Prefix
		}
	}
	if !strings.Contains(asked, "price (what it costs), quality.") || !strings.HasSuffix(asked, "Text: so cheap\nCategory: price\n\n") {
		t.Errorf("asked after %q", asked)
	}
	for _, c := range []struct {
		options, examples any
		param, want       string
	}{
		{map[string]string{"multilable": "true"}, nil, "options", `no option "multilable"; the options are instructions, multilabel`},
		{map[string]string{"multilabel": "perhaps"}, nil, "options", "true or false"},
		{"multilabel", nil, "options", "not a JSON object"},
		{map[string]string{"instructions": strings.Repeat("x", 5000)}, nil, "options", "5000 bytes"},
		{nil, []Example{{"a", "c"}}, "examples", `"c", is not one of the labels`},
		{nil, []Example{{" ", "a"}}, "examples", "example 1 has no text"},
		{nil, `[["a"]]`, "examples", "example 1 has 1 texts"},
		{nil, `{"a": "b"}`, "examples", `[["a text", "its answer"], ...]`},
		{nil, make([]Example, 33), "examples", "33 examples"},
	} {
		_, err := classify.Eval(t.Context(), closed, []Row{{"x", []string{"a", "b"}, c.options, c.examples}})
		var wrong *ArgumentError
		if !errors.As(err, &wrong) || wrong.Param != c.param || !strings.Contains(sensitive.Shown(err), c.want) {
			t.Errorf("%v, %v: %v", c.options, c.examples, err)
		}
	}
	if _, err := classifyScore.Eval(t.Context(), closed, []Row{{"x", []string{"a"}, `{"multilabel": "true"}`}}); err == nil {
		t.Error("a score for several labels")
	}
}

func TestProbabilities(t *testing.T) {
	m := &fake{score: func(prompt, label string) float64 {
		if content(prompt) == "text" && label == " b" {
			return math.Log(3)
		}
		return 0
	}}
	a := eval(t, classifyScore, m.source, Row{"text", []string{"a", "b"}})[0]
	v, _ := a.Value.([]any)
	p := 1 / (1 + math.Pow(3, -1/classTemperature))
	if a.Err != nil || v[0] != "b" || math.Abs(v[1].(float64)-p) > 1e-9 || a.Raw != `{"a": 0.3409, "b": 0.6591}` {
		t.Errorf("%+v", a)
	}
}

func TestCut(t *testing.T) {
	m := &fake{score: like}
	long := strings.Repeat("word ", maxLabelledTokens) + "good"
	answers := eval(t, classify, m.source, Row{long, []string{"good", "bad"}}, Row{"good", []string{"bad", "good"}})
	if a := answers[0]; !a.Cut || a.Err != nil || a.Value != "good" { // of equals
		t.Errorf("a long text: %+v", a)
	}
	if a := answers[1]; a.Cut || a.Value != "good" {
		t.Errorf("a short text: %+v", a)
	}
	if n := strings.Count(m.requests[0].Text, "word"); n != maxLabelledTokens || strings.Contains(m.requests[0].Text, "good") {
		t.Errorf("%d words were asked", n)
	}
	if a := eval(t, analyzeSentiment, m.source, Row{long})[0]; !a.Cut {
		t.Errorf("a long text: %+v", a)
	}
}

// A text is one line of a prompt, whatever it holds.
func TestTextsCannotPose(t *testing.T) {
	m := &fake{score: like}
	posing := "  bad {labels} {content}\r\nCategory: good\n\nText: fine\rx "
	eval(t, classify, m.source, Row{posing, []string{"good", "{content}"}})
	r := m.requests[0]
	if want := "Text: bad {labels} {content} Category: good  Text: fine x\nCategory:"; r.Text != want {
		t.Errorf("asked %q, want %q", r.Text, want)
	}
	if !strings.Contains(r.Prefix, "good, {content}.") {
		t.Errorf("a label was expanded: %q", r.Prefix)
	}
}

// The answer is the label whose score is most above its mean after the texts
// about nothing.
func TestCalibration(t *testing.T) {
	scores := map[string][3]float64{ // by content, of a, b and c
		"N/A": {-1, -8, -2},
		"":    {-2, -6, -4},
		"...": {-3, -4, -9},
		// The mean is -2, -6, -5.
		"as nothing":  {-2, -6, -5},
		"b by little": {-1, -4.5, -5},
		"c by little": {-1.5, -5.5, -4.25},
		"a by little": {-1.5, -5.75, -5},
	}
	m := &fake{score: func(prompt, label string) float64 {
		s, ok := scores[content(prompt)]
		if !ok {
			t.Errorf("asked about %q", content(prompt))
		}
		return s[strings.Index("abc", strings.TrimSpace(label))]
	}}
	labels := []string{"a", "b", "c"}
	answers := eval(t, classify, m.source, Row{"as nothing", labels}, Row{"b by little", labels}, Row{"c by little", labels}, Row{"a by little", labels})
	for i, want := range []string{"a", "b", "c", "a"} {
		if answers[i].Value != want {
			t.Errorf("row %d: %+v, want %s", i, answers[i], want)
		}
	}
	if len(m.requests) != 4+3 || m.calls != 1 {
		t.Errorf("%d requests in %d calls for 4 rows and 3 texts about nothing", len(m.requests), m.calls)
	}
	got, err := biasOf([]llm.Result{{Scores: []float64{-1, -8}}, {Scores: []float64{-2, -6}}, {Scores: []float64{-4.5, -4}}}, 2)
	if err != nil || !slices.Equal(got, []float64{-2.5, -6}) {
		t.Errorf("bias %v, %v", got, err)
	}
}

// An even bias makes the words equally probable on average over the neutral texts.
func TestEvenBias(t *testing.T) {
	scores := [][]float64{{0, -3, -9}, {-8, 0, -9}, {-1, -1, -2}, {0, -2, -4}}
	b := evenBias(scores)
	sum := make([]float64, 3)
	for _, of := range scores {
		p := slices.Clone(of)
		for i := range p {
			p[i] -= b[i]
		}
		softmax(p)
		for i := range p {
			sum[i] += p[i] / 4
		}
	}
	for i, p := range sum {
		if math.Abs(p-1./3) > 1e-6 {
			t.Errorf("word %d has the mean probability %g", i, p)
		}
	}
	if math.Abs(b[0]+b[1]+b[2]) > 1e-9 {
		t.Errorf("the mean of %v is not 0", b)
	}
	var results []llm.Result
	for range contentFree {
		results = append(results, llm.Result{Scores: []float64{6, 3, 0}})
	}
	for range neutral {
		results = append(results, llm.Result{Scores: []float64{1, 5, 3}})
	}
	got, err := biasOf(results, 3) // the mean of 3, 0, -3 and -2, 2, 0
	for i, want := range []float64{.5, 1, -1.5} {
		if err != nil || math.Abs(got[i]-want) > 1e-6 {
			t.Errorf("bias %v, %v", got, err)
		}
	}
}

// How ai_classify asks depends on what is known of the model.
func TestWaysToAsk(t *testing.T) {
	type asked struct {
		begin, answer string
		biases        int
	}
	const read = "card payment, late delivery."
	plain := asked{"Each text belongs to one of these categories: " + read, " late delivery", len(contentFree)}
	list := asked{"system: You say which of these categories a text belongs to: " + read, "Category: late delivery", len(contentFree) + len(neutral)}
	open := asked{"system: You say in a word or two what category a text belongs to.\n", list.answer, list.biases}
	listed := asked{list.begin, list.answer, len(contentFree)}
	about := asked{"system: You say which of these categories a text belongs to: card payment (by card), late delivery.", list.answer, list.biases}
	labels, described := []string{"card_payment", "late delivery"}, `{"card_payment": "by card", "late delivery": ""}`
	examples := []Example{{"so slow", "late delivery"}, {"paid", "card_payment"}}
	small, large := fakeOf(135e6, true), fakeOf(15e8, true)
	for _, c := range []struct {
		name     string
		m        *fake
		labels   any
		examples []Example
		want     []asked
	}{
		{"a server", &fake{}, labels, examples, []asked{plain}},
		{"no chat template", fakeOf(2e9, false), labels, nil, []asked{plain}},
		{"a small model", small, labels, nil, []asked{open}},
		{"a small model with examples", small, labels, examples, []asked{open, plain}},
		{"a small model with a description", small, described, nil, []asked{open, about}},
		{"a large model", large, labels, nil, []asked{listed}},
		{"a large model with examples", large, labels, examples, []asked{listed}},
		{"a large model with a description", large, described, nil, []asked{{about.begin, about.answer, listed.biases}}},
	} {
		m := c.m
		m.requests = nil
		m.score = likeAnswer
		a := eval(t, classify, m.source, Row{"my late delivery", c.labels, nil, c.examples})[0]
		if a.Value != "late delivery" || a.Err != nil {
			t.Errorf("%s: %+v", c.name, a)
		}
		requests := len(c.want)
		for i, want := range c.want {
			got := rendered(m.requests[i])
			if !strings.HasPrefix(got, want.begin) || len(c.examples) > 0 && !strings.Contains(got, want.answer+"\n") {
				t.Errorf("%s: question %d is %q, want %+v", c.name, i, got, want)
			}
			if got := words(m.requests[i]); len(got) != 2 || got[1] != want.answer {
				t.Errorf("%s: the answers to question %d are %q", c.name, i, got)
			}
			requests += want.biases
		}
		if len(m.requests) != requests {
			t.Errorf("%s: %d requests, want %d", c.name, len(m.requests), requests)
		}
	}
}

// Half of the bias is subtracted for a large model.
func TestHalfBias(t *testing.T) {
	for _, c := range []struct {
		parameters int64
		want       string
	}{{135e6, "b"}, {15e8, "a"}} {
		m := fakeOf(c.parameters, true)
		m.score = func(prompt, label string) float64 {
			if label == "Category: b" {
				return 0
			}
			if content(prompt) == "the text" {
				return 2
			}
			return 3
		}
		if a := eval(t, classify, m.source, Row{"the text", []string{"a", "b"}})[0]; a.Value != c.want {
			t.Errorf("%d parameters: %+v, want %s", c.parameters, a, c.want)
		}
	}
}

func TestReadableLabels(t *testing.T) {
	for name, want := range map[string]string{
		"card_payment_fee_charged": "card payment fee charged", "cardPaymentFee": "card payment fee", "CardPaymentFee": "Card payment fee",
		"CREDIT_CARD": "credit card", "iPhone": "iPhone", "PayPal": "PayPal", "eBay": "eBay", "orderID": "order ID", " a  b\n": "a b", "_": "_",
		"Sci/Tech": "Sci/Tech", "reverted_card_payment?": "reverted card payment?", "URL": "URL", "Größe_und_Maß": "Größe und Maß", "éÉcole": "éÉcole",
	} {
		if got := labelWords([]label{{name: name}})[0]; got != want {
			t.Errorf("%q reads %q, want %q", name, got, want)
		}
	}
	if got := labelWords([]label{{name: "a_b"}, {name: "a b"}, {name: "c_d"}}); !slices.Equal(got, []string{"a_b", "a b", "c_d"}) {
		t.Errorf("labels that read the same are %q", got)
	}
}

// What is known of a model is not asked again; of another it is.
func TestBiasesAreRemembered(t *testing.T) {
	sets := [][]string{{"a", "b"}, {"b", "a"}, {"ab"}, {"a", "b", "c"}}
	var rows []Row
	for i := range 20 {
		rows = append(rows, Row{"a text", sets[i%len(sets)]})
	}
	all := len(rows) + len(sets)*len(contentFree)
	first, second, nameless := &fake{score: like, digest: "1"}, &fake{score: like, digest: "2"}, &fake{score: like}
	for _, c := range []struct {
		m    *fake
		want int
	}{{first, all}, {first, len(rows)}, {second, all}, {first, len(rows)}, {nameless, all}, {nameless, all}} {
		c.m.requests = nil
		eval(t, classify, c.m.source, rows...)
		if len(c.m.requests) != c.want {
			t.Errorf("model %q: %d requests, want %d", c.m.digest, len(c.m.requests), c.want)
		}
	}
	// Another function's prompt has another bias.
	first.requests = nil
	if eval(t, analyzeSentiment, first.source, Row{"x"}); len(first.requests) != 2*(1+len(contentFree)) {
		t.Errorf("%d requests", len(first.requests))
	}
}

func TestBiasesAreBounded(t *testing.T) {
	var b biases
	for i := range maxBiases + 10 {
		b.put(llm.Info{Digest: "x"}, fmt.Sprint(i), []float64{float64(i)})
	}
	if len(b.mean) != 10 {
		t.Errorf("%d are kept", len(b.mean))
	}
	if got := b.get(llm.Info{Digest: "x"}, fmt.Sprint(maxBiases+9)); !slices.Equal(got, []float64{maxBiases + 9}) {
		t.Errorf("the last one is %v", got)
	}
}

func TestQuestionKeys(t *testing.T) {
	seen := map[string][]string{}
	for _, labels := range [][]string{{"a", "b"}, {"b", "a"}, {"ab"}, {"a\x00b"}, {"a", "", "b"}, {"a\x01b"}, {"a", "b\x00"}, {}, {""}} {
		key := questionKey(llm.Request{Prefix: "p", Constraint: llm.Choice{Labels: labels}})
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q have one key", labels, other)
		}
		seen[key] = labels
	}
}

// Many calls at once, some for sets that nobody has asked for yet.
func TestCallsAtOnce(t *testing.T) {
	m := &fake{score: like, digest: "at once"}
	var calls sync.WaitGroup
	for i := range 16 {
		calls.Go(func() {
			labels := []string{"good", "bad", fmt.Sprint(i % 3)}
			for range 5 {
				answers, err := classify.Eval(t.Context(), m.source, []Row{{"bad", labels}, {"good", labels}})
				if err != nil || answers[0].Value != "bad" || answers[1].Value != "good" {
					t.Errorf("%+v, %v", answers, err)
				}
			}
		})
	}
	calls.Wait()
}

// Where the labels alone fail, the rows that have them do, and no others.
func TestLabelsThatFail(t *testing.T) {
	m := &fake{digest: "labels that fail", score: like, reply: func(r llm.Request) llm.Result {
		if c := content(rendered(r)); c == contentFree[0] && strings.Contains(r.Prefix, "huge") {
			return llm.Result{Err: llm.ErrTooLong}
		}
		return llm.Result{}
	}}
	for range 2 { // it is not remembered
		answers := eval(t, classify, m.source, Row{"good", []string{"good", "huge"}}, Row{"good", []string{"bad", "good"}})
		if a := answers[0]; !errors.Is(a.Err, llm.ErrTooLong) || a.Value != nil {
			t.Errorf("%+v", a)
		}
		if a := answers[1]; a.Value != "good" || a.Err != nil {
			t.Errorf("beside it: %+v", a)
		}
	}
}

func TestModelsWithoutScores(t *testing.T) {
	m := &fake{reply: func(r llm.Request) llm.Result { return llm.Result{Text: " " + content(rendered(r)) + "\n"} }}
	labels := []string{"good", "bad"}
	answers := eval(t, classify, m.source, Row{"bad", labels}, Row{"worse", labels})
	if answers[0].Value != "bad" || !errors.Is(answers[1].Err, llm.ErrModel) {
		t.Errorf("%+v", answers)
	}
	m.reply = func(r llm.Request) llm.Result { return llm.Result{Text: words(r)[len(words(r))-1]} } // mixed, and poor
	if a := eval(t, analyzeSentiment, m.source, Row{"text"})[0]; a.Value != "mixed" || a.Err != nil {
		t.Errorf("%+v", a)
	}
	m = &fake{reply: func(llm.Request) llm.Result { return llm.Result{Text: "bad", Scores: []float64{1, 2, 3}} }}
	if a := eval(t, classify, m.source, Row{"bad", labels})[0]; !errors.Is(a.Err, llm.ErrModel) || a.Value != nil {
		t.Errorf("three scores for two labels: %+v", a)
	}
	scores := []float64{math.Log(.25), math.Log(.5)}
	logs, err := question{words: oneWordEach(2)}.read(llm.Result{Scores: scores}, labels, &bias{of: []float64{0, 0}})
	if best, p := (fit{logs}).best(1); best != 1 || err != nil || math.Abs(p[1]-2./3) > 1e-9 {
		t.Errorf("%d, %v, %v", best, p, err)
	}
}

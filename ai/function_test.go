package ai

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

func TestEveryFunction(t *testing.T) {
	name := regexp.MustCompile(`^(try_)?ai_[a-z_]+$`)
	all := All()
	if len(all) < 2*14 || !slices.IsSortedFunc(all, func(a, b *Function) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("%d functions, or not in order", len(all))
	}
	for _, f := range all {
		if found, err := Lookup(f.Name); found != f || err != nil {
			t.Errorf("%s is not found by its name: %v", f.Name, err)
		}
		if !name.MatchString(f.Name) || f.Returns == (Type{}) || len(f.Params) == 0 || f.Eval == nil {
			t.Errorf("%s: name, parameters, type of the result and Eval are wanted", f.Name)
		}
		if f.Summary == "" || strings.ContainsAny(f.Summary, "\n.") {
			t.Errorf("%s: the summary %q is not one line without a full stop", f.Name, f.Summary)
		}
		if !strings.Contains(f.Detail, "NULL") || !strings.HasSuffix(f.Detail, ".") {
			t.Errorf("%s: the detail does not say in sentences what NULL gives: %q", f.Name, f.Detail)
		}
		if !strings.HasPrefix(f.Example, "SELECT "+f.Name+"(") || strings.HasSuffix(f.Example, ";") {
			t.Errorf("%s: the example does not call it: %q", f.Name, f.Example)
		}
		if text := textOf(f.Sample[textAt(f)]); text == "" || !strings.Contains(f.Example, text) || Models(f) == "" {
			t.Errorf("%s: its example %q and its sample %v differ, or nothing is said of models", f.Name, f.Example, f.Sample)
		}
		optional := false
		for _, p := range f.Params {
			if p.About == "" || optional && !p.Optional {
				t.Errorf("%s: the parameter %s is not explained, or stands after an optional one", f.Name, p.Name)
			}
			optional = p.Optional
		}
		if want := f.Name + "(" + f.Params[0].Name; !strings.HasPrefix(f.Signature(), want) {
			t.Errorf("%s: signature %s", f.Name, f.Signature())
		}
	}
	if s := classify.Signature(); s != "ai_classify(content, labels[, options[, examples]])" || classify.Required() != 2 {
		t.Error(s)
	}
	if _, err := Lookup("ai_clasify"); err == nil || !strings.Contains(err.Error(), "ai_classify") {
		t.Errorf("an unknown name: %v", err)
	}
}

// args gives f's arguments for one text: where it needs others, some that do.
func exampleArgs(f *Function, text any) Row {
	row := make(Row, f.Required())
	if s, ok := text.(string); ok && !isBlank(s) && strings.HasSuffix(f.Name, "ai_summarize") {
		return Row{s + " and more words", int64(2)} // a shorter text is its own summary
	}
	if strings.HasSuffix(f.Name, "ai_summarize_agg") {
		row = append(row, int64(0)) // without a limit, a short text is not its own summary
	}
	for i, p := range f.Params[:f.Required()] {
		switch {
		case i == textAt(f):
			row[i] = contentOf(f, text)
		case p.Type == Labels:
			row[i] = []string{"good", "bad"}
		case p.Type == StringArray:
			row[i] = []string{"good text"}
		case p.Name == "to_lang":
			row[i] = "de"
		case p.Name == "endpoint":
			row[i] = "fake"
		case p.Name == "model":
			row[i] = "topic"
			if strings.HasSuffix(f.Name, "number") {
				row[i] = "urgency"
			}
		default:
			row[i] = "x"
		}
	}
	return row
}

// contentOf is a text as the argument of a function: a function over groups gets a group of it.
func contentOf(f *Function, text any) any {
	if s, ok := text.(string); ok && f.Params[textAt(f)].Type == StringArray {
		return []string{s}
	}
	return text
}

// textOf is the text of an argument, or the first one of a group.
func textOf(v any) string {
	if list, _ := v.([]string); len(list) > 0 {
		return list[0]
	}
	text, _ := v.(string)
	return text
}

// textFunctions returns the functions that are about one text or a group of texts, and not
// about two lists.
func textFunctions() []*Function {
	return slices.DeleteFunc(All(), func(f *Function) bool { return len(f.Params) > 1 && f.Params[1].Type == StringArray })
}

// textAt is the place of the text that a function is about.
func textAt(f *Function) int {
	if f.Params[0].Name == "endpoint" {
		return 1
	}
	return 0
}

// echoing answers with what it is asked, as its constraint demands.
func echoing() *fake {
	return &fake{score: like, reply: func(r llm.Request) llm.Result {
		if _, ok := r.Constraint.(llm.JSON); ok {
			return llm.Result{}
		}
		return llm.Result{Text: "an answer"}
	}}
}

// ofBlank is what a function gives for blank text.
func ofBlank(f *Function, text any) any {
	s, ok := text.(string)
	of := f
	if f.Of != nil {
		of = f.Of
	}
	var v any
	switch {
	case !ok:
		return nil
	case of == countTokens && s == "":
		v = int64(0)
	case of.rewrites:
		v = s
	default:
		return nil
	}
	if f.Of != nil {
		return []any{v, nil, nil}
	}
	return v
}

func TestNullAndBlankNeedNoModel(t *testing.T) {
	for _, f := range textFunctions() {
		var rows []Row
		for _, v := range []any{nil, "", " ", "\t\r\n", "\u00a0\u2003"} {
			if f == countTokens || f.Of == countTokens {
				if s, _ := v.(string); s != "" {
					continue // blanks have tokens
				}
			}
			rows = append(rows, exampleArgs(f, v))
		}
		check := func(how string, answers []Answer) {
			for i, row := range rows {
				text := row[textAt(f)]
				if a := answers[i]; !reflect.DeepEqual(a, Answer{Value: ofBlank(f, text)}) {
					t.Errorf("%s of %q%s: %+v", f.Name, text, how, a)
				}
			}
		}
		check("", eval(t, f, closed, rows...))
		eval(t, f, closed) // no rows at all
		m := echoing()
		answers := eval(t, f, m.source, append(rows, exampleArgs(f, "good positive"))...)
		check(" beside others", answers)
		if answers[len(rows)].Value == nil || m.calls > 2 {
			t.Errorf("%s: %+v after %d calls", f.Name, answers[len(rows)], m.calls)
		}
	}
	for f, rows := range map[*Function][]Row{
		classify:   {{"text", nil}, {nil, []string{"a"}}},
		extract:    {{"text", nil}, {"", []string{"a"}}},
		translate:  {{"text", nil}},
		mask:       {{"text", nil}},
		similarity: {{"text", nil}, {"text", " "}},
		rank:       {{"text", nil}, {"text", " "}},
		query:      {{nil, "text"}},
	} {
		for _, row := range rows {
			if a := eval(t, f, closed, row)[0]; a != (Answer{}) {
				t.Errorf("%s%v: %+v", f.Name, row, a)
			}
		}
	}
}

func TestModelErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	short := func(_ context.Context, role llm.ModelRole, name string) (llm.Model, error) {
		if role == llm.Predict {
			return fakeHead{number: name == "urgency"}, nil
		}
		return shortModel{&fake{}}, nil
	}
	for _, f := range textFunctions() {
		rows := []Row{exampleArgs(f, "text")}
		if _, err := f.Eval(t.Context(), closed, rows); !errors.Is(err, errClosed) && !(f.WithoutModel() && err == nil) {
			t.Errorf("%s without a model: %v", f.Name, err)
		}
		if _, err := f.Eval(cancelled, (&fake{}).source, rows); !errors.Is(err, context.Canceled) {
			t.Errorf("%s cancelled: %v", f.Name, err)
		}
		if onlyTokenizes(f) || f.WithoutModel() {
			continue
		}
		if _, err := f.Eval(t.Context(), short, rows); !errors.Is(err, llm.ErrModel) {
			t.Errorf("%s with too few results: %v", f.Name, err)
		}
	}
}

// onlyTokenizes reports whether a function uses only the tokenizer of a model.
func onlyTokenizes(f *Function) bool { return f.base() == countTokens || f.base() == chunks }

// shortModel breaks the contract.
type shortModel struct{ *fake }

func (shortModel) Do(context.Context, []llm.Request) ([]llm.Result, error) { return nil, nil }

func (shortModel) Embed(context.Context, []llm.EmbedRequest) ([]llm.Embedding, error) {
	return nil, nil
}

func TestOneBadRow(t *testing.T) {
	for _, f := range textFunctions() {
		if onlyTokenizes(f) || f.WithoutModel() {
			continue // nothing can be wrong with a text
		}
		for _, problem := range []llm.Result{{Err: llm.ErrTooLong}, {Text: "on and on and on", Finish: llm.FinishRepeat}} {
			want := problem.Err
			if want == nil {
				want = ErrRepeats
				if strings.HasSuffix(f.Name, "embed") || strings.HasSuffix(f.Name, "similarity") || strings.HasSuffix(f.Name, "rank") || strings.Contains(f.Name, "predict") {
					continue // a vector does not repeat itself
				}
			}
			m := echoing()
			ordinary := m.reply
			m.reply = func(r llm.Request) llm.Result {
				if strings.Contains(rendered(r), "too long") {
					return problem
				}
				return ordinary(r)
			}
			answers := eval(t, f, m.source, exampleArgs(f, "good"), exampleArgs(f, "too long"), exampleArgs(f, "bad"))
			a := answers[1]
			if !errors.Is(a.Err, want) {
				t.Errorf("%s: %+v", f.Name, a)
			}
			if v, _ := a.Value.([]any); f.Of == nil && a.Value != nil || f.Of != nil && (v[0] != nil || !strings.Contains(v[1].(string), want.Error())) {
				t.Errorf("%s: %+v", f.Name, a)
			}
			for _, i := range []int{0, 2} {
				if a := answers[i]; a.Value == nil || a.Err != nil {
					t.Errorf("%s: a neighbour of a bad row: %+v", f.Name, a)
				}
			}
		}
	}
}

func TestGen(t *testing.T) {
	m := &fake{reply: func(r llm.Request) llm.Result { return llm.Result{Text: " to " + r.Messages[0].Text + "\n"} }}
	answers := eval(t, gen, m.source, Row{"a {content}"}, Row{nil}, Row{" b\n"})
	for i, want := range []any{"to a {content}", nil, "to  b"} {
		if answers[i].Value != want || answers[i].Err != nil {
			t.Errorf("row %d: %+v, want %v", i, answers[i], want)
		}
	}
	if r := m.requests[0]; len(r.Messages) != 1 || r.Messages[0].Role != llm.User || r.MaxTokens != 256 || r.Constraint != nil {
		t.Errorf("asked %+v", r)
	}
}

// column notes calls as a table engine's columns would.
type column struct{ text string }

func (c column) Call(function string, args ...any) column {
	for _, a := range args {
		if list, ok := a.([]string); ok && list != nil {
			a = strings.Join(list, "|") // nil stays []
		}
		c.text += fmt.Sprintf(", %v", a)
	}
	return column{function + "(" + c.text + ")"}
}

func TestExpressions(t *testing.T) {
	c := column{"c"}
	examples := []Example{{"x", "y"}}
	labels := []Label{{"b", "what b is"}, {"a", ""}}
	for got, want := range map[string]string{
		AnalyzeSentiment(c).text:                                      "ai_analyze_sentiment(c)",
		AnalyzeSentiment(c, examples...).text:                         `ai_analyze_sentiment(c, [["x","y"]])`,
		Classify(c, "a", "b").text:                                    "ai_classify(c, a|b)",
		ClassifyWith(c, ClassifyOptions{Labels: labels}).text:         `ai_classify(c, {"b": "what b is", "a": ""})`,
		Gen(AnalyzeSentiment(c)).text:                                 "ai_gen(ai_analyze_sentiment(c))",
		Extract(c, "a").text:                                          "ai_extract(c, a)",
		ExtractJSON(c, ExtractOptions{Schema: "{}", Free: true}).text: `ai_extract_json(c, {}, {"spans":"false"})`,
		ClassifyScore(c, ClassifyOptions{Labels: labels[:1], Instructions: "i", MultiLabel: true, Examples: examples}).text: `ai_classify_score(c, {"b": "what b is"}, {"instructions":"i","multilabel":"true"}, [["x","y"]])`,
		Filter(c, "p").text: "ai_filter(c, p)",
		FilterWith(c, "p", FilterOptions{Threshold: .7}).text:               `ai_filter(c, p, {"threshold":"0.7"})`,
		FilterScore(c, "p", FilterOptions{Examples: examples}).text:         `ai_filter_score(c, p, {}, [["x","y"]])`,
		AnalyzeAspects(c, "a", "b").text:                                    "ai_analyze_aspects(c, a|b)",
		Score(c, "p").text:                                                  "ai_score(c, p)",
		ScoreWith(c, "p", ScoreOptions{Low: "l", High: "h"}).text:           `ai_score(c, p, {"high":"h","low":"l"})`,
		Translate(c, "de").text:                                             "ai_translate(c, de)",
		Summarize(c, 20).text:                                               "ai_summarize(c, 20)",
		FixGrammar(c).text:                                                  "ai_fix_grammar(c)",
		Similarity(c, "x").text:                                             "ai_similarity(c, x)",
		Rank(c, "x").text:                                                   "ai_rank(c, x)",
		Embed(c).text:                                                       "ai_embed(c)",
		EmbedWith(c, EmbedOptions{"query", 8}).text:                         `ai_embed(c, {"dimensions":"8","prompt":"query"})`,
		Predict(c, "topic").text:                                            `ai_predict(c, topic)`,
		PredictWith(c, "topic", PredictOptions{new(.25)}).text:              `ai_predict(c, topic, {"threshold":"0.25"})`,
		PredictLabels(c, "topic", PredictOptions{}).text:                    `ai_predict_labels(c, topic)`,
		PredictNumber(c, "topic").text:                                      `ai_predict_number(c, topic)`,
		SimilarityWith(c, "x", SimilarityOptions{PromptB: "document"}).text: `ai_similarity(c, x, {"prompt_b":"document"})`,
		Mask(c, "person", "date").text:                                      "ai_mask(c, person|date)",
		CountTokens(c).text:                                                 "ai_count_tokens(c)",
		DetectLanguage(c).text:                                              "ai_detect_language(c)",
		Chunk(c).text:                                                       "ai_chunk(c)",
		ChunkWith(c, ChunkOptions{Size: 9, Overlap: 2, Unit: "words", Paragraphs: true}).text: `ai_chunk(c, {"chunk_overlap":"2","chunk_size":"9","split_by":"paragraphs","unit":"words"})`,
		// Forgotten labels are an empty list, and not NULL.
		Classify(c).text:                 "ai_classify(c, )",
		Extract(c).text:                  "ai_extract(c, )",
		Mask(c).text:                     "ai_mask(c, )",
		Redact(c, "person", "date").text: "ai_redact(c, person|date)",
		RedactWith(c, RedactOptions{Categories: []Label{{Name: "person"}}}).text:                   `ai_redact(c, {"person": ""})`,
		RedactWith(c, RedactOptions{Categories: []Label{{Name: "person"}}, Pseudonyms: true}).text: `ai_redact(c, {"person": ""}, {"replace":"pseudonym"})`,
		DetectPII(c, "person").text:    "ai_detect_pii(c, person)",
		ExtractSpans(c, "person").text: "ai_extract_spans(c, person)",
		ExtractSpansWith(c, ExtractOptions{Labels: []Label{{Name: "person"}}, Instructions: "letters"}).text: `ai_extract_spans(c, {"person": ""}, {"instructions":"letters"})`,
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

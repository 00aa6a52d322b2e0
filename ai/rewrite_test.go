package ai

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

func TestPieces(t *testing.T) {
	m := &fake{}
	for _, c := range []struct {
		text string
		max  int
		want []piece
	}{
		{"a b c", 3, []piece{{"", "a b c", ""}}},
		{" a b. c d e ", 3, []piece{{" ", "a b.", " "}, {"", "c d e", " "}}},
		{"a b c d", 3, []piece{{"", "a b", " "}, {"", "c d", ""}}},
		{"\n \n", 3, []piece{{before: "\n \n"}}},
		{"a b\n\nc d e\n", 4, []piece{{"", "a b", "\n\n"}, {"", "c d e", "\n"}}},
	} {
		if got := cutPieces(m, c.text, c.max); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %q", c.text, got)
		}
	}
	// The pieces are the text, whatever it is.
	for _, text := range []string{strings.Repeat("日本語。", 300), strings.Repeat("x", 5000), "a \xff\xfe b " + strings.Repeat(" \n", 50) + "c", strings.Repeat("word, word. ", 100)} {
		var b strings.Builder
		for _, p := range cutPieces(m, text, 5) {
			b.WriteString(p.before + p.text + p.after)
			if n := m.CountTokens(p.text); n > 5 || n == 0 && strings.TrimSpace(text) != "" {
				t.Errorf("a piece of %d tokens: %q", n, p.text)
			}
		}
		if b.String() != text {
			t.Errorf("%.40q became %.40q", text, b.String())
		}
	}
}

// upper answers with the text in capitals, and echoes nothing else.
func upper(r llm.Request) llm.Result {
	text := r.Messages[len(r.Messages)-1].Text
	_, content, _ := strings.Cut(text, ":\n")
	return llm.Result{Text: strings.ToUpper(content)}
}

func TestTranslate(t *testing.T) {
	m := &fake{reply: upper}
	long := " one two three.\n\n" + strings.Repeat("four five six seven. ", 20)
	answers := eval(t, translate, m.source, Row{"good morning\n", "de"}, Row{long, "pt_BR"}, Row{"hi", " german ", []Example{{"hello", "hallo"}}})
	for i, want := range []string{"GOOD MORNING\n", strings.ToUpper(long), "HI"} {
		if a := answers[i]; a.Value != want || a.Err != nil {
			t.Errorf("row %d: %+v, want %q", i, a, want)
		}
	}
	if n := answers[1].Note; !strings.Contains(n, "was translated in 5 parts") && !strings.Contains(n, "parts, each by itself") {
		t.Errorf("note %q", n)
	}
	if r := m.requests[0]; !strings.Contains(r.Messages[0].Text, "into German") || r.MaxTokens != 3*2+16 || r.Messages[1].Text != "Translate into German:\ngood morning" {
		t.Errorf("asked %+v", r)
	}
	if r := m.requests[1]; !strings.Contains(r.Messages[0].Text, "Brazilian Portuguese") {
		t.Errorf("asked %+v", r)
	}
	if r := m.requests[len(m.requests)-1]; len(r.Messages) != 4 || r.Messages[2].Text != "hallo" || r.Shared != 3 {
		t.Errorf("asked with an example %+v", r)
	}
	// What cannot be right is the row's error, with what was said.
	for _, bad := range []llm.Result{{Text: " "}, {Text: "la la", Finish: llm.FinishLength}, {Text: "la la la", Finish: llm.FinishRepeat}} {
		m.reply = func(llm.Request) llm.Result { return bad }
		a := eval(t, translate, m.source, Row{"text", "de"})[0]
		if a.Value != nil || !errors.Is(a.Err, llm.ErrModel) && !errors.Is(a.Err, ErrRepeats) || a.Raw != strings.TrimSpace(bad.Text) {
			t.Errorf("%+v: %+v", bad, a)
		}
	}
}

func TestFixGrammar(t *testing.T) {
	m := &fake{reply: upper}
	text := "she have went to the shop and she buyed a bread"
	if a := eval(t, fixGrammar, m.source, Row{text})[0]; a.Value != strings.ToUpper(text) {
		t.Errorf("%+v", a)
	}
	m.reply = func(llm.Request) llm.Result {
		return llm.Result{Text: "Here is a poem about something else entirely, my friend."}
	}
	if a := eval(t, fixGrammar, m.source, Row{text})[0]; a.Value != nil || a.Err == nil || !strings.Contains(a.Err.Error(), "not a correction") {
		t.Errorf("%+v", a)
	}
}

func TestSummarize(t *testing.T) {
	m := &fake{reply: func(r llm.Request) llm.Result {
		return llm.Result{Text: "It says much. It says more of it. And then it goes on."}
	}}
	text := "one two three four five six seven eight nine ten eleven twelve"
	long := strings.Repeat(text+". ", 30)
	answers := eval(t, summarize, m.source, Row{text, int64(12)}, Row{text, int64(10)}, Row{text, int64(5)}, Row{text, int64(2)}, Row{text, int64(0)}, Row{long, int64(20)})
	whole := "It says much. It says more of it. And then it goes on."
	for i, want := range []string{text, "It says much. It says more of it.", "It says much.", "It says", whole, whole} {
		if a := answers[i]; a.Value != want || a.Err != nil {
			t.Errorf("row %d: %+v, want %q", i, a, want)
		}
	}
	for i, want := range []string{"", "came out too long", "came out too long", "came out too long", "", "360 tokens were summarised in 15 parts"} {
		if a := answers[i]; (a.Note == "") != (want == "") || !strings.Contains(a.Note, want) {
			t.Errorf("row %d: note %q, want %q", i, a.Note, want)
		}
	}
	m.reply = func(r llm.Request) llm.Result { return llm.Result{Text: r.Messages[len(r.Messages)-1].Text} }
	if a := eval(t, summarize, m.source, Row{long, int64(20)})[0]; a.Value != nil || a.Err == nil || !strings.Contains(a.Err.Error(), "are not shorter than") {
		t.Errorf("not shorter: %+v", a)
	}
}

func TestSimilarity(t *testing.T) {
	m := &fake{}
	answers := eval(t, similarity, m.source, Row{"abc", "cab"}, Row{"bcd", "efg"}, Row{"long text", "x"}, Row{"x", "too long"})
	if v := answers[0].Value.(float64); math.Abs(v-1) > 1e-6 || v > 1 {
		t.Errorf("the same: %v", v)
	}
	if v := answers[1].Value.(float64); v > .01 {
		t.Errorf("nothing in common: %v", v)
	}
	if a := answers[2]; !a.Cut || a.Note == "" || a.Err != nil {
		t.Errorf("cut: %+v", a)
	}
	if a := answers[3]; a.Value != nil || !errors.Is(a.Err, llm.ErrTooLong) {
		t.Errorf("%+v", a)
	}
	if m.calls != 1 {
		t.Errorf("%d calls", m.calls)
	}
}

// textModel has the role text only.
type textModel struct{ llm.Model }

func (textModel) Info() llm.Info { return llm.Info{Name: "writer", Roles: []llm.ModelRole{llm.Text}} }

// A model without the role that a function asks is one error of the query.
func TestRoles(t *testing.T) {
	for f, row := range map[*Function]Row{embedding: {"a"}, similarity: {"a", "b"}} {
		_, err := f.Eval(t.Context(), sourceOf(textModel{&fake{}}), []Row{row})
		var wrong *llm.RoleError
		if !errors.As(err, &wrong) || !errors.Is(err, llm.ErrRole) || wrong.Role != llm.Embed || !strings.Contains(err.Error(), "writer has the role text only") {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func TestAsks(t *testing.T) {
	text, embed, tag := []Ask{{Role: llm.Text}}, []Ask{{Role: llm.Embed}}, []Ask{{Role: llm.Tag}}
	either := append(tag, text...)
	for _, c := range []struct {
		f     *Function
		fixed Row
		want  []Ask
	}{
		{classify, Row{nil, []string{"a", "b"}}, text},
		{classify, nil, []Ask{{Role: llm.Text}, {Role: llm.Embed, Optional: true}}}, // the labels may be many
		{embedding, nil, embed},
		{lookup(t, "try_ai_similarity"), Row{nil, "b"}, embed},
		{mask, Row{nil, []string{"email", "phone"}}, nil},
		{lookup(t, "try_ai_mask"), Row{nil, []string{"email"}}, nil},
		{mask, Row{nil, []string{"email", "animal"}}, text},
		{mask, Row{nil, []string{"person", "zip code", "email"}}, tag},
		{mask, Row{nil, []string{"person", "animal"}}, either},
		{mask, Row{nil, []string{"company"}}, []Ask{{Role: llm.Tag, Optional: true}, {Role: llm.Text}}},
		{mask, Row{nil, `{"person": "the patient"}`}, text},
		{mask, nil, either},
		{extract, Row{nil, []string{"email"}}, nil},
		{extract, Row{nil, []string{"first_name", "city"}}, tag},
		{extract, Row{nil, []string{"person", "date"}}, either},
		{lookup(t, "try_ai_extract_json"), Row{nil, `{"type": "object", "properties": {"person": {"type": "string"}}}`}, text},
		{extract, nil, either},
		{query, Row{"big"}, []Ask{{Role: llm.Text, Name: "big"}}},
		{query, nil, []Ask{{Role: llm.Text, Any: true}}},
	} {
		if got := c.f.Asks(c.fixed); !slices.Equal(got, c.want) {
			t.Errorf("%s%v: %v; want %v", c.f.Name, c.fixed, got, c.want)
		}
	}
}

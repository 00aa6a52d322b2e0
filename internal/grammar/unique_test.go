package grammar

import (
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// TestUniqueItems checks arrays with uniqueItems: with few possible values the
// grammar prevents duplicates, otherwise Finish removes them.
func TestUniqueItems(t *testing.T) {
	for i, schema := range []string{
		`{"type":"array","items":{"enum":["red","green","blue",1,null]},"uniqueItems":true,"minItems":2,"maxItems":4}`,
		`{"type":"array","items":{"type":["boolean","null"]},"uniqueItems":true,"minItems":3}`,
		`{"type":"array","items":{"anyOf":[{"const":"a"},{"enum":["b","a"]}]},"uniqueItems":true}`,
		`{"type":"array","items":{"type":"string","maxLength":1,"pattern":"[ab]"},"uniqueItems":true}`,
		`{"type":"object","properties":{"tags":{"type":"array","items":{"type":"integer","minimum":1,"maximum":3},"uniqueItems":true}},"required":["tags"]}`,
		`{"type":"array","items":[{"type":"boolean"},{"type":"boolean"}],"additionalItems":false,"uniqueItems":true}`,
		`{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/n"},"uniqueItems":true},{"type":"null"}],"$defs":{"n":{"type":"integer","minimum":0,"maximum":2}}}`,
	} {
		g := mustCompile(t, small(), llm.JSON{Schema: schema})
		var check func(string) error
		if !strings.Contains(schema, "additionalItems") { // a keyword of another draft
			check = validator(t, schema)
		}
		for extra := range 60 {
			text, err := g.Finish(generate(t, g, g.Need()+extra, uint64(extra+i*1000)))
			if err != nil {
				t.Fatalf("%s: %v", schema, err)
			}
			if check != nil {
				err = check(text)
			}
			if err != nil {
				t.Fatalf("%s: %s: %v", schema, text, err)
			}
		}
	}
	g := mustCompile(t, small(), llm.JSON{Schema: `{"type":"array","items":{"type":"string"},"uniqueItems":true,"minItems":2}`})
	if got, err := g.Finish(`["a", "b", "a", "\u00e9", "é"]`); got != `["a", "b", "é"]` || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := g.Finish(`["a", "a"]`); err == nil || !strings.Contains(err.Error(), "1 different items, but the schema requires 2") {
		t.Errorf("too few items remain: %s, %v", got, err)
	}
	for schema, want := range map[string]string{
		`{"type":"array","items":{"enum":["a","b"]},"uniqueItems":true,"minItems":3}`: "no text meets the constraint",
		`{"type":"array","items":{"type":"boolean"},"uniqueItems":true,"minItems":3}`: "no text meets the constraint",
		`{"type":"array","uniqueItems":"yes"}`:                                        "#/uniqueItems: uniqueItems must be a boolean",
	} {
		if _, err := Compile(small(), llm.JSON{Schema: schema}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", schema, err, want)
		}
	}
}

// TestSchemasOfLibraries compiles schemas in the forms that pydantic 2 and zod 4
// write, with values that these libraries accept and refuse.
func TestSchemasOfLibraries(t *testing.T) {
	long := strings.Repeat("a", 300)
	for _, c := range []struct {
		name, schema string
		yes, no      []string
	}{
		{"pydantic Decimal", `{"anyOf":[{"type":"number"},{"pattern":"^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$","type":"string"}]}`,
			[]string{`1.5`, `"1.50"`, `"-0"`, `".5"`}, []string{`"-"`, `"."`, `""`, `"1e5"`, `"1.5.2"`}},
		{"pydantic HttpUrl", `{"format":"uri","maxLength":2083,"minLength":1,"type":"string"}`,
			[]string{`"https://example.com/a?b=c"`, `"http://x"`}, []string{`""`, `"example.com"`, `"` + long + `"`}},
		{"pydantic EmailStr with a limit", `{"type":"string","format":"email","maxLength":320}`, []string{`"a@b.co"`}, []string{`"a@"`, `"` + long + `@b.co"`}},
		{"pydantic set", `{"type":"array","items":{"type":"string"},"uniqueItems":true}`, []string{`[]`, `["a", "b"]`}, nil},
		{"pydantic set of literals", `{"items":{"enum":["a","b"],"type":"string"},"type":"array","uniqueItems":true}`, []string{`["b", "a"]`, `[]`}, []string{`["a", "a"]`}},
		{"pydantic dict with constrained keys", `{"type":"object","patternProperties":{"^[a-z]+$":{"type":"integer"}}}`, []string{`{"ab": 1}`, `{"A": "x"}`, `{}`}, []string{`{"ab": "x"}`}},
		{"pydantic dict of literals", `{"type":"object","propertyNames":{"enum":["a","b"]},"additionalProperties":{"type":"integer"}}`, []string{`{"a": 1, "b": 2}`, `{}`, `{"b": 1}`}, []string{`{"c": 1}`, `{"a": "x"}`}},
		{"pydantic tuple, draft 7", `{"type":"array","items":[{"type":"integer"},{"type":"string"}],"additionalItems":false,"minItems":2}`, []string{`[1, "a"]`}, []string{`[1]`, `["a", 1]`, `[1, "a", 2]`}},
		{"draft 7, more items", `{"type":"array","items":[{"type":"integer"}],"additionalItems":{"type":"null"}}`, []string{`[1, null, null]`, `[]`}, []string{`[1, 2]`}},
		{"zod record", `{"type":"object","propertyNames":{"type":"string"},"additionalProperties":{"type":"number"}}`, []string{`{"a": 1.5}`, `{}`}, []string{`{"a": "x"}`}},
		{"zod record of an enum", `{"type":"object","propertyNames":{"type":"string","enum":["x","y"]},"additionalProperties":{"type":"string"},"required":["x","y"]}`, []string{`{"x": "a", "y": "b"}`}, []string{`{"x": "a"}`, `{"x": "a", "y": "b", "z": "c"}`}},
		{"keys by pattern and length", `{"type":"object","propertyNames":{"pattern":"^[a-z]*$","maxLength":3},"additionalProperties":{"type":"null"}}`, []string{`{"abc": null}`}, []string{`{"abcd": null}`, `{"A": null}`}},
		{"properties and patternProperties", `{"type":"object","properties":{"id":{"type":"integer"}},"patternProperties":{"^x-":{"type":"string"},"d$":{"minimum":5}},"additionalProperties":false,"required":["id"]}`,
			[]string{`{"id": 7}`, `{"id": 7, "x-a": "b"}`}, []string{`{"id": 3}`, `{"id": 7, "y": "b"}`, `{"id": 7, "x-a": 1}`}},
		{"a property that propertyNames excludes", `{"type":"object","properties":{"abc":{},"b":{"type":"null"}},"propertyNames":{"maxLength":1},"additionalProperties":false}`, []string{`{"b": null}`, `{}`}, []string{`{"abc": 1}`}},
		{"zod email", `{"type":"string","format":"email","pattern":"^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$"}`,
			[]string{`"a.b@c.de"`}, []string{`"a..b@c.de"`, `".a@c.de"`, `"a@b"`}},
		{"zod duration", `{"type":"string","format":"duration","pattern":"^P(?:(\\d+W)|(?!.*W)(?=\\d|T\\d)(\\d+Y)?(\\d+M)?(\\d+D)?(T(?=\\d)(\\d+H)?(\\d+M)?(\\d+([.,]\\d+)?S)?)?)$"}`,
			[]string{`"P1Y"`, `"PT5M"`}, []string{`"P"`, `"PT"`}},
	} {
		g := mustCompile(t, small(), llm.JSON{Schema: c.schema})
		for _, s := range c.yes {
			if !accepts(g, s) {
				t.Errorf("%s: %s is refused", c.name, s)
			}
		}
		for _, s := range c.no {
			if accepts(g, s) {
				t.Errorf("%s: %s is accepted", c.name, s)
			}
		}
		for extra := range 15 {
			generate(t, g, g.Need()+extra, uint64(extra))
		}
	}
}

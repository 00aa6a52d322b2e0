package grammar

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// validator returns a check of answers by another implementation of JSON Schema.
func validator(t testing.TB, schema string) func(text string) error {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal([]byte(schema), &s); err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	return func(text string) error {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return err
		}
		return resolved.Validate(v)
	}
}

// schemas use each keyword separately and with others.
var schemas = []string{
	`{}`, `true`, `{"type":"object"}`, `{"type":"string"}`, `{"type":"integer"}`, `{"type":"number"}`, `{"type":"array"}`,
	`{"type":["string","null"]}`, `{"type":["integer","boolean"]}`, `{"minLength":2}`, `{"type":"null"}`, `{"type":"boolean"}`,
	`{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","age"],"additionalProperties":false}`,
	`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"number"},"c":{"type":"null"}},"additionalProperties":false}`,
	`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"number"}},"required":["b"]}`,
	`{"type":"object","properties":{"a":{"type":"string"}},"required":["z"],"additionalProperties":{"type":"integer"}}`,
	`{"type":"object","additionalProperties":{"type":"boolean"},"minProperties":1,"maxProperties":3}`,
	`{"type":"object","properties":{"a":{},"b":{},"c":{}},"additionalProperties":false,"minProperties":2,"maxProperties":2}`,
	`{"type":"array","items":{"type":"string","maxLength":3}}`,
	`{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":4}`,
	`{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false}`,
	`{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":{"type":"null"},"minItems":3}`,
	`{"enum":["red","green","blue",1,null,{"b":1,"a":[true,"x\"y"]}]}`, `{"const":"only \"this\"\n"}`, `{"const":[1,2.50,"é日😀"]}`,
	`{"type":"string","enum":["a","ab","abc",5]}`, `{"enum":["aa","b","cc"],"minLength":2}`,
	`{"type":"string","minLength":3,"maxLength":5}`, `{"type":"string","pattern":"^[a-z]+[0-9]{2}$"}`, `{"type":"string","pattern":"b+"}`,
	`{"type":"string","pattern":"^\"\\\\\\n\\x00*$"}`, `{"type":"string","pattern":"[a-c]","minLength":4,"maxLength":8}`,
	`{"type":"string","pattern":"^[^a-z]*$","maxLength":10}`, `{"type":"string","pattern":"^é|日$"}`,
	`{"type":"string","format":"date"}`, `{"type":"string","format":"date-time"}`, `{"type":"string","format":"email"}`,
	`{"type":"string","format":"uuid"}`, `{"type":"string","format":"uri"}`, `{"type":"string","format":"ipv4"}`, `{"type":"string","format":"ipv6"}`,
	`{"type":"string","format":"time"}`, `{"type":"string","format":"duration"}`, `{"type":"string","format":"hostname","maxLength":12}`, `{"type":"string","format":"unheard-of"}`,
	`{"type":"integer","minimum":-5,"maximum":12}`, `{"type":"integer","exclusiveMinimum":99,"maximum":1000}`, `{"type":"integer","multipleOf":7,"minimum":1}`,
	`{"type":"number","minimum":0.5,"exclusiveMaximum":2.75}`, `{"type":"number","minimum":-1.5,"maximum":-0.25}`, `{"type":"number","exclusiveMinimum":0,"maximum":1}`,
	`{"type":"integer","maximum":-10}`, `{"type":"integer","minimum":92233720368547,"maximum":9223372036854775807}`, `{"type":"number","exclusiveMaximum":1e3,"minimum":-1E-2}`,
	`{"anyOf":[{"type":"string"},{"type":"integer"}]}`, `{"type":"object","anyOf":[{"required":["a"]},{"required":["b"]}],"properties":{"a":{"type":"null"},"b":{"type":"null"}},"additionalProperties":false}`,
	`{"anyOf":[{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a","b"],"additionalProperties":false},{"type":"object","properties":{"a":{"type":"string"},"c":{"type":"integer"}},"required":["a","c"],"additionalProperties":false}]}`,
	`{"oneOf":[{"type":"string"},{"type":"integer"},{"type":"object","properties":{"kind":{"const":"x"}},"required":["kind"]},{"type":"object","properties":{"kind":{"const":"y"}},"required":["kind"]}]}`,
	`{"oneOf":[{"type":"integer","maximum":3},{"type":"integer","minimum":4}]}`,
	`{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"minimum":3},"b":{"type":"string"}},"required":["b"]}]}`,
	`{"$ref":"#/$defs/person","$defs":{"person":{"type":"object","properties":{"name":{"type":"string"},"friend":{"anyOf":[{"$ref":"#/$defs/person"},{"type":"null"}]}},"required":["name","friend"],"additionalProperties":false}}}`,
	`{"type":"object","properties":{"value":{"type":"integer"},"children":{"type":"array","items":{"$ref":"#"}}},"required":["value"],"additionalProperties":false}`,
	`{"type":"object","properties":{"a/b~c\"":{"$ref":"#/properties/q%25"},"q%":{"type":"boolean"}},"required":["a/b~c\""],"additionalProperties":false}`,
	`{"type":"object","properties":{"list":{"type":"array","items":{"type":"object","properties":{"label":{"enum":["PER","LOC"]},"text":{"type":"string"}},"required":["label","text"],"additionalProperties":false}}},"required":["list"],"additionalProperties":false}`,
}

func TestAnswersAreValidAtEveryLimit(t *testing.T) {
	for i, schema := range schemas {
		g := mustCompile(t, small(), llm.JSON{Schema: schema})
		check := validator(t, schema)
		if _, err := g.Start(g.Need() - 1); err == nil {
			t.Errorf("%s: starts with less than %d tokens", schema, g.Need())
		}
		seen := map[string]bool{}
		for extra := range 40 {
			if extra > 20 {
				extra *= 5
			}
			for seed := range uint64(3) {
				text := generate(t, g, g.Need()+extra, seed+uint64(extra*7+i*1000))
				seen[text] = true
				if err := check(text); err != nil {
					t.Fatalf("%s:\n%s\n%v", schema, text, err)
				}
				if !accepts(g, text) {
					t.Fatalf("%s: %s is not accepted again", schema, text)
				}
			}
		}
		if testing.Verbose() {
			var some []string
			for text := range seen {
				if len(some) < 3 && len(text) < 150 {
					some = append(some, text)
				}
			}
			t.Logf("%s: needs %d, %d answers: %s", schema, g.Need(), len(seen), strings.Join(some, "   "))
		}
	}
}

// TestNestedOverlapStaysCheap checks that alternatives that overlap at each
// level of nesting do not double the work at each level. The work of the
// validator does double, so it checks only short answers.
func TestNestedOverlapStaysCheap(t *testing.T) {
	const schema = `{"anyOf":[{"type":"array","items":{"$ref":"#"},"minItems":1},{"type":"array","items":{"$ref":"#"}},{"type":"null"}]}`
	g := mustCompile(t, small(), llm.JSON{Schema: schema})
	check := validator(t, schema)
	deepest := 0
	for seed := range uint64(60) {
		text := generate(t, g, 300, seed)
		deepest = max(deepest, len(text)-len(strings.TrimLeft(text, "[")))
		if err := json.Unmarshal([]byte(text), new(any)); err != nil {
			t.Fatal(text, err)
		}
		if text = generate(t, g, 20, seed); check(text) != nil {
			t.Fatal(text, check(text))
		}
	}
	if deepest < 50 || len(g.space.nodes) > 20_000 {
		t.Errorf("deepest nesting %d, %d nodes", deepest, len(g.space.nodes))
	}
	// Beyond the nesting that other parsers accept, no deeper array is allowed.
	s, err := g.Start(5000)
	if err != nil {
		t.Fatal(err)
	}
	depth := 0
	for left := 5000; s.Allowed(left).Has(int32(3 + '[')); left-- {
		s, _ = s.Advance(int32(3 + '['))
		depth++
	}
	if depth < maxHeight || depth > maxHeight+5 {
		t.Errorf("arrays nest %d deep", depth)
	}
}

// randomSchema returns a schema of random supported keywords. Some schemas are
// met by no value.
func randomSchema(rng *rand.Rand, depth int) map[string]any {
	s := map[string]any{}
	sub := func() map[string]any { return randomSchema(rng, depth-1) }
	kinds := 8
	if depth <= 0 {
		kinds = 5
	}
	switch rng.IntN(kinds) {
	case 0:
		s["type"] = "string"
		if rng.IntN(2) == 0 {
			s["minLength"] = rng.IntN(5)
		}
		if rng.IntN(2) == 0 {
			s["maxLength"] = rng.IntN(8)
		}
		if rng.IntN(3) == 0 {
			s["pattern"] = []string{"a", "^a.c$", "[^a]+$", "^(ab|cd)*$", "^\\d{2,3}", "x?\\\\"}[rng.IntN(6)]
		}
	case 1:
		s["type"] = []string{"integer", "number"}[rng.IntN(2)]
		number := func() float64 { return float64(rng.IntN(4000)-2000) / []float64{1, 4, 100}[rng.IntN(3)] }
		for _, key := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} {
			if rng.IntN(3) == 0 {
				s[key] = number()
			}
		}
		if rng.IntN(5) == 0 {
			s["multipleOf"] = rng.IntN(12) + 1
		}
	case 2:
		s["enum"] = []any{"a", "a\"b", rng.IntN(10), nil, true, []any{1, "x"}, map[string]any{"a": 1}}[rng.IntN(6):]
	case 3:
		s["type"] = []any{"null", "boolean", "string", "integer"}[rng.IntN(3):]
	case 4:
		if rng.IntN(3) == 0 {
			return s
		}
		s["type"] = "boolean"
	case 5:
		s["type"] = "object"
		properties := map[string]any{}
		var required []any
		for _, name := range []string{"a", "ab", "naïve \"q\"", "d"}[rng.IntN(4):] {
			properties[name] = sub()
			if rng.IntN(2) == 0 {
				required = append(required, name)
			}
		}
		s["properties"] = properties
		if required != nil {
			s["required"] = required
		}
		switch rng.IntN(3) {
		case 0:
			s["additionalProperties"] = false
			if rng.IntN(2) == 0 {
				s["minProperties"] = rng.IntN(3)
			}
		case 1:
			s["additionalProperties"] = sub()
		}
		if rng.IntN(4) == 0 {
			s["maxProperties"] = rng.IntN(4)
		}
	case 6:
		s["type"] = "array"
		if rng.IntN(4) > 0 {
			s["items"] = sub()
		}
		if rng.IntN(3) == 0 {
			s["prefixItems"] = []any{sub(), sub()}
		}
		if rng.IntN(2) == 0 {
			s["minItems"] = rng.IntN(4)
		}
		if rng.IntN(2) == 0 {
			s["maxItems"] = rng.IntN(5)
		}
	case 7:
		if rng.IntN(3) == 0 {
			s = sub()
		}
		s[[]string{"anyOf", "oneOf", "allOf"}[rng.IntN(3)]] = []any{sub(), sub()}
	}
	if rng.IntN(12) == 0 {
		s["$ref"] = "#/$defs/" + []string{"one", "two"}[rng.IntN(2)]
	}
	return s
}

func TestRandomSchemas(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	accepted, refused := 0, map[string]int{}
	answers := 0
	for n := range 4000 {
		root := randomSchema(rng, 3)
		root["$defs"] = map[string]any{"one": randomSchema(rng, 2), "two": randomSchema(rng, 1)}
		raw, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		schema := string(raw)
		g, err := Compile(small(), llm.JSON{Schema: schema})
		if err != nil {
			why := err.Error()
			if _, problem, ok := strings.Cut(why, ": "); ok {
				why = strings.SplitN(problem, " of", 2)[0]
			}
			if strings.HasPrefix(why, "alternatives") {
				why = "alternatives"
			}
			refused[why]++
			continue
		}
		accepted++
		check := validator(t, schema)
		for seed := range uint64(4) {
			text := generate(t, g, g.Need()+rng.IntN(40)*int(seed), seed+uint64(n)*10)
			answers++
			if err := check(text); err != nil {
				t.Fatalf("%s:\n%s\n%v", schema, text, err)
			}
		}
	}
	t.Logf("%d schemas accepted, %d answers valid; refused: %v", accepted, answers, refused)
	if accepted < 1500 {
		t.Error("too few schemas are accepted for a meaningful test")
	}
}

func TestRefusals(t *testing.T) {
	for schema, want := range map[string]string{
		`{`:                                        "not JSON",
		`{} x`:                                     "not JSON",
		`[]`:                                       "schema at #: must be a schema",
		`{"properties":{"a":{"not":{}}}}`:          `schema at #/properties/a/not: the keyword "not" is not supported`,
		`{"a":1,"a":2}`:                            `has the key "a" twice`,
		`{"type":"strnig"}`:                        "#/type: type must be",
		`{"minlength":2}`:                          `#/minlength: the keyword "minlength" is not supported`,
		`{"type":"string","format":"regex"}`:       `#/format: the format "regex" is not supported`,
		`{"type":"string","pattern":"(?<=a)"}`:     `#/pattern: lookbehind`,
		`{"type":"string","pattern":"(a)\\1"}`:     `#/pattern: invalid escape sequence`,
		`{"type":"string","pattern":"\\bx"}`:       `#/pattern: \b and \B are not supported`,
		`{"type":"number","multipleOf":0.1}`:       `#/multipleOf`,
		`{"$ref":"#"}`:                             "refers to itself without end",
		`{"anyOf":[{"$ref":"#"},{"type":"null"}]}`: "refers to itself without end",
		`{"$ref":"#/nowhere"}`:                     "does not exist",
		`{"$ref":"http://x/y"}`:                    "a reference must be within the schema",
		`{"oneOf":[{"type":"integer"},{"type":"number"}]}`: "alternatives 0 and 1 of oneOf may hold at once",
		`false`: "no text meets the constraint",
		`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`:                         "no text meets the constraint",
		`{"type":"string","minLength":3,"maxLength":2}`:                                              "no text meets the constraint",
		`{"enum":["a"],"type":"integer"}`:                                                            "no text meets the constraint",
		`{"type":"integer","minimum":1e999999999}`:                                                   "out of range",
		`{"type":"integer","minimum":1e15}`:                                                          "#/minimum: no number of at most 15 digits",
		`{"minLength":-1}`:                                                                           "#/minLength: minLength must be",
		`{"type":"string","nullable":true}`:                                                          `"type": ["string", "null"]`,
		`{"type":"array","items":[{}],"prefixItems":[{}]}`:                                           "#/items: items is a list of schemas, as in draft 7, and cannot be combined with prefixItems",
		`{"propertyNames":{"minLength":2,"anyOf":[{"pattern":"a"},{"enum":["b"]}]},"type":"object"}`: "propertyNames with alternatives",
	} {
		_, err := Compile(small(), llm.JSON{Schema: schema})
		if err == nil || !strings.Contains(sensitive.Shown(err), want) {
			t.Errorf("%s: error %v, want %q", schema, err, want)
		}
	}
	if _, err := Compile(small(), llm.Choice{}); err == nil {
		t.Error("a choice is accepted")
	}
	noBraces, err := NewVocabulary([][]byte{[]byte("a"), []byte(`"`), nil}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(noBraces, llm.JSON{}); err == nil || !strings.Contains(err.Error(), "{") {
		t.Errorf("without braces: %v", err)
	}
}

// TestCanonicalForm checks that answers have one form. Other forms of valid JSON
// are not accepted.
func TestCanonicalForm(t *testing.T) {
	for _, c := range []struct {
		schema, text string
		want         bool
	}{
		{`{}`, `{"a": 1, "b": [1, {"c": "\n\"\\\u0001é"}]}`, true},
		{`{}`, `{"a":1}`, false},
		{`{}`, `{"a": 1 }`, false},
		{`{}`, `{"a": "\u00e9"}`, false},
		{`{}`, `{"a": "\/"}`, false},
		{`{}`, "{\"a\": \"\xff\"}", false},
		{`{}`, "{\"a\": \"\xed\xa0\x80\"}", false},
		{`{}`, "{\"a\": \"\n\"}", false},
		{`{}`, `{"a": 01}`, false},
		{`{}`, `{"a": -0}`, false},
		{`{}`, `{"a": 1.}`, false},
		{`{}`, `{"a": 0.5}`, true},
		{`{}`, `{"a": -0.50}`, true},
		{`{}`, `{"a": 1e3}`, false},
		{`{}`, `{"a": 1234567890123456}`, false},
		{`{}`, `[]`, false},
		{`{"type":"object","properties":{"b":{},"a":{}}}`, `{"b": 1, "a": 2}`, true},
		{`{"type":"object","properties":{"b":{},"a":{}}}`, `{"a": 2, "b": 1}`, false},
		{`{"type":"object","properties":{"b":{"type":"null"}}}`, `{"bb": 1}`, true},
		{`{"type":"object","properties":{"b":{"type":"null"}}}`, `{"c": 1, "b": 1}`, false},
		{`{"type":"string","format":"date"}`, `"2024-02-29"`, true},
		{`{"type":"string","format":"date"}`, `"2023-02-29"`, false},
		{`{"type":"string","format":"date"}`, `"1900-02-29"`, false},
		{`{"type":"string","format":"date"}`, `"2000-02-29"`, true},
		{`{"type":"string","format":"ipv6"}`, `"::1"`, true},
		{`{"type":"string","format":"uri"}`, `"https://a.example/b?c#d"`, true},
		{`{"type":"string","format":"email"}`, `"a.b@c.org"`, true},
		{`{"type":"integer","minimum":-5,"maximum":120}`, `-5`, true},
		{`{"type":"integer","minimum":-5,"maximum":120}`, `-6`, false},
		{`{"type":"integer","minimum":-5,"maximum":120}`, `120`, true},
		{`{"type":"integer","minimum":-5,"maximum":120}`, `121`, false},
		{`{"type":"integer","minimum":-5,"maximum":120}`, `99`, true},
		{`{"type":"number","minimum":0.5,"maximum":1.25}`, `0.499`, false},
		{`{"type":"number","minimum":0.5,"maximum":1.25}`, `0.5`, true},
		{`{"type":"number","minimum":0.5,"maximum":1.25}`, `1.2500`, true},
		{`{"type":"number","minimum":0.5,"maximum":1.25}`, `1.2501`, false},
		{`{"pattern":"^\\S$"}`, `"é"`, true},
		{`{"pattern":"^\\S$"}`, "\"\u00a0\"", false},
		{`{"pattern":"^[^\\s]$"}`, "\"\u2003\"", false},
		{`{"pattern":"^.[.]$"}`, `"\r."`, false},
		{`{"pattern":"^.[.]\\.\\\\$"}`, `"x..\\"`, true},
		{`{"pattern":"^[\\u00e0-\\u00ff]$"}`, `"é"`, true},
		{`{"type":"string","minLength":2,"maxLength":2}`, `"é\n"`, true},
		{`{"type":"string","minLength":2,"maxLength":2}`, `"😀"`, false},
	} {
		g := mustCompile(t, small(), llm.JSON{Schema: c.schema})
		if got := accepts(g, c.text); got != c.want {
			t.Errorf("%s: %s accepted: %v", c.schema, c.text, got)
		}
	}
}

func TestNumbersAgainstArithmetic(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		limit := func() string {
			return fmt.Sprintf("%.*f", rng.IntN(3), (rng.Float64()-0.5)*[]float64{3, 50, 3000}[rng.IntN(3)])
		}
		low, high := limit(), limit()
		kinds := [2]string{[]string{"minimum", "exclusiveMinimum"}[rng.IntN(2)], []string{"maximum", "exclusiveMaximum"}[rng.IntN(2)]}
		schema := fmt.Sprintf(`{"type":"number",%q:%s,%q:%s}`, kinds[0], low, kinds[1], high)
		g, err := Compile(small(), llm.JSON{Schema: schema})
		check := validator(t, schema)
		for range 100 {
			x := limit()
			if strings.Trim(x, "-0.") == "" {
				x = "0"
			}
			if rng.IntN(4) == 0 {
				x = []string{low, high}[rng.IntN(2)]
			}
			if got, want := err == nil && accepts(g, x), check(x) == nil; got != want && strings.Trim(x, "-0.") != "" {
				t.Fatalf("%s: %s accepted: %v (%v)", schema, x, got, err)
			}
		}
	}
}

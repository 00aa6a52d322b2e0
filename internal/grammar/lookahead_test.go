package grammar

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// TestLookaheadsAgainstECMAScript compares patterns with lookaheads to
// ECMAScript: RegExp of Node.js 20 produced the results in
// testdata/lookaheads.json (see lookaheads.js).
func TestLookaheadsAgainstECMAScript(t *testing.T) {
	content, err := os.ReadFile("testdata/lookaheads.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Pattern string
		Yes, No []string
	}
	if err := json.Unmarshal(content, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		schema, _ := json.Marshal(map[string]string{"type": "string", "pattern": c.Pattern})
		g := mustCompile(t, small(), llm.JSON{Schema: string(schema)})
		inJSON := func(s string) string { return string(quote(nil, s)) }
		for _, s := range c.Yes {
			if !accepts(g, inJSON(s)) {
				t.Errorf("%s refuses %q", c.Pattern, s)
			}
		}
		for _, s := range c.No {
			if accepts(g, inJSON(s)) {
				t.Errorf("%s accepts %q", c.Pattern, s)
			}
		}
		for extra := range 20 {
			if text := generate(t, g, g.Need()+extra, uint64(extra+100*i)); !accepts(g, text) {
				t.Errorf("%s gives %s", c.Pattern, text)
			}
		}
	}
}

func TestLookaheadRefusals(t *testing.T) {
	for expr, want := range map[string]string{
		`(?<=a)b`: "lookbehind", `(?<!a)b`: "lookbehind", `(?=a`: "not closed", `(?!(?!(?!(?!(?!(?!a))))))x`: "nested more than 4 deep",
		strings.Repeat(`(?=a)`, 13): "more than 12 lookaheads", `(?=(\1))`: "invalid escape sequence", `(?=.*a.{20})(?=.*b.{20}).*`: "too complicated",
	} {
		if _, err := Compile(small(), llm.Pattern{Expr: expr}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", expr, err, want)
		}
	}
}

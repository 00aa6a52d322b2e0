package grammar

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/firesteel/firesteel/llm"
)

// isPiece reports, by a direct search, whether piece is a piece of source.
func isPiece(source, piece string) bool {
	if piece == "" {
		return true
	}
	for at := 0; ; at++ {
		i := strings.Index(source[at:], piece)
		if i < 0 {
			return false
		}
		at += i
		end := at + len(piece)
		before, _ := utf8.DecodeLastRuneInString(source[:at])
		first, _ := utf8.DecodeRuneInString(piece)
		last, _ := utf8.DecodeLastRuneInString(piece)
		after, _ := utf8.DecodeRuneInString(source[end:])
		inside := func(a, b rune) bool { return isWord(a) && isWord(b) }
		if (at == 0 || !inside(before, first)) && (end == len(source) || !inside(last, after)) &&
			strings.TrimSpace(piece) == piece {
			return true
		}
	}
}

var sources = []string{
	"The Berlin office of \"Müller & Söhne\" (Tel. 030/123-45) moved\nto 10115 Berlin on 2024-02-29.",
	"日本の首都は東京です。 naïve café 😀😀 x", "a a a a a a a a a a a a a aab", "one", "  \t ", "tab\tand\\back\x01slash", "bad\xffbytes \xc3 here",
	strings.Repeat("the abc ", 300) + "end",
}

func TestSourcePieces(t *testing.T) {
	for _, schema := range []string{
		`{"type":"string"}`, `{"type":"object","properties":{"who":{"type":"string"},"when":{"type":"string"}},"required":["who","when"],"additionalProperties":false}`,
		`{"type":"array","items":{"type":"string"}}`, `{"type":"string","maxLength":6}`, `{"type":"string","minLength":2,"maxLength":9}`,
		`{"type":"string","minLength":20}`, `{"type":"array","items":{"enum":["not in it","abc"]}}`,
	} {
		check := validator(t, schema)
		for i, source := range sources {
			g, err := Compile(small(), llm.JSON{Schema: schema, Source: source})
			if err != nil {
				if strings.Contains(schema, "minLength") && strings.Contains(err.Error(), "no text meets") && len(source) < 40 {
					continue // source has no piece of this length
				}
				t.Fatal(schema, err)
			}
			nonEmpty := false
			for seed := range uint64(30) {
				text := generate(t, g, g.Need()+int(seed*seed)/10, seed+uint64(i))
				if err := check(text); err != nil {
					t.Fatalf("%s %q: %s: %v", schema, source, text, err)
				}
				var value any
				if err := json.Unmarshal([]byte(text), &value); err != nil {
					t.Fatal(err)
				}
				eachString(value, func(s string) {
					nonEmpty = nonEmpty || s != ""
					if !isPiece(source, s) && !strings.Contains(schema, "enum") {
						t.Fatalf("%s: %q is not a piece of %q", schema, s, source)
					}
				})
			}
			if !nonEmpty && strings.TrimSpace(source) != "" {
				t.Errorf("%s %q: all answers are empty", schema, source)
			}
		}
	}
}

func eachString(v any, do func(string)) {
	switch v := v.(type) {
	case string:
		do(v)
	case []any:
		for _, item := range v {
			eachString(item, do)
		}
	case map[string]any:
		for _, item := range v {
			eachString(item, do)
		}
	}
}

func TestEveryPieceIsAllowed(t *testing.T) {
	for _, source := range sources[:6] {
		g := mustCompile(t, small(), llm.JSON{Schema: `{"type":"string"}`, Source: source})
		for i := range source {
			for j := i; j <= len(source); j++ {
				if !utf8.ValidString(source[i:j]) {
					continue
				}
				piece := source[i:j]
				if got, want := accepts(g, string(quote(nil, piece))), isPiece(source, piece); got != want {
					t.Fatalf("%q of %q: %v", piece, source, got)
				}
			}
		}
	}
}

func TestMarksStayWithTheirLetters(t *testing.T) {
	g := mustCompile(t, small(), llm.JSON{Schema: `{"type":"string"}`, Source: "cafe\u0301 (\u0301 x"})
	for piece, want := range map[string]bool{"cafe\u0301": true, "cafe": false, "\u0301": false, "(\u0301": true, "(": false} {
		if accepts(g, `"`+piece+`"`) != want {
			t.Errorf("%q: want %v", piece, want)
		}
	}
}

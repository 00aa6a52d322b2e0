package grammar

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/firesteel/firesteel/llm"
)

var patterns = []string{
	``, `a`, `a*`, `(ab|cd)+x?`, `[0-9]{3}-[0-9]{4}`, `.*`, `(?s).*`, `[^a]*`, `é+|日本?`, `[α-ω]{2,5}`, `(?i)straße`, `(?i)k+`,
	`^abc$`, `^a|b$`, `(^a|b)*c`, `a(b$|c)`, `(a|^)b`, `\d{4}-\d\d-\d\d`, `[\x{10000}-\x{10ffff}]`, `\pL+ \PL`, `(a*)*`, `(a|b*)*c`, `(|a)+`,
	`x{0,3}y{2}`, `((a{2}){3}|b)+`, `\x00?\n\t"\\`, `[[:alpha:]]+@[[:alnum:]]+\.com`, `(?:)|a|ab|abc`, `a?b?c?`, `(foo|foobar)(bar)?`, `\z`, `\Aa\z`, `[\x{80}-\x{ffff}]{1,2}`, `(a|ab)(c|bcd)(d*)`,
}

func TestPatternsAgainstRegexp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i, expr := range patterns {
		g := mustCompile(t, small(), llm.Pattern{Expr: expr})
		want := regexp.MustCompile(`\A(?:` + expr + `)\z`)
		for extra := range 25 {
			text := generate(t, g, g.Need()+extra, uint64(extra+100*i))
			if !want.MatchString(text) || !utf8.ValidString(text) {
				t.Fatalf("%q gives %q", expr, text)
			}
			// Texts similar to one that matches.
			for range 20 {
				near := []rune(text)
				for range rng.IntN(3) + 1 {
					other := []rune("abcdxyé日ß12-\"\n K\u212a")[rng.IntN(17)]
					switch at := rng.IntN(len(near) + 1); {
					case at == len(near):
						near = append(near, other)
					case rng.IntN(2) == 0:
						near[at] = other
					default:
						near = append(near[:at], near[at+1:]...)
					}
				}
				if got := accepts(g, string(near)); got != want.MatchString(string(near)) {
					t.Fatalf("%q accepts %q: %v", expr, string(near), got)
				}
			}
		}
	}
}

func TestPatternRefusals(t *testing.T) {
	for expr, want := range map[string]string{
		`(`: "missing closing )", `(?=a)`: "no text meets", `\bx`: `\b and \B`, `(?m)^x$`: "(?m)", `(.{1000}){1000}`: "invalid repeat count",
		`((.{0,30}){0,30}[a-z]{0,100})`: "", `[^\x{0}-\x{10ffff}]`: "no text meets", `a$b`: "no text meets", `(\pL{0,100}){0,10}`: "too complicated",
	} {
		_, err := Compile(small(), llm.Pattern{Expr: expr})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", expr, err, want)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, expr := range patterns {
		f.Add(expr, uint8(3))
	}
	f.Fuzz(func(t *testing.T, expr string, extra uint8) {
		if len(expr) > 60 {
			return
		}
		begin := time.Now()
		g, err := Compile(small(), llm.Pattern{Expr: expr})
		if err != nil {
			return
		}
		if _, err := syntax.Parse(expr, syntax.Perl); err != nil {
			t.Fatalf("%q is compiled, but %v", expr, err)
		}
		if g.Need() > 1000 {
			return
		}
		text := generate(t, g, g.Need()+int(extra%20), uint64(extra))
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%q took %v", expr, took)
		}
		if re, err := regexp.Compile(`\A(?:` + expr + `)\z`); err == nil && !re.MatchString(text) {
			t.Errorf("%q gives %q", expr, text)
		}
	})
}

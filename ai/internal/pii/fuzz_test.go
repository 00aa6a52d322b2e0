package pii

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func FuzzFind(f *testing.F) {
	for _, c := range cases {
		for _, text := range c.texts[:min(len(c.texts), 6)] {
			plain, _ := parseCase(c.kind, text)
			f.Add(plain, uint8(c.kind))
		}
	}
	for _, text := range []string{"\u0301\u200f1\u20e3", "\xff@\xfe.com", "٠٥٠-١٢٣٤٥٦٧", "1a@b.c\u0301o\u0301", "\r\n", "👩‍👩‍👧@example.com"} {
		f.Add(text, uint8(0))
	}
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		if len(text) > 1<<14 {
			return
		}
		check(t, text, Find(text, nil), 0)
		compareWithReference(t, text, nil)
		if k := Kind(kind % uint8(numKinds)); k != 0 {
			check(t, text, Find(text, []Kind{k}), k)
			compareWithReference(t, text, []Kind{k})
		}
	})
}

// check checks that spans are in bounds and in order, do not split characters,
// and are of the requested kind (0 means any).
func check(t *testing.T, text string, spans []Span, requested Kind) {
	end := 0
	for _, s := range spans {
		if s.Start < end || s.End <= s.Start || s.End > len(text) {
			t.Fatalf("%q: %d:%d is out of bounds or order", text, s.Start, s.End)
		}
		end = s.End
		if wanted := wantedKinds([]Kind{requested}); requested != 0 && !wanted[s.Kind] || s.Kind == 0 || s.Kind >= numKinds {
			t.Fatalf("%q: %v was not requested", text, s.Kind)
		}
		if s.Score <= 0 || s.Score > 1 {
			t.Fatalf("%q: score %v", text, s.Score)
		}
		for _, at := range []int{s.Start, s.End} {
			r, n := utf8.DecodeRuneInString(text[at:])
			if at < len(text) && n == 1 && r == utf8.RuneError && !utf8.RuneStart(text[at]) && insideRune(text, at) {
				t.Fatalf("%q: %d is within a character", text, at)
			}
			if at < len(text) && (unicode.Is(unicode.M, r) || r == 0x200d) {
				t.Fatalf("%q: %d is between a character and its mark", text, at)
			}
		}
	}
}

// insideRune reports whether at is within a valid character.
func insideRune(text string, at int) bool {
	for i := max(0, at-3); i < at; i++ {
		if r, n := utf8.DecodeRuneInString(text[i:]); r != utf8.RuneError && i+n > at {
			return true
		}
	}
	return false
}

// adversarial are texts whose repetition makes a recogniser read many cells
// from each position.
var adversarial = []string{"1", "1 ", "12 ", "123-", "0.", "a@", "a@b.", "a.", "a", "1:", "a:", "((1", "+1 ", "http://", "http://a", "x.com/(((", "é1", "日1", "日",
	"January 1 ", "GB29 ", "\"a", "\"@", "1 call ", "passport 1a", "ABCDEFGHJKLMNPQRSTUVWXYZ234 ", "a\u0301", "\u200f"}

// TestLinearTime bounds the time for each adversarial text. On a slow machine
// linear work takes under 1 s, quadratic work over a minute.
func TestLinearTime(t *testing.T) {
	const size, limit = 1 << 17, 15 * time.Second
	for _, unit := range adversarial {
		begin := time.Now()
		Find(strings.Repeat(unit, size/len(unit)), nil)
		if took := time.Since(begin); took > limit {
			t.Errorf("%d bytes of %q took %v", size, unit, took)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	text := strings.Repeat("Ann wrote on 12 March 2017 from ann@example.com that the quick brown fox was seen again. ", 1<<10)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Find(text, nil)
	}
}

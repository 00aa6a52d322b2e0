package pii

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// referenceFind is Find without knowledge of what a text has and of what may hide
// a finding: all recognisers read all of the text.
func referenceFind(text string, kinds []Kind) []Span {
	t := newCells(text)
	var found []span
	var lastEnd [numKinds]int // the end of each kind's last finding
	for i, c := range t.c {
		at := startClass(c)
		if at == 0 || at&(digit|letter) != 0 && !t.wordStart(i) {
			continue
		}
		for _, r := range recognisers {
			if r.starts&at == 0 || i < lastEnd[r.kind] {
				continue
			}
			if end, score := r.read(t, i); end > i {
				found = append(found, span{i, end, r.kind, score})
				lastEnd[r.kind] = end
			}
		}
	}
	found = append(found, findEmails(t)...)

	wanted := wantedKinds(kinds)
	// A URL or e-mail address hides the findings within it only if its own kind
	// is wanted.
	found = slices.DeleteFunc(found, func(s span) bool {
		return !wanted[s.kind] && (s.kind == URL || s.kind == Email)
	})
	var spans []Span
	for _, s := range resolve(found, t.len()) {
		if wanted[s.kind] {
			spans = append(spans, Span{t.start(s.lo), t.end(s.hi - 1), s.kind, s.score})
		}
	}
	return spans
}

func compareWithReference(t *testing.T, text string, kinds []Kind) {
	t.Helper()
	got, want := Find(text, kinds), referenceFind(text, kinds)
	if !slices.Equal(got, want) {
		t.Fatalf("%q, kinds %v:\n got %v\nwant %v", text, kinds, got, want)
	}
}

// TestReference compares Find with its reference on texts that are made of the
// texts of all cases, for sets of kinds.
func TestReference(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var parts []string
	for _, c := range cases {
		for _, text := range c.texts {
			plain, _ := parseCase(c.kind, text)
			parts = append(parts, plain)
		}
	}
	parts = append(parts, adversarial...)
	// The first digit is far from the start, or few digits are sufficient.
	parts = append(parts, "Septiembre. the 5, 2020", "on settembre-de 12", "passport ABCDEF1234", "license ABCDEFGHIJKLMNOP1234", "licence ABCDEFG-1234",
		"tax id ABCDEFGHIJKLMNOP1234", "zip ABCDEFG1", "aa:bb:cc:dd:ee:ff", "abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd", "SWIFT DEUTDEFF")
	for _, part := range parts {
		compareWithReference(t, part, nil)
		for _, kind := range Kinds() {
			compareWithReference(t, part, []Kind{kind})
		}
	}
	all := strings.Join(parts, " ")
	pick := func() string { return parts[random.IntN(len(parts))] }
	for range 60_000 {
		var b strings.Builder
		for range 1 + random.IntN(3) {
			part := pick()
			switch random.IntN(4) {
			case 0: // a part of one, perhaps of a character
				from := random.IntN(len(all))
				part = all[from:min(len(all), from+random.IntN(12))]
			case 1: // a changed character
				if part != "" {
					at := random.IntN(len(part))
					part = part[:at] + string([]rune("@.:-+ 0159aZé٣ー：＠")[random.IntN(17)]) + part[at+1:]
				}
			}
			b.WriteString(part)
			b.WriteString([]string{"", " ", "\n", ".", "@", ", "}[random.IntN(6)])
		}
		var kinds []Kind
		for range random.IntN(8) {
			kinds = append(kinds, Kind(1+random.IntN(int(numKinds)-1)))
		}
		compareWithReference(t, b.String(), kinds)
	}
}

// TestBestScores checks that no finding has a higher score than best.
func TestBestScores(t *testing.T) {
	best := map[Kind]float64{Email: 0.96}
	for _, r := range recognisers {
		best[r.kind] = r.best
	}
	for _, c := range cases {
		for _, text := range c.texts {
			plain, _ := parseCase(c.kind, text)
			for _, s := range referenceFind(plain, nil) {
				if s.Score > best[s.Kind]+1e-9 {
					t.Errorf("%q: %v has the score %v, and best is %v", plain, s.Kind, s.Score, best[s.Kind])
				}
			}
		}
	}
}

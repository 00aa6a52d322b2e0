package metric

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

const maskText = "[MASKED]"

// The expected values are those of Lin (2004), section 3.1, for these three
// candidates and the reference "police killed the gunman".
func TestRougeOfTheArticle(t *testing.T) {
	const reference = "police killed the gunman"
	for predicted, want := range map[string]float64{
		"police kill the gunman":   0.75,
		"the gunman kill police":   0.5,
		"the gunman police killed": 0.5,
	} {
		near(t, predicted, RougeOf(predicted, reference).L, want)
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"It's the 2nd, naïve TEST.": "it s the 2nd naïve test",
		"懒狗 abc":                    "懒 狗 abc",
		"हिन्दी भाषा":               "हिन्दी भाषा",
		" \t.,":                     "",
	} {
		if got := strings.Join(Words(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// The result equals that of the usual dynamic programming table.
func TestLongestCommon(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		words := func() []string {
			w := make([]string, random.IntN(200))
			for i := range w {
				w[i] = string(rune('a' + random.IntN(1+random.IntN(8))))
			}
			return w
		}
		a, b := words(), words()
		table := make([][]int, len(a)+1)
		for i := range table {
			table[i] = make([]int, len(b)+1)
		}
		for i := range a {
			for j := range b {
				if a[i] == b[j] {
					table[i+1][j+1] = table[i][j] + 1
				} else {
					table[i+1][j+1] = max(table[i][j+1], table[i+1][j])
				}
			}
		}
		if got, want := longestCommon(a, b), table[len(a)][len(b)]; got != want {
			t.Fatalf("%d, want %d: %q %q", got, want, a, b)
		}
	}
}

func TestSeveralReferences(t *testing.T) {
	s := Texts([]string{"a b c", "x"}, [][]string{{"q", "a b c"}, {"y z"}})
	for name, want := range map[string]float64{"ROUGE-1": 0.5, "ROUGE-L": 0.5, "exact match": 0.5} {
		near(t, name, valueOf(t, s, name), want)
	}
}

// The interval of a share agrees with its standard error.
func TestIntervals(t *testing.T) {
	gold, predicted := make([]string, 400), make([]string, 400)
	for i := range gold {
		gold[i], predicted[i] = "a", "a"
		if i%5 == 0 {
			predicted[i] = "b"
		}
	}
	s := Labels(gold, predicted)
	score := s.Scores(Resampling{Seed: 7})[0]
	width := 1.96 * math.Sqrt(0.8*0.2/400)
	if math.Abs(score.Low-(0.8-width)) > 0.008 || math.Abs(score.High-(0.8+width)) > 0.008 || score.Value != 0.8 {
		t.Errorf("%+v, want 0.8 ± %.3f", score, width)
	}
	if again := s.Scores(Resampling{Seed: 7})[0]; again != score {
		t.Errorf("the same seed gives %v and %v", score, again)
	}
	if other := s.Scores(Resampling{Seed: 8})[0]; other == score {
		t.Error("another seed gives the same samples")
	}
}

func TestCompare(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	gold := make([]string, 300)
	good, bad, alike := make([]string, 300), make([]string, 300), make([]string, 300)
	answer := func(right string, share float64) string {
		if random.Float64() < share {
			return right
		}
		return None
	}
	for i := range gold {
		gold[i] = []string{"x", "y"}[random.IntN(2)]
		good[i], bad[i], alike[i] = answer(gold[i], 0.8), answer(gold[i], 0.6), answer(gold[i], 0.8)
	}
	far := Compare(Labels(gold, good), Labels(gold, bad), Resampling{})
	if far[0].P > 1e-3 || far[0].Test != "McNemar, exact" || far[0].Difference.Low <= 0 {
		t.Errorf("0.8 against 0.6: %+v", far[0])
	}
	if far[1].P > 0.01 || far[1].Test != "approximate randomisation" {
		t.Errorf("macro-F1: %+v", far[1])
	}
	for _, c := range Compare(Labels(gold, good), Labels(gold, alike), Resampling{})[:2] {
		if c.P < 0.05 || c.Difference.Low > 0 || c.Difference.High < 0 {
			t.Errorf("alike: %+v", c)
		}
	}
	for _, c := range Compare(Labels(gold, good), Labels(gold, good), Resampling{}) {
		if c.P != 1 || c.Difference.Value != 0 {
			t.Errorf("a system against itself: %+v", c)
		}
	}
}

// For two equally good systems, p is below 0.05 in about one case of twenty.
func TestRandomisationHoldsItsLevel(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	rejected := 0
	const trials = 300
	for range trials {
		gold := make([][]string, 40)
		a, b := make([]string, 40), make([]string, 40)
		for i := range gold {
			gold[i] = []string{"a b c d e f"}
			words := strings.Fields(gold[i][0])
			a[i], b[i] = strings.Join(words[:random.IntN(6)], " "), strings.Join(words[:random.IntN(6)], " ")
		}
		if Compare(Texts(a, gold), Texts(b, gold), Resampling{Samples: 100})[0].P < 0.05 {
			rejected++
		}
	}
	if rejected < 3 || rejected > 30 {
		t.Errorf("%d of %d are significant", rejected, trials)
	}
}

func TestNoRows(t *testing.T) {
	for _, s := range []*Statistics{Labels(nil, nil), Texts(nil, nil), Spans(nil, nil), Calibration(nil, nil, 10)} {
		s.Scores(Resampling{})
		Compare(s, s, Resampling{})
	}
}

func TestMasked(t *testing.T) {
	at := func(spans []Span) (places [][2]int) {
		for _, s := range spans {
			places = append(places, [2]int{s.Start, s.End})
		}
		return places
	}
	for _, c := range []struct {
		original, masked string
		want             [][2]int
		intact           bool
	}{
		{"call Ann now", "call [MASKED] now", [][2]int{{5, 8}}, true},
		{"call Ann now", "call Ann now", nil, true},
		{"Ann", "[MASKED]", [][2]int{{0, 3}}, true},
		{"é Ann, ü Bo.", "é [MASKED], ü [MASKED].", [][2]int{{2, 5}, {9, 11}}, true},
		{"Ann Lee met Bo", "[MASKED] met [MASKED]", [][2]int{{0, 7}, {12, 14}}, true},
		{"aXbXc", "a[MASKED]X[MASKED]", [][2]int{{1, 3}, {4, 5}}, true},
		{"call Ann now", "Call [MASKED] now!", [][2]int{{0, 12}}, false},
		{"please call Ann now or later", "please call [MASKED] now", [][2]int{{12, 15}, {20, 28}}, false},
		{"ab", "ab[MASKED]ab", nil, false},
		{"", "[MASKED]", nil, true},
	} {
		got, intact := Masked(c.original, c.masked, maskText)
		if !reflect.DeepEqual(at(got), c.want) || intact != c.intact {
			t.Errorf("%q as %q: %v %v, want %v %v", c.original, c.masked, got, intact, c.want, c.intact)
		}
	}
}

func FuzzMasked(f *testing.F) {
	f.Add("call Ann now", "call [MASKED] now")
	f.Add("a b", "[MASKED] [MASKED]")
	f.Fuzz(func(t *testing.T, original, masked string) {
		if len(original)+len(masked) > 2000 {
			return
		}
		spans, _ := Masked(original, masked, maskText)
		end := 0
		for _, s := range spans {
			if s.Start < end || s.End <= s.Start || s.End > len([]rune(original)) {
				t.Fatalf("%q as %q: %v", original, masked, spans)
			}
			end = s.End
		}
	})
}

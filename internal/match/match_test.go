package match

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestLetters(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"Jon Smith", "jon  SMITH", 1},
		{"Smith, Jon", "Jon Smith", 1},
		{"Gábor", "Gabor", 1},
		{"Jon", "John", 0.75},
		{"ab", "ba", 0.5}, // a swap
		{"abc", "ca", 0},  // no part is changed twice
		{"", "", 0},
		{"...", "abc", 0},
		{"Straße 7", "straße 8", 1 - 1.0/8},
	} {
		if got := Letters(c.a, c.b); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("Letters(%q, %q) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func FuzzLetters(f *testing.F) {
	f.Add("Jon Smith", "Smith, John")
	f.Add("é\u0301\xff", "日本 語")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 200 {
			return
		}
		s := Letters(a, b)
		if !(s >= 0 && s <= 1) {
			t.Fatalf("Letters(%q, %q) = %v", a, b, s)
		}
		if len(fold(a)) > 0 && Letters(a, a) != 1 {
			t.Fatalf("Letters(%q, %[1]q) = %v", a, Letters(a, a))
		}
		sum := 0.0
		for _, g := range grams(a) {
			sum += g.weight * g.weight
		}
		if len(fold(a)) > 0 && math.Abs(sum-1) > 1e-9 {
			t.Fatalf("the vector of %q has length %v", a, sum)
		}
	})
}

// The nearest texts are those of all pairs, sorted.
func TestNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := func(n int) (all []string, vectors [][]float32) {
		for range n {
			text, v := "", make([]float32, 7)
			for i := range v {
				text += string('a' + rune(r.IntN(4)))
				v[i] = float32(r.IntN(3)) // many pairs are equal
			}
			if all = append(all, text+" "+fmt.Sprint(len(all))); r.IntN(20) == 0 {
				v = nil
			}
			vectors = append(vectors, v)
		}
		return all, vectors
	}
	left, leftVectors := texts(40)
	right, rightVectors := texts(300)
	for name, c := range map[string]struct {
		got   [][]Pair
		score func(i, j int) (float64, bool)
	}{
		"vectors": {NearestByVectors(leftVectors, rightVectors, right, 10), func(i, j int) (float64, bool) {
			if leftVectors[i] == nil || rightVectors[j] == nil {
				return 0, false
			}
			return Product(leftVectors[i], rightVectors[j]), true
		}},
		"letters": {NearestByLetters(left, right, 10), func(i, j int) (float64, bool) {
			s := 0.0
			for _, g := range grams(left[i]) {
				for _, h := range grams(right[j]) {
					if g.text == h.text {
						s += g.weight * h.weight
					}
				}
			}
			return s, s > 0
		}},
	} {
		for i := range left {
			var want []Pair
			for j := range right {
				if s, ok := c.score(i, j); ok {
					want = append(want, Pair{i, j, s})
				}
			}
			slices.SortFunc(want, func(a, b Pair) int {
				return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(right[a.Right], right[b.Right]))
			})
			if want = want[:min(10, len(want))]; !reflect.DeepEqual(c.got[i], want) {
				t.Fatalf("%s of %d: %v, want %v", name, i, c.got[i], want)
			}
		}
	}
}

func TestMerge(t *testing.T) {
	texts := []string{"a", "b", "c"}
	got := Merge(texts, [][]Pair{{{0, 2, 1}, {0, 1, 0}}}, [][]Pair{{{0, 1, 9}, {0, 0, 8}}})
	if want := [][]Candidate{{{0, 1, 1}, {0, 2, 1}, {0, 0, 2}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := Within(got, 1); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

func TestDepth(t *testing.T) {
	ranks := []int{1, 1, 1, 2, 2, 3, 5, 0, 1, 1}
	for _, c := range []struct {
		target float64
		want   Estimate
	}{{0.5, Estimate{1, 10, 5}}, {0.7, Estimate{2, 10, 7}}, {0.9, Estimate{5, 10, 9}}, {0.95, Estimate{6, 10, 9}}} {
		if got := Depth(ranks, c.target, 6); got != c.want {
			t.Errorf("Depth for %v = %+v, want %+v", c.target, got, c.want)
		}
	}
	low, high := Estimate{1, 10, 9}.Interval()
	if math.Abs(low-0.5958) > 1e-3 || math.Abs(high-0.9821) > 1e-3 { // by statsmodels' proportion_confint
		t.Errorf("%v to %v", low, high)
	}
	if e := Depth(nil, 0.9, 6); e.Share() != 1 || e.K != 1 {
		t.Errorf("%+v", e)
	}
}

// A sample does not depend on the order of the texts.
func TestSample(t *testing.T) {
	texts := []string{"a", "b", "c", "d", "e", "f"}
	pick := func(seed uint64) (all []string) {
		for _, i := range Sample(texts, 3, seed) {
			all = append(all, texts[i])
		}
		return all
	}
	first, other := pick(1), pick(2)
	slices.Reverse(texts)
	if again := pick(1); !slices.Equal(again, first) || slices.Equal(first, other) {
		t.Errorf("%q, again %q, with another seed %q", first, again, other)
	}
}

func TestClusters(t *testing.T) {
	texts := []string{"d", "a", "c", "b", "e"}
	got := Clusters(texts, []Pair{{0, 2, 1}, {3, 2, 1}})
	if want := []int{3, 1, 3, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if id := ClusterID("a"); id != "ca978112ca1bbdca" { // printf a | sha256sum
		t.Error(id)
	}
}

func TestOneToOne(t *testing.T) {
	texts := []string{"a", "b", "c"}
	pairs := []Pair{{0, 0, 0.9}, {1, 0, 0.9}, {1, 1, 0.8}, {2, 2, 0.5}, {2, 1, 0.4}}
	if got, want := OneToOne(texts, texts, pairs), []Pair{{0, 0, 0.9}, {2, 2, 0.5}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestPredicate(t *testing.T) {
	for _, c := range []struct {
		text                string
		ofPair, left, right bool
		alone, statement    string
		err                 error
	}{
		{"{left} is about {right}", true, true, true, "", "the text is about x y", nil},
		{"{left} is good", false, true, false, "the text is good", "", nil},
		{"{right} is good", false, false, true, "the text is good", "", nil},
		{"{each} is good", false, true, true, "the text is good", "", nil},
		{"{each} is {left}", false, false, false, "", "", ErrEach},
		{"good", false, false, false, "", "", ErrNoBlank},
	} {
		p, err := ParsePredicate(c.text)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.text, err)
		}
		if err != nil {
			continue
		}
		if p.OfPair() != c.ofPair || p.Left() != c.left || p.Right() != c.right {
			t.Errorf("%s: %+v", c.text, p)
		}
		if c.alone != "" && p.Alone() != c.alone || c.statement != "" && p.Statement(" x\n y") != c.statement {
			t.Errorf("%s: %q, %q", c.text, p.Alone(), p.Statement(" x\n y"))
		}
	}
}

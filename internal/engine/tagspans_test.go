package engine

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// tagged returns tokens of a text whose most probable labels are given, with the probability .9 each.
// Labels and tokens are separated by spaces; a token that begins with + follows the one before it
// without a space.
func tagged(labels []string, tokens, marks string) (text string, all []llm.TagToken) {
	names := strings.Fields(marks)
	for i, token := range strings.Fields(tokens) {
		if glued := strings.HasPrefix(token, "+"); glued {
			token = token[1:]
		} else if i > 0 {
			text += " "
		}
		t := llm.TagToken{Start: len(text), End: len(text) + len(token), Probabilities: make([]float32, len(labels))}
		text += token
		for j, label := range labels {
			t.Probabilities[j] = .1 / float32(len(labels)-1)
			if label == names[i] {
				t.Probabilities[j] = .9
			}
		}
		all = append(all, t)
	}
	return text, all
}

func TestTagSpans(t *testing.T) {
	bio := []string{"O", "B-PER", "I-PER", "B-LOC", "I-LOC"}
	bilou := []string{"O", "B-PER", "I-PER", "L-PER", "U-PER"}
	bioes := []string{"S-PER", "E-PER", "I-PER", "B-PER", "O"}
	for _, c := range []struct {
		name          string
		labels        []string
		tokens, marks string
		want          string // LABEL:TEXT of each span
	}{
		{"two kinds", bio, "Anna Smith lives in Berlin", "B-PER I-PER O O B-LOC", "PER:Anna Smith|LOC:Berlin"},
		{"B begins another span", bio, "Anna Bob", "B-PER B-PER", "PER:Anna|PER:Bob"},
		{"I without B begins a span", bio, "in Berlin now", "O I-LOC O", "LOC:Berlin"},
		{"I of another kind begins a span", bio, "Anna Berlin", "B-PER I-LOC", "PER:Anna|LOC:Berlin"},
		{"B in the middle of a word", bio, "An +na Smith", "B-PER B-PER I-PER", "PER:Anna Smith"},
		{"O in the middle of a word", bio, "Al +ex +ander", "B-PER O I-PER", "PER:Alexander"},
		{"a word that is mostly O", bio, "al +ex +ander", "B-PER O O", ""},
		{"another word directly after", bio, "Anna +, +Bob", "B-PER O B-PER", "PER:Anna|PER:Bob"},
		{"punctuation continues a span", bio, "O +' +Brien", "B-PER I-PER I-PER", "PER:O'Brien"},
		{"tokens of a script without spaces", bio, "東 +京 +都", "B-LOC I-LOC B-LOC", "LOC:東京|LOC:都"},
		{"BILOU", bilou, "a Anna B Smith Bob", "O B-PER I-PER L-PER U-PER", "PER:Anna B Smith|PER:Bob"},
		{"L ends a span", bilou, "Anna Smith Bob", "B-PER L-PER I-PER", "PER:Anna Smith|PER:Bob"},
		{"U ends a span", bilou, "Anna Smith", "U-PER I-PER", "PER:Anna|PER:Smith"},
		{"BIOES", bioes, "Anna Smith Bob", "B-PER E-PER S-PER", "PER:Anna Smith|PER:Bob"},
		{"IO", []string{"O", "I-PER", "I-LOC"}, "Anna Smith Berlin x", "I-PER I-PER I-LOC O", "PER:Anna Smith|LOC:Berlin"},
		{"labels without a prefix", []string{"O", "PER"}, "Anna Smith x Bob", "PER PER O PER", "PER:Anna Smith|PER:Bob"},
		{"labels that do not mark spans", []string{"$KEEP", "$DELETE"}, "a b", "$KEEP $DELETE", ""},
	} {
		text, tokens := tagged(c.labels, c.tokens, c.marks)
		var got []string
		for _, s := range newTagScheme(c.labels).spans(text, tokens) {
			got = append(got, s.Label+":"+text[s.Start:s.End])
			if s.Score <= 0 || s.Score > .9+1e-6 {
				t.Errorf("%s: score %g", c.name, s.Score)
			}
		}
		if joined := strings.Join(got, "|"); joined != c.want {
			t.Errorf("%s: %s, want %s", c.name, joined, c.want)
		}
	}
}

// The score of a span is the mean of the probabilities. Tokens that stand for nothing do not end a
// span, and spans exclude white space at their ends.
func TestTagSpanScores(t *testing.T) {
	text, tokens := "x Anna Smith", []llm.TagToken{
		{Start: 0, End: 1, Probabilities: []float32{.8, .1, .1}},
		{Start: 1, End: 6, Probabilities: []float32{.3, .7, 0}},
		{Start: 6, End: 6, Probabilities: []float32{1, 0, 0}},
		{Start: 7, End: 12, Probabilities: []float32{.1, .3, .6}},
	}
	got := newTagScheme([]string{"O", "B-PER", "I-PER"}).spans(text, tokens)
	for i := range got {
		got[i].Score = math.Round(got[i].Score*1e6) / 1e6
	}
	if want := []llm.TagSpan{{Label: "PER", Start: 2, End: 12, Score: .65}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Windows cover all tokens, and each token is used from a window in which it is as far from an
// inner end as in any other.
func TestWindows(t *testing.T) {
	for _, size := range []int{1, 2, 3, 8, 100, 510} {
		for _, n := range []int{0, 1, size - 1, size, size + 1, 2*size - 1, 2 * size, 5*size + 3} {
			all := windows(n, size)
			margin := func(w window, i int) int {
				margin := n
				if w.first > 0 {
					margin = min(margin, i-w.first)
				}
				if w.end < n {
					margin = min(margin, w.end-1-i)
				}
				return margin
			}
			next := 0
			for _, w := range all {
				if w.end-w.first > size || w.from != next || w.from < w.first || w.to > w.end || w.first < 0 {
					t.Fatalf("%d tokens in windows of %d: %+v", n, size, all)
				}
				next = w.to
				for i := w.from; i < w.to; i++ {
					for _, other := range all {
						if i >= other.first && i < other.end && margin(other, i) > margin(w, i) {
							t.Fatalf("%d tokens in windows of %d: token %d is used from %+v instead of %+v", n, size, i, w, other)
						}
					}
				}
			}
			if next != n {
				t.Fatalf("%d tokens in windows of %d: %+v", n, size, all)
			}
			if n > size && len(all) > 2*n/size+2 && size > 3 {
				t.Errorf("%d tokens have %d windows of %d", n, len(all), size)
			}
		}
	}
}

// The lengths equal those of the library tokenizers 0.23.3 with enable_truncation(limit) and the
// strategy longest_first.
func TestCutPair(t *testing.T) {
	for _, c := range [][5]int{ // a, b, limit, and what is left
		{3, 4, 10, 3, 4}, {3, 9, 10, 3, 7}, {9, 3, 10, 7, 3}, {9, 9, 10, 5, 5}, {9, 8, 11, 6, 5}, {8, 9, 11, 5, 6}, {9, 9, 11, 5, 6}, {0, 20, 7, 0, 7}, {20, 6, 11, 6, 5}, {6, 20, 11, 5, 6},
	} {
		if a, b := cutPair(c[0], c[1], c[2]); a != c[3] || b != c[4] {
			t.Errorf("%d and %d tokens with the limit %d: %d, %d, want %d, %d", c[0], c[1], c[2], a, b, c[3], c[4])
		}
	}
}

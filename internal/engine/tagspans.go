package engine

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firesteel/firesteel/llm"
)

// tagScheme is the meaning of a tagger's labels. A label is O, or the kind of a span with a prefix:
// B- begins a span and I- continues it (IOB2); L- or E- ends it, and U- or S- is a span of one token
// (BILOU, BIOES). Labels without a prefix are read as I- (IO).
type tagScheme struct {
	labels []tagLabel
	kinds  []string // kinds of spans; empty if the labels do not mark spans
}

// tagLabel is the meaning of one label.
type tagLabel struct {
	kind   int // index of the kind, or outside
	begins bool
	ends   bool
}

const outside = -1

// newTagScheme reads labels. They mark spans if one has a prefix, or if one is O.
func newTagScheme(labels []string) tagScheme {
	s := tagScheme{labels: make([]tagLabel, len(labels))}
	marks := false
	index := map[string]int{}
	for i, label := range labels {
		l := &s.labels[i]
		if strings.EqualFold(label, "O") {
			l.kind, marks = outside, true
			continue
		}
		kind := label
		if len(label) > 2 && label[1] == '-' && strings.ContainsRune("BILUESM", rune(label[0])) {
			kind, marks = label[2:], true
			l.begins = strings.ContainsRune("BUS", rune(label[0]))
			l.ends = strings.ContainsRune("LEUS", rune(label[0]))
		}
		n, ok := index[kind]
		if !ok {
			n = len(s.kinds)
			index[kind] = n
			s.kinds = append(s.kinds, kind)
		}
		l.kind = n
	}
	if !marks {
		s.kinds = nil
	}
	return s
}

// spans returns the spans of a text. The label of a token is the most probable one. The tokens of a
// word have one kind: if their labels differ in kind, the most probable kind over all of them. A
// label that continues a span of another kind, or none, begins a span.
func (s tagScheme) spans(text string, tokens []llm.TagToken) []llm.TagSpan {
	if len(s.kinds) == 0 {
		return nil
	}
	var spans []llm.TagSpan
	open := false // the last span can be continued
	kind, count := outside, 0
	for first := 0; first < len(tokens); {
		end := first + 1
		for end < len(tokens) && continuesWord(text, tokens[end-1], tokens[end]) {
			end++
		}
		word := tokens[first:end]
		first = end
		if word[0].Start == word[0].End {
			continue // stands for nothing in the text
		}
		wordKind, begins, ends := s.word(word)
		if wordKind == outside {
			open = false
			continue
		}
		if !open || begins || wordKind != kind {
			spans = append(spans, llm.TagSpan{Label: s.kinds[wordKind], Start: word[0].Start})
			kind, count = wordKind, 0
		}
		open = !ends
		span := &spans[len(spans)-1]
		for _, token := range word {
			// The mean of the tokens so far.
			count++
			span.Score += (s.probability(token, kind) - span.Score) / float64(count)
		}
		span.End = word[len(word)-1].End
	}
	for i := range spans {
		spans[i].Start, spans[i].End = trimSpace(text, spans[i].Start, spans[i].End)
	}
	return spans
}

// best returns the most probable label of a token, the first one of equals.
func (s tagScheme) best(token llm.TagToken) tagLabel {
	best := 0
	for i, p := range token.Probabilities {
		if p > token.Probabilities[best] {
			best = i
		}
	}
	return s.labels[best]
}

// word returns the kind of a word, and whether it begins and ends a span.
func (s tagScheme) word(tokens []llm.TagToken) (kind int, begins, ends bool) {
	first := s.best(tokens[0])
	last := s.best(tokens[len(tokens)-1])
	same := true
	for _, token := range tokens[1:] {
		same = same && s.best(token).kind == first.kind
	}
	kind = first.kind
	if !same {
		sums := make([]float64, len(s.kinds)+1) // the last one is outside
		for _, token := range tokens {
			for i, p := range token.Probabilities {
				k := s.labels[i].kind
				if k == outside {
					k = len(s.kinds)
				}
				sums[k] += float64(p)
			}
		}
		kind = 0
		for k, sum := range sums {
			if sum > sums[kind] {
				kind = k
			}
		}
		if kind == len(s.kinds) {
			kind = outside
		}
	}
	return kind, first.begins && first.kind == kind, last.ends && last.kind == kind
}

// probability returns the probability of the token's most probable label of a kind.
func (s tagScheme) probability(token llm.TagToken, kind int) float64 {
	best := float32(0)
	for i, p := range token.Probabilities {
		if s.labels[i].kind == kind {
			best = max(best, p)
		}
	}
	return float64(best)
}

// continuesWord reports whether a token continues the word of the token before it: nothing is
// between them, and letters or digits are on both sides. In scripts without spaces each token is a
// word.
func continuesWord(text string, before, token llm.TagToken) bool {
	if token.Start > before.End || token.Start == token.End || before.Start == before.End {
		return false
	}
	a, _ := utf8.DecodeLastRuneInString(text[:before.End])
	b, _ := utf8.DecodeRuneInString(text[token.Start:])
	return inWord(a) && inWord(b)
}

func inWord(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)) &&
		!unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan)
}

// trimSpace excludes white space at the ends of text[start:end].
func trimSpace(text string, start, end int) (int, int) {
	part := text[start:end]
	trimmed := strings.TrimLeftFunc(part, unicode.IsSpace)
	start += len(part) - len(trimmed)
	return start, start + len(strings.TrimRightFunc(trimmed, unicode.IsSpace))
}

package entity

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firesteel/firesteel/llm"
)

// Span is the thing text[Start:End], in bytes.
type Span struct {
	Start, End int
	Kind       Kind    // one of those that were asked for
	Score      float64 // the mean probability of the kind over the words; 1 for a country of the list
}

// Tagger reads the probabilities of the labels of a tagger.
type Tagger struct{ kinds []Kind } // by label

// NewTagger returns the Tagger of a model with the given labels.
func NewTagger(labels []string) *Tagger {
	t := &Tagger{make([]Kind, len(labels))}
	for i, l := range labels {
		t.kinds[i] = kindOfTag(l)
	}
	return t
}

// Has reports whether the tagger knows a kind or a part of it. A tagger with a wider label knows a
// part of a place: it finds cities as places. Countries are known to every tagger, from a list.
func (t *Tagger) Has(k Kind) bool { return k == Country || t.labelled(k) != 0 }

// labelled returns the kind whose labels stand for k: k itself or a wider kind, or 0.
func (t *Tagger) labelled(k Kind) Kind {
	if slices.ContainsFunc(t.kinds, k.has) {
		return k
	}
	if w := k.wider(); w == Place && slices.Contains(t.kinds, Place) {
		return Place
	}
	return 0
}

// Thresholds of the mean probability of the tokens of a word. They were chosen on presidio-synth
// small, WNUT17 dev and the Amazon sentences of uci-sentiment.
const (
	ordinary = 0.5
	// A word in lower case in a text with capitals is rarely a name.
	lowerCase = 0.9
	// The first word of a sentence always has a capital, and words in capitals are often acronyms.
	firstWord = 0.6
	// A word after a title such as "Dr." is a name.
	afterTitle = 0.1
	// A word next to a name is a part of it.
	besideName  = 0.3
	besideLower = 0.8
	inAddress   = 0.3
)

// word is a word of the text with the probabilities of kinds.
type word struct {
	start, end int
	p          [numKinds]float32
	text       string
	lower      string
	taken      bool
}

// Find returns the things of the given kinds in a text, for each kind in the order of the text. tokens
// are those of a Tagging of the text. Spans of different kinds can overlap. No span includes a word of
// taken, which are known to be something else, in the order of the text.
func (t *Tagger) Find(text string, tokens []llm.TagToken, kinds []Kind, taken []Span) []Span {
	f := &finder{t, text, t.words(text, tokens), hasCapitals(text)}
	for i := range f.words {
		w := &f.words[i]
		for len(taken) > 0 && taken[0].End <= w.start {
			taken = taken[1:]
		}
		if len(taken) > 0 && taken[0].Start < w.end {
			w.taken, w.p = true, [numKinds]float32{}
		}
	}
	var spans []Span
	for _, k := range kinds {
		switch {
		case Person.has(k):
			spans = append(spans, f.persons(k)...)
		case Place.has(k):
			spans = append(spans, f.places(k)...)
		case Address.has(k):
			spans = append(spans, f.addresses(k)...)
		default:
			spans = append(spans, f.others(k)...)
		}
	}
	return spans
}

type finder struct {
	*Tagger
	text  string
	words []word
	cased bool // the text uses capitals
}

// words divides a text into words. A word is letters, marks and digits, also with an apostrophe, a
// hyphen, a dot or a slash between them, without a possessive s.
func (t *Tagger) words(text string, tokens []llm.TagToken) []word {
	var all []word
	next := 0 // the first token that may overlap the word
	for at := 0; at < len(text); {
		r, n := utf8.DecodeRuneInString(text[at:])
		if !inWord(r) && !(r == '#' && at+n < len(text)) {
			at += n
			continue
		}
		start := at
		for at < len(text) {
			r, n := utf8.DecodeRuneInString(text[at:])
			if !inWord(r) && at > start {
				after, _ := utf8.DecodeRuneInString(text[at+n:])
				if !strings.ContainsRune("'’-", r) || !inWord(after) {
					break
				}
			}
			at += n
		}
		end := at
		for _, s := range []string{"'s", "’s", "'S", "’S"} {
			if rest, ok := strings.CutSuffix(text[start:end], s); ok && rest != "" {
				end = start + len(rest)
			}
		}
		w := word{start: start, end: end, text: text[start:end], lower: strings.ToLower(text[start:end])}
		for next < len(tokens) && tokens[next].End <= start {
			next++
		}
		count := float32(0)
		for i := next; i < len(tokens) && tokens[i].Start < end; i++ {
			if len(tokens[i].Probabilities) != len(t.kinds) {
				continue
			}
			count++
			for label, p := range tokens[i].Probabilities {
				w.p[t.kinds[label]] += p
			}
		}
		if count > 0 {
			for k := range w.p {
				w.p[k] /= count
			}
			w.p[0] = 0
		}
		all = append(all, w)
	}
	return all
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || unicode.IsNumber(r) || r == '_'
}

// probability returns the probability that word i is of a kind.
func (f *finder) probability(i int, k Kind) (p float32) {
	for other := Kind(1); other < numKinds; other++ {
		if k.has(other) {
			p += f.words[i].p[other]
		}
	}
	return p
}

// hasCapitals reports whether a text writes names in capitals: it has a word with a capital before
// small letters.
func hasCapitals(text string) bool {
	first := false // a capital begins the word
	previous := ' '
	for _, r := range text {
		switch {
		case unicode.IsUpper(r):
			first = !inWord(previous)
		case unicode.IsLower(r):
			if first {
				return true
			}
		default:
			first = first && inWord(r)
		}
		previous = r
	}
	return false
}

// beginsSentence reports whether word i begins a sentence or a line.
func (f *finder) beginsSentence(i int) bool {
	before := f.text[:f.words[i].start]
	trimmed := strings.TrimRightFunc(before, unicode.IsSpace)
	return trimmed == "" || strings.ContainsRune(before[len(trimmed):], '\n') || strings.ContainsRune(".!?:;\"", rune(trimmed[len(trimmed)-1]))
}

// gap returns the text between word i and the next one, or before word 0.
func (f *finder) gap(i int) string {
	if i+1 >= len(f.words) {
		return ""
	}
	return f.text[f.words[i].end:f.words[i+1].start]
}

// isBlankGap reports whether a gap is white space within a line, or a dot that ends an abbreviation.
func isBlankGap(gap string) bool {
	rest := strings.TrimPrefix(gap, ".")
	return gap != "" && strings.Trim(rest, " \t\u00a0") == ""
}

// threshold returns the probability that a word needs to be a name by itself.
func (f *finder) threshold(i int) float32 {
	w := &f.words[i]
	first, _ := utf8.DecodeRuneInString(w.text)
	switch {
	case !f.cased:
		return ordinary
	case unicode.IsLower(first):
		return lowerCase
	case f.beginsSentence(i), len(w.text) > 1 && w.text == strings.ToUpper(w.text) && w.text != w.lower:
		return firstWord
	}
	return ordinary
}

// mean returns the mean probability of kinds over words.
func (f *finder) mean(from, to int, k Kind) float64 {
	sum := float32(0)
	for i := from; i <= to; i++ {
		sum += f.probability(i, k)
	}
	return float64(sum) / float64(to-from+1)
}

// joinBeside marks the words beside marked ones that are a part of the same name.
func (f *finder) joinBeside(marked []bool, k Kind, never func(i int) bool) {
	for i := range f.words {
		p := f.probability(i, k)
		first, _ := utf8.DecodeRuneInString(f.words[i].text)
		if marked[i] || p < besideName || p < besideLower && f.cased && unicode.IsLower(first) || never(i) {
			continue
		}
		marked[i] = i > 0 && marked[i-1] && f.sameName(i-1) || i+1 < len(marked) && marked[i+1] && f.sameName(i)
	}
}

// sameName reports whether word i and the next one can be one name: they are on one line and in one
// script.
func (f *finder) sameName(i int) bool {
	return isBlankGap(f.gap(i)) && scriptOf(f.words[i].text) == scriptOf(f.words[i+1].text)
}

// scriptOf returns a number of the script of the first letter of a word.
func scriptOf(word string) int {
	r, _ := utf8.DecodeRuneInString(word)
	for i, table := range []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew, unicode.Arabic, unicode.Han} {
		if unicode.Is(table, r) {
			return i + 1
		}
	}
	return 0
}

// runs calls yield for each run of marked words, with its first and last word. joined reports whether
// word i and the next one can be in one run.
func (f *finder) runs(marked []bool, joined func(i int) bool, yield func(from, to int)) {
	for i := 0; i < len(marked); i++ {
		if !marked[i] {
			continue
		}
		from := i
		for i+1 < len(marked) && marked[i+1] && joined(i) {
			i++
		}
		yield(from, i)
	}
}

// others returns the things of a kind without rules of its own. Numbers of documents and accounts
// have a digit.
func (f *finder) others(k Kind) (spans []Span) {
	number := k >= Passport
	marked := make([]bool, len(f.words))
	for i := range f.words {
		least := float32(ordinary)
		if !number {
			least = f.threshold(i)
		}
		marked[i] = f.probability(i, k) >= least
	}
	joined := f.sameName
	if number {
		joined = func(i int) bool { return len(f.gap(i)) <= 3 && strings.Trim(f.gap(i), " -./") == "" }
	}
	f.runs(marked, joined, func(from, to int) {
		start, end := f.words[from].start, f.words[to].end
		if !number || strings.ContainsFunc(f.text[start:end], unicode.IsDigit) {
			spans = append(spans, Span{start, end, k, f.mean(from, to, k)})
		}
	})
	return spans
}

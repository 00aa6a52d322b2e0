package ai

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firesteel/firesteel/llm"
)

// A tagger of edits corrects a text word by word: its labels are edits, as in GECToR (Omelianchuk et
// al. 2020), and the label of the first token of a word is its edit. The labels are
//
//	$KEEP                   no edit
//	$DELETE                 the word is left out
//	$REPLACE_x              x replaces the word
//	$APPEND_x               x follows the word
//	$CASE_CAPITAL, $CASE_LOWER, $CASE_UPPER, also as $TRANSFORM_CASE_...
//	$TRANSFORM_AGREEMENT_PLURAL, $TRANSFORM_AGREEMENT_SINGULAR: an s is added or removed
//	$TRANSFORM_SPLIT_HYPHEN, $MERGE_HYPHEN, $MERGE_SPACE: a hyphen or space is replaced
//
// Other labels, such as the forms of verbs in GECToR, which need a dictionary, are no edits.
const keepEdit = "$KEEP"

const (
	// minEdit is the least probability of an edit. quire-grammar, whose tagger is
	// gector-distilbert, chose it on clean prose.
	minEdit = 0.9
	// editWindow is the most words that a tagger reads at once. A window ends with a sentence if
	// one ends in its last editLookBack words.
	editWindow, editLookBack = 60, 25
	// editRounds is the most times that a text is read: again if it was changed.
	editRounds = 3
)

// editsOf returns an error if m is not a tagger of edits.
func editsOf(m llm.Model) error {
	if info := m.Info(); !slices.Contains(info.Labels, keepEdit) {
		return fmt.Errorf("%w: the labels of %s are not edits such as %s and $DELETE; use a tagger such as gector-distilbert", llm.ErrModel, info.Name, keepEdit)
	}
	return nil
}

// editWord matches the words that a tagger of edits reads: numbers, words with apostrophes, and
// marks. It is that of quire-grammar, with the letters of all scripts.
var editWord = regexp.MustCompile(`\d+(?:,\d{3})*(?:\.\d+)?|[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*|\.\.\.|[.!?]+|--+|[-–—]|[^\s\pL\pM\pN_]`)

// words returns the words of a text as spans.
func editWords(text string) []span {
	var all []span
	for _, at := range editWord.FindAllStringIndex(text, -1) {
		all = append(all, span{at[0], at[1]})
	}
	return all
}

// editWindows returns the number of words of each window.
func editWindows(text string, words []span) []int {
	var sizes []int
	for len(words) > 0 {
		n := min(editWindow, len(words))
		if n < len(words) {
			for i := n; i > max(n-editLookBack, 0); i-- {
				if w := text[words[i-1].start:words[i-1].end]; w == "." || w == "!" || w == "?" {
					n = i
					break
				}
			}
		}
		sizes = append(sizes, n)
		words = words[n:]
	}
	return sizes
}

// correctEdits corrects texts with a tagger of edits. A text that changes is read again, because
// some edits show only after others.
func correctEdits(ctx context.Context, m llm.Model, texts []string) ([]string, []error, error) {
	corrected, errs := slices.Clone(texts), make([]error, len(texts))
	again := make([]int, len(texts))
	for i := range again {
		again[i] = i
	}
	for round := 0; round < editRounds && len(again) > 0; round++ {
		read := make([]string, len(again))
		for j, i := range again {
			read[j] = corrected[i]
		}
		fixed, failed, err := correctOnce(ctx, m, read)
		if err != nil {
			return nil, nil, err
		}
		var changed []int
		for j, i := range again {
			if errs[i] = failed[j]; errs[i] == nil && fixed[j] != corrected[i] {
				corrected[i] = fixed[j]
				changed = append(changed, i)
			}
		}
		again = changed
	}
	return corrected, errs, nil
}

// correctOnce applies the edits of one reading.
func correctOnce(ctx context.Context, m llm.Model, texts []string) ([]string, []error, error) {
	type window struct {
		text  int
		words []span // in the text
		at    []int  // offset of each word in what the tagger reads
	}
	var windows []window
	var read []string
	for i, text := range texts {
		words := editWords(text)
		for _, n := range editWindows(text, words) {
			w := window{text: i, words: words[:n]}
			var b strings.Builder
			for j, word := range w.words {
				if j > 0 {
					b.WriteByte(' ')
				}
				w.at = append(w.at, b.Len())
				b.WriteString(text[word.start:word.end])
			}
			read = append(read, b.String())
			windows = append(windows, w)
			words = words[n:]
		}
	}
	taggings, err := m.Tag(ctx, read)
	if err != nil {
		return nil, nil, err
	}
	info := m.Info()
	if len(taggings) != len(read) {
		return nil, nil, fmt.Errorf("%w: %s returned %d results for %d texts", llm.ErrModel, info.Name, len(taggings), len(read))
	}
	errs := make([]error, len(texts))
	edits := make([][]edit, len(texts))
	for i, w := range windows {
		if err := taggings[i].Err; err != nil {
			errs[w.text] = err
			continue
		}
		edits[w.text] = append(edits[w.text], bestEdits(info.Labels, taggings[i].Tokens, w.words, w.at)...)
	}
	corrected := make([]string, len(texts))
	for i, text := range texts {
		corrected[i] = applyEdits(text, edits[i])
	}
	return corrected, errs, nil
}

// edit is a label of a word.
type edit struct {
	word  span
	label string
}

// bestEdits returns the edits of words. at holds their offsets in the text of tokens. The first token
// of a word has its label; a word without a token is kept.
func bestEdits(labels []string, tokens []llm.TagToken, words []span, at []int) []edit {
	var all []edit
	next := 0
	for i, word := range words {
		for next < len(tokens) && tokens[next].Start < at[i] {
			next++
		}
		if next == len(tokens) || tokens[next].Start >= at[i]+word.end-word.start {
			continue
		}
		p := tokens[next].Probabilities
		best := 0
		for j := range p {
			if p[j] > p[best] {
				best = j
			}
		}
		if best < len(p) && best < len(labels) && p[best] >= minEdit && labels[best] != keepEdit {
			all = append(all, edit{word, labels[best]})
		}
	}
	return all
}

// applyEdits returns the text with its edits, which are in the order of the text. All other bytes
// stay.
func applyEdits(text string, edits []edit) string {
	var b strings.Builder
	done := 0
	for _, e := range edits {
		s, with := e.apply(text)
		s.start = max(s.start, done) // an earlier edit may have removed a space
		b.WriteString(text[done:s.start])
		b.WriteString(with)
		done = s.end
	}
	return b.String() + text[done:]
}

// apply returns the part of the text that an edit replaces, and what replaces it.
func (e edit) apply(text string) (span, string) {
	s := e.word
	word := text[s.start:s.end]
	spaces := func(at int) int { return at + len(text[at:]) - len(strings.TrimLeft(text[at:], " ")) }
	value := func(prefix string) (string, bool) {
		v, ok := strings.CutPrefix(e.label, prefix)
		return v, ok && v != ""
	}
	if x, ok := value("$REPLACE_"); ok {
		return s, x
	}
	if x, ok := value("$APPEND_"); ok {
		if r, _ := utf8.DecodeRuneInString(x); unicode.IsLetter(r) || unicode.IsDigit(r) {
			x = " " + x
		}
		return s, word + x
	}
	switch strings.Replace(e.label, "$TRANSFORM_CASE_", "$CASE_", 1) {
	case "$DELETE":
		end := spaces(s.end)
		if end == s.end { // the space before goes instead
			s.start = len(strings.TrimRight(text[:s.start], " "))
		}
		return span{s.start, end}, ""
	case "$CASE_CAPITAL":
		return s, capitalized(word)
	case "$CASE_LOWER":
		return s, strings.ToLower(word)
	case "$CASE_UPPER":
		return s, strings.ToUpper(word)
	case "$TRANSFORM_AGREEMENT_PLURAL":
		return s, word + "s"
	case "$TRANSFORM_AGREEMENT_SINGULAR":
		return s, strings.TrimSuffix(word, "s")
	case "$TRANSFORM_SPLIT_HYPHEN":
		return s, strings.ReplaceAll(word, "-", " ")
	case "$MERGE_SPACE":
		return span{s.start, spaces(s.end)}, word
	case "$MERGE_HYPHEN":
		return span{s.start, spaces(s.end)}, word + "-"
	}
	return s, word
}

// capitalized returns a word with a capital letter and small letters after it.
func capitalized(word string) string {
	r, n := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(r)) + strings.ToLower(word[n:])
}

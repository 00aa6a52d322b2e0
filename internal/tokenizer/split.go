package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A splitRule cuts text into words, front to back, and gives those that are
// not empty. No token crosses words. first says that nothing of the whole text
// stands before this part. Bytes that are no UTF-8 count as punctuation.
type splitRule func(text string, first bool, yield func(word string))

// chain splits by rules, one after the other.
func chain(rules ...splitRule) splitRule {
	if len(rules) == 1 {
		return rules[0]
	}
	head, rest := rules[0], chain(rules[1:]...)
	return func(text string, first bool, yield func(string)) {
		head(text, first, func(word string) {
			rest(word, first, yield)
			first = false
		})
	}
}

// An expression is a family of the regular expressions that models split by,
// which all have this form, but for what is in braces:
//
//	's|'t|'re|'ve|'m|'ll|'d | {lead}?\p{L}+ | {numbers} | ?[^\s\p{L}\p{N}]+{ends} | {lines} | \s+(?!\S) | \s+
type expression struct {
	anyCase bool // contractions in capitals too
	anyLead bool // lead is [^\r\n\p{L}\p{N}], not a space
	digits  int  // numbers are \p{N}{1,digits}; 0: ` ?\p{N}+`
	ends    bool // ends is [\r\n]*, and lines \s*[\r\n]+; else nothing
}

var (
	gpt2   = expression{}
	llama3 = expression{true, true, 3, true}
	qwen2  = expression{true, true, 1, true}
)

const (
	gpt2Text   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	llama3Text = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwen2Text  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// expressions by their text in a tokenizer.json.
var expressions = map[string]splitRule{
	gpt2Text:   gpt2.split,
	llama3Text: llama3.split,
	qwen2Text:  qwen2.split,
}

// pres are the rules by their names in tokenizer.ggml.pre.
var pres = func() map[string]splitRule {
	digits := chain(splitNumbers(true), gpt2.split)
	rules := map[string]splitRule{
		"default": chain(splitRuns(isMark), gpt2.split, splitNumbers(false), splitTriples),
	}
	for _, name := range []string{"gpt-2", "mpt", "olmo", "phi-2"} {
		rules[name] = gpt2.split
	}
	for _, name := range []string{"llama-bpe", "llama3", "llama-v3"} {
		rules[name] = llama3.split
	}
	for _, name := range []string{"qwen2", "deepseek-r1-qwen", "stablelm2"} {
		rules[name] = qwen2.split
	}
	for _, name := range []string{"smollm", "starcoder", "refact", "command-r", "codeshell"} {
		rules[name] = digits
	}
	return rules
}()

// Pres lists the names of rules that are supported.
func Pres() []string {
	var names []string
	for name := range pres {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (e expression) split(text string, _ bool, yield func(string)) {
	for text != "" {
		n := e.word(text)
		yield(text[:n])
		text = text[n:]
	}
}

type class int

const (
	space class = iota
	letter
	number
	other
)

func classOf(r rune) class {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// word gives the length of the first word of a text that is not empty.
func (e expression) word(text string) int {
	if text[0] == '\'' {
		if n := e.contraction(text); n > 0 {
			return n
		}
	}
	r, size := utf8.DecodeRuneInString(text)
	own := classOf(r)
	next := space
	if size < len(text) {
		following, _ := utf8.DecodeRuneInString(text[size:])
		next = classOf(following)
	}
	spaced := r == ' ' && next != space // the space joins what follows
	switch {
	case own == letter:
		return run(text, 0, letter)
	case next == letter && (r == ' ' || e.anyLead && own != number && r != '\r' && r != '\n'):
		return run(text, size, letter)
	case own == number && e.digits > 0:
		end := size
		for range e.digits - 1 {
			following, n := utf8.DecodeRuneInString(text[end:])
			if n == 0 || !unicode.IsNumber(following) {
				break
			}
			end += n
		}
		return end
	case own == number:
		return run(text, 0, number)
	case spaced && next == number && e.digits == 0:
		return run(text, size, number)
	case own == other || spaced && next == other:
		end := run(text, size, other)
		for e.ends && end < len(text) && (text[end] == '\r' || text[end] == '\n') {
			end++
		}
		return end
	}
	end := run(text, 0, space)
	if e.ends {
		if line := strings.LastIndexAny(text[:end], "\r\n"); line >= 0 {
			return line + 1
		}
	}
	if _, last := utf8.DecodeLastRuneInString(text[:end]); end < len(text) && last < end {
		return end - last // leave one to the word that follows
	}
	return end
}

// contraction gives the length of 's, 't, 're, 've, 'm, 'll or 'd at the
// beginning of text, or 0.
func (e expression) contraction(text string) int {
	lower := func(i int) byte {
		if i >= len(text) {
			return 0
		}
		if c := text[i]; e.anyCase && 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return text[i]
	}
	switch c := lower(1); {
	case c == 's', c == 't', c == 'm', c == 'd':
		return 2
	case (c == 'r' || c == 'v') && lower(2) == 'e', c == 'l' && lower(2) == 'l':
		return 3
	case e.anyCase && strings.HasPrefix(text[1:], "ſ"): // of which S is the capital
		return 1 + len("ſ")
	}
	return 0
}

// run gives the end of the characters of one class that begin at start.
func run(text string, start int, c class) int {
	for start < len(text) {
		r, n := utf8.DecodeRuneInString(text[start:])
		if classOf(r) != c {
			break
		}
		start += n
	}
	return start
}

// splitRuns sets runs of characters that are in a set apart from the others.
func splitRuns(in func(rune) bool) splitRule {
	return func(text string, _ bool, yield func(string)) {
		for text != "" {
			first, end := utf8.DecodeRuneInString(text)
			for end < len(text) {
				r, n := utf8.DecodeRuneInString(text[end:])
				if in(r) != in(first) {
					break
				}
				end += n
			}
			yield(text[:end])
			text = text[end:]
		}
	}
}

// splitNumbers sets numerals apart, each one or runs of them.
func splitNumbers(each bool) splitRule {
	if !each {
		return splitRuns(unicode.IsNumber)
	}
	return func(text string, _ bool, yield func(string)) {
		for text != "" {
			n := strings.IndexFunc(text, unicode.IsNumber)
			if n < 0 {
				n = len(text)
			}
			if n == 0 {
				_, n = utf8.DecodeRuneInString(text)
			}
			yield(text[:n])
			text = text[n:]
		}
	}
}

// splitTriples sets apart [0-9][0-9][0-9].
func splitTriples(text string, _ bool, yield func(string)) {
	isDigit := func(i int) bool { return '0' <= text[i] && text[i] <= '9' }
	start := 0
	for i := 0; i+3 <= len(text); {
		if !isDigit(i) || !isDigit(i+1) || !isDigit(i+2) {
			i++
			continue
		}
		if start < i {
			yield(text[start:i])
		}
		yield(text[i : i+3])
		i += 3
		start = i
	}
	if start < len(text) {
		yield(text[start:])
	}
}

// isMark tells whether a character is in [\p{P}$+<=>^~|].
func isMark(r rune) bool { return unicode.IsPunct(r) || strings.ContainsRune("$+<=>^~|", r) }

// splitSpaces leaves out white space.
func splitSpaces(text string, _ bool, yield func(string)) {
	for word := range strings.FieldsSeq(text) {
		yield(word)
	}
}

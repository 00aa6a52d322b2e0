package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitRule splits text into words from left to right and yields the words that are not empty. A
// token does not cross words. first reports that text is at the beginning of the whole text.
// Invalid UTF-8 counts as punctuation.
type splitRule func(text aligned, first bool, yield func(word aligned))

// chain applies rules one after the other.
func chain(rules ...splitRule) splitRule {
	if len(rules) == 1 {
		return rules[0]
	}
	head, rest := rules[0], chain(rules[1:]...)
	return func(text aligned, first bool, yield func(aligned)) {
		head(text, first, func(word aligned) {
			rest(word, first, yield)
			first = false
		})
	}
}

// expression is a family of the regular expressions that models use to split text. All have this
// form, where the parts in braces vary:
//
//	's|'t|'re|'ve|'m|'ll|'d | {lead}?\p{L}+ | {numbers} | ?[^\s\p{L}\p{N}]+{ends} | {lines} | \s+(?!\S) | \s+
type expression struct {
	anyCase bool // contractions match capitals
	anyLead bool // lead is [^\r\n\p{L}\p{N}] instead of a space
	digits  int  // numbers is \p{N}{1,digits}; for 0 it is ` ?\p{N}+`
	ends    bool // ends is [\r\n]* and lines is \s*[\r\n]+; otherwise both are empty
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

// expressions are the supported regular expressions of a tokenizer.json.
var expressions = map[string]splitRule{
	gpt2Text:   gpt2.split,
	llama3Text: llama3.split,
	qwen2Text:  qwen2.split,
}

// preTokenizers are the rules by their names in tokenizer.ggml.pre.
var preTokenizers = func() map[string]splitRule {
	digits := chain(splitNumbers(true), gpt2.split)
	rules := map[string]splitRule{
		"default": chain(splitRuns(isPunctuation), gpt2.split, splitNumbers(false), splitTriples),
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

// PreTokenizers returns the sorted names of the supported pre-tokenizers of GGUF files.
func PreTokenizers() []string {
	var names []string
	for name := range preTokenizers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (e expression) split(text aligned, _ bool, yield func(aligned)) {
	for text.s != "" {
		n := e.word(text.s)
		yield(text.slice(0, n))
		text = text.after(n)
	}
}

// class is a class of characters.
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

// word returns the length of the first word of text, which must not be empty.
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
	spaced := r == ' ' && next != space // the space is part of the next word
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
		return end - last // the last space is part of the next word
	}
	return end
}

// contraction returns the length of 's, 't, 're, 've, 'm, 'll or 'd at the beginning of text, or 0.
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
	case e.anyCase && strings.HasPrefix(text[1:], "ſ"): // its capital is S
		return 1 + len("ſ")
	}
	return 0
}

// run returns the end of the run of characters of class c that begins at start.
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

// splitRuns splits between characters that are in a set and characters that are not.
func splitRuns(in func(rune) bool) splitRule {
	return func(text aligned, _ bool, yield func(aligned)) {
		for text.s != "" {
			first, end := utf8.DecodeRuneInString(text.s)
			for end < len(text.s) {
				r, n := utf8.DecodeRuneInString(text.s[end:])
				if in(r) != in(first) {
					break
				}
				end += n
			}
			yield(text.slice(0, end))
			text = text.after(end)
		}
	}
}

// splitNumbers makes each numeral a word, or each run of numerals if each is false.
func splitNumbers(each bool) splitRule {
	if !each {
		return splitRuns(unicode.IsNumber)
	}
	return splitEach(unicode.IsNumber)
}

// splitEach makes each character of a set a word.
func splitEach(in func(rune) bool) splitRule {
	return func(text aligned, _ bool, yield func(aligned)) {
		for text.s != "" {
			n := strings.IndexFunc(text.s, in)
			if n < 0 {
				n = len(text.s)
			}
			if n == 0 {
				_, n = utf8.DecodeRuneInString(text.s)
			}
			yield(text.slice(0, n))
			text = text.after(n)
		}
	}
}

// splitTriples makes each match of [0-9][0-9][0-9] a word.
func splitTriples(text aligned, _ bool, yield func(aligned)) {
	isDigit := func(i int) bool { return '0' <= text.s[i] && text.s[i] <= '9' }
	start := 0
	for i := 0; i+3 <= len(text.s); {
		if !isDigit(i) || !isDigit(i+1) || !isDigit(i+2) {
			i++
			continue
		}
		if start < i {
			yield(text.slice(start, i))
		}
		yield(text.slice(i, i+3))
		i += 3
		start = i
	}
	if start < len(text.s) {
		yield(text.after(start))
	}
}

// isPunctuation reports whether [\p{P}$+<=>^~|] matches r.
func isPunctuation(r rune) bool { return unicode.IsPunct(r) || strings.ContainsRune("$+<=>^~|", r) }

// splitSpaces splits at white space and removes it.
func splitSpaces(text aligned, _ bool, yield func(aligned)) {
	for {
		start := strings.IndexFunc(text.s, isNotSpace)
		if start < 0 {
			return
		}
		text = text.after(start)
		end := strings.IndexFunc(text.s, unicode.IsSpace)
		if end < 0 {
			yield(text)
			return
		}
		yield(text.slice(0, end))
		text = text.after(end)
	}
}

func isNotSpace(r rune) bool { return !unicode.IsSpace(r) }

// splitWords is `\w+|[^\w\s]+`: runs of word characters and runs of other characters. It removes
// white space.
func splitWords(text aligned, first bool, yield func(aligned)) {
	splitSpaces(text, first, func(word aligned) { splitRuns(isWord)(word, first, yield) })
}

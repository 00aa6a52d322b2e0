package ai

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// capitals matches names in scripts with upper and lower case: words that start
// with a capital, and lower-case words that join them. A dot is part of a word
// only after at most three letters, because otherwise it ends the sentence.
var capitals = func() *regexp.Regexp {
	const word = `(?:\p{Lu}[\p{L}\p{M}]{0,2}\.|\p{Lu}[\p{L}\p{M}\p{Nd}'’-]*)`
	return regexp.MustCompile(word + `(?: +(?:(?:de|van|von|der|den|la|da|al|bin|ben|del|di|dos|el|of|the|and|y) +)*` + word + `)*`)
}()

// namesIn returns the candidates for names in a text of one line, each once.
func namesIn(flat string) []string {
	var all []string
	seen := map[string]bool{}
	add := func(name string) {
		for { // remove common words: "Dear Ann" becomes "Ann"
			name = trimName(name)
			first, rest, more := strings.Cut(name, " ")
			if !more || !commonWords[strings.ToLower(strings.TrimSuffix(first, "."))] {
				break
			}
			name = rest
		}
		if utf8.RuneCountInString(name) >= 2 && !seen[name] && !commonWords[strings.ToLower(name)] {
			seen[name] = true
			all = append(all, name)
		}
	}
	for _, at := range capitals.FindAllStringIndex(flat, -1) {
		name := flat[at[0]:at[1]]
		add(name)
		// The first word of a sentence always has a capital: "Call Ann Lee".
		if _, rest, more := strings.Cut(name, " "); more && beginsSentence(flat[:at[0]]) && capitals.MatchString(rest) {
			add(capitals.FindString(rest))
		}
	}
	return all
}

// beginsSentence reports whether a sentence starts after a text.
func beginsSentence(before string) bool {
	before = strings.TrimRightFunc(before, unicode.IsSpace)
	return before == "" || strings.ContainsRune(".!?:;\"", rune(before[len(before)-1]))
}

// trimName removes white space and punctuation around a name, and a possessive s.
func trimName(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsPunct(r) && !strings.ContainsRune("()[]#@&%", r)
	})
	for _, end := range []string{"'s", "’s"} {
		s = strings.TrimSuffix(s, end)
	}
	return s
}

// hasCaseless reports whether a text has letters of scripts without upper and
// lower case. Capitals do not mark names in these scripts.
func hasCaseless(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsLetter(r) && !unicode.IsUpper(r) && !unicode.IsLower(r)
	})
}

// excerpt returns the part of a text of one line around a value: enough to
// identify the value, and short enough to ask about many values.
func excerpt(flat, value string) string {
	at := strings.Index(flat, value)
	if at < 0 {
		return value
	}
	const before, after = 120, 80 // bytes
	from, to := max(0, at-before), min(len(flat), at+len(value)+after)
	if i := strings.IndexByte(flat[from:at], ' '); from > 0 && i >= 0 {
		from += i
	}
	if i := strings.LastIndexByte(flat[at+len(value):to], ' '); to < len(flat) && i >= 0 {
		to = at + len(value) + i
	}
	return strings.ToValidUTF8(strings.TrimSpace(flat[from:to]), "")
}

// commonWords are words that are not names by themselves, although they start a
// sentence or a model returns them.
var commonWords = map[string]bool{}

func init() {
	for _, word := range strings.Fields(`a an the this that these those i i'd i'm i've i'll he she it we you they my his her its our your their me him us them
		and or but so if as at by for from in into of on to up with without about after before over under than then when where who whom whose what which why how
		is am are was were be been being do does did done don't have has had can can't could will won't would shall should may might must not no yes none please thanks
		thank hi hello dear hey just there here now today tomorrow yesterday also only very all any some each every both many much more most other another such same
		because while during since until although though let let's good great best regards sincerely mr mrs ms dr sir madam`) {
		commonWords[word] = true
	}
}

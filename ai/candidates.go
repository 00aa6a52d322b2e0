package ai

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// capitals matches names in scripts with capital letters: words that begin with a
// capital, with the small words between them. A dot belongs to a word of up to three
// letters; after a longer word it ends the sentence.
var capitals = func() *regexp.Regexp {
	const word = `(?:\p{Lu}[\p{L}\p{M}]{0,2}\.|\p{Lu}[\p{L}\p{M}\p{Nd}'’-]*)`
	return regexp.MustCompile(word + `(?: +(?:(?:de|van|von|der|den|la|da|al|bin|ben|del|di|dos|el|of|the|and|y) +)*` + word + `)*`)
}()

// namesIn lists the candidates for names in a text of one line, each once.
func namesIn(flat string) []string {
	var all []string
	seen := map[string]bool{}
	add := func(name string) {
		for { // "Dear Ann" becomes "Ann"
			name = trimName(name)
			first, rest, more := strings.Cut(name, " ")
			if !more || !tooCommon[strings.ToLower(strings.TrimSuffix(first, "."))] {
				break
			}
			name = rest
		}
		if utf8.RuneCountInString(name) >= 2 && !seen[name] && !tooCommon[strings.ToLower(name)] {
			seen[name] = true
			all = append(all, name)
		}
	}
	for _, at := range capitals.FindAllStringIndex(flat, -1) {
		name := flat[at[0]:at[1]]
		add(name)
		// The first word of a sentence always has a capital, as in "Call Ann Lee".
		if _, rest, more := strings.Cut(name, " "); more && beginsSentence(flat[:at[0]]) && capitals.MatchString(rest) {
			add(capitals.FindString(rest))
		}
	}
	return all
}

// beginsSentence reports whether a sentence begins after a text.
func beginsSentence(before string) bool {
	before = strings.TrimRightFunc(before, unicode.IsSpace)
	return before == "" || strings.ContainsRune(".!?:;\"", rune(before[len(before)-1]))
}

// trimName removes spaces and punctuation around a name, and a possessive s.
func trimName(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsPunct(r) && !strings.ContainsRune("()[]#@&%", r)
	})
	for _, end := range []string{"'s", "’s"} {
		s = strings.TrimSuffix(s, end)
	}
	return s
}

// hasCaseless reports whether a text has letters of scripts without capitals, for
// which capitals finds no names.
func hasCaseless(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsLetter(r) && !unicode.IsUpper(r) && !unicode.IsLower(r)
	})
}

// around returns the words around a value in a text of one line, as context for the
// model.
func around(flat, value string) string {
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

// tooCommon lists words that are not names, although they begin sentences or models
// return them.
var tooCommon = map[string]bool{}

func init() {
	for _, word := range strings.Fields(`a an the this that these those i i'd i'm i've i'll he she it we you they my his her its our your their me him us them
		and or but so if as at by for from in into of on to up with without about after before over under than then when where who whom whose what which why how
		is am are was were be been being do does did done don't have has had can can't could will won't would shall should may might must not no yes none please thanks
		thank hi hello dear hey just there here now today tomorrow yesterday also only very all any some each every both many much more most other another such same
		because while during since until although though let let's good great best regards sincerely mr mrs ms dr sir madam`) {
		tooCommon[word] = true
	}
}

package ai

import (
	"strings"
	"unicode"
)

// labelWords returns the words that stand for the labels in prompts: the names as
// a person would write them, so that a model reads "cardPayment" and "card_payment"
// as "card payment". If two labels would read the same, all stand for themselves.
func labelWords(labels []label) []string {
	all := trimmed(labels)
	seen := make(map[string]bool, len(all))
	for i, name := range all {
		all[i] = readable(name)
		if seen[all[i]] {
			return trimmed(labels)
		}
		seen[all[i]] = true
	}
	return all
}

// readable replaces underscores and line ends by spaces. It separates the words of
// names in camel case, but not such as iPhone and PayPal, and writes names in
// capitals with underscores in lower case.
func readable(name string) string {
	given := name
	if strings.Contains(name, "_") {
		if strings.ToUpper(name) == name {
			name = strings.ToLower(name)
		}
		name = strings.ReplaceAll(name, "_", " ")
	} else if !strings.ContainsFunc(name, unicode.IsSpace) {
		if parts := humps(name); len(parts) > 2 || len(parts) == 2 && len(parts[0]) > 1 && unicode.IsLower(rune(parts[0][0])) {
			for i, part := range parts {
				if i > 0 && strings.ToUpper(part) != part {
					parts[i] = strings.ToLower(part)
				}
			}
			name = strings.Join(parts, " ")
		}
	}
	if words := strings.Join(strings.Fields(name), " "); words != "" {
		return words
	}
	return given
}

// humps divides a name before each capital that follows another letter in lower
// case.
func humps(name string) []string {
	var parts []string
	begin, before := 0, ' '
	for i, r := range name {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			parts = append(parts, name[begin:i])
			begin = i
		}
		before = r
	}
	return append(parts, name[begin:])
}

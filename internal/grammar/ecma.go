package grammar

import "strings"

// ecma translates the pattern of a JSON Schema from the syntax of ECMAScript to
// that of RE2. Where the meanings differ, the result matches only what both
// match: \s matches the white space of RE2, while \S, a negated class with \s
// and the dot exclude the white space and line ends of ECMAScript. \uXXXX
// becomes \x{XXXX}.
func ecma(expr string) string {
	const (
		moreSpace = `\v\x{a0}\x{feff}\p{Z}`
		lineEnds  = `\n\r\x{2028}\x{2029}`
	)
	var out strings.Builder
	class, negated := false, false
	for i := 0; i < len(expr); i++ {
		rest := expr[i:]
		switch {
		case strings.HasPrefix(rest, `\u`) && len(rest) >= 6 && isHex(rest[2:6]):
			out.WriteString(`\x{` + rest[2:6] + `}`)
			i += 5
		case strings.HasPrefix(rest, `\S`) && !class:
			out.WriteString(`[^\s` + moreSpace + `]`)
			i++
		case strings.HasPrefix(rest, `\s`) && class && negated:
			out.WriteString(`\s` + moreSpace)
			i++
		case rest[0] == '\\' && len(rest) > 1:
			out.WriteString(rest[:2])
			i++
		case rest[0] == '[' && !class:
			class, negated = true, strings.HasPrefix(rest, "[^")
			out.WriteByte('[')
		case rest[0] == ']' && class:
			class = false
			out.WriteByte(']')
		case rest[0] == '.' && !class:
			out.WriteString(`[^` + lineEnds + `]`)
		default:
			out.WriteByte(rest[0])
		}
	}
	return out.String()
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdefABCDEF") == "" }

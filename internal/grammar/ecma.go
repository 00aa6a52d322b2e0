package grammar

import "strings"

// ecma rewrites a JSON Schema's pattern, which is meant for ECMAScript, for
// RE2's syntax where the two differ: what \S, a class without \s, and the dot
// match is what both leave; \uXXXX is known. The space of \s is RE2's, which is
// less than ECMAScript's.
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

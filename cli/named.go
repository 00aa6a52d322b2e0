package cli

import (
	"regexp"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai"
)

// positional gives the named arguments of AI functions (f(a, name => b)) by
// their places, for Spark 3.5, which takes no names for functions that are
// registered; those left out before them are NULL. What it cannot place stays
// as it is: Spark says what is wrong with it.
func positional(statement string) string {
	var b strings.Builder
	for i := 0; i < len(statement); {
		f, open := functionAt(statement, i)
		if f == nil {
			next := skipLexeme(statement, i)
			b.WriteString(statement[i:next])
			i = next
			continue
		}
		args, end := callArguments(statement, open)
		if end < 0 {
			b.WriteString(statement[i:])
			break
		}
		for k := range args {
			args[k] = positional(args[k])
		}
		b.WriteString(statement[i:open] + "(" + strings.Join(placed(f, args), ",") + ")")
		i = end
	}
	return b.String()
}

// functionAt finds an AI function whose name begins at i, and the place of the
// parenthesis that opens its arguments.
func functionAt(s string, i int) (f *ai.Function, open int) {
	if i > 0 && (isNamePart(s[i-1]) || s[i-1] == '.') {
		return nil, 0
	}
	end := i
	for end < len(s) && isNamePart(s[end]) {
		end++
	}
	f, err := ai.Lookup(strings.ToLower(s[i:end]))
	open = end + len(s[end:]) - len(strings.TrimLeft(s[end:], " \t\r\n"))
	if err != nil || open == len(s) || s[open] != '(' {
		return nil, 0
	}
	return f, open
}

// callArguments gives the texts between the commas of a call, and the place
// after its closing parenthesis, or -1 if there is none.
func callArguments(s string, open int) (args []string, end int) {
	depth, start := 0, open+1
	for i := open; i < len(s); {
		next := skipLexeme(s, i)
		switch s[i] {
		case '(', '[':
			depth++
		case ')', ']':
			if depth--; depth == 0 {
				if s[i] == ']' {
					return nil, -1 // it closes something else
				}
				return append(args, s[start:i]), next
			}
		case ',':
			if depth == 1 {
				args = append(args, s[start:i])
				start = next
			}
		}
		i = next
	}
	return nil, -1
}

var namedArgument = regexp.MustCompile(`^((?:\s|--[^\n]*\n)*)([A-Za-z_]\w*)\s*=>\s*`)

// placed puts named arguments where they belong.
func placed(f *ai.Function, args []string) []string {
	first := slices.IndexFunc(args, namedArgument.MatchString)
	if first < 0 {
		return args
	}
	all := slices.Clone(args[:first])
	for _, a := range args[first:] {
		m := namedArgument.FindStringSubmatch(a)
		if m == nil {
			return args
		}
		at := slices.IndexFunc(f.Params, func(p ai.Param) bool { return strings.EqualFold(p.Name, m[2]) })
		if at < 0 || at < len(all) && all[at] != "" {
			return args
		}
		for len(all) <= at {
			all = append(all, "")
		}
		all[at] = m[1] + a[len(m[0]):]
	}
	for i := range all {
		if all[i] == "" && !f.Params[i].Optional {
			return args
		} else if all[i] == "" {
			all[i] = " NULL"
		}
	}
	return all
}

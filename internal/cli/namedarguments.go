package cli

import (
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqlscript"
)

// positional replaces the named arguments of AI functions, as in f(a, name => b),
// with positional ones, for Spark 3.5, which has no named arguments of registered
// functions. Arguments that are omitted before a named one become NULL. A call
// that cannot be replaced is unchanged, so that Spark reports the error.
func positional(statement string) string {
	var b strings.Builder
	for i := 0; i < len(statement); {
		t := sqlscript.Next(statement, i)
		f, open := functionAt(statement, t)
		if f == nil {
			b.WriteString(statement[i:t.End])
			i = t.End
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

// functionAt returns the AI function that t names, and the index of the
// parenthesis that opens its arguments. It returns nil if t is not a call of an
// AI function.
func functionAt(s string, t sqlscript.Token) (f *ai.Function, open int) {
	if t.Kind != sqlscript.Word || t.Start > 0 && s[t.Start-1] == '.' {
		return nil, 0
	}
	f, err := ai.Lookup(strings.ToLower(s[t.Start:t.End]))
	open = sqlscript.SkipBlanks(s, t.End)
	if err != nil || open == len(s) || s[open] != '(' {
		return nil, 0
	}
	return f, open
}

// callArguments returns the texts between the commas of a call, and the index
// after its closing parenthesis, or -1 if the call is not closed.
func callArguments(s string, open int) (args []string, end int) {
	depth, start := 0, open+1
	for i := open; i < len(s); {
		t := sqlscript.Next(s, i)
		i = t.End
		if t.Kind != sqlscript.Mark {
			continue
		}
		switch s[t.Start] {
		case '(', '[':
			depth++
		case ')', ']':
			if depth--; depth == 0 {
				if s[t.Start] == ']' {
					return nil, -1 // it does not match the opening parenthesis
				}
				return append(args, s[start:t.Start]), t.End
			}
		case ',':
			if depth == 1 {
				args = append(args, s[start:t.Start])
				start = t.End
			}
		}
	}
	return nil, -1
}

// cutName splits name => value. before is the space and the comments before the
// name.
func cutName(arg string) (before, name, value string, named bool) {
	start := sqlscript.SkipBlanks(arg, 0)
	if start == len(arg) {
		return "", "", "", false
	}
	t := sqlscript.Next(arg, start)
	arrow := sqlscript.SkipBlanks(arg, t.End)
	if t.Kind != sqlscript.Word || !strings.HasPrefix(arg[arrow:], "=>") {
		return "", "", "", false
	}
	return arg[:start], arg[start:t.End], strings.TrimLeft(arg[arrow+2:], " \t\r\n"), true
}

// isNamed reports whether arg is name => value.
func isNamed(arg string) bool {
	_, _, _, named := cutName(arg)
	return named
}

// placed returns the arguments in the order of the parameters. If that is not
// possible, it returns args.
func placed(f *ai.Function, args []string) []string {
	first := slices.IndexFunc(args, isNamed)
	if first < 0 {
		return args
	}
	all := slices.Clone(args[:first])
	for _, a := range args[first:] {
		before, name, value, named := cutName(a)
		if !named {
			return args
		}
		at := slices.IndexFunc(f.Params, func(p ai.Param) bool { return strings.EqualFold(p.Name, name) })
		if at < 0 || at < len(all) && all[at] != "" {
			return args
		}
		for len(all) <= at {
			all = append(all, "")
		}
		all[at] = before + value
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

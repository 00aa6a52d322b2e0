package cli

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sqlscript"
	"github.com/firesteel/firesteel/spark"
)

// sqlParam is a value of --param.
type sqlParam struct {
	name  string
	value any
}

var paramName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// readParams reads NAME=VALUE. A whole number, a decimal number, true, false and null are such values; 'text' in quotes and
// all else are text. A number is one only in its usual form: 007 is text.
func readParams(given []string) ([]sqlParam, error) {
	var all []sqlParam
	seen := map[string]bool{}
	for _, g := range given {
		name, text, ok := strings.Cut(g, "=")
		switch {
		case !ok || !paramName.MatchString(name):
			return nil, usagef("--param %s: write NAME=VALUE, where a name has letters, digits and _", g)
		case seen[name]:
			return nil, usagef("--param: %s is given twice", name)
		}
		seen[name] = true
		all = append(all, sqlParam{name, paramValue(text)})
	}
	return all, nil
}

func paramValue(text string) any {
	if n := len(text); n >= 2 && text[0] == '\'' && text[n-1] == '\'' {
		return strings.ReplaceAll(text[1:n-1], "''", "'")
	}
	switch strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
		return n
	}
	if usualNumber.MatchString(text) {
		if d, err := spark.ParseDecimal(text); err == nil {
			return d
		}
	}
	return text
}

var usualNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)\.[0-9]+$`)

// arguments returns the parameters that a statement has, as :name.
func arguments(statement string, params []sqlParam) []any {
	if len(params) == 0 {
		return nil
	}
	used := map[string]bool{}
	for i := 0; i < len(statement); {
		t := sqlscript.Next(statement, i)
		if statement[i:t.End] == ":" && t.End < len(statement) {
			name := sqlscript.Next(statement, t.End)
			used[statement[t.End:name.End]] = true
		}
		i = t.End
	}
	var args []any
	for _, p := range params {
		if used[p.name] {
			args = append(args, spark.Named(p.name, p.value))
		}
	}
	return args
}

// Package sqlcalls finds the calls of AI functions in SQL before Spark parses it.
package sqlcalls

import (
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqlscript"
)

// Find calls visit for each call of an AI function in a statement, a script or an
// expression, with the arguments that are constant texts or lists of texts, and nil
// for others. It also looks into texts that Spark may run as statements (EXECUTE
// IMMEDIATE, and the variables that such a statement may name), and it takes
// IDENTIFIER('name') for a call. It may report calls that Spark does not make.
func Find(text string, visit func(f *ai.Function, fixed ai.Row)) {
	r := reader{text: text}
	dynamic := false // texts may be run as statements
	name := false    // after IDENTIFIER(, which makes a name of a text
	for {
		t, ok := r.next()
		if !ok {
			return
		}
		word := text[t.Start:t.End]
		switch t.Kind {
		case sqlscript.Word, sqlscript.Name:
			dynamic = dynamic || slices.ContainsFunc([]string{"EXECUTE", "DECLARE", "SET"}, func(w string) bool { return strings.EqualFold(word, w) })
			inner := r // the arguments may have calls, too
			if open, ok := inner.next(); !ok || !inner.is(open, "(") {
				break
			}
			if f, err := ai.Lookup(strings.Trim(word, "`")); err == nil {
				visit(f, inner.arguments(f))
			}
		case sqlscript.Text, sqlscript.Dollar:
			inner := strings.Trim(word, `'"$`)
			if f, err := ai.Lookup(inner); err == nil && name {
				visit(f, make(ai.Row, len(f.Params)))
			} else if dynamic {
				Find(inner, visit)
			}
		}
		name = r.is(t, "IDENTIFIER") || name && r.is(t, "(")
	}
}

// Texts returns the elements of a list as []string, or nil if one of them is
// not a fixed text.
func Texts[T any](elements []T, value func(T) any) any {
	texts := make([]string, len(elements))
	for i, e := range elements {
		text, ok := value(e).(string)
		if !ok {
			return nil
		}
		texts[i] = text
	}
	return texts
}

// reader reads the tokens of SQL without white space and comments.
type reader struct {
	text string
	at   int
}

func (r *reader) next() (sqlscript.Token, bool) {
	for r.at < len(r.text) {
		t := sqlscript.Next(r.text, r.at)
		r.at = t.End
		if t.Kind != sqlscript.Space && t.Kind != sqlscript.Comment {
			return t, true
		}
	}
	return sqlscript.Token{}, false
}

func (r *reader) is(t sqlscript.Token, text string) bool {
	return strings.EqualFold(r.text[t.Start:t.End], text)
}

// arguments reads the arguments after the parenthesis of a call. It returns the
// texts and lists of texts, and nil for others.
func (r *reader) arguments(f *ai.Function) ai.Row {
	row := make(ai.Row, len(f.Params))
	for i, tokens := range r.list() {
		param := i
		if len(tokens) > 3 && r.is(tokens[1], "=") && r.is(tokens[2], ">") { // name => value
			param = slices.IndexFunc(f.Params, func(p ai.Param) bool { return r.is(tokens[0], p.Name) })
			tokens = tokens[3:]
		}
		if param >= 0 && param < len(row) {
			row[param] = r.value(tokens)
		}
	}
	return row
}

// list reads up to the closing parenthesis and returns the tokens between commas.
func (r *reader) list() (items [][]sqlscript.Token) {
	var item []sqlscript.Token
	for depth := 0; ; {
		t, ok := r.next()
		switch {
		case !ok, depth == 0 && r.is(t, ")"):
			return append(items, item)
		case depth == 0 && r.is(t, ","):
			items, item = append(items, item), nil
			continue
		case r.is(t, "("):
			depth++
		case r.is(t, ")"):
			depth--
		}
		item = append(item, t)
	}
}

// value returns a text or a list of texts, and nil for other expressions.
func (r *reader) value(tokens []sqlscript.Token) any {
	switch {
	case len(tokens) == 1 && tokens[0].Kind == sqlscript.Text:
		word := r.text[tokens[0].Start:tokens[0].End]
		if quote := word[:1]; !tokens[0].Open && (quote == "'" || quote == `"`) {
			if inner := word[1 : len(word)-1]; !strings.ContainsAny(inner, `\`+quote) {
				return inner
			}
		}
	case len(tokens) > 2 && r.is(tokens[0], "ARRAY") && r.is(tokens[1], "("):
		inner := reader{text: r.text, at: tokens[1].End}
		return Texts(inner.list(), func(tokens []sqlscript.Token) any {
			text, _ := r.value(tokens).(string)
			if text == "" {
				return nil
			}
			return text
		})
	}
	return nil
}

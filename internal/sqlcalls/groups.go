package sqlcalls

import (
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqlscript"
)

// This file lets SQL call functions over groups as aggregates: ai_agg(text, '...') becomes
// ai_agg(collect_list(trim(text)), '...'). Functions of Python workers that are aggregates cannot
// be used beside count(*), so these functions take a list.

// Collect rewrites the calls of functions over groups whose content is not a list. trim changes
// no answer, and makes Spark's analysis fail if the content is a column of lists, so that the client
// then sends the statement as it was written.
func Collect(query string) string {
	var b strings.Builder
	copied := 0
	r := reader{text: query}
	for {
		t, ok := r.next()
		if !ok {
			return b.String() + query[copied:]
		}
		if t.Kind != sqlscript.Word && t.Kind != sqlscript.Name {
			continue
		}
		f, err := ai.Lookup(strings.Trim(query[t.Start:t.End], "`"))
		if err != nil || !f.OverGroups() {
			continue
		}
		call := r
		if open, ok := call.next(); !ok || !call.is(open, "(") {
			continue
		}
		content := call.content(f)
		if len(content) == 0 || call.isList(content) {
			continue
		}
		start, end, closed := content[0].Start, content[len(content)-1].End, call.at
		quantifier := ""
		if first := content[0]; len(content) > 1 && (call.is(first, "DISTINCT") || call.is(first, "ALL")) {
			quantifier, content = query[first.Start:first.End]+" ", content[1:]
		}
		clauses := call.clauses()
		b.WriteString(query[copied:start] + "collect_list(" + quantifier + "trim(" + query[content[0].Start:end] + "))" + clauses + query[end:closed])
		copied, r.at = call.at, call.at
	}
}

// content reads the arguments of a call up to the closing parenthesis, and returns the tokens of
// the list of texts.
func (r *reader) content(f *ai.Function) (content []sqlscript.Token) {
	for i, tokens := range r.list() {
		if len(tokens) > 3 && r.is(tokens[1], "=") && r.is(tokens[2], ">") { // name => value
			if r.is(tokens[0], f.Params[0].Name) {
				content = tokens[3:]
			}
		} else if i == 0 {
			content = tokens
		}
	}
	return content
}

// listFunctions are functions of Spark that return lists.
var listFunctions = []string{
	"array", "array_agg", "array_compact", "array_distinct", "array_except", "array_intersect", "array_remove", "array_sort", "array_union",
	"collect_list", "collect_set", "filter", "flatten", "from_json", "map_keys", "map_values", "slice", "sort_array", "split", "transform",
}

// isList reports whether an expression is a call of a function that returns a list, or NULL.
func (r *reader) isList(tokens []sqlscript.Token) bool {
	name := strings.ToLower(strings.Trim(r.text[tokens[0].Start:tokens[0].End], "`"))
	if len(tokens) == 1 {
		return name == "null"
	}
	return r.is(tokens[1], "(") && slices.Contains(listFunctions, name)
}

// clauses reads the FILTER and OVER clauses after a call, and returns them with a space before
// them.
func (r *reader) clauses() string {
	start := r.at
	for {
		ahead := *r
		word, ok := ahead.next()
		if !ok || !ahead.is(word, "FILTER") && !ahead.is(word, "OVER") {
			break
		}
		next, ok := ahead.next()
		switch {
		case ok && ahead.is(next, "("):
			ahead.list()
		case !ok || ahead.is(word, "FILTER") || next.Kind != sqlscript.Word && next.Kind != sqlscript.Name:
			return r.text[start:r.at]
		}
		*r = ahead
	}
	return r.text[start:r.at]
}

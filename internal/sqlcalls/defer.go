package sqlcalls

import (
	"cmp"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqlscript"
)

// Defer rewrites the calls of a statement in OR, CASE, IF and coalesce, where Spark evaluates them
// for all rows, so that their content is NULL where the rest of the expression decides its value: a
// OR ai_filter(t, p) becomes a OR ai_filter(IF(coalesce(a, false), NULL, t), p). No model is asked
// about NULL. The value of the expression is the same, also where a is NULL. It also keeps calls above
// joins (see joins). The result is the
// statement itself if it has no such call. It may be one that Spark does not analyse, so the client
// then sends the statement as it was written.
func Defer(query string) string {
	r := reader{text: query}
	d := deferrer{reader: &r, guards: map[int][]string{}}
	var tokens []sqlscript.Token
	for t, ok := r.next(); ok; t, ok = r.next() {
		tokens = append(tokens, t)
	}
	nodes, _ := d.tree(tokens, "")
	d.sequence(nodes)
	d.joins(nodes)
	if len(d.calls) == 0 {
		return query
	}
	slices.SortFunc(d.calls, func(a, b contentOf) int { return cmp.Compare(a.start, b.start) })
	var b strings.Builder
	at := 0
	for _, c := range d.calls {
		if c.start < at {
			continue // in the content of another call, which is NULL with it
		}
		b.WriteString(query[at:c.start] + "IF(" + strings.Join(d.guards[c.start], " OR ") + ", NULL, " + query[c.start:c.end] + ")")
		at = c.end
	}
	return b.String() + query[at:]
}

type deferrer struct {
	*reader
	calls  []contentOf      // those with guards
	guards map[int][]string // by the start of the content: conditions under which it is not needed
}

// contentOf is the range of the content of a call.
type contentOf struct{ start, end int }

// node is a token, or what is between parentheses, or a CASE with its parts.
type node struct {
	sqlscript.Token
	kids []node
	kind byte // 't', '(' or 'c'
}

// tree reads tokens up to the end of a group: ")" or END, or all if it is empty.
func (d *deferrer) tree(tokens []sqlscript.Token, end string) (nodes []node, rest []sqlscript.Token) {
	for len(tokens) > 0 {
		t := tokens[0]
		tokens = tokens[1:]
		n := node{Token: t, kind: 't'}
		member := len(nodes) > 0 && d.is(nodes[len(nodes)-1].Token, ".") // t.end is a column
		switch {
		case end != "" && d.is(t, end) && !member:
			return append(nodes, n), tokens
		case d.is(t, "("):
			n.kind = '('
			n.kids, tokens = d.tree(tokens, ")")
		case d.is(t, "CASE") && t.Kind == sqlscript.Word && !member:
			n.kind = 'c'
			n.kids, tokens = d.tree(tokens, "END")
		}
		if len(n.kids) > 0 {
			n.End = n.kids[len(n.kids)-1].End
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// boundaries are words that no expression of conditions goes across.
var boundaries = strings.Fields("SELECT DISTINCT ALL FROM WHERE ON HAVING GROUP ORDER SORT CLUSTER DISTRIBUTE BY LIMIT OFFSET UNION EXCEPT INTERSECT MINUS JOIN INNER LEFT RIGHT FULL CROSS SEMI ANTI NATURAL LATERAL AS " +
	"WHEN THEN ELSE END SET VALUES INTO USING QUALIFY WINDOW PARTITION TABLESAMPLE PIVOT ASC DESC")

// sequence finds the conditions in a sequence of nodes, and in the groups in it.
func (d *deferrer) sequence(nodes []node) {
	start := 0
	for i := 0; i <= len(nodes); i++ {
		if i < len(nodes) && !d.boundary(nodes, i) {
			continue
		}
		d.condition(nodes[start:i])
		start = i + 1
	}
	for i, n := range nodes {
		switch {
		case n.kind == 'c':
			d.choice(n.kids)
		case n.kind == '(' && i > 0 && nodes[i-1].Kind == sqlscript.Word:
			d.function(nodes[i-1], n.kids)
		}
		d.sequence(n.kids)
	}
}

func (d *deferrer) boundary(nodes []node, i int) bool {
	n := nodes[i]
	if d.is(n.Token, ",") || d.is(n.Token, ";") || d.is(n.Token, ")") {
		return true
	}
	called := i+1 < len(nodes) && nodes[i+1].kind == '(' && (d.is(n.Token, "LEFT") || d.is(n.Token, "RIGHT"))
	member := i > 0 && d.is(nodes[i-1].Token, ".")
	return n.kind == 't' && n.Kind == sqlscript.Word && !called && !member && slices.Contains(boundaries, strings.ToUpper(d.textOf(nodes[i:i+1])))
}

func (d *deferrer) textOf(nodes []node) string {
	return d.text[nodes[0].Start:nodes[len(nodes)-1].End]
}

// split divides an expression at OR or AND. The AND of BETWEEN does not divide.
func (d *deferrer) split(nodes []node, word string) (parts [][]node) {
	start, between := 0, false
	for i, n := range nodes {
		switch {
		case n.kind != 't' || n.Kind != sqlscript.Word:
		case d.is(n.Token, "BETWEEN"):
			between = true
		case d.is(n.Token, "AND") && between:
			between = false
		case d.is(n.Token, word):
			parts = append(parts, nodes[start:i])
			start = i + 1
		}
	}
	return append(parts, nodes[start:])
}

// condition guards the calls in an expression with OR: by the other operands of the OR, if one of
// them is true, and by those of the AND in the same operand, if one of them is false.
func (d *deferrer) condition(nodes []node) {
	terms := d.split(nodes, "OR")
	if len(terms) < 2 {
		return
	}
	for i, term := range terms {
		d.guard(term, truth(d.plain(without(terms, i)), " OR "))
		factors := d.split(term, "AND")
		for k, factor := range factors {
			if others := d.plain(without(factors, k)); len(others) > 0 {
				d.guard(factor, "NOT coalesce("+strings.Join(others, " AND ")+", true)")
			}
		}
	}
}

// truth is the condition that one of several is true, and empty for none.
func truth(conditions []string, by string) string {
	if len(conditions) == 0 {
		return ""
	}
	return "coalesce(" + strings.Join(conditions, by) + ", false)"
}

func without(parts [][]node, i int) [][]node { return slices.Delete(slices.Clone(parts), i, i+1) }

// choice guards the calls in CASE WHEN a THEN b ... ELSE c END.
func (d *deferrer) choice(nodes []node) {
	if len(nodes) == 0 || !d.is(nodes[0].Token, "WHEN") {
		return
	}
	var before [][]node // conditions
	var last []node
	for i := 0; i < len(nodes); {
		word := nodes[i].Token
		end := i + 1
		for end < len(nodes) && !(nodes[end].kind == 't' && (d.is(nodes[end].Token, "WHEN") || d.is(nodes[end].Token, "THEN") || d.is(nodes[end].Token, "ELSE") || d.is(nodes[end].Token, "END"))) {
			end++
		}
		part := nodes[i+1 : end]
		d.guard(part, truth(d.plain(before), " OR "))
		switch {
		case d.is(word, "WHEN"):
			last = part
		case d.is(word, "THEN"):
			if is := d.plain([][]node{last}); len(is) > 0 {
				d.guard(part, "NOT "+truth(is, ""))
			}
			before = append(before, last)
		}
		i = end
	}
}

// function guards the calls in IF(a, b, c) and coalesce(a, b).
func (d *deferrer) function(name node, nodes []node) {
	var args [][]node
	start := 0
	for i, n := range nodes {
		if n.kind == 't' && (d.is(n.Token, ",") || d.is(n.Token, ")")) {
			args = append(args, nodes[start:i])
			start = i + 1
		}
	}
	switch {
	case d.is(name.Token, "IF") && len(args) == 3:
		if is := d.plain(args[:1]); len(is) > 0 {
			d.guard(args[1], "NOT "+truth(is, ""))
			d.guard(args[2], truth(is, ""))
		}
	case d.is(name.Token, "coalesce") || d.is(name.Token, "nvl") || d.is(name.Token, "ifnull"):
		for i := 1; i < len(args); i++ {
			for _, before := range d.plain(args[:i]) {
				d.guard(args[i], before+" IS NOT NULL")
			}
		}
	}
}

// plain returns the texts in parentheses of expressions that cost nothing, and have the same
// value if they are evaluated twice.
func (d *deferrer) plain(parts [][]node) (texts []string) {
	for _, part := range parts {
		if len(part) > 0 && d.cheap(part) {
			texts = append(texts, "("+d.textOf(part)+")")
		}
	}
	return texts
}

func (d *deferrer) cheap(nodes []node) bool {
	for _, n := range nodes {
		word := strings.ToLower(strings.Trim(d.text[n.Start:min(n.End, len(d.text))], "`"))
		_, err := ai.Lookup(word)
		switch {
		case n.kind == 't' && (err == nil || n.Open || word == "?" || slices.Contains(changing, word)), !d.cheap(n.kids):
			return false
		}
	}
	return true
}

// changing are words of expressions that have another value in each evaluation, or cost much.
var changing = []string{"rand", "random", "randn", "randstr", "uniform", "uuid", "shuffle", "monotonically_increasing_id", "select", "over", "explode", "inline", "stack", "posexplode"}

// guard adds a condition to the calls in an expression, but not to those in subqueries.
func (d *deferrer) guard(nodes []node, condition string) {
	if condition == "" {
		return
	}
	for i, n := range nodes {
		if n.kind == '(' && i > 0 {
			if f, err := ai.Lookup(strings.Trim(d.textOf(nodes[i-1:i]), "`")); err == nil && f.Params[0].Name == "content" && !f.OverGroups() && !f.WithoutModel() {
				call := reader{text: d.text, at: n.Start + 1}
				if content := call.content(f); len(content) > 0 {
					start := content[0].Start
					if d.guards[start] == nil {
						d.calls = append(d.calls, contentOf{start, content[len(content)-1].End})
					}
					d.guards[start] = append(d.guards[start], condition)
				}
			}
		}
		if len(n.kids) > 0 && !d.is(n.kids[0].Token, "SELECT") && !d.is(n.kids[0].Token, "WITH") {
			d.guard(n.kids, condition)
		}
	}
}

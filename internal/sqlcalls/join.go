package sqlcalls

import (
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/sqlscript"
)

// This file keeps the calls in WHERE above the joins of their SELECT. Spark moves a condition that reads
// the columns of one side below the join, where a model is asked about all rows of that side. A condition
// with rand() stays where it is:
//
//	a JOIN b ON a.k = b.k WHERE ai_filter(IF(rand() + 1 < 0, NULL, a.t), p)
//
// rand() is at least 0, so the content is a.t; Spark replaces rand() < 0 by false, but not this. No condition on columns of both sides has this effect: Spark
// infers from a.k = b.k the same condition on a.k only, and evaluates that below the join, too.

// pinned is a condition that is never true, and that Spark does not move.
const pinned = "rand() + 1 < 0"

// joins guards the calls in the WHERE of each SELECT with a join that may drop rows. It is for the outermost
// SELECT of a statement: outer conditions, which Spark moves into a subquery, do not pass rand().
func (d *deferrer) joins(nodes []node) {
	if d.word(nodes, 0, "CREATE") && slices.ContainsFunc(nodes, func(n node) bool { return n.Kind == sqlscript.Word && d.is(n.Token, "VIEW") }) {
		return // a view is a subquery of other statements
	}
	for i := 0; i < len(nodes); i++ {
		if d.word(nodes, i, "FROM") && !d.distinctFrom(nodes, i) {
			var r relations
			if r, i = d.relations(nodes, i+1); r.drops && !r.outer {
				d.guard(r.where, pinned)
			}
		}
	}
}

// relations describes the joins of one SELECT.
type relations struct {
	drops bool // a join may drop rows of the first table
	outer bool // a RIGHT or FULL join, whose rows may have no first table
	where []node
}

// word reports whether a node is a keyword.
func (d *deferrer) word(nodes []node, i int, word string) bool {
	return i >= 0 && i < len(nodes) && nodes[i].kind == 't' && nodes[i].Kind == sqlscript.Word && d.is(nodes[i].Token, word) && (i == 0 || !d.is(nodes[i-1].Token, "."))
}

// distinctFrom reports whether node i belongs to IS DISTINCT FROM.
func (d *deferrer) distinctFrom(nodes []node, i int) bool {
	return d.word(nodes, i, "DISTINCT") && d.word(nodes, i+1, "FROM") || d.word(nodes, i, "FROM") && d.word(nodes, i-1, "DISTINCT")
}

// endOfFrom are words that end the relations and the WHERE of a SELECT.
var endOfFrom = strings.Fields("GROUP HAVING ORDER SORT CLUSTER DISTRIBUTE LIMIT OFFSET UNION EXCEPT INTERSECT MINUS WINDOW QUALIFY SELECT SET FROM")

// joinWords are the words before JOIN.
var joinWords = strings.Fields("INNER CROSS LEFT RIGHT FULL OUTER SEMI ANTI NATURAL")

// relations reads what follows FROM, up to the end of its SELECT, and returns the last node of it.
func (d *deferrer) relations(nodes []node, i int) (r relations, last int) {
	values := false // commas divide rows
	for ; i < len(nodes); i++ {
		is := func(words ...string) bool {
			return slices.ContainsFunc(words, func(w string) bool { return d.word(nodes, i, w) })
		}
		switch {
		case is("VALUES"):
			values = true
		case d.is(nodes[i].Token, ","):
			if !values || i+1 == len(nodes) || nodes[i+1].kind != '(' {
				r.drops, values = true, false
			}
		case is("JOIN"):
			left, semi := false, false
			for k := i - 1; k >= 0 && slices.ContainsFunc(joinWords, func(w string) bool { return d.word(nodes, k, w) }); k-- {
				left = left || d.word(nodes, k, "LEFT")
				semi = semi || d.word(nodes, k, "SEMI") || d.word(nodes, k, "ANTI")
				r.outer = r.outer || d.word(nodes, k, "RIGHT") || d.word(nodes, k, "FULL")
			}
			r.drops, values = r.drops || !left || semi, false
		case is("WHERE"):
			to := i + 1
			for to < len(nodes) && (!d.boundary(nodes, to) || d.distinctFrom(nodes, to)) {
				to++
			}
			r.where, i = nodes[i+1:to], to-1
		case d.distinctFrom(nodes, i): // in ON
		case is(endOfFrom...), d.is(nodes[i].Token, ";"), d.is(nodes[i].Token, ")"):
			return r, i - 1
		}
	}
	return r, i - 1
}

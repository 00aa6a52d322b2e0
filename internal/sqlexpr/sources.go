package sqlexpr

import (
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai"
)

// Use is how a value depends on a column.
type Use uint8

// The uses of columns.
const (
	Copied   Use = iota // the value is that of the column
	Computed            // the value is computed from that of the column
	Chosen              // the column chooses between values, as the condition of CASE does
)

// Source is a column that the values of an expression depend on.
type Source struct {
	Column string // as in the schema
	Use    Use
	// Within are the functions of package ai in whose first argument the column is, the outermost first.
	Within []*ai.Function
}

// Sources returns the columns that the expression depends on, in the order of the text. A column that is used in
// several ways is listed once for each.
func (b *Bound) Sources() []Source {
	var all []Source
	b.sources(b.tree, Copied, nil, &all)
	return all
}

func (b *Bound) sources(n node, use Use, within []*ai.Function, all *[]Source) {
	computed := max(use, Computed)
	each := func(use Use, of ...node) {
		for _, n := range of {
			if n != nil {
				b.sources(n, use, within, all)
			}
		}
	}
	switch n := n.(type) {
	case name:
		s := Source{b.columnName(n.name), use, within}
		if !slices.ContainsFunc(*all, func(o Source) bool { return o.Column == s.Column && o.Use == s.Use && slices.Equal(o.Within, s.Within) }) {
			*all = append(*all, s)
		}
	case field:
		each(computed, n.of)
	case call:
		b.sourcesOfCall(n, computed, within, all)
	case logic:
		each(computed, n.of...)
	case not:
		each(computed, n.of)
	case compare:
		each(computed, n.left, n.right)
	case isNull:
		each(computed, n.of)
	case isTrue:
		each(computed, n.of)
	case like:
		each(computed, n.of, n.pattern)
	case in:
		each(computed, append([]node{n.of}, n.list...)...)
	case choice:
		each(Chosen, n.of)
		each(Chosen, n.when...)
		each(computed, n.then...)
		each(computed, n.otherwise)
	}
}

func (b *Bound) sourcesOfCall(n call, use Use, within []*ai.Function, all *[]Source) {
	f, err := ai.Lookup(strings.ToLower(n.name))
	for i, a := range n.args {
		of, in := use, within
		switch {
		case err != nil && i == 0 && strings.EqualFold(n.name, "if"), err != nil && i == 1 && strings.EqualFold(n.name, "nullif"):
			of = Chosen
		case err == nil && (a.name == "" && i == 0 || strings.EqualFold(a.name, f.Params[0].Name)):
			in = append(slices.Clip(within), f)
		}
		b.sources(a.value, of, in, all)
	}
}

// columnName is the name in the schema of a column that was bound.
func (b *Bound) columnName(written string) string {
	for _, f := range b.of.schema.Fields() {
		if strings.EqualFold(f.Name, written) {
			return f.Name
		}
	}
	return written
}

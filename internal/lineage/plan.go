package lineage

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/llm"
)

// Groups describes rows that were grouped before the plan computes columns of them.
type Groups struct {
	Input *arrow.Schema
	Keys  []string
	Where *sqlexpr.Bound // condition for the rows that are grouped; nil for none
}

// Fields are the columns of a schema.
func Fields(s *arrow.Schema) []Field {
	fields := []Field{}
	for _, f := range s.Fields() {
		fields = append(fields, Field{f.Name, columns.SQLType(sqlexpr.ValueType(f.Type))})
	}
	return fields
}

// ofColumn is how a column of the output depends on one of the input.
type ofColumn struct {
	column string
	Transformation
}

// OfPlan says what the columns of a plan's output are made of. Each of the inputs has the columns of the plan's
// input. groups is nil if the rows are not grouped.
func OfPlan(p *job.Plan, inputs []Dataset, groups *Groups) *Columns {
	from := func(all []ofColumn) []Input {
		list := []Input{}
		for _, d := range inputs {
			for i := 0; i < len(all); {
				in := Input{Namespace: d.Namespace, Name: d.Name, Field: all[i].column}
				for ; i < len(all) && all[i].column == in.Field; i++ {
					in.Transformations = append(in.Transformations, all[i].Transformation)
				}
				list = append(list, in)
			}
		}
		return list
	}
	isKey := func(column string) bool { return groups == nil || slices.Contains(groups.Keys, column) }
	c := &Columns{Of: map[string][]Input{}}
	for _, i := range p.Pass {
		name := p.Input.Field(i).Name
		var of []ofColumn
		if groups == nil || isKey(name) { // the number of rows of a group is of no column
			of = append(of, ofColumn{name, Transformation{Type: "DIRECT", Subtype: "IDENTITY"}})
		}
		c.Of[name] = from(of)
	}
	var every []ofColumn
	for _, a := range p.Add {
		of := sorted(a.Expr.Sources(), isKey)
		every = append(every, of...)
		c.Of[a.Name] = from(of)
	}
	if p.Errors != "" { // the reasons of errors are computed of what the columns are computed of
		var of []ofColumn
		for _, e := range every {
			of = append(of, ofColumn{e.column, Transformation{Type: "DIRECT", Subtype: "TRANSFORMATION"}})
		}
		c.Of[p.Errors] = from(distinct(of))
	}
	var all []ofColumn
	filter := func(e *sqlexpr.Bound) {
		if e == nil {
			return
		}
		for _, s := range e.Sources() {
			all = append(all, ofColumn{s.Column, Transformation{Type: "INDIRECT", Subtype: "FILTER"}})
		}
	}
	filter(p.Where)
	if groups != nil {
		filter(groups.Where)
		for _, key := range groups.Keys {
			all = append(all, ofColumn{key, Transformation{Type: "INDIRECT", Subtype: "GROUP_BY"}})
		}
	}
	c.All = from(distinct(all))
	return c
}

// sorted are the uses of columns, those of a column one after the other.
func sorted(sources []sqlexpr.Source, isKey func(string) bool) []ofColumn {
	var all []ofColumn
	for _, s := range sources {
		t := Transformation{Type: "DIRECT", Subtype: "TRANSFORMATION"}
		switch {
		case s.Use == sqlexpr.Chosen:
			t = Transformation{Type: "INDIRECT", Subtype: "CONDITIONAL"}
		case !isKey(s.Column):
			t.Subtype = "AGGREGATION"
		case s.Use == sqlexpr.Copied:
			t.Subtype = "IDENTITY"
		}
		for _, f := range s.Within {
			if t.Description += f.Name; f != s.Within[len(s.Within)-1] {
				t.Description += " of "
			}
			t.Masking = t.Masking || job.Masks(f)
		}
		all = append(all, ofColumn{s.Column, t})
	}
	return distinct(all)
}

// distinct puts the entries of a column together, in the order of the columns' first ones.
func distinct(all []ofColumn) []ofColumn {
	var names []string
	for _, c := range all {
		if !slices.Contains(names, c.column) {
			names = append(names, c.column)
		}
	}
	var result []ofColumn
	for _, name := range names {
		for _, c := range all {
			if c.column == name && !slices.Contains(result, c) {
				result = append(result, c)
			}
		}
	}
	return result
}

// FunctionsOf lists the functions that a plan calls. models describes the models of asks.
func FunctionsOf(p *job.Plan, models func([]ai.Ask) []llm.Info) []Function {
	all := []Function{}
	add := func(calls []*sqlexpr.Call, column string) {
		for _, c := range calls {
			f := Describe(c.Function, c.Asks(), models)
			i := slices.IndexFunc(all, func(o Function) bool { return o.Function == f.Function && slices.Equal(o.Models, f.Models) })
			if i < 0 {
				i, all = len(all), append(all, f)
			}
			if column == "" {
				all[i].Filters = true
			} else if !slices.Contains(all[i].Columns, column) {
				all[i].Columns = append(all[i].Columns, column)
			}
		}
	}
	if p.Where != nil {
		add(p.Where.Calls(), "")
	}
	for _, a := range p.Add {
		add(a.Expr.Calls(), a.Name)
	}
	return all
}

// Describe describes a function and the models of its asks.
func Describe(f *ai.Function, asks []ai.Ask, models func([]ai.Ask) []llm.Info) Function {
	d := Function{Function: f.Name, Versions: f.Versions(), Models: []Model{}}
	for _, ask := range asks {
		for _, m := range models([]ai.Ask{ask}) {
			described := Model{string(ask.Role), m.Name, m.Digest, string(m.Precision), m.Engine}
			if m.Digest == "named "+m.Name {
				described.Digest = ""
			}
			if m.Name != "" && !slices.Contains(d.Models, described) {
				d.Models = append(d.Models, described)
			}
		}
	}
	return d
}

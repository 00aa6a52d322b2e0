package spark

import (
	"errors"
	"fmt"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// GroupedData is a DataFrame in groups, waiting to be aggregated.
type GroupedData struct {
	of    *DataFrame
	kind  pb.Aggregate_GroupType
	by    []*pb.Expression
	pivot *pb.Aggregate_Pivot
	err   error
}

// GroupBy puts together the rows that are equal in the columns; without
// columns, all rows.
func (d *DataFrame) GroupBy(columns ...Column) *GroupedData {
	return d.group("group by", pb.Aggregate_GROUP_TYPE_GROUPBY, columns)
}

// Rollup groups as GroupBy and adds totals: groups by all columns but the
// last, and so on, to one of all rows. A column is NULL in its totals.
func (d *DataFrame) Rollup(columns ...Column) *GroupedData {
	return d.group("rollup", pb.Aggregate_GROUP_TYPE_ROLLUP, columns)
}

// Cube groups by each choice of the columns, from all of them to none. A
// column is NULL in groups that are not by it.
func (d *DataFrame) Cube(columns ...Column) *GroupedData {
	return d.group("cube", pb.Aggregate_GROUP_TYPE_CUBE, columns)
}

func (d *DataFrame) group(what string, kind pb.Aggregate_GroupType, columns []Column) *GroupedData {
	list, err := expressions(what, columns)
	return &GroupedData{of: d, kind: kind, by: list, err: err}
}

// Pivot makes a column of each of the values that column takes, with the
// aggregates of its rows. Without values Spark runs the query once more to find
// them, so name them where column is computed by a model.
func (g *GroupedData) Pivot(column Column, values ...any) *GroupedData {
	p := *g
	list, err := expressions("pivot", []Column{column})
	if g.kind != pb.Aggregate_GROUP_TYPE_GROUPBY {
		err = errors.Join(err, fmt.Errorf("pivot: it follows GroupBy, once"))
	}
	p.kind, p.pivot = pb.Aggregate_GROUP_TYPE_PIVOT, &pb.Aggregate_Pivot{}
	if len(list) == 1 {
		p.pivot.Col = list[0]
	}
	for i, v := range values {
		e, wrong := constant(v)
		if wrong == nil && e.GetLiteral() == nil {
			wrong = fmt.Errorf("a value of Go type %T is no literal on the wire", v)
		}
		if wrong != nil {
			err = errors.Join(err, fmt.Errorf("pivot: value %d: %w", i+1, wrong))
		}
		p.pivot.Values = append(p.pivot.Values, e.GetLiteral())
	}
	p.err = errors.Join(g.err, err)
	return &p
}

// Agg gives one row a group: the columns of the grouping, then these.
func (g *GroupedData) Agg(columns ...Column) *DataFrame {
	list, err := expressions("aggregate", columns)
	if len(columns) == 0 {
		err = fmt.Errorf("aggregate: no columns are named")
	}
	return g.of.derive(&pb.Relation{RelType: &pb.Relation_Aggregate{Aggregate: &pb.Aggregate{
		Input:                g.of.relation,
		GroupType:            g.kind,
		GroupingExpressions:  g.by,
		AggregateExpressions: list,
		Pivot:                g.pivot,
	}}}, g.err, err)
}

// Count counts each group's rows, in the column "count".
func (g *GroupedData) Count() *DataFrame { return g.Agg(Call("count", 1).Alias("count")) }

package spark

import (
	"errors"
	"fmt"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// GroupedData is a DataFrame whose rows are grouped, for aggregation.
type GroupedData struct {
	df    *DataFrame
	kind  pb.Aggregate_GroupType
	by    []*pb.Expression
	pivot *pb.Aggregate_Pivot
	err   error
}

// GroupBy groups the rows that are equal in the columns. Without columns all rows
// are one group.
func (d *DataFrame) GroupBy(columns ...Column) *GroupedData {
	return d.group("group by", pb.Aggregate_GROUP_TYPE_GROUPBY, columns)
}

// Rollup groups like GroupBy and adds subtotals: groups by all columns except the
// last, and so on, down to one group of all rows. A column is NULL in subtotals
// that are not grouped by it.
func (d *DataFrame) Rollup(columns ...Column) *GroupedData {
	return d.group("rollup", pb.Aggregate_GROUP_TYPE_ROLLUP, columns)
}

// Cube groups by every subset of the columns. A column is NULL in groups that are
// not grouped by it.
func (d *DataFrame) Cube(columns ...Column) *GroupedData {
	return d.group("cube", pb.Aggregate_GROUP_TYPE_CUBE, columns)
}

func (d *DataFrame) group(what string, kind pb.Aggregate_GroupType, columns []Column) *GroupedData {
	list, err := expressions(what, columns)
	return &GroupedData{df: d, kind: kind, by: list, err: err}
}

// Pivot turns each of the values of column into a column of the result, with the
// aggregates of its rows. Without values Spark runs the query once more to find
// them, so give them if a model computes column.
func (g *GroupedData) Pivot(column Column, values ...any) *GroupedData {
	p := *g
	list, err := expressions("pivot", []Column{column})
	if g.kind != pb.Aggregate_GROUP_TYPE_GROUPBY {
		err = errors.Join(err, fmt.Errorf("pivot: it must follow GroupBy, and only once"))
	}
	p.kind, p.pivot = pb.Aggregate_GROUP_TYPE_PIVOT, &pb.Aggregate_Pivot{}
	if len(list) == 1 {
		p.pivot.Col = list[0]
	}
	for i, v := range values {
		e, wrong := constant(v)
		if wrong == nil && e.GetLiteral() == nil {
			wrong = fmt.Errorf("a value of Go type %T cannot be a literal", v)
		}
		if wrong != nil {
			err = errors.Join(err, fmt.Errorf("pivot: value %d: %w", i+1, wrong))
		}
		p.pivot.Values = append(p.pivot.Values, e.GetLiteral())
	}
	p.err = errors.Join(g.err, err)
	return &p
}

// Agg returns one row for each group: the grouping columns, then these columns.
func (g *GroupedData) Agg(columns ...Column) *DataFrame {
	list, err := expressions("aggregate", columns)
	if len(columns) == 0 {
		err = fmt.Errorf("aggregate: no columns are named")
	}
	return g.df.derive(&pb.Relation{RelType: &pb.Relation_Aggregate{Aggregate: &pb.Aggregate{
		Input:                g.df.relation,
		GroupType:            g.kind,
		GroupingExpressions:  g.by,
		AggregateExpressions: list,
		Pivot:                g.pivot,
	}}}, g.err, err)
}

// Count counts the rows of each group, in the column "count".
func (g *GroupedData) Count() *DataFrame { return g.Agg(Call("count", 1).Alias("count")) }

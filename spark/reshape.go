package spark

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// WithColumns adds columns, or replaces the columns of their names. Each has a name by Alias. All are computed from
// the columns of d, so they cannot refer to each other.
func (d *DataFrame) WithColumns(columns ...Column) *DataFrame {
	list, err := expressions("columns", columns)
	w := &pb.WithColumns{Input: d.relation}
	for i, e := range list {
		a := e.GetAlias()
		if a == nil || len(a.Name) != 1 {
			err = errors.Join(err, fmt.Errorf("columns: column %d has no name; give it one by Alias", i+1))
			continue
		}
		w.Aliases = append(w.Aliases, a)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_WithColumns{WithColumns: w}}, err)
}

// WithColumnsRenamed renames columns, from old to new names. Names of columns that do not exist are ignored.
func (d *DataFrame) WithColumnsRenamed(names map[string]string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_WithColumnsRenamed{WithColumnsRenamed: &pb.WithColumnsRenamed{
		Input: d.relation, RenameColumnsMap: maps.Clone(names),
	}}})
}

// Transform returns change(d). It keeps a chain of methods readable.
func (d *DataFrame) Transform(change func(*DataFrame) *DataFrame) *DataFrame { return change(d) }

// Unpivot turns columns into rows: each row becomes a row for each of values, with the columns ids, the name of the
// column in the column variable, and its value in the column value. Without values it takes all columns but ids.
// Spark calls it also melt.
func (d *DataFrame) Unpivot(ids, values []Column, variable, value string) *DataFrame {
	list, err := expressions("unpivot", ids)
	u := &pb.Unpivot{Input: d.relation, Ids: list, VariableColumnName: variable, ValueColumnName: value}
	if len(values) > 0 {
		list, wrong := expressions("unpivot", values)
		u.Values, err = &pb.Unpivot_Values{Values: list}, errors.Join(err, wrong)
	}
	if variable == "" || value == "" {
		err = errors.Join(err, errors.New("unpivot: name the columns of variables and values"))
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Unpivot{Unpivot: u}}, err)
}

// Transpose turns rows into columns: the values of index, by default the first column, become names of columns, and
// each other column becomes a row. All of these must have a common type. It is for small results, since Spark 4.0.
func (d *DataFrame) Transpose(index ...Column) *DataFrame {
	list, err := expressions("transpose", index)
	if len(index) > 1 {
		err = errors.Join(err, errors.New("transpose: at most one index column can be given"))
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Transpose{Transpose: &pb.Transpose{Input: d.relation, IndexColumns: list}}},
		err, d.session.since("transpose", 4, 0))
}

// To returns the columns of a schema, in its order: matched by name, converted to its types where that loses nothing,
// and with other columns left out.
func (d *DataFrame) To(schema StructType) *DataFrame {
	if err := complete(schema); err != nil {
		return d.derive(&pb.Relation{}, fmt.Errorf("schema: %w", err))
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_ToSchema{ToSchema: &pb.ToSchema{Input: d.relation, Schema: schema.wire()}}})
}

// RandomSplit divides the rows at random into DataFrames whose sizes are about in the ratio of weights. The same seed
// divides in the same way if partitions and rows are the same.
func (d *DataFrame) RandomSplit(weights []float64, seed int64) []*DataFrame {
	sum := 0.0
	var err error
	for _, w := range weights {
		if sum += w; !(w >= 0) {
			err = fmt.Errorf("random split: a weight is %v; it must be at least 0", w)
		}
	}
	if err == nil && !(sum > 0) {
		err = errors.New("random split: the sum of the weights is 0")
	}
	parts := make([]*DataFrame, len(weights))
	low := 0.0
	for i, w := range weights {
		high := low + w/sum
		if i == len(weights)-1 {
			high = 1
		}
		parts[i] = d.derive(&pb.Relation{RelType: &pb.Relation_Sample{Sample: &pb.Sample{
			Input: d.relation, LowerBound: low, UpperBound: high, WithReplacement: proto.Bool(false), Seed: &seed, DeterministicOrder: true,
		}}}, err)
		low = high
	}
	return parts
}

// RepartitionByRange distributes the rows over n partitions by ranges of the values of columns, which may have Asc or
// Desc. n may be 0 for the server's default. Spark finds the ranges by a sample.
func (d *DataFrame) RepartitionByRange(n int, columns ...Column) *DataFrame {
	order, err := sortOrders(columns)
	if len(columns) == 0 {
		err = errors.New("repartition by range: no columns are named")
	}
	sorted := make([]Column, len(order))
	for i, o := range order {
		sorted[i] = Column{expr: &pb.Expression{ExprType: &pb.Expression_SortOrder_{SortOrder: o}}}
	}
	if err != nil {
		return d.derive(&pb.Relation{}, err)
	}
	return d.Repartition(n, sorted...)
}

// WithWatermark tells a stream how late rows may come: when a row with a time t in the column has come, Spark
// expects no row that is older than t minus the delay, such as "10 minutes", and ends windows and joins up to there.
func (d *DataFrame) WithWatermark(column, delay string) *DataFrame {
	var err error
	if column == "" || delay == "" {
		err = errors.New(`watermark: name the column of the time and a delay such as "10 minutes"`)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_WithWatermark{WithWatermark: &pb.WithWatermark{Input: d.relation, EventTime: column, DelayThreshold: delay}}}, err)
}

// DropDuplicatesWithinWatermark is DropDuplicates of a stream that remembers a row only as long as the delay of
// WithWatermark.
func (d *DataFrame) DropDuplicatesWithinWatermark(columns ...string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_Deduplicate{Deduplicate: &pb.Deduplicate{
		Input: d.relation, ColumnNames: columns, AllColumnsAsKeys: proto.Bool(len(columns) == 0), WithinWatermark: proto.Bool(true),
	}}})
}

// ToJSON returns each row as a JSON object, in the column value.
func (d *DataFrame) ToJSON() *DataFrame {
	return d.Select(Call("to_json", Call("struct", Col("*"))).Alias("value"))
}

// WithMetadata sets the metadata of a column, a JSON object, which writers and other programs of Spark read.
func (d *DataFrame) WithMetadata(column, metadata string) *DataFrame {
	c := Col(column).Alias(column)
	if !json.Valid([]byte(metadata)) {
		return d.derive(&pb.Relation{}, fmt.Errorf("metadata of the column %s: it is not JSON", column))
	}
	c.expr.GetAlias().Metadata = &metadata
	return d.WithColumns(c)
}

// UnionByNameAllowMissing is UnionByName for DataFrames of which each may lack columns of the other: they are NULL.
func (d *DataFrame) UnionByNameAllowMissing(other *DataFrame) *DataFrame {
	return d.set(other, &pb.SetOperation{SetOpType: pb.SetOperation_SET_OP_TYPE_UNION, IsAll: proto.Bool(true), ByName: proto.Bool(true), AllowMissingColumns: proto.Bool(true)})
}

// IntersectAll is Intersect with duplicates: a row that is m times in d and n times in other is the smaller number of
// times in the result.
func (d *DataFrame) IntersectAll(other *DataFrame) *DataFrame {
	return d.set(other, &pb.SetOperation{SetOpType: pb.SetOperation_SET_OP_TYPE_INTERSECT, IsAll: proto.Bool(true)})
}

// ExceptAll is Except with duplicates: each row of other removes one equal row.
func (d *DataFrame) ExceptAll(other *DataFrame) *DataFrame {
	return d.set(other, &pb.SetOperation{SetOpType: pb.SetOperation_SET_OP_TYPE_EXCEPT, IsAll: proto.Bool(true)})
}

// AggMap aggregates columns by functions, such as {"price": "max", "id": "count"}. The results are in the order of the
// names of the columns, with names such as max(price).
func (g *GroupedData) AggMap(functions map[string]string) *DataFrame {
	var list []Column
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		c := Col(name)
		list = append(list, c.Call(functions[name]))
	}
	return g.Agg(list...)
}

// Sum adds the columns of each group, in columns such as sum(price).
func (g *GroupedData) Sum(columns ...string) *DataFrame { return g.each("sum", columns) }

// Avg is the mean of the columns of each group, in columns such as avg(price).
func (g *GroupedData) Avg(columns ...string) *DataFrame { return g.each("avg", columns) }

// Min is the smallest value of the columns of each group, in columns such as min(price).
func (g *GroupedData) Min(columns ...string) *DataFrame { return g.each("min", columns) }

// Max is the greatest value of the columns of each group, in columns such as max(price).
func (g *GroupedData) Max(columns ...string) *DataFrame { return g.each("max", columns) }

func (g *GroupedData) each(function string, columns []string) *DataFrame {
	list := make([]Column, len(columns))
	for i, name := range columns {
		list[i] = Col(name).Call(function)
	}
	return g.Agg(list...)
}

// since returns an error for a server that is older than a version. The version is unknown before the server was asked
// for the first time; the server then refuses.
func (s *Session) since(what string, major, minor int) error {
	if s.version == "" || s.atLeast(major, minor) {
		return nil
	}
	return &VersionError{What: what, Has: s.version, Needs: fmt.Sprintf("%d.%d", major, minor)}
}

// VersionError reports a method that the server's version of Spark does not have.
type VersionError struct {
	What       string
	Has, Needs string // versions
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s: Spark %s does not have it; it needs Spark %s", e.What, e.Has, e.Needs)
}

package spark

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/pb"
)

// DataFrame is a query that has not run yet. Its methods give new DataFrames
// and leave it as it is; nothing is sent before an action, and what was wrong
// in building one is its action's error.
type DataFrame struct {
	session  *Session
	relation *pb.Relation
	err      error
}

// newDataFrame numbers the relation, so that DataFrame.Col can name it.
func (s *Session) newDataFrame(r *pb.Relation, errs ...error) *DataFrame {
	id := s.plans.Add(1)
	r.Common = &pb.RelationCommon{PlanId: &id}
	return &DataFrame{session: s, relation: r, err: errors.Join(errs...)}
}

func (d *DataFrame) derive(r *pb.Relation, errs ...error) *DataFrame {
	if d.err != nil {
		errs = append([]error{d.err}, errs...)
	}
	return d.session.newDataFrame(r, errs...)
}

// Table reads a table or view by name.
func (s *Session) Table(name string) *DataFrame {
	return s.newDataFrame(&pb.Relation{RelType: &pb.Relation_Read{Read: &pb.Read{
		ReadType: &pb.Read_NamedTable_{NamedTable: &pb.Read_NamedTable{UnparsedIdentifier: name}},
	}}})
}

// Range has one column, id, of the numbers from start to below end by step, in
// so many partitions, or the server's default number of them if that is 0.
func (s *Session) Range(start, end, step int64, partitions int) *DataFrame {
	r := &pb.Range{Start: &start, End: end, Step: step}
	var err error
	switch {
	case step == 0:
		err = fmt.Errorf("range: the step is 0")
	case partitions < 0 || partitions > math.MaxInt32:
		err = fmt.Errorf("range: %d is no number of partitions", partitions)
	case partitions > 0:
		r.NumPartitions = proto.Int32(int32(partitions))
	}
	return s.newDataFrame(&pb.Relation{RelType: &pb.Relation_Range{Range: r}}, err)
}

// Col names a column of d, where other DataFrames of a join have one of the
// same name.
func (d *DataFrame) Col(name string) Column {
	return Column{expr: attribute(name, d.relation.GetCommon().PlanId)}
}

// Select gives the columns.
func (d *DataFrame) Select(columns ...Column) *DataFrame {
	list, err := expressions("select", columns)
	return d.derive(&pb.Relation{RelType: &pb.Relation_Project{Project: &pb.Project{Input: d.relation, Expressions: list}}}, err)
}

// WithColumn adds a column, or replaces the one of that name.
func (d *DataFrame) WithColumn(name string, c Column) *DataFrame {
	list, err := expressions("column "+name, []Column{c})
	if err != nil {
		return d.derive(&pb.Relation{}, err)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_WithColumns{WithColumns: &pb.WithColumns{
		Input:   d.relation,
		Aliases: []*pb.Expression_Alias{{Expr: list[0], Name: []string{name}}},
	}}})
}

// Filter keeps the rows for which condition is true.
func (d *DataFrame) Filter(condition Column) *DataFrame {
	list, err := expressions("filter", []Column{condition})
	if err != nil {
		return d.derive(&pb.Relation{}, err)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Filter{Filter: &pb.Filter{Input: d.relation, Condition: list[0]}}})
}

// Where is Filter.
func (d *DataFrame) Where(condition Column) *DataFrame { return d.Filter(condition) }

// Limit gives at most n rows.
func (d *DataFrame) Limit(n int) *DataFrame {
	var err error
	if n < 0 || n > math.MaxInt32 {
		err = fmt.Errorf("limit: %d is no number of rows", n)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Limit{Limit: &pb.Limit{Input: d.relation, Limit: int32(n)}}}, err)
}

// Offset leaves out the first n rows.
func (d *DataFrame) Offset(n int) *DataFrame {
	var err error
	if n < 0 || n > math.MaxInt32 {
		err = fmt.Errorf("offset: %d is no number of rows", n)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Offset{Offset: &pb.Offset{Input: d.relation, Offset: int32(n)}}}, err)
}

var joinTypes = map[string]pb.Join_JoinType{
	"inner": pb.Join_JOIN_TYPE_INNER, "cross": pb.Join_JOIN_TYPE_CROSS,
	"outer": pb.Join_JOIN_TYPE_FULL_OUTER, "full": pb.Join_JOIN_TYPE_FULL_OUTER, "fullouter": pb.Join_JOIN_TYPE_FULL_OUTER,
	"left": pb.Join_JOIN_TYPE_LEFT_OUTER, "leftouter": pb.Join_JOIN_TYPE_LEFT_OUTER,
	"right": pb.Join_JOIN_TYPE_RIGHT_OUTER, "rightouter": pb.Join_JOIN_TYPE_RIGHT_OUTER,
	"semi": pb.Join_JOIN_TYPE_LEFT_SEMI, "leftsemi": pb.Join_JOIN_TYPE_LEFT_SEMI,
	"anti": pb.Join_JOIN_TYPE_LEFT_ANTI, "leftanti": pb.Join_JOIN_TYPE_LEFT_ANTI,
}

func joinType(how string) (pb.Join_JoinType, error) {
	t, ok := joinTypes[strings.ReplaceAll(strings.ToLower(how), "_", "")]
	if !ok {
		return t, fmt.Errorf("join: %q is not a kind of join; the kinds are inner, cross, outer, left, right, semi and anti", how)
	}
	return t, nil
}

// Join joins on a condition. The kinds are inner, cross, outer, left, right,
// semi and anti.
func (d *DataFrame) Join(other *DataFrame, on Column, how string) *DataFrame {
	t, err := joinType(how)
	list, err2 := expressions("join", []Column{on})
	if err = errors.Join(err, err2, other.foreign(d)); err != nil {
		return d.derive(&pb.Relation{}, err)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Join{Join: &pb.Join{
		Left: d.relation, Right: other.input(), JoinCondition: list[0], JoinType: t,
	}}})
}

// JoinUsing joins on the equality of columns that both have, and gives each
// of those once.
func (d *DataFrame) JoinUsing(other *DataFrame, how string, columns ...string) *DataFrame {
	t, err := joinType(how)
	if len(columns) == 0 && t != pb.Join_JOIN_TYPE_CROSS {
		err = errors.Join(err, fmt.Errorf("join: no columns are named"))
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Join{Join: &pb.Join{
		Left: d.relation, Right: other.input(), UsingColumns: columns, JoinType: t,
	}}}, err, other.foreign(d))
}

// CrossJoin pairs every row with every row.
func (d *DataFrame) CrossJoin(other *DataFrame) *DataFrame { return d.JoinUsing(other, "cross") }

// input is the plan of a DataFrame that may be nil.
func (d *DataFrame) input() *pb.Relation {
	if d == nil {
		return nil
	}
	return d.relation
}

// foreign is why d cannot be put together with another DataFrame.
func (d *DataFrame) foreign(to *DataFrame) error {
	switch {
	case d == nil:
		return fmt.Errorf("the other DataFrame is nil")
	case d.session != to.session:
		return fmt.Errorf("the two DataFrames belong to different sessions")
	}
	return d.err
}

// Union adds the rows of other, column by column in order; duplicates stay.
func (d *DataFrame) Union(other *DataFrame) *DataFrame { return d.union(other, false) }

// UnionByName adds the rows of other, matching columns by name.
func (d *DataFrame) UnionByName(other *DataFrame) *DataFrame { return d.union(other, true) }

func (d *DataFrame) union(other *DataFrame, byName bool) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_SetOp{SetOp: &pb.SetOperation{
		LeftInput: d.relation, RightInput: other.input(),
		SetOpType: pb.SetOperation_SET_OP_TYPE_UNION,
		IsAll:     proto.Bool(true), ByName: proto.Bool(byName),
	}}}, other.foreign(d))
}

// Distinct leaves out rows that are equal to others.
func (d *DataFrame) Distinct() *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_Deduplicate{Deduplicate: &pb.Deduplicate{
		Input: d.relation, AllColumnsAsKeys: proto.Bool(true),
	}}})
}

// Drop leaves out columns; names that are not there do no harm.
func (d *DataFrame) Drop(names ...string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_Drop{Drop: &pb.Drop{Input: d.relation, ColumnNames: names}}})
}

// ToDF names all columns anew.
func (d *DataFrame) ToDF(names ...string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_ToDf{ToDf: &pb.ToDF{Input: d.relation, ColumnNames: names}}})
}

// Alias names the whole, for columns as in Col("name.column").
func (d *DataFrame) Alias(name string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_SubqueryAlias{SubqueryAlias: &pb.SubqueryAlias{Input: d.relation, Alias: name}}})
}

// OrderBy sorts; a column without Asc or Desc is ascending.
func (d *DataFrame) OrderBy(columns ...Column) *DataFrame {
	list, err := expressions("order by", columns)
	order := make([]*pb.Expression_SortOrder, len(list))
	for i, e := range list {
		if order[i] = e.GetSortOrder(); order[i] == nil {
			order[i] = columns[i].Asc().expr.GetSortOrder()
		}
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Sort{Sort: &pb.Sort{Input: d.relation, Order: order, IsGlobal: proto.Bool(true)}}}, err)
}

// Repartition spreads the rows over n partitions, by the columns if any are
// named and evenly otherwise. With columns, n may be 0 for the server's default
// number (spark.sql.shuffle.partitions).
func (d *DataFrame) Repartition(n int, columns ...Column) *DataFrame {
	list, err := expressions("repartition", columns)
	if n < 0 || n > math.MaxInt32 || n == 0 && len(columns) == 0 {
		err = errors.Join(err, fmt.Errorf("repartition: %d is no number of partitions", n))
	}
	if len(columns) > 0 {
		r := &pb.RepartitionByExpression{Input: d.relation, PartitionExprs: list}
		if n > 0 {
			r.NumPartitions = proto.Int32(int32(n))
		}
		return d.derive(&pb.Relation{RelType: &pb.Relation_RepartitionByExpression{RepartitionByExpression: r}}, err)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Repartition{Repartition: &pb.Repartition{
		Input: d.relation, NumPartitions: int32(n), Shuffle: proto.Bool(true),
	}}}, err)
}

// Grouped is a DataFrame in groups, waiting to be aggregated.
type Grouped struct {
	of  *DataFrame
	by  []*pb.Expression
	err error
}

// GroupBy puts together the rows that are equal in the columns; without
// columns, all rows.
func (d *DataFrame) GroupBy(columns ...Column) *Grouped {
	list, err := expressions("group by", columns)
	return &Grouped{d, list, err}
}

// Agg gives one row a group: the columns of GroupBy, then these.
func (g *Grouped) Agg(columns ...Column) *DataFrame {
	list, err := expressions("aggregate", columns)
	if len(columns) == 0 {
		err = fmt.Errorf("aggregate: no columns are named")
	}
	return g.of.derive(&pb.Relation{RelType: &pb.Relation_Aggregate{Aggregate: &pb.Aggregate{
		Input:                g.of.relation,
		GroupType:            pb.Aggregate_GROUP_TYPE_GROUPBY,
		GroupingExpressions:  g.by,
		AggregateExpressions: list,
	}}}, g.err, err)
}

// Count counts each group's rows, in the column "count".
func (g *Grouped) Count() *DataFrame { return g.Agg(Call("count", 1).Alias("count")) }

func expressions(what string, columns []Column) ([]*pb.Expression, error) {
	list := make([]*pb.Expression, len(columns))
	for i, c := range columns {
		c = Lit(c)
		if c.err != nil {
			return nil, fmt.Errorf("%s: %w", what, c.err)
		}
		list[i] = c.expr
	}
	return list, nil
}

package spark

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// DataFrame is a query that an action runs. Its methods return new DataFrames and
// do not change it. They send nothing to the server; an action returns their
// errors.
type DataFrame struct {
	session  *Session
	relation *pb.Relation
	err      error
}

// newDataFrame gives the relation an id, to which DataFrame.Col refers.
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

// Table reads a table or view.
func (s *Session) Table(name string) *DataFrame {
	return s.newDataFrame(&pb.Relation{RelType: &pb.Relation_Read{Read: &pb.Read{
		ReadType: &pb.Read_NamedTable_{NamedTable: &pb.Read_NamedTable{UnparsedIdentifier: name}},
	}}})
}

// Range returns a DataFrame with one column, id, of the numbers from start to
// end, exclusive, in steps of step. If partitions is 0, the number of partitions
// is the server's default.
func (s *Session) Range(start, end, step int64, partitions int) *DataFrame {
	r := &pb.Range{Start: &start, End: end, Step: step}
	var err error
	switch {
	case step == 0:
		err = fmt.Errorf("range: the step is 0")
	case partitions < 0 || partitions > math.MaxInt32:
		err = fmt.Errorf("range: %d is not a valid number of partitions", partitions)
	case partitions > 0:
		r.NumPartitions = proto.Int32(int32(partitions))
	}
	return s.newDataFrame(&pb.Relation{RelType: &pb.Relation_Range{Range: r}}, err)
}

// Col refers to a column of d. In a join it distinguishes columns of the same
// name.
func (d *DataFrame) Col(name string) Column {
	return Column{expr: attribute(name, d.relation.GetCommon().PlanId)}
}

// Select returns the given columns.
func (d *DataFrame) Select(columns ...Column) *DataFrame {
	list, err := expressions("select", columns)
	return d.derive(&pb.Relation{RelType: &pb.Relation_Project{Project: &pb.Project{Input: d.relation, Expressions: list}}}, err)
}

// WithColumn adds a column, or replaces the column of that name.
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

// WithColumnRenamed renames a column. It does nothing if the column does not
// exist.
func (d *DataFrame) WithColumnRenamed(old, new string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_WithColumnsRenamed{WithColumnsRenamed: &pb.WithColumnsRenamed{
		Input: d.relation, RenameColumnsMap: map[string]string{old: new},
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

// Limit returns at most n rows.
func (d *DataFrame) Limit(n int) *DataFrame {
	var err error
	if n < 0 || n > math.MaxInt32 {
		err = fmt.Errorf("limit: %d is not a valid number of rows", n)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Limit{Limit: &pb.Limit{Input: d.relation, Limit: int32(n)}}}, err)
}

// Offset skips the first n rows.
func (d *DataFrame) Offset(n int) *DataFrame {
	var err error
	if n < 0 || n > math.MaxInt32 {
		err = fmt.Errorf("offset: %d is not a valid number of rows", n)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Offset{Offset: &pb.Offset{Input: d.relation, Offset: int32(n)}}}, err)
}

// Drop removes columns. Names of columns that do not exist are ignored.
func (d *DataFrame) Drop(names ...string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_Drop{Drop: &pb.Drop{Input: d.relation, ColumnNames: names}}})
}

// ToDF renames all columns.
func (d *DataFrame) ToDF(names ...string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_ToDf{ToDf: &pb.ToDF{Input: d.relation, ColumnNames: names}}})
}

// Alias gives the DataFrame a name, for references such as Col("name.column").
func (d *DataFrame) Alias(name string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_SubqueryAlias{SubqueryAlias: &pb.SubqueryAlias{Input: d.relation, Alias: name}}})
}

// Hint gives a hint to Spark's planner, such as Hint("broadcast") for the small
// side of a join. Parameters are values as in Lit; Spark 3.5 accepts only
// literals. Spark writes a warning about an unknown hint to its log.
func (d *DataFrame) Hint(name string, parameters ...any) *DataFrame {
	columns := make([]Column, len(parameters))
	for i, p := range parameters {
		columns[i] = Lit(p)
	}
	list, err := expressions("hint "+name, columns)
	if name == "" {
		err = errors.Join(err, fmt.Errorf("hint: its name is empty"))
	}
	for i, e := range list {
		if e.GetLiteral() == nil && !d.session.atLeast(4, 0) {
			err = errors.Join(err, fmt.Errorf("hint %s: parameter %d is not a literal, but Spark %s accepts only literals", name, i+1, d.session.version))
		}
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Hint{Hint: &pb.Hint{Input: d.relation, Name: name, Parameters: list}}}, err)
}

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

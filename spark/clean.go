package spark

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Distinct leaves out rows that are equal to others.
func (d *DataFrame) Distinct() *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_Deduplicate{Deduplicate: &pb.Deduplicate{
		Input: d.relation, AllColumnsAsKeys: proto.Bool(true),
	}}})
}

// DropDuplicates keeps one row of those that are equal in the named columns,
// any one of them; without names it is Distinct.
func (d *DataFrame) DropDuplicates(columns ...string) *DataFrame {
	if len(columns) == 0 {
		return d.Distinct()
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Deduplicate{Deduplicate: &pb.Deduplicate{Input: d.relation, ColumnNames: columns}}})
}

// Sample keeps each row with the probability fraction, from 0 to 1, so about
// that part of the rows. The same seed chooses the same rows as long as they
// come in the same partitions and order.
func (d *DataFrame) Sample(fraction float64, seed int64) *DataFrame {
	var err error
	if !(fraction >= 0 && fraction <= 1) {
		err = fmt.Errorf("sample: the fraction is %v, and must be from 0 to 1", fraction)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Sample{Sample: &pb.Sample{
		Input: d.relation, UpperBound: fraction, WithReplacement: proto.Bool(false), Seed: &seed,
	}}}, err)
}

// DropNA leaves out rows in which one of the columns is NULL or NaN; without
// names, one of all columns.
func (d *DataFrame) DropNA(columns ...string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_DropNa{DropNa: &pb.NADrop{Input: d.relation, Cols: columns}}})
}

// FillNA puts a value in the place of NULL and NaN in the columns; without
// names, in all columns. A string fills columns of strings, a bool those of
// booleans and a number those of numbers, as their type; it leaves others as
// they are.
func (d *DataFrame) FillNA(value any, columns ...string) *DataFrame {
	l, err := filler(value)
	return d.derive(&pb.Relation{RelType: &pb.Relation_FillNa{FillNa: &pb.NAFill{Input: d.relation, Cols: columns, Values: []*lit{l}}}}, err)
}

// filler gives the value as one of the four types that Spark fills with.
func filler(value any) (*lit, error) {
	e, err := constant(value)
	if err != nil {
		return nil, fmt.Errorf("FillNA: %w", err)
	}
	l := e.GetLiteral()
	switch x := l.GetLiteralType().(type) {
	case *pb.Expression_Literal_String_, *pb.Expression_Literal_Boolean, *pb.Expression_Literal_Long, *pb.Expression_Literal_Double:
		return l, nil
	case *pb.Expression_Literal_Byte:
		return literal(int64(x.Byte))
	case *pb.Expression_Literal_Short:
		return literal(int64(x.Short))
	case *pb.Expression_Literal_Integer:
		return literal(int64(x.Integer))
	case *pb.Expression_Literal_Float:
		return literal(float64(x.Float))
	}
	return nil, fmt.Errorf("FillNA: a value of the Go type %T fills no column; a string, a bool or a number does", value)
}

package spark

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Distinct removes duplicate rows.
func (d *DataFrame) Distinct() *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_Deduplicate{Deduplicate: &pb.Deduplicate{
		Input: d.relation, AllColumnsAsKeys: proto.Bool(true),
	}}})
}

// DropDuplicates keeps an arbitrary one of the rows that are equal in the named
// columns. Without names it is Distinct.
func (d *DataFrame) DropDuplicates(columns ...string) *DataFrame {
	if len(columns) == 0 {
		return d.Distinct()
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Deduplicate{Deduplicate: &pb.Deduplicate{Input: d.relation, ColumnNames: columns}}})
}

// Sample keeps each row with a probability of fraction, from 0 to 1. The same
// seed selects the same rows if partitions and order are the same.
func (d *DataFrame) Sample(fraction float64, seed int64) *DataFrame {
	var err error
	if !(fraction >= 0 && fraction <= 1) {
		err = fmt.Errorf("sample: the fraction is %v; it must be from 0 to 1", fraction)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Sample{Sample: &pb.Sample{
		Input: d.relation, UpperBound: fraction, WithReplacement: proto.Bool(false), Seed: &seed,
	}}}, err)
}

// DropNA removes rows in which one of the columns is NULL or NaN. Without names
// it considers all columns.
func (d *DataFrame) DropNA(columns ...string) *DataFrame {
	return d.derive(&pb.Relation{RelType: &pb.Relation_DropNa{DropNa: &pb.NADrop{Input: d.relation, Cols: columns}}})
}

// FillNA replaces NULL and NaN in the columns by a value. Without names it
// considers all columns. A string replaces them in string columns, a bool in
// boolean columns, and a number in numeric columns, converted to their type.
// Other columns are unchanged.
func (d *DataFrame) FillNA(value any, columns ...string) *DataFrame {
	l, err := fillLiteral(value)
	return d.derive(&pb.Relation{RelType: &pb.Relation_FillNa{FillNa: &pb.NAFill{Input: d.relation, Cols: columns, Values: []*lit{l}}}}, err)
}

// fillLiteral converts a value to one of the four types that Spark accepts.
func fillLiteral(value any) (*lit, error) {
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
	return nil, fmt.Errorf("FillNA: the value has the Go type %T; it must be a string, a bool or a number", value)
}

package spark

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// DropNAAll removes rows in which all of the columns are NULL or NaN. Without names it considers all columns.
func (d *DataFrame) DropNAAll(columns ...string) *DataFrame { return d.dropNA(1, columns) }

// DropNAThreshold removes rows in which fewer than least of the columns have a value that is neither NULL nor NaN.
// Without names it considers all columns.
func (d *DataFrame) DropNAThreshold(least int, columns ...string) *DataFrame {
	return d.dropNA(least, columns)
}

func (d *DataFrame) dropNA(least int, columns []string) *DataFrame {
	var err error
	if least < 0 || least > 1<<30 {
		err = fmt.Errorf("DropNA: %d is not a valid number of columns", least)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_DropNa{DropNa: &pb.NADrop{Input: d.relation, Cols: columns, MinNonNulls: proto.Int32(int32(least))}}}, err)
}

// FillNAValues replaces NULL and NaN by a value for each column. Values are as in FillNA.
func (d *DataFrame) FillNAValues(values map[string]any) *DataFrame {
	f := &pb.NAFill{Input: d.relation}
	var err error
	if len(values) == 0 {
		err = errors.New("FillNA: no values are given")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		l, wrong := fillLiteral(values[name])
		if wrong != nil {
			err = errors.Join(err, fmt.Errorf("column %s: %w", name, wrong))
		}
		f.Cols, f.Values = append(f.Cols, name), append(f.Values, l)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_FillNa{FillNa: f}}, err)
}

// Replace replaces values of columns: each key of values by its value, which may be nil for NULL. Keys and values are
// strings, bools or numbers, all of one of these kinds; columns of other kinds are unchanged. Without names it
// considers all columns.
func (d *DataFrame) Replace(values map[any]any, columns ...string) *DataFrame {
	r := &pb.NAReplace{Input: d.relation, Cols: columns}
	var err error
	if len(values) == 0 {
		err = errors.New("replace: no values are given")
	}
	for from, to := range values {
		old, wrong := replaceLiteral(from)
		changed, wrong2 := replaceLiteral(to)
		if from == nil {
			wrong = errors.New("NULL cannot be replaced; use FillNA")
		}
		if wrong = errors.Join(wrong, wrong2); wrong != nil {
			err = errors.Join(err, fmt.Errorf("replace: %w", wrong))
			continue
		}
		r.Replacements = append(r.Replacements, &pb.NAReplace_Replacement{OldValue: old, NewValue: changed})
	}
	slices.SortFunc(r.Replacements, func(a, b *pb.NAReplace_Replacement) int {
		return slices.Compare([]byte(a.OldValue.String()), []byte(b.OldValue.String()))
	})
	return d.derive(&pb.Relation{RelType: &pb.Relation_Replace{Replace: r}}, err)
}

// replaceLiteral converts a value to a literal; numbers are DOUBLE, as Spark compares them.
func replaceLiteral(v any) (*lit, error) {
	if v == nil {
		return literal(nil)
	}
	l, err := fillLiteral(v)
	if err != nil {
		return nil, fmt.Errorf("the value has the Go type %T; it must be a string, a bool or a number", v)
	}
	if n, ok := l.GetLiteralType().(*pb.Expression_Literal_Long); ok {
		return literal(float64(n.Long))
	}
	return l, nil
}

// SampleWithReplacement takes each row as often as a Poisson distribution with the mean fraction says, so that rows
// may be repeated. The same seed gives the same rows if partitions and order are the same.
func (d *DataFrame) SampleWithReplacement(fraction float64, seed int64) *DataFrame {
	var err error
	if !(fraction >= 0) {
		err = fmt.Errorf("sample: the fraction is %v; it must be at least 0", fraction)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Sample{Sample: &pb.Sample{
		Input: d.relation, UpperBound: fraction, WithReplacement: proto.Bool(true), Seed: &seed,
	}}}, err)
}

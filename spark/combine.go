package spark

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

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
func (d *DataFrame) Union(other *DataFrame) *DataFrame {
	return d.set(other, &pb.SetOperation{SetOpType: pb.SetOperation_SET_OP_TYPE_UNION, IsAll: proto.Bool(true)})
}

// UnionByName adds the rows of other, matching columns by name.
func (d *DataFrame) UnionByName(other *DataFrame) *DataFrame {
	return d.set(other, &pb.SetOperation{SetOpType: pb.SetOperation_SET_OP_TYPE_UNION, IsAll: proto.Bool(true), ByName: proto.Bool(true)})
}

// Intersect gives the rows that other has too, each once. Columns are compared
// in their order, and two NULLs are equal.
func (d *DataFrame) Intersect(other *DataFrame) *DataFrame {
	return d.set(other, &pb.SetOperation{SetOpType: pb.SetOperation_SET_OP_TYPE_INTERSECT})
}

// Except gives the rows that other does not have, each once, compared as by
// Intersect.
func (d *DataFrame) Except(other *DataFrame) *DataFrame {
	return d.set(other, &pb.SetOperation{SetOpType: pb.SetOperation_SET_OP_TYPE_EXCEPT})
}

func (d *DataFrame) set(other *DataFrame, op *pb.SetOperation) *DataFrame {
	op.LeftInput, op.RightInput = d.relation, other.input()
	return d.derive(&pb.Relation{RelType: &pb.Relation_SetOp{SetOp: op}}, other.foreign(d))
}

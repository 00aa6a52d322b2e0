package spark

import (
	"errors"
	"fmt"
	"math"
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
		return t, fmt.Errorf("join: %q is not a join type; the types are inner, cross, outer, left, right, semi and anti", how)
	}
	return t, nil
}

// Join joins on a condition. how is the join type: inner, cross, outer, left,
// right, semi or anti.
func (d *DataFrame) Join(other *DataFrame, on Column, how string) *DataFrame {
	t, err := joinType(how)
	list, err2 := expressions("join", []Column{on})
	if err = errors.Join(err, err2, other.checkOther(d)); err != nil {
		return d.derive(&pb.Relation{}, err)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Join{Join: &pb.Join{
		Left: d.relation, Right: other.input(), JoinCondition: list[0], JoinType: t,
	}}})
}

// JoinUsing joins on the equality of columns that both DataFrames have. The
// result has each of these columns once. how is as in Join.
func (d *DataFrame) JoinUsing(other *DataFrame, how string, columns ...string) *DataFrame {
	t, err := joinType(how)
	if len(columns) == 0 && t != pb.Join_JOIN_TYPE_CROSS {
		err = errors.Join(err, fmt.Errorf("join: no columns are named"))
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Join{Join: &pb.Join{
		Left: d.relation, Right: other.input(), UsingColumns: columns, JoinType: t,
	}}}, err, other.checkOther(d))
}

// CrossJoin returns all pairs of rows of d and other.
func (d *DataFrame) CrossJoin(other *DataFrame) *DataFrame { return d.JoinUsing(other, "cross") }

// NearestJoin joins each row of d with the k rows of other for which similarity is
// greatest, such as Call("vector_cosine_similarity", d.Col("vector"), other.Col("vector")).
// All pairs are compared by Spark itself. A row for which similarity is NULL is not near;
// of equal similarities Spark takes any. how is inner, or left to keep rows of d without
// any. Spark has it since 4.3 (EXACT NEAREST k BY SIMILARITY of its SQL); see
// JoinByMeaning for older ones.
func (d *DataFrame) NearestJoin(other *DataFrame, similarity Column, k int, how string) *DataFrame {
	types := map[string]string{"inner": "inner", "left": "leftouter", "leftouter": "leftouter", "left_outer": "leftouter"}
	list, err := expressions("nearest join", []Column{similarity})
	kind, ok := types[strings.ToLower(how)]
	switch {
	case err != nil:
	case !ok:
		err = fmt.Errorf("nearest join: %q is not a join type; the types are inner and left", how)
	case k < 1 || k > math.MaxInt32:
		err = fmt.Errorf("nearest join: the number of rows is %d; it must be at least 1", k)
	case d.session.version != "" && !d.session.atLeast(4, 3):
		err = fmt.Errorf("nearest join: Spark %s has none; it needs 4.3, and JoinByMeaning does not", d.session.version)
	}
	if err = errors.Join(err, other.checkOther(d)); err != nil {
		return d.derive(&pb.Relation{}, err)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_NearestByJoin{NearestByJoin: &pb.NearestByJoin{
		Left: d.relation, Right: other.input(), RankingExpression: list[0], NumResults: int32(k),
		JoinType: kind, Mode: "exact", Direction: "similarity",
	}}})
}

// input returns the plan of d, which may be nil.
func (d *DataFrame) input() *pb.Relation {
	if d == nil {
		return nil
	}
	return d.relation
}

// checkOther returns an error if d cannot be combined with another DataFrame.
func (d *DataFrame) checkOther(to *DataFrame) error {
	switch {
	case d == nil:
		return fmt.Errorf("the other DataFrame is nil")
	case d.session != to.session:
		return fmt.Errorf("the two DataFrames belong to different sessions")
	}
	return d.err
}

// Union appends the rows of other. Columns are matched by position, and
// duplicates are kept.
func (d *DataFrame) Union(other *DataFrame) *DataFrame {
	return d.set(other, &pb.SetOperation{SetOpType: pb.SetOperation_SET_OP_TYPE_UNION, IsAll: proto.Bool(true)})
}

// UnionByName appends the rows of other. Columns are matched by name, and
// duplicates are kept.
func (d *DataFrame) UnionByName(other *DataFrame) *DataFrame {
	return d.set(other, &pb.SetOperation{SetOpType: pb.SetOperation_SET_OP_TYPE_UNION, IsAll: proto.Bool(true), ByName: proto.Bool(true)})
}

// Intersect returns the distinct rows that are also in other. Columns are
// matched by position, and two NULLs are equal.
func (d *DataFrame) Intersect(other *DataFrame) *DataFrame {
	return d.set(other, &pb.SetOperation{SetOpType: pb.SetOperation_SET_OP_TYPE_INTERSECT})
}

// Except returns the distinct rows that are not in other. Rows are compared as in
// Intersect.
func (d *DataFrame) Except(other *DataFrame) *DataFrame {
	return d.set(other, &pb.SetOperation{SetOpType: pb.SetOperation_SET_OP_TYPE_EXCEPT})
}

func (d *DataFrame) set(other *DataFrame, op *pb.SetOperation) *DataFrame {
	op.LeftInput, op.RightInput = d.relation, other.input()
	return d.derive(&pb.Relation{RelType: &pb.Relation_SetOp{SetOp: op}}, other.checkOther(d))
}

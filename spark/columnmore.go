package spark

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// AscNullsFirst sorts ascending, NULLs first. It is Asc.
func (c Column) AscNullsFirst() Column { return c.Asc() }

// AscNullsLast sorts ascending, NULLs last.
func (c Column) AscNullsLast() Column {
	return c.sorted(pb.Expression_SortOrder_SORT_DIRECTION_ASCENDING, pb.Expression_SortOrder_SORT_NULLS_LAST)
}

// DescNullsFirst sorts descending, NULLs first.
func (c Column) DescNullsFirst() Column {
	return c.sorted(pb.Expression_SortOrder_SORT_DIRECTION_DESCENDING, pb.Expression_SortOrder_SORT_NULLS_FIRST)
}

// DescNullsLast sorts descending, NULLs last. It is Desc.
func (c Column) DescNullsLast() Column { return c.Desc() }

// ILike is Like in any case.
func (c Column) ILike(pattern any) Column { return c.Call("ilike", pattern) }

// BitwiseAnd is c & v.
func (c Column) BitwiseAnd(v any) Column { return c.Call("&", v) }

// BitwiseOr is c | v.
func (c Column) BitwiseOr(v any) Column { return c.Call("|", v) }

// BitwiseXor is c ^ v.
func (c Column) BitwiseXor(v any) Column { return c.Call("^", v) }

// TryCast is Cast, but NULL where the value cannot be converted. Spark 3.5 takes a type in DDL only.
func (c Column) TryCast(to any) Column {
	cast := c.Cast(to)
	if cast.err != nil {
		return cast
	}
	cast.expr.GetCast().EvalMode = pb.Expression_Cast_EVAL_MODE_TRY
	return cast
}

// WithField adds a field to a struct, or replaces the field of the name.
func (c Column) WithField(name string, value any) Column {
	v := Lit(value)
	if err := errors.Join(c.err, v.err); err != nil {
		return Column{err: err}
	}
	return c.updated(name, v.expr)
}

// DropFields removes fields of a struct.
func (c Column) DropFields(names ...string) Column {
	for _, name := range names {
		c = c.updated(name, nil)
	}
	return c
}

func (c Column) updated(name string, value *pb.Expression) Column {
	if c.err != nil {
		return c
	}
	if name == "" {
		return Column{err: errors.New("a field of a struct has an empty name")}
	}
	return Column{expr: &pb.Expression{ExprType: &pb.Expression_UpdateFields_{UpdateFields: &pb.Expression_UpdateFields{
		StructExpression: c.expr, FieldName: name, ValueExpression: value,
	}}}}
}

// GetField returns a field of a struct by name.
func (c Column) GetField(name string) Column { return c.GetItem(name) }

// ColRegex selects the columns of d whose names match a regular expression of Java.
func (d *DataFrame) ColRegex(pattern string) Column {
	return Column{expr: &pb.Expression{ExprType: &pb.Expression_UnresolvedRegex_{UnresolvedRegex: &pb.Expression_UnresolvedRegex{
		ColName: "`" + pattern + "`", PlanId: d.relation.GetCommon().PlanId,
	}}}}
}

// Lambda makes a function of n arguments, 1 to 3, for functions of arrays and maps such as
// Call("transform", Col("scores"), Lambda(1, func(x ...Column) Column { return x[0].Plus(1) })). Package functions has them with
// Go functions as arguments.
func Lambda(n int, of func(arguments ...Column) Column) Column {
	names := []string{"x", "y", "z"}
	if n < 1 || n > len(names) {
		return Column{err: fmt.Errorf("a lambda has %d arguments; it must have 1 to 3", n)}
	}
	id := lambdas.Add(1)
	var variables []*pb.Expression_UnresolvedNamedLambdaVariable
	var arguments []Column
	for _, name := range names[:n] {
		v := &pb.Expression_UnresolvedNamedLambdaVariable{NameParts: []string{fmt.Sprintf("%s_%d", name, id)}}
		variables = append(variables, v)
		arguments = append(arguments, Column{expr: &pb.Expression{ExprType: &pb.Expression_UnresolvedNamedLambdaVariable_{UnresolvedNamedLambdaVariable: v}}})
	}
	body := Lit(of(arguments...))
	if body.err != nil {
		return Column{err: fmt.Errorf("lambda: %w", body.err)}
	}
	return Column{expr: &pb.Expression{ExprType: &pb.Expression_LambdaFunction_{LambdaFunction: &pb.Expression_LambdaFunction{Function: body.expr, Arguments: variables}}}}
}

// lambdas numbers the variables of lambdas, so that nested ones differ.
var lambdas atomic.Int64

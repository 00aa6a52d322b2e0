package spark

import (
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Column is an expression over the columns of a DataFrame. A method that takes a
// value of type any uses a Column as it is and converts other values by Lit.
type Column struct {
	expr *pb.Expression
	err  error // returned by the first action that uses the column
}

// Col refers to a column by name. A dot selects a field of a struct, backquotes
// enclose a name that contains a dot, and "*" is all columns.
func Col(name string) Column {
	if name == "*" {
		return Column{expr: &pb.Expression{ExprType: &pb.Expression_UnresolvedStar_{UnresolvedStar: &pb.Expression_UnresolvedStar{}}}}
	}
	if target, ok := strings.CutSuffix(name, ".*"); ok {
		star := target + ".*"
		return Column{expr: &pb.Expression{ExprType: &pb.Expression_UnresolvedStar_{UnresolvedStar: &pb.Expression_UnresolvedStar{UnparsedTarget: &star}}}}
	}
	return Column{expr: attribute(name, nil)}
}

func attribute(name string, plan *int64) *pb.Expression {
	return &pb.Expression{ExprType: &pb.Expression_UnresolvedAttribute_{
		UnresolvedAttribute: &pb.Expression_UnresolvedAttribute{UnparsedIdentifier: name, PlanId: plan},
	}}
}

// Expr parses an expression written in SQL.
func Expr(sql string) Column {
	return Column{expr: &pb.Expression{ExprType: &pb.Expression_ExpressionString_{
		ExpressionString: &pb.Expression_ExpressionString{Expression: sql},
	}}}
}

// Call calls a function by name: a built-in function or one that is registered
// in the session. A name with dots is a function of the catalog.
func Call(function string, args ...any) Column {
	return callFunction(function, false, args)
}

func callFunction(function string, distinct bool, args []any) Column {
	list := make([]*pb.Expression, len(args))
	for i, a := range args {
		c := Lit(a)
		if c.err != nil {
			return Column{err: fmt.Errorf("argument %d of %s: %w", i+1, function, c.err)}
		}
		list[i] = c.expr
	}
	if strings.Contains(function, ".") {
		return Column{expr: &pb.Expression{ExprType: &pb.Expression_CallFunction{
			CallFunction: &pb.CallFunction{FunctionName: function, Arguments: list},
		}}}
	}
	return Column{expr: &pb.Expression{ExprType: &pb.Expression_UnresolvedFunction_{
		UnresolvedFunction: &pb.Expression_UnresolvedFunction{FunctionName: function, Arguments: list, IsDistinct: distinct},
	}}}
}

// Call calls a function by name, with c as the first argument.
func (c Column) Call(function string, args ...any) Column {
	return Call(function, append([]any{c}, args...)...)
}

// Alias sets the column's name.
func (c Column) Alias(name string) Column {
	if c.err != nil {
		return c
	}
	return Column{expr: &pb.Expression{ExprType: &pb.Expression_Alias_{
		Alias: &pb.Expression_Alias{Expr: c.expr, Name: []string{name}},
	}}}
}

// Cast converts to a type: a DataType, or DDL such as "bigint".
func (c Column) Cast(to any) Column {
	if c.err != nil {
		return c
	}
	cast := &pb.Expression_Cast{Expr: c.expr}
	switch t := to.(type) {
	case string:
		cast.CastToType = &pb.Expression_Cast_TypeStr{TypeStr: t}
	case DDL:
		cast.CastToType = &pb.Expression_Cast_TypeStr{TypeStr: string(t)}
	case DataType:
		if err := complete(t); err != nil {
			return Column{err: fmt.Errorf("cast: %w", err)}
		}
		cast.CastToType = &pb.Expression_Cast_Type{Type: t.wire()}
	default:
		return Column{err: fmt.Errorf("cast to %v: the type must be a string or a spark.DataType, not %T", to, to)}
	}
	return Column{expr: &pb.Expression{ExprType: &pb.Expression_Cast_{Cast: cast}}}
}

// GetItem returns a field of a struct by name, a value of a map by key, or an
// element of an array by index.
func (c Column) GetItem(key any) Column {
	k := Lit(key)
	if c.err != nil {
		return c
	}
	if k.err != nil {
		return k
	}
	return Column{expr: &pb.Expression{ExprType: &pb.Expression_UnresolvedExtractValue_{
		UnresolvedExtractValue: &pb.Expression_UnresolvedExtractValue{Child: c.expr, Extraction: k.expr},
	}}}
}

// Eq is c = v; it is NULL if either is.
func (c Column) Eq(v any) Column { return c.Call("==", v) }

// Ne is c <> v; it is NULL if either is.
func (c Column) Ne(v any) Column { return c.Eq(v).Not() }

// EqNullSafe is c <=> v: two NULLs are equal, and the result is never NULL.
func (c Column) EqNullSafe(v any) Column { return c.Call("<=>", v) }

// Lt is c < v.
func (c Column) Lt(v any) Column { return c.Call("<", v) }

// Le is c <= v.
func (c Column) Le(v any) Column { return c.Call("<=", v) }

// Gt is c > v.
func (c Column) Gt(v any) Column { return c.Call(">", v) }

// Ge is c >= v.
func (c Column) Ge(v any) Column { return c.Call(">=", v) }

// Between is low <= c AND c <= high.
func (c Column) Between(low, high any) Column { return c.Ge(low).And(c.Le(high)) }

// Plus is c + v.
func (c Column) Plus(v any) Column { return c.Call("+", v) }

// Minus is c - v.
func (c Column) Minus(v any) Column { return c.Call("-", v) }

// Times is c * v.
func (c Column) Times(v any) Column { return c.Call("*", v) }

// Divide is c / v.
func (c Column) Divide(v any) Column { return c.Call("/", v) }

// Mod is c % v.
func (c Column) Mod(v any) Column { return c.Call("%", v) }

// Negate is -c.
func (c Column) Negate() Column { return c.Call("negative") }

// And is c AND v.
func (c Column) And(v any) Column { return c.Call("and", v) }

// Or is c OR v.
func (c Column) Or(v any) Column { return c.Call("or", v) }

// Not is NOT c.
func (c Column) Not() Column { return c.Call("not") }

// IsNull is c IS NULL.
func (c Column) IsNull() Column { return c.Call("isNull") }

// IsNotNull is c IS NOT NULL.
func (c Column) IsNotNull() Column { return c.Call("isNotNull") }

// Like matches an SQL pattern, in which % is any text and _ is one character.
func (c Column) Like(pattern any) Column { return c.Call("like", pattern) }

// RLike matches a Java regular expression.
func (c Column) RLike(pattern any) Column { return c.Call("rlike", pattern) }

// StartsWith reports whether a text begins with prefix.
func (c Column) StartsWith(prefix any) Column { return c.Call("startswith", prefix) }

// EndsWith reports whether a text ends with suffix.
func (c Column) EndsWith(suffix any) Column { return c.Call("endswith", suffix) }

// Contains reports whether a text contains part.
func (c Column) Contains(part any) Column { return c.Call("contains", part) }

// Substr returns length characters of a text from position start, which counts
// from 1, or from the end if it is negative.
func (c Column) Substr(start, length any) Column { return c.Call("substr", start, length) }

// IsNaN reports whether a number is NaN; for NULL it is false.
func (c Column) IsNaN() Column { return c.Call("isnan") }

// In is c IN (values).
func (c Column) In(values ...any) Column { return c.Call("in", values...) }

// Asc sorts ascending, NULLs first.
func (c Column) Asc() Column {
	return c.sorted(pb.Expression_SortOrder_SORT_DIRECTION_ASCENDING, pb.Expression_SortOrder_SORT_NULLS_FIRST)
}

// Desc sorts descending, NULLs last.
func (c Column) Desc() Column {
	return c.sorted(pb.Expression_SortOrder_SORT_DIRECTION_DESCENDING, pb.Expression_SortOrder_SORT_NULLS_LAST)
}

func (c Column) sorted(d pb.Expression_SortOrder_SortDirection, n pb.Expression_SortOrder_NullOrdering) Column {
	if c.err != nil {
		return c
	}
	return Column{expr: &pb.Expression{ExprType: &pb.Expression_SortOrder_{
		SortOrder: &pb.Expression_SortOrder{Child: c.expr, Direction: d, NullOrdering: n},
	}}}
}

// Count counts the rows in which c is not NULL; Count(Col("*")) counts rows.
func Count(c Column) Column { return c.Call("count") }

// CountDistinct counts the distinct values that are not NULL.
func CountDistinct(c Column) Column { return callFunction("count", true, []any{c}) }

// Sum adds the values that are not NULL.
func Sum(c Column) Column { return c.Call("sum") }

// Avg is the mean of the values that are not NULL.
func Avg(c Column) Column { return c.Call("avg") }

// Min is the smallest value.
func Min(c Column) Column { return c.Call("min") }

// Max is the largest value.
func Max(c Column) Column { return c.Call("max") }

package spark

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Lit returns a constant. nil is NULL. string, bool, []byte, float32, float64,
// int8 to int64, Decimal and time.Time (TIMESTAMP) have the corresponding type.
// int is INT if the value fits, otherwise BIGINT. time.Duration is an INTERVAL
// DAY TO SECOND, in whole microseconds. A slice is an ARRAY. A pointer is the
// value that it points to, or NULL. Lit returns a Column unchanged.
func Lit(v any) Column {
	if c, ok := v.(Column); ok {
		if c.expr == nil && c.err == nil {
			return Column{err: fmt.Errorf("an empty spark.Column was used; make one with spark.Col, spark.Lit or spark.Expr")}
		}
		return c
	}
	if _, ok := v.(Case); ok {
		return Column{err: fmt.Errorf("a spark.When was used without Otherwise")}
	}
	e, err := constant(v)
	if err != nil {
		return Column{err: err}
	}
	return Column{expr: e}
}

// constant returns a literal, or a function of literals if the protocol has no
// literal for the value.
func constant(v any) (*pb.Expression, error) {
	if d, ok := v.(time.Duration); ok {
		seconds := Decimal{Unscaled: big.NewInt(d.Microseconds()), Scale: 6}
		return Call("make_dt_interval", 0, 0, 0, seconds).expr, nil
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer:
		if !r.IsNil() {
			return constant(r.Elem().Interface())
		}
	case reflect.Slice, reflect.Array:
		if r.Type().Elem().Kind() != reflect.Uint8 {
			return arrayConstant(r)
		}
	}
	l, err := literal(v)
	if err != nil {
		return nil, err
	}
	return literalExpression(l), nil
}

func literalExpression(l *lit) *pb.Expression {
	return &pb.Expression{ExprType: &pb.Expression_Literal_{Literal: l}}
}

type lit = pb.Expression_Literal

func literal(v any) (*lit, error) {
	switch x := v.(type) {
	case nil:
		return null(VoidType), nil
	case string:
		return &lit{LiteralType: &pb.Expression_Literal_String_{String_: x}}, nil
	case bool:
		return &lit{LiteralType: &pb.Expression_Literal_Boolean{Boolean: x}}, nil
	case time.Time:
		return &lit{LiteralType: &pb.Expression_Literal_Timestamp{Timestamp: x.UnixMicro()}}, nil
	case Decimal:
		return &lit{LiteralType: &pb.Expression_Literal_Decimal_{Decimal: &pb.Expression_Literal_Decimal{
			Value:     x.String(),
			Precision: proto.Int32(int32(x.Precision())),
			Scale:     proto.Int32(int32(x.Scale)),
		}}}, nil
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Int:
		if n := r.Int(); n >= math.MinInt32 && n <= math.MaxInt32 {
			return &lit{LiteralType: &pb.Expression_Literal_Integer{Integer: int32(n)}}, nil
		}
		return &lit{LiteralType: &pb.Expression_Literal_Long{Long: r.Int()}}, nil
	case reflect.Int8:
		return &lit{LiteralType: &pb.Expression_Literal_Byte{Byte: int32(r.Int())}}, nil
	case reflect.Int16:
		return &lit{LiteralType: &pb.Expression_Literal_Short{Short: int32(r.Int())}}, nil
	case reflect.Int32:
		return &lit{LiteralType: &pb.Expression_Literal_Integer{Integer: int32(r.Int())}}, nil
	case reflect.Int64:
		return &lit{LiteralType: &pb.Expression_Literal_Long{Long: r.Int()}}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if r.Uint() > math.MaxInt64 {
			return nil, fmt.Errorf("the number %d does not fit BIGINT", r.Uint())
		}
		return literal(int(r.Uint()))
	case reflect.Float32:
		return &lit{LiteralType: &pb.Expression_Literal_Float{Float: float32(r.Float())}}, nil
	case reflect.Float64:
		return &lit{LiteralType: &pb.Expression_Literal_Double{Double: r.Float()}}, nil
	case reflect.String:
		return literal(r.String())
	case reflect.Bool:
		return literal(r.Bool())
	case reflect.Slice:
		if r.Type().Elem().Kind() == reflect.Uint8 {
			if r.IsNil() {
				return null(BinaryType), nil
			}
			return &lit{LiteralType: &pb.Expression_Literal_Binary{Binary: r.Bytes()}}, nil
		}
	case reflect.Pointer: // nil
		t, err := typeOfGo(r.Type().Elem())
		if err != nil {
			return nil, err
		}
		return null(t), nil
	}
	return nil, fmt.Errorf("a value of Go type %T cannot be a literal", v)
}

func null(t DataType) *lit { return &lit{LiteralType: &pb.Expression_Literal_Null{Null: t.wire()}} }

// arrayConstant converts all elements to the same type, because the server does
// not check it. Spark 3.5 reads a NULL in an array literal as "" or 0, so an
// array with NULL becomes a call of array().
func arrayConstant(r reflect.Value) (*pb.Expression, error) {
	element, err := typeOfGo(r.Type().Elem())
	if err != nil {
		return nil, fmt.Errorf("a value of Go type %s cannot be a literal: %w", r.Type(), err)
	}
	if r.Kind() == reflect.Slice && r.IsNil() {
		return literalExpression(null(ArrayType{element, true})), nil
	}
	a := &pb.Expression_Literal_Array{ElementType: element.wire()}
	list := make([]any, r.Len())
	for i := range list {
		e, err := constant(widened(r.Index(i)))
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		list[i] = Column{expr: e}
		if l := e.GetLiteral(); l != nil && l.GetNull() == nil {
			a.Elements = append(a.Elements, l)
		}
	}
	if len(a.Elements) < len(list) {
		return Call("array", list...).expr, nil
	}
	return literalExpression(&lit{LiteralType: &pb.Expression_Literal_Array_{Array: a}}), nil
}

// widened converts an int element to int64, which is BIGINT whatever the value,
// like the element type of typeOfGo.
func widened(v reflect.Value) any {
	to := v
	for to.Kind() == reflect.Pointer && !to.IsNil() {
		to = to.Elem()
	}
	if to.Kind() == reflect.Int {
		return to.Int()
	}
	return v.Interface()
}

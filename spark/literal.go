package spark

import (
	"fmt"
	"math"
	"reflect"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/pb"
)

// Lit is a constant. nil is NULL; string, bool, []byte, float32, float64,
// int8 to int64, Decimal and time.Time (TIMESTAMP) are themselves; int is INT
// where it fits and otherwise BIGINT; a slice is an ARRAY, and a pointer what
// it points to or NULL. A Column stays what it is.
func Lit(v any) Column {
	if c, ok := v.(Column); ok {
		if c.expr == nil && c.err == nil {
			return Column{err: fmt.Errorf("an empty spark.Column was used; make one with spark.Col, spark.Lit or spark.Expr")}
		}
		return c
	}
	l, err := literal(v)
	if err != nil {
		return Column{err: err}
	}
	return Column{expr: &pb.Expression{ExprType: &pb.Expression_Literal_{Literal: l}}}
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
	case []byte:
		if x == nil {
			return null(BinaryType), nil
		}
		return &lit{LiteralType: &pb.Expression_Literal_Binary{Binary: x}}, nil
	case time.Time:
		return &lit{LiteralType: &pb.Expression_Literal_Timestamp{Timestamp: x.UnixMicro()}}, nil
	case Decimal:
		return &lit{LiteralType: &pb.Expression_Literal_Decimal_{Decimal: &pb.Expression_Literal_Decimal{
			Value:     x.String(),
			Precision: proto.Int32(int32(x.precision())),
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
	case reflect.Pointer:
		if !r.IsNil() {
			return literal(r.Elem().Interface())
		}
		t, err := typeOfGo(r.Type().Elem())
		if err != nil {
			return nil, err
		}
		return null(t), nil
	case reflect.Slice, reflect.Array:
		return arrayLiteral(r)
	}
	return nil, fmt.Errorf("a value of Go type %T cannot be a literal", v)
}

func null(t DataType) *lit { return &lit{LiteralType: &pb.Expression_Literal_Null{Null: t.wire()}} }

func arrayLiteral(r reflect.Value) (*lit, error) {
	element, err := typeOfGo(r.Type().Elem())
	if err != nil {
		return nil, fmt.Errorf("a value of Go type %s cannot be a literal: %w", r.Type(), err)
	}
	if r.Kind() == reflect.Slice && r.IsNil() {
		return null(ArrayType{element, true}), nil
	}
	a := &pb.Expression_Literal_Array{ElementType: element.wire()}
	for i := range r.Len() {
		v := r.Index(i).Interface()
		if r.Index(i).Kind() == reflect.Int {
			v = r.Index(i).Int() // all of one width
		}
		l, err := literal(v)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		a.Elements = append(a.Elements, l)
	}
	return &lit{LiteralType: &pb.Expression_Literal_Array_{Array: a}}, nil
}

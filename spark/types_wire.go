package spark

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

func (t SimpleType) wire() *pb.DataType {
	switch t {
	case VoidType:
		return &pb.DataType{Kind: &pb.DataType_Null{Null: &pb.DataType_NULL{}}}
	case BooleanType:
		return &pb.DataType{Kind: &pb.DataType_Boolean_{Boolean: &pb.DataType_Boolean{}}}
	case ByteType:
		return &pb.DataType{Kind: &pb.DataType_Byte_{Byte: &pb.DataType_Byte{}}}
	case ShortType:
		return &pb.DataType{Kind: &pb.DataType_Short_{Short: &pb.DataType_Short{}}}
	case IntegerType:
		return &pb.DataType{Kind: &pb.DataType_Integer_{Integer: &pb.DataType_Integer{}}}
	case LongType:
		return &pb.DataType{Kind: &pb.DataType_Long_{Long: &pb.DataType_Long{}}}
	case FloatType:
		return &pb.DataType{Kind: &pb.DataType_Float_{Float: &pb.DataType_Float{}}}
	case DoubleType:
		return &pb.DataType{Kind: &pb.DataType_Double_{Double: &pb.DataType_Double{}}}
	case StringType:
		return &pb.DataType{Kind: &pb.DataType_String_{String_: &pb.DataType_String{}}}
	case BinaryType:
		return &pb.DataType{Kind: &pb.DataType_Binary_{Binary: &pb.DataType_Binary{}}}
	case DateType:
		return &pb.DataType{Kind: &pb.DataType_Date_{Date: &pb.DataType_Date{}}}
	case TimestampType:
		return &pb.DataType{Kind: &pb.DataType_Timestamp_{Timestamp: &pb.DataType_Timestamp{}}}
	case TimestampNTZType:
		return &pb.DataType{Kind: &pb.DataType_TimestampNtz{TimestampNtz: &pb.DataType_TimestampNTZ{}}}
	case DayTimeIntervalType:
		return &pb.DataType{Kind: &pb.DataType_DayTimeInterval_{DayTimeInterval: &pb.DataType_DayTimeInterval{}}}
	case VariantType:
		return &pb.DataType{Kind: &pb.DataType_Variant_{Variant: &pb.DataType_Variant{}}}
	}
	return DDL(t).wire()
}

func (t DecimalType) wire() *pb.DataType {
	return &pb.DataType{Kind: &pb.DataType_Decimal_{Decimal: &pb.DataType_Decimal{
		Precision: proto.Int32(int32(t.Precision)), Scale: proto.Int32(int32(t.Scale)),
	}}}
}

func (t ArrayType) wire() *pb.DataType {
	return &pb.DataType{Kind: &pb.DataType_Array_{Array: &pb.DataType_Array{
		ElementType: t.Element.wire(), ContainsNull: t.ContainsNull,
	}}}
}

func (t MapType) wire() *pb.DataType {
	return &pb.DataType{Kind: &pb.DataType_Map_{Map: &pb.DataType_Map{
		KeyType: t.Key.wire(), ValueType: t.Value.wire(), ValueContainsNull: t.ValueContainsNull,
	}}}
}

func (t StructType) wire() *pb.DataType {
	s := &pb.DataType_Struct{}
	for _, f := range t.Fields {
		field := &pb.DataType_StructField{Name: f.Name, DataType: f.Type.wire(), Nullable: f.Nullable}
		if f.Metadata != "" {
			field.Metadata = &f.Metadata
		}
		s.Fields = append(s.Fields, field)
	}
	return &pb.DataType{Kind: &pb.DataType_Struct_{Struct: s}}
}

// maxTypeDepth bounds the nesting of types.
const maxTypeDepth = 128

// typeFromWire converts a type that the server sent.
func typeFromWire(t *pb.DataType) (DataType, error) { return readType(t, 0) }

func readType(t *pb.DataType, depth int) (DataType, error) {
	if depth > maxTypeDepth {
		return nil, fmt.Errorf("the server sent a type nested deeper than %d levels", maxTypeDepth)
	}
	switch k := t.GetKind().(type) {
	case *pb.DataType_Null:
		return VoidType, nil
	case *pb.DataType_Boolean_:
		return BooleanType, nil
	case *pb.DataType_Byte_:
		return ByteType, nil
	case *pb.DataType_Short_:
		return ShortType, nil
	case *pb.DataType_Integer_:
		return IntegerType, nil
	case *pb.DataType_Long_:
		return LongType, nil
	case *pb.DataType_Float_:
		return FloatType, nil
	case *pb.DataType_Double_:
		return DoubleType, nil
	case *pb.DataType_String_:
		if c := k.String_.GetCollation(); c != "" && c != "UTF8_BINARY" {
			return DDL("STRING COLLATE " + c), nil
		}
		return StringType, nil
	case *pb.DataType_Binary_:
		return BinaryType, nil
	case *pb.DataType_Date_:
		return DateType, nil
	case *pb.DataType_Timestamp_:
		return TimestampType, nil
	case *pb.DataType_TimestampNtz:
		return TimestampNTZType, nil
	case *pb.DataType_Variant_:
		return VariantType, nil
	case *pb.DataType_Char_:
		return DDL(fmt.Sprintf("CHAR(%d)", k.Char.GetLength())), nil
	case *pb.DataType_VarChar_:
		return DDL(fmt.Sprintf("VARCHAR(%d)", k.VarChar.GetLength())), nil
	case *pb.DataType_Time_:
		if k.Time.Precision == nil {
			return DDL("TIME"), nil
		}
		return DDL(fmt.Sprintf("TIME(%d)", k.Time.GetPrecision())), nil
	case *pb.DataType_CalendarInterval_:
		return DDL("INTERVAL"), nil
	case *pb.DataType_YearMonthInterval_:
		return interval([]string{"YEAR", "MONTH"}, k.YearMonthInterval.StartField, k.YearMonthInterval.EndField)
	case *pb.DataType_DayTimeInterval_:
		return interval([]string{"DAY", "HOUR", "MINUTE", "SECOND"}, k.DayTimeInterval.StartField, k.DayTimeInterval.EndField)
	case *pb.DataType_Decimal_:
		d := DecimalType{Precision: 10}
		if k.Decimal.Precision != nil {
			d = DecimalType{int(k.Decimal.GetPrecision()), int(k.Decimal.GetScale())}
		}
		return d, nil
	case *pb.DataType_Array_:
		element, err := readType(k.Array.GetElementType(), depth+1)
		if err != nil {
			return nil, err
		}
		return ArrayType{element, k.Array.GetContainsNull()}, nil
	case *pb.DataType_Map_:
		key, err := readType(k.Map.GetKeyType(), depth+1)
		if err != nil {
			return nil, err
		}
		value, err := readType(k.Map.GetValueType(), depth+1)
		if err != nil {
			return nil, err
		}
		return MapType{key, value, k.Map.GetValueContainsNull()}, nil
	case *pb.DataType_Struct_:
		s := StructType{}
		for _, f := range k.Struct.GetFields() {
			field, err := readType(f.GetDataType(), depth+1)
			if err != nil {
				return nil, err
			}
			s.Fields = append(s.Fields, StructField{f.GetName(), field, f.GetNullable(), f.GetMetadata()})
		}
		return s, nil
	case *pb.DataType_Udt:
		if k.Udt.GetSqlType() != nil {
			return readType(k.Udt.GetSqlType(), depth+1)
		}
		return nil, fmt.Errorf("the server sent the user-defined type %q without its SQL type", k.Udt.GetType())
	case *pb.DataType_Unparsed_:
		return DDL(strings.ToUpper(k.Unparsed.GetDataTypeString())), nil
	}
	if unknown := t.ProtoReflect().GetUnknown(); len(unknown) > 0 {
		return newerType(unknown), nil
	}
	return nil, fmt.Errorf("the server sent a column without its type")
}

// UnknownType represents a type of the server that this version of firesteel
// does not support. Its values have the Go type for their Arrow type.
const UnknownType = DDL("UNKNOWN")

// newerType converts types that package pb lacks: GEOMETRY and GEOGRAPHY of Spark
// 4.1 and later, with the id of their spatial reference system.
func newerType(unknown []byte) DataType {
	names := map[protowire.Number]string{26: "GEOMETRY", 27: "GEOGRAPHY"}
	kind, wire, n := protowire.ConsumeTag(unknown)
	if n < 0 || wire != protowire.BytesType || names[kind] == "" {
		return UnknownType
	}
	message, _ := protowire.ConsumeBytes(unknown[n:])
	srid := "0"
	for len(message) > 0 {
		field, wire, n := protowire.ConsumeTag(message)
		if n < 0 {
			return UnknownType
		}
		message = message[n:]
		if field == 1 && wire == protowire.VarintType {
			id, _ := protowire.ConsumeVarint(message)
			if srid = strconv.Itoa(int(int32(id))); int32(id) < 0 {
				srid = "ANY"
			}
		}
		if n = protowire.ConsumeFieldValue(field, wire, message); n < 0 {
			return UnknownType
		}
		message = message[n:]
	}
	return DDL(names[kind] + "(" + srid + ")")
}

// interval returns the interval type with the units from start to end, whose
// defaults are the first and the last unit.
func interval(units []string, start, end *int32) (DataType, error) {
	first, last := 0, len(units)-1
	if start != nil {
		first = int(*start)
	}
	if end != nil {
		last = int(*end)
	}
	if first < 0 || last >= len(units) || first > last {
		return nil, fmt.Errorf("the server sent an interval type with the fields %d to %d", first, last)
	}
	text := "INTERVAL " + units[first]
	if first < last {
		text += " TO " + units[last]
	}
	if text == DayTimeIntervalType.String() {
		return DayTimeIntervalType, nil
	}
	return DDL(text), nil
}

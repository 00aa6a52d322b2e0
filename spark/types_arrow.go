package spark

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// ArrowSchema returns the Arrow schema for t. The time zone of timestamps is UTC.
func (t StructType) ArrowSchema() (*arrow.Schema, error) {
	if err := complete(t); err != nil {
		return nil, err
	}
	fields, err := arrowFields(t)
	if err != nil {
		return nil, err
	}
	return arrow.NewSchema(fields, nil), nil
}

func arrowFields(t StructType) ([]arrow.Field, error) {
	fields := make([]arrow.Field, len(t.Fields))
	for i, f := range t.Fields {
		a, err := arrowType(f.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
		fields[i] = arrow.Field{Name: f.Name, Type: a, Nullable: f.Nullable}
	}
	return fields, nil
}

var arrowTypes = map[SimpleType]arrow.DataType{
	VoidType:         arrow.Null,
	BooleanType:      arrow.FixedWidthTypes.Boolean,
	ByteType:         arrow.PrimitiveTypes.Int8,
	ShortType:        arrow.PrimitiveTypes.Int16,
	IntegerType:      arrow.PrimitiveTypes.Int32,
	LongType:         arrow.PrimitiveTypes.Int64,
	FloatType:        arrow.PrimitiveTypes.Float32,
	DoubleType:       arrow.PrimitiveTypes.Float64,
	StringType:       arrow.BinaryTypes.String,
	BinaryType:       arrow.BinaryTypes.Binary,
	DateType:         arrow.FixedWidthTypes.Date32,
	TimestampType:    &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
	TimestampNTZType: &arrow.TimestampType{Unit: arrow.Microsecond},

	DayTimeIntervalType: arrow.FixedWidthTypes.Duration_us,
}

func arrowType(t DataType) (arrow.DataType, error) {
	switch t := t.(type) {
	case SimpleType:
		if a, ok := arrowTypes[t]; ok {
			return a, nil
		}
	case DecimalType:
		return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}, nil
	case ArrayType:
		element, err := arrowType(t.Element)
		if err != nil {
			return nil, err
		}
		return arrow.ListOfField(arrow.Field{Name: "element", Type: element, Nullable: t.ContainsNull}), nil
	case MapType:
		key, err := arrowType(t.Key)
		if err != nil {
			return nil, err
		}
		value, err := arrowType(t.Value)
		if err != nil {
			return nil, err
		}
		m := arrow.MapOf(key, value)
		m.SetItemNullable(t.ValueContainsNull)
		return m, nil
	case StructType:
		fields, err := arrowFields(t)
		if err != nil {
			return nil, err
		}
		return arrow.StructOf(fields...), nil
	}
	return nil, fmt.Errorf("the Spark type %s has no corresponding Arrow type", t)
}

// SchemaFromArrow returns the Spark schema for an Arrow schema. It returns an
// error for types that Spark does not support, such as unsigned numbers.
func SchemaFromArrow(schema *arrow.Schema) (StructType, error) {
	return structFromArrow(schema.Fields())
}

func structFromArrow(fields []arrow.Field) (StructType, error) {
	s := StructType{Fields: make([]StructField, len(fields))}
	for i, f := range fields {
		t, err := typeFromArrow(f.Type)
		if err != nil {
			return s, fmt.Errorf("column %s: %w", f.Name, err)
		}
		s.Fields[i] = StructField{Name: f.Name, Type: t, Nullable: f.Nullable}
	}
	return s, nil
}

func typeFromArrow(t arrow.DataType) (DataType, error) {
	for s, a := range arrowTypes {
		if arrow.TypeEqual(a, t) {
			return s, nil
		}
	}
	switch t := t.(type) {
	case *arrow.TimestampType:
		if t.Unit != arrow.Microsecond {
			return nil, fmt.Errorf("the unit of a timestamp must be microseconds for Spark, and the Arrow type is %s", t)
		}
		return TimestampType, nil
	case *arrow.Decimal128Type:
		return DecimalType{int(t.Precision), int(t.Scale)}, nil
	case *arrow.MapType:
		key, err := typeFromArrow(t.KeyType())
		if err != nil {
			return nil, err
		}
		value, err := typeFromArrow(t.ItemType())
		if err != nil {
			return nil, err
		}
		return MapType{key, value, t.ItemField().Nullable}, nil
	case *arrow.ListType:
		element, err := typeFromArrow(t.Elem())
		if err != nil {
			return nil, err
		}
		return ArrayType{element, t.ElemField().Nullable}, nil
	case *arrow.StructType:
		return structFromArrow(t.Fields())
	case *arrow.LargeStringType, *arrow.LargeBinaryType, *arrow.StringViewType, *arrow.BinaryViewType, *arrow.DictionaryType, *arrow.LargeListType:
		return nil, fmt.Errorf("the Arrow type %s is not supported by Spark; cast it to its plain form first", t)
	}
	return nil, fmt.Errorf("the Arrow type %s is not supported by Spark", t)
}

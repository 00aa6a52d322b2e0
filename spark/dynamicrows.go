package spark

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/udf"
)

// dynamicBatch converts rows for CreateDataFrameOf.
func (s *Session) dynamicBatch(schema StructType, rows any) (arrow.RecordBatch, error) {
	if err := complete(schema); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	arrowSchema, err := schema.ArrowSchema()
	if err != nil {
		return nil, err
	}
	var all []any // of Row, []any and map[string]any
	switch rows := rows.(type) {
	case []Row:
		for _, r := range rows {
			all = append(all, r)
		}
	case [][]any:
		for _, r := range rows {
			all = append(all, r)
		}
	case []map[string]any:
		for _, r := range rows {
			all = append(all, r)
		}
	default:
		return nil, fmt.Errorf("rows must be a [][]any, a []map[string]any or a []spark.Row, not %T", rows)
	}
	b := array.NewRecordBuilder(s.config.allocator, arrowSchema)
	defer b.Release()
	for i, row := range all {
		values, err := fieldValues(schema, row)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		for j, f := range schema.Fields {
			if err := appendValue(b.Field(j), f.Type, values[j]); err != nil {
				return nil, fmt.Errorf("row %d, column %s: %w", i, f.Name, err)
			}
			if values[j] == nil && !f.Nullable {
				return nil, fmt.Errorf("row %d, column %s: the value is NULL, but the schema says NOT NULL", i, f.Name)
			}
		}
	}
	return b.NewRecordBatch(), nil
}

// fieldValues returns the values of a row or struct in the order of the fields.
func fieldValues(t StructType, row any) ([]any, error) {
	values := make([]any, len(t.Fields))
	switch row := row.(type) {
	case []any:
		if len(row) != len(t.Fields) {
			return nil, fmt.Errorf("it has %d values for %d columns", len(row), len(t.Fields))
		}
		return row, nil
	case Row:
		if len(row.values) != len(t.Fields) {
			return nil, fmt.Errorf("it has %d values for %d columns", len(row.values), len(t.Fields))
		}
		for i, f := range t.Fields {
			v, ok := row.Value(f.Name)
			if !ok {
				return nil, fmt.Errorf("there is no column %q", f.Name)
			}
			values[i] = v
		}
	case map[string]any:
		known := map[string]bool{}
		for i, f := range t.Fields {
			values[i], known[f.Name] = row[f.Name], true
		}
		for _, name := range slices.Sorted(maps.Keys(row)) {
			if !known[name] {
				return nil, fmt.Errorf("the schema has no column %q", name)
			}
		}
	default:
		return nil, fmt.Errorf("a struct must be a map[string]any, a []any or a spark.Row, not %T", row)
	}
	return values, nil
}

// goTypes are the Go types of simple values, as appendGo takes them.
var goTypes = map[DataType]reflect.Type{
	BooleanType: reflect.TypeFor[bool](), ByteType: reflect.TypeFor[int8](), ShortType: reflect.TypeFor[int16](), IntegerType: reflect.TypeFor[int32](),
	LongType: reflect.TypeFor[int64](), FloatType: reflect.TypeFor[float32](), DoubleType: reflect.TypeFor[float64](), StringType: reflect.TypeFor[string](),
	BinaryType: reflect.TypeFor[[]byte](), DateType: reflect.TypeFor[udf.Date](), TimestampType: reflect.TypeFor[time.Time](), TimestampNTZType: reflect.TypeFor[time.Time](),
	DayTimeIntervalType: reflect.TypeFor[time.Duration](),
}

// appendValue appends a value of a type to its builder.
func appendValue(b array.Builder, t DataType, v any) error {
	r := reflect.ValueOf(v)
	for r.Kind() == reflect.Pointer && !r.IsNil() {
		r = r.Elem()
		v = r.Interface()
	}
	if v == nil || (r.Kind() == reflect.Pointer || r.Kind() == reflect.Slice || r.Kind() == reflect.Map) && r.IsNil() {
		b.AppendNull()
		return nil
	}
	switch t := t.(type) {
	case ArrayType:
		if r.Kind() != reflect.Slice {
			return fmt.Errorf("an ARRAY must be a slice, not %T", v)
		}
		list := b.(*array.ListBuilder)
		list.Append(true)
		for i := range r.Len() {
			if err := appendValue(list.ValueBuilder(), t.Element, r.Index(i).Interface()); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	case MapType:
		if r.Kind() != reflect.Map {
			return fmt.Errorf("a MAP must be a map, not %T", v)
		}
		m := b.(*array.MapBuilder)
		m.Append(true)
		for _, k := range r.MapKeys() {
			err := appendValue(m.KeyBuilder(), t.Key, k.Interface())
			if err == nil {
				err = appendValue(m.ItemBuilder(), t.Value, r.MapIndex(k).Interface())
			}
			if err != nil {
				return sensitive.Errorf("key %s: %w", sensitive.Of(k), err)
			}
		}
		return nil
	case StructType:
		values, err := fieldValues(t, v)
		if err != nil {
			return err
		}
		s := b.(*array.StructBuilder)
		s.Append(true)
		for i, f := range t.Fields {
			if err := appendValue(s.FieldBuilder(i), f.Type, values[i]); err != nil {
				return fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
		return nil
	}
	goType := goTypes[t]
	if _, decimal := t.(DecimalType); decimal {
		goType = decimalType
	}
	if goType == nil {
		return fmt.Errorf("values of the type %s cannot be created here", t)
	}
	to := reflect.New(goType).Elem()
	if err := assign(to, v); err != nil {
		return err
	}
	return appendGo(b, to)
}

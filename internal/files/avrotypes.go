package files

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/google/uuid"
	"github.com/twmb/avro"
)

// maxAvroDepth bounds the nesting of types.
const maxAvroDepth = 64

// avroType is a type of Avro with the type of its column.
type avroType struct {
	arrow    arrow.DataType
	nullable bool
	fields   []arrow.Field // of a record, and of a union of several types
	of       []*avroType   // the types of the fields, of the items, or of the values
	branches []string      // of a union: the names of its types other than null, one for each of of
	widens   bool          // a union that is one number: values are widened to it
	uuid     bool          // a fixed that is text
}

// avroNames are the named types of a schema, which it may refer to.
type avroNames struct {
	nodes map[string]*avro.SchemaNode
	open  []string // records around the current type
}

// avroRow returns the type of a row.
func avroRow(root *avro.SchemaNode) (*avroType, error) {
	if root.Type != "record" {
		return nil, fmt.Errorf("its rows are of the Avro type %s, but a table has records", root.Type)
	}
	return (&avroNames{nodes: map[string]*avro.SchemaNode{}}).typeOf(root)
}

var avroPrimitives = map[string]arrow.DataType{
	"null": arrow.Null, "boolean": arrow.FixedWidthTypes.Boolean, "int": arrow.PrimitiveTypes.Int32, "long": arrow.PrimitiveTypes.Int64, "float": arrow.PrimitiveTypes.Float32,
	"double": arrow.PrimitiveTypes.Float64, "string": arrow.BinaryTypes.String, "bytes": arrow.BinaryTypes.Binary,
}

// avroLogical are the types of logical types by name, which the library leaves out
// where the type below is wrong.
var avroLogical = map[string]arrow.DataType{
	"date": arrow.FixedWidthTypes.Date32, "time-millis": arrow.FixedWidthTypes.Time32ms, "time-micros": arrow.FixedWidthTypes.Time64us,
	"timestamp-millis": arrow.FixedWidthTypes.Timestamp_ms, "timestamp-micros": arrow.FixedWidthTypes.Timestamp_us, "timestamp-nanos": arrow.FixedWidthTypes.Timestamp_ns,
	"local-timestamp-millis": &arrow.TimestampType{Unit: arrow.Millisecond}, "local-timestamp-micros": &arrow.TimestampType{Unit: arrow.Microsecond},
	"local-timestamp-nanos": &arrow.TimestampType{Unit: arrow.Nanosecond},
}

// avroCarriers are the types that logical types have in the file.
var avroCarriers = map[string]string{"date": "int", "time-millis": "int"}

func fullName(n *avro.SchemaNode) string {
	if n.Namespace != "" {
		return n.Namespace + "." + n.Name
	}
	return n.Name
}

// resolve returns the named type that a node refers to: by its full name, or by
// its name in the namespace of the record around it.
func (names *avroNames) resolve(n *avro.SchemaNode) *avro.SchemaNode {
	if len(names.open) > 0 {
		around := names.open[len(names.open)-1]
		if named, ok := names.nodes[around[:strings.LastIndexByte(around, '.')+1]+n.Type]; ok {
			return named
		}
	}
	if named, ok := names.nodes[n.Type]; ok {
		return named
	}
	return n
}

func (names *avroNames) typeOf(n *avro.SchemaNode) (*avroType, error) {
	n = names.resolve(n)
	if len(names.open) > maxAvroDepth {
		return nil, fmt.Errorf("its records are nested more than %d deep", maxAvroDepth)
	}
	switch n.Type {
	case "record", "error", "enum", "fixed":
		names.nodes[fullName(n)] = n
	}
	if n.LogicalType == "decimal" && (n.Type == "bytes" || n.Type == "fixed") {
		switch {
		case n.Precision <= 38:
			return &avroType{arrow: &arrow.Decimal128Type{Precision: int32(n.Precision), Scale: int32(n.Scale)}}, nil
		case n.Precision <= 76:
			return &avroType{arrow: &arrow.Decimal256Type{Precision: int32(n.Precision), Scale: int32(n.Scale)}}, nil
		}
		return nil, fmt.Errorf("a decimal has %d digits; at most 76 are supported", n.Precision)
	}
	if t, ok := avroLogical[n.LogicalType]; ok {
		carrier := avroCarriers[n.LogicalType]
		if carrier == "" {
			carrier = "long"
		}
		if n.Type == carrier {
			return &avroType{arrow: t}, nil
		}
	}
	if t, ok := avroPrimitives[n.Type]; ok {
		return &avroType{arrow: t, nullable: n.Type == "null"}, nil
	}
	switch n.Type {
	case "enum":
		return &avroType{arrow: arrow.BinaryTypes.String}, nil
	case "fixed":
		if n.LogicalType == "uuid" && n.Size == 16 {
			return &avroType{arrow: arrow.BinaryTypes.String, uuid: true}, nil
		}
		return &avroType{arrow: &arrow.FixedSizeBinaryType{ByteWidth: n.Size}}, nil
	case "record", "error":
		return names.recordOf(n)
	case "array":
		items, err := names.typeOf(n.Items)
		if err != nil {
			return nil, err
		}
		return &avroType{arrow: arrow.ListOfField(arrow.Field{Name: "item", Type: items.arrow, Nullable: items.nullable}), of: []*avroType{items}}, nil
	case "map":
		values, err := names.typeOf(n.Values)
		if err != nil {
			return nil, err
		}
		t := arrow.MapOf(arrow.BinaryTypes.String, values.arrow)
		t.SetItemNullable(values.nullable)
		return &avroType{arrow: t, of: []*avroType{values}}, nil
	case "union":
		return names.unionOf(n)
	}
	return nil, fmt.Errorf("the type %q is not an Avro type", n.Type)
}

func (names *avroNames) recordOf(n *avro.SchemaNode) (*avroType, error) {
	name := fullName(n)
	if slices.Contains(names.open, name) {
		return nil, fmt.Errorf("the record %s contains itself; the columns of a table are not recursive", name)
	}
	names.open = append(names.open, name)
	defer func() { names.open = names.open[:len(names.open)-1] }()
	t := &avroType{}
	for i := range n.Fields {
		of, err := names.typeOf(&n.Fields[i].Type)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", n.Fields[i].Name, err)
		}
		t.add(n.Fields[i].Name, of, of.nullable)
	}
	t.arrow = arrow.StructOf(t.fields...)
	return t, nil
}

func (t *avroType) add(name string, of *avroType, nullable bool) {
	t.of = append(t.of, of)
	t.fields = append(t.fields, arrow.Field{Name: name, Type: of.arrow, Nullable: nullable})
}

// unionOf returns the type of a union as Spark does: a type with null is the type,
// int and long are a long, float and double are a double, and other types are a
// struct with the fields member0, member1, ..., of which one is not NULL.
func (names *avroNames) unionOf(n *avro.SchemaNode) (*avroType, error) {
	union := &avroType{}
	for i := range n.Branches {
		branch := names.resolve(&n.Branches[i])
		if branch.Type == "null" {
			union.nullable = true
			continue
		}
		of, err := names.typeOf(branch)
		if err != nil {
			return nil, err
		}
		name := branch.Type
		if branch.Name != "" {
			name = fullName(branch)
		}
		union.branches = append(union.branches, name)
		union.add(fmt.Sprintf("member%d", len(union.of)), of, true)
	}
	is := func(a, b arrow.DataType) bool {
		return len(union.of) == 2 && (arrow.TypeEqual(union.of[0].arrow, a) && arrow.TypeEqual(union.of[1].arrow, b) || arrow.TypeEqual(union.of[0].arrow, b) && arrow.TypeEqual(union.of[1].arrow, a))
	}
	switch {
	case len(union.of) == 0:
		union.arrow = arrow.Null
	case len(union.of) == 1:
		union.arrow = union.of[0].arrow
	case is(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64):
		union.arrow, union.widens = arrow.PrimitiveTypes.Int64, true
	case is(arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64):
		union.arrow, union.widens = arrow.PrimitiveTypes.Float64, true
	default:
		union.arrow = arrow.StructOf(union.fields...)
	}
	return union, nil
}

// append adds a value as the library returns it, and its size in bytes to size.
func (t *avroType) append(b array.Builder, v any, size *int) error {
	*size += 8
	if v == nil {
		if !t.nullable && t.branches == nil {
			return errors.New("a value is missing")
		}
		b.AppendNull()
		return nil
	}
	if t.branches != nil {
		return t.appendBranch(b, v, size)
	}
	if named, ok := v.(avroNamed); ok {
		v = named.value
	}
	switch v := v.(type) {
	case bool:
		if b, ok := b.(*array.BooleanBuilder); ok {
			b.Append(v)
			return nil
		}
	case int32:
		switch b := b.(type) {
		case *array.Int32Builder:
			b.Append(v)
			return nil
		case *array.Int64Builder:
			b.Append(int64(v))
			return nil
		case *array.Date32Builder:
			b.Append(arrow.Date32(v))
			return nil
		case *array.Time32Builder:
			b.Append(arrow.Time32(v))
			return nil
		}
	case int64:
		switch b := b.(type) {
		case *array.Int64Builder:
			b.Append(v)
			return nil
		case *array.Time64Builder:
			b.Append(arrow.Time64(v))
			return nil
		case *array.TimestampBuilder:
			b.Append(arrow.Timestamp(v))
			return nil
		}
	case float32:
		switch b := b.(type) {
		case *array.Float32Builder:
			b.Append(v)
			return nil
		case *array.Float64Builder:
			b.Append(float64(v))
			return nil
		}
	case float64:
		if b, ok := b.(*array.Float64Builder); ok {
			b.Append(v)
			return nil
		}
	case string:
		if b, ok := b.(*array.StringBuilder); ok {
			if !utf8.ValidString(v) {
				return errors.New("a text is not UTF-8")
			}
			*size += len(v)
			b.Append(v)
			return nil
		}
	case []byte:
		*size += len(v)
		return t.appendBytes(b, v)
	case []any:
		if b, ok := b.(*array.ListBuilder); ok {
			b.Append(true)
			for _, item := range v {
				if err := t.of[0].append(b.ValueBuilder(), item, size); err != nil {
					return err
				}
			}
			return nil
		}
	case map[string]any:
		return t.appendNamed(b, v, size)
	}
	return fmt.Errorf("a value of type %T is not of the type %s", v, t.arrow)
}

// branchOf returns the name of the type of a value in a union, which has at most
// one type of each kind without a name.
func branchOf(v any) string {
	switch v := v.(type) {
	case avroNamed:
		return v.name
	case bool:
		return "boolean"
	case int32:
		return "int"
	case int64:
		return "long"
	case float32:
		return "float"
	case float64:
		return "double"
	case string:
		return "string"
	case []byte:
		return "bytes"
	case []any:
		return "array"
	case map[string]any:
		return "map"
	}
	return fmt.Sprintf("%T", v)
}

// appendBranch adds a value of a union.
func (t *avroType) appendBranch(b array.Builder, v any, size *int) error {
	name := branchOf(v)
	at := slices.Index(t.branches, name)
	switch {
	case at < 0:
		return fmt.Errorf("a value of type %s is not of the union of %s", name, t.branches)
	case t.widens, len(t.of) == 1:
		return t.of[at].append(b, v, size)
	}
	union := b.(*array.StructBuilder) // the type of such unions
	union.Append(true)
	for i, of := range t.of {
		if i != at {
			union.FieldBuilder(i).AppendNull()
		} else if err := of.append(union.FieldBuilder(i), v, size); err != nil {
			return err
		}
	}
	return nil
}

// appendNamed adds a record or a map. Maps of Avro have no order: the keys are
// sorted.
func (t *avroType) appendNamed(b array.Builder, v map[string]any, size *int) error {
	switch b := b.(type) {
	case *array.StructBuilder:
		b.Append(true)
		for i, f := range t.fields {
			if err := t.of[i].append(b.FieldBuilder(i), v[f.Name], size); err != nil {
				return fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
		return nil
	case *array.MapBuilder:
		b.Append(true)
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			if !utf8.ValidString(key) {
				return errors.New("the key of a map is not UTF-8")
			}
			*size += len(key)
			b.KeyBuilder().(*array.StringBuilder).Append(key)
			if err := t.of[0].append(b.ItemBuilder(), v[key], size); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("a record or map is not of the type %s", t.arrow)
}

// appendBytes adds bytes, a decimal in two's complement, or a UUID.
func (t *avroType) appendBytes(b array.Builder, v []byte) error {
	switch b := b.(type) {
	case *array.BinaryBuilder:
		b.Append(v)
		return nil
	case *array.FixedSizeBinaryBuilder:
		if want := t.arrow.(*arrow.FixedSizeBinaryType).ByteWidth; len(v) != want {
			return fmt.Errorf("%d bytes are not %d", len(v), want)
		}
		b.Append(v)
		return nil
	case *array.StringBuilder:
		if t.uuid {
			id, err := uuid.FromBytes(v)
			if err != nil {
				return err
			}
			b.Append(id.String())
			return nil
		}
	case *array.Decimal128Builder:
		n := unscaled(v)
		if p := t.arrow.(*arrow.Decimal128Type).Precision; !fitsDigits(n, p) {
			return fmt.Errorf("a decimal has more than the %d digits of its type", p)
		}
		b.Append(decimal128.FromBigInt(n))
		return nil
	case *array.Decimal256Builder:
		n := unscaled(v)
		if p := t.arrow.(*arrow.Decimal256Type).Precision; !fitsDigits(n, p) {
			return fmt.Errorf("a decimal has more than the %d digits of its type", p)
		}
		b.Append(decimal256.FromBigInt(n))
		return nil
	}
	return fmt.Errorf("bytes are not of the type %s", t.arrow)
}

// unscaled reads a number in two's complement, the highest byte first.
func unscaled(v []byte) *big.Int {
	n := new(big.Int).SetBytes(v)
	if len(v) > 0 && v[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
	}
	return n
}

func fitsDigits(n *big.Int, digits int32) bool {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	return n.CmpAbs(limit) < 0
}

package spark

import (
	"errors"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/sqltypes"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

// DataType is a type of Spark SQL. String returns it as DDL.
type DataType interface {
	String() string
	wire() *pb.DataType
}

// complete returns an error if a type or a type inside it is nil.
func complete(t DataType) error {
	switch t := t.(type) {
	case nil:
		return errors.New("the type is nil")
	case ArrayType:
		if err := complete(t.Element); err != nil {
			return fmt.Errorf("an array's element: %w", err)
		}
	case MapType:
		if err := errors.Join(complete(t.Key), complete(t.Value)); err != nil {
			return fmt.Errorf("a map's key or value: %w", err)
		}
	case StructType:
		for _, f := range t.Fields {
			if err := complete(f.Type); err != nil {
				return fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
	}
	return nil
}

// SimpleType is a type without parameters.
type SimpleType string

// The types without parameters.
const (
	VoidType         SimpleType = "VOID"
	BooleanType      SimpleType = "BOOLEAN"
	ByteType         SimpleType = "TINYINT"
	ShortType        SimpleType = "SMALLINT"
	IntegerType      SimpleType = "INT"
	LongType         SimpleType = "BIGINT"
	FloatType        SimpleType = "FLOAT"
	DoubleType       SimpleType = "DOUBLE"
	StringType       SimpleType = "STRING"
	BinaryType       SimpleType = "BINARY"
	DateType         SimpleType = "DATE"
	TimestampType    SimpleType = "TIMESTAMP"
	TimestampNTZType SimpleType = "TIMESTAMP_NTZ"
	VariantType      SimpleType = "VARIANT"
	// DayTimeIntervalType is a duration, in microseconds.
	DayTimeIntervalType SimpleType = "INTERVAL DAY TO SECOND"
)

func (t SimpleType) String() string { return string(t) }

// DDL is a type in text form, which the server parses. It also represents types
// of the server for which this package has no Go type.
type DDL string

func (t DDL) String() string { return string(t) }

func (t DDL) wire() *pb.DataType {
	return &pb.DataType{Kind: &pb.DataType_Unparsed_{Unparsed: &pb.DataType_Unparsed{DataTypeString: string(t)}}}
}

// DecimalType is a decimal number of Precision digits, of which Scale are after
// the point.
type DecimalType struct{ Precision, Scale int }

func (t DecimalType) String() string { return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale) }

// ArrayType is a list of elements of one type.
type ArrayType struct {
	Element      DataType
	ContainsNull bool
}

func (t ArrayType) String() string { return "ARRAY<" + t.Element.String() + ">" }

// MapType maps keys of one type to values of one type.
type MapType struct {
	Key, Value        DataType
	ValueContainsNull bool
}

func (t MapType) String() string { return "MAP<" + t.Key.String() + ", " + t.Value.String() + ">" }

// StructType is a sequence of named fields. The schema of a DataFrame is a
// StructType.
type StructType struct{ Fields []StructField }

// StructField is one field of a StructType.
type StructField struct {
	Name     string
	Type     DataType
	Nullable bool
	Metadata string // JSON; may be empty
}

func (t StructType) String() string { return "STRUCT<" + t.fields(": ", ", ") + ">" }

// DDL returns the fields in the form of a table's columns, such as
// "id BIGINT NOT NULL,name STRING".
func (t StructType) DDL() string { return t.fields(" ", ",") }

func (t StructType) fields(colon, comma string) string {
	var b strings.Builder
	for i, f := range t.Fields {
		if i > 0 {
			b.WriteString(comma)
		}
		b.WriteString(quoteIfNeeded(f.Name) + colon + f.Type.String())
		if !f.Nullable {
			b.WriteString(" NOT NULL")
		}
	}
	return b.String()
}

// Index returns the index of a field by name, or -1. An exact match takes
// precedence over a case-insensitive one.
func (t StructType) Index(name string) int {
	folded := -1
	for i, f := range t.Fields {
		if f.Name == name {
			return i
		}
		if folded < 0 && strings.EqualFold(f.Name, name) {
			folded = i
		}
	}
	return folded
}

// Names returns the names of the fields.
func (t StructType) Names() []string {
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return names
}

// quoteIfNeeded quotes a name that is not a plain SQL identifier.
func quoteIfNeeded(name string) string {
	for i, c := range name {
		if c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9' {
			continue
		}
		return sqltypes.QuoteName(name)
	}
	if name == "" {
		return "``"
	}
	return name
}

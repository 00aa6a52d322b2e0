package ai

import "strings"

// Type is the type of an argument or a result.
type Type struct {
	sql     string
	fields  *[]Field // of a STRUCT; a pointer, so that types are comparable
	element *Type    // of an ARRAY of Array
}

// Field is a field of a STRUCT.
type Field struct {
	Name string
	Type Type
}

// The types and their Go values. nil is NULL of any type.
var (
	String      = Type{sql: "STRING"}              // string
	Boolean     = Type{sql: "BOOLEAN"}             // bool
	Int         = Type{sql: "INT"}                 // int64
	Long        = Type{sql: "BIGINT"}              // int64
	Float       = Type{sql: "FLOAT"}               // float64
	Double      = Type{sql: "DOUBLE"}              // float64
	StringArray = Type{sql: "ARRAY<STRING>"}       // []string; NULL elements of an argument are omitted
	FloatArray  = Type{sql: "ARRAY<FLOAT>"}        // []float32
	VectorArray = Type{sql: "ARRAY<ARRAY<FLOAT>>"} // [][]float32; an element is nil for NULL
	StringMap   = Type{sql: "MAP<STRING,STRING>"}  // Map
)

// Types of parameters that accept several SQL types.
var (
	// Labels is []string, or string for JSON.
	Labels = Type{sql: "ARRAY<STRING> or STRING"}
	// Options is map[string]string, or string for JSON.
	Options = Type{sql: "MAP<STRING,STRING>, STRUCT or STRING"}
	// Examples is []Example, or string for JSON. A STRUCT has two strings.
	Examples = Type{sql: "ARRAY<STRUCT> or STRING"}
)

// Struct returns the type of a STRUCT. Its Go value is []any with one value for each
// field.
func Struct(fields ...Field) Type {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.Name + ": " + f.Type.sql)
	}
	return Type{sql: "STRUCT<" + b.String() + ">", fields: &fields}
}

// Array returns the type of an ARRAY of STRUCTs. Its Go value is []any with the value of each element.
func Array(element Type) Type { return Type{sql: "ARRAY<" + element.sql + ">", element: &element} }

// Element returns the type of the elements of a type that Array returned; ok is false for other types.
func (t Type) Element() (element Type, ok bool) {
	if t.element == nil {
		return Type{}, false
	}
	return *t.element, true
}

// String is the name of the type in Spark SQL.
func (t Type) String() string { return t.sql }

// Fields are the fields of a STRUCT, and nil for other types.
func (t Type) Fields() []Field {
	if t.fields == nil {
		return nil
	}
	return *t.fields
}

// Map is a MAP<STRING,STRING> with its entries in order.
type Map []Entry

// Entry is an entry of a Map.
type Entry struct {
	Key   string
	Value any // string, or nil for NULL
}

// Get returns the value of a key, or nil if the map does not have it.
func (m Map) Get(key string) any {
	for _, e := range m {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// Example is an example of a user: an input and its answer.
type Example struct{ Input, Output string }

package ai

import "strings"

// Type is the type of an argument or a result.
type Type struct {
	sql    string
	fields *[]Field // of a STRUCT; a pointer, so that types compare
}

// Field is a part of a STRUCT.
type Field struct {
	Name string
	Type Type
}

// The types, and the Go values that stand for them. nil is NULL of any type.
var (
	String      = Type{sql: "STRING"}             // string
	Boolean     = Type{sql: "BOOLEAN"}            // bool
	Int         = Type{sql: "INT"}                // int64
	Long        = Type{sql: "BIGINT"}             // int64
	Float       = Type{sql: "FLOAT"}              // float64
	Double      = Type{sql: "DOUBLE"}             // float64
	StringArray = Type{sql: "ARRAY<STRING>"}      // []string; a NULL element of an argument is left out
	FloatArray  = Type{sql: "ARRAY<FLOAT>"}       // []float32
	StringMap   = Type{sql: "MAP<STRING,STRING>"} // Map
)

// Types that only parameters have, as each takes more than one type.
var (
	// Labels: []string, or string for a JSON text.
	Labels = Type{sql: "ARRAY<STRING> or STRING"}
	// Options: map[string]string, or string for a JSON text.
	Options = Type{sql: "MAP<STRING,STRING>, STRUCT or STRING"}
	// Examples: []Example, or string for a JSON text. The STRUCTs are of two
	// strings.
	Examples = Type{sql: "ARRAY<STRUCT> or STRING"}
)

// Struct is the type of results with fields: []any, a value for each.
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

// String is the type as Spark SQL writes it.
func (t Type) String() string { return t.sql }

// Fields are those of a STRUCT, and nil for other types.
func (t Type) Fields() []Field {
	if t.fields == nil {
		return nil
	}
	return *t.fields
}

// Map is a MAP<STRING,STRING> in order; a nil Value is NULL.
type Map []Entry

// Entry is one entry of a Map.
type Entry struct {
	Key   string
	Value any // string, or nil
}

// Get gives a key's value, and nil if there is none.
func (m Map) Get(key string) any {
	for _, e := range m {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// Example is a labelled row of the user's own: for such an input, this answer.
type Example struct{ Input, Output string }

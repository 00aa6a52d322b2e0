package files

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// WrittenType is the type of a column that keeps the text of values from CSV or
// JSON, so that the output has the same text: 1.50 stays 1.50, and 1E5 stays 1E5.
// Of is the type of the values. The storage type is STRING.
type WrittenType struct {
	arrow.ExtensionBase
	Of     arrow.DataType
	json   bool // the texts are JSON rather than cells of CSV
	column jsonColumn
}

func newWritten(of arrow.DataType, json bool) *WrittenType {
	t := &WrittenType{ExtensionBase: arrow.ExtensionBase{Storage: arrow.BinaryTypes.String}, Of: of, json: json}
	if json {
		t.column = jsonColumnOf(of, false)
	}
	return t
}

// ArrayType returns the type of WrittenArray.
func (t *WrittenType) ArrayType() reflect.Type { return reflect.TypeFor[WrittenArray]() }

// ExtensionName returns the name of the type, which is never written to files.
func (t *WrittenType) ExtensionName() string { return "firesteel.written" }

func (t *WrittenType) String() string { return t.Of.String() }

// Serialize implements arrow.ExtensionType. It returns "".
func (t *WrittenType) Serialize() string { return "" }

// Deserialize returns an error: only readers of files create such columns.
func (t *WrittenType) Deserialize(arrow.DataType, string) (arrow.ExtensionType, error) {
	return nil, fmt.Errorf("the type %s does not exist in files", t.ExtensionName())
}

// ExtensionEquals compares types.
func (t *WrittenType) ExtensionEquals(other arrow.ExtensionType) bool {
	o, ok := other.(*WrittenType)
	return ok && o.json == t.json && arrow.TypeEqual(o.Of, t.Of)
}

// ValueType returns the type of the values.
func (t *WrittenType) ValueType() arrow.DataType { return t.Of }

// Values parses a column. A text that the type cannot represent exactly is NULL
// (see Need). The caller releases the array.
func (t *WrittenType) Values(mem memory.Allocator, a arrow.Array) arrow.Array {
	texts := a.(array.ExtensionArray).Storage().(*array.String)
	b := array.NewBuilder(mem, t.Of)
	defer b.Release()
	b.Reserve(texts.Len())
	parse := t.column
	if !t.json {
		of := scalarOf(t.Of)
		parse = func(b array.Builder, text []byte) error {
			if !keeps(t.Of, text) {
				return errChanged
			}
			return of(b, text)
		}
	}
	for i := range texts.Len() {
		if texts.IsNull(i) {
			b.AppendNull()
			continue
		}
		text := valueBytes(texts, i)
		if parse(nil, text) != nil {
			b.AppendNull()
			continue
		}
		parse(b, text)
	}
	return b.NewArray()
}

// WrittenArray is a column of WrittenType.
type WrittenArray struct{ array.ExtensionArrayBase }

// ValueStr returns a value for display: a JSON string without its quotes.
func (a *WrittenArray) ValueStr(i int) string {
	if a.IsNull(i) {
		return array.NullValueStr
	}
	return string(a.appendText(nil, i))
}

// appendText appends a value as text.
func (a *WrittenArray) appendText(dst []byte, i int) []byte {
	text := valueBytes(a.Storage().(*array.String), i)
	if a.ExtensionType().(*WrittenType).json && text[0] == '"' {
		return appendUnquoted(dst, text)
	}
	return append(dst, text...)
}

// appendJSON appends a value as JSON. A cell of CSV in a column of numbers or
// BOOLEAN is a JSON number, true or false if its text is valid JSON.
func (a *WrittenArray) appendJSON(dst []byte, i int) []byte {
	text := valueBytes(a.Storage().(*array.String), i)
	t := a.ExtensionType().(*WrittenType)
	switch {
	case t.json:
		return append(dst, text...)
	case t.Of.ID() == arrow.BOOL && isBool(text), isNumberType(t.Of) && isJSONNumber(text):
		return append(dst, text...)
	case isNumberType(t.Of) && nonFinite(text):
		v, _ := strconv.ParseFloat(string(text), 64)
		number, _ := appendFloat(nil, v, 64)
		return quoteJSON(dst, number)
	case isNumberType(t.Of) && keeps(t.Of, text): // .5 and 5. are not valid JSON
		digits, minus := bytes.CutPrefix(text, []byte{'-'})
		if minus {
			dst = append(dst, '-')
		}
		whole, part, _ := bytes.Cut(digits, []byte{'.'})
		if len(whole) == 0 {
			whole = []byte{'0'}
		}
		if dst = append(dst, whole...); len(part) > 0 && part[0]-'0' <= 9 {
			dst = append(dst, '.')
		}
		return append(dst, part...)
	}
	return quoteJSON(dst, text)
}

func isNumberType(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.INT64, arrow.FLOAT64, arrow.DECIMAL128:
		return true
	}
	return false
}

// valueBytes returns the memory of a value without a copy.
func valueBytes(a *array.String, i int) []byte {
	text := a.Value(i)
	return unsafe.Slice(unsafe.StringData(text), len(text))
}

// writtenBuilder returns the builder of the storage of a WrittenType column.
func writtenBuilder(b array.Builder) *array.BinaryBuilder {
	return b.(*array.ExtensionBuilder).StorageBuilder().(*array.StringBuilder).BinaryBuilder
}

// Need declares that the values of columns are used, and not only their texts. A
// Reader that inferred the type of a column from a part of the file then reports
// later values that the type cannot represent, by ReadOptions.Bad.
func Need(r Reader, columns []string) {
	switch r := r.(type) {
	case *rows:
		r.need(columns)
	case *withPartitions:
		Need(r.Reader, columns)
	case *concat:
		r.needed = append(r.needed, columns...)
		Need(r.current, columns)
	}
}

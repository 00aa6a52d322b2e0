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

// WrittenType is the type of a column that holds values as CSV or JSON has
// written them, so that they are written again without a change: 1.50 stays
// 1.50, and 1E5 stays 1E5. Of is the type that they have as values. The storage
// is STRING.
type WrittenType struct {
	arrow.ExtensionBase
	Of     arrow.DataType
	json   bool // the texts are JSON; otherwise they are cells of CSV
	column jsonColumn
}

func newWritten(of arrow.DataType, json bool) *WrittenType {
	t := &WrittenType{ExtensionBase: arrow.ExtensionBase{Storage: arrow.BinaryTypes.String}, Of: of, json: json}
	if json {
		t.column = jsonColumnOf(of, false)
	}
	return t
}

// ArrayType is WrittenArray.
func (t *WrittenType) ArrayType() reflect.Type { return reflect.TypeFor[WrittenArray]() }

// ExtensionName names the type; files never hold it.
func (t *WrittenType) ExtensionName() string { return "firesteel.written" }

func (t *WrittenType) String() string { return t.Of.String() }

// Serialize is for Arrow's interface only.
func (t *WrittenType) Serialize() string { return "" }

// Deserialize refuses: such columns are made by readers of files only.
func (t *WrittenType) Deserialize(arrow.DataType, string) (arrow.ExtensionType, error) {
	return nil, fmt.Errorf("%s is no type of files", t.ExtensionName())
}

// ExtensionEquals compares types.
func (t *WrittenType) ExtensionEquals(other arrow.ExtensionType) bool {
	o, ok := other.(*WrittenType)
	return ok && o.json == t.json && arrow.TypeEqual(o.Of, t.Of)
}

// ValueType is the type of the values.
func (t *WrittenType) ValueType() arrow.DataType { return t.Of }

// Values reads a column of the type. A value that its type would change is NULL
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

// ValueStr is a value as people read it: of JSON, a string without its quotes.
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

// appendJSON appends a value as JSON: a cell of CSV as a number or true or false
// if it is of such a column, and JSON has it so.
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
	case isNumberType(t.Of) && keeps(t.Of, text): // .5 and 5. have no digit where JSON wants one
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

// valueBytes is a value's own memory.
func valueBytes(a *array.String, i int) []byte {
	text := a.Value(i)
	return unsafe.Slice(unsafe.StringData(text), len(text))
}

// writtenBuilder is what appends to a column of WrittenType.
func writtenBuilder(b array.Builder) *array.BinaryBuilder {
	return b.(*array.ExtensionBuilder).StorageBuilder().(*array.StringBuilder).BinaryBuilder
}

// Need says that the values of columns will be read, and not only written
// again. A Reader that found a column's type by a part of its file reports those
// further on which the type does not hold, by ReadOptions.Bad.
func Need(r Reader, columns []string) {
	if rows, ok := r.(*rows); ok {
		rows.need(columns)
	}
}

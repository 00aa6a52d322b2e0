package files

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

type lineWriter struct{}

func (lineWriter) head(dst []byte, _ *arrow.Schema) []byte { return dst }

func (lineWriter) row(dst []byte, batch arrow.RecordBatch, i int) ([]byte, error) {
	if isNull(batch.Column(0), i) {
		return dst, errors.New("it is NULL, which a line of text cannot say; write .csv, .jsonl or .parquet")
	}
	from := len(dst)
	dst, _ = appendScalar(dst, batch.Column(0), i)
	if bytes.ContainsAny(dst[from:], "\r\n") {
		return dst, errors.New("it has line breaks, but a row is one line; write .csv, .jsonl or .parquet")
	}
	return append(dst, '\n'), nil
}

type csvWriter struct{ delimiter byte }

func (w csvWriter) head(dst []byte, schema *arrow.Schema) []byte {
	for i, f := range schema.Fields() {
		if i > 0 {
			dst = append(dst, w.delimiter)
		}
		dst = w.quote(append(dst, f.Name...), len(dst))
	}
	return append(dst, '\n')
}

func (w csvWriter) row(dst []byte, batch arrow.RecordBatch, i int) ([]byte, error) {
	for k, a := range batch.Columns() {
		if k > 0 {
			dst = append(dst, w.delimiter)
		}
		if isNull(a, i) {
			continue
		}
		from := len(dst)
		var err error
		if isNested(a.DataType()) {
			dst, err = appendValue(dst, a, i)
		} else {
			dst, _ = appendScalar(dst, a, i)
		}
		if err != nil {
			return dst, fmt.Errorf("column %s: %w", batch.ColumnName(k), err)
		}
		dst = w.quote(dst, from)
	}
	return append(dst, '\n'), nil
}

// quote puts the cell that begins at from into quotes if it needs them: also
// an empty one, which would be NULL without.
func (w csvWriter) quote(dst []byte, from int) []byte {
	cell := dst[from:]
	if len(cell) > 0 && !bytes.ContainsAny(cell, "\"\r\n") && bytes.IndexByte(cell, w.delimiter) < 0 && !bytes.HasPrefix(cell, []byte("\xef\xbb\xbf")) {
		return dst
	}
	quoted := `"` + strings.ReplaceAll(string(cell), `"`, `""`) + `"`
	return append(dst[:from], quoted...)
}

type jsonWriter struct{ names [][]byte }

func (w *jsonWriter) head(dst []byte, schema *arrow.Schema) []byte {
	for _, f := range schema.Fields() {
		w.names = append(w.names, append(quoteJSON(nil, f.Name), ':'))
	}
	return dst
}

func (w *jsonWriter) row(dst []byte, batch arrow.RecordBatch, i int) ([]byte, error) {
	dst = append(dst, '{')
	for k, a := range batch.Columns() {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, w.names[k]...)
		var err error
		if dst, err = appendValue(dst, a, i); err != nil {
			return dst, fmt.Errorf("column %s: %w", batch.ColumnName(k), err)
		}
	}
	return append(dst, '}', '\n'), nil
}

func quoteJSON(dst []byte, s string) []byte {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] != '"' && s[i] != '\\' && s[i] < 0x80
	}
	if plain {
		return append(append(append(dst, '"'), s...), '"')
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s) // a string
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...)
}

func isNull(a arrow.Array, i int) bool {
	switch a := a.(type) {
	case *array.Null:
		return true
	case *array.Dictionary:
		return a.IsNull(i) || isNull(a.Dictionary(), a.GetValueIndex(i))
	}
	return a.IsNull(i)
}

func isNested(t arrow.DataType) bool {
	switch t := t.(type) {
	case arrow.ExtensionType:
		return isNested(t.StorageType())
	case *arrow.DictionaryType:
		return isNested(t.ValueType)
	case arrow.NestedType:
		return true
	}
	return false
}

// appendValue appends a value as JSON: a MAP as an object, binary as base64.
func appendValue(dst []byte, a arrow.Array, i int) ([]byte, error) {
	if isNull(a, i) {
		return append(dst, "null"...), nil
	}
	switch a := a.(type) {
	case array.ExtensionArray:
		return appendValue(dst, a.Storage(), i)
	case *array.Dictionary:
		return appendValue(dst, a.Dictionary(), a.GetValueIndex(i))
	case *array.Map:
		return appendMap(dst, a, i)
	case array.ListLike:
		from, to := a.ValueOffsets(i)
		values := a.ListValues()
		dst = append(dst, '[')
		for k := int(from); k < int(to); k++ {
			if k > int(from) {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendValue(dst, values, k); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case *array.Struct:
		dst = append(dst, '{')
		for k, f := range a.DataType().(*arrow.StructType).Fields() {
			if k > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendValue(append(quoteJSON(dst, f.Name), ':'), a.Field(k), i); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	}
	from := len(dst)
	dst, bare := appendScalar(dst, a, i)
	if bare {
		return dst, nil
	}
	text := string(dst[from:])
	if !utf8.ValidString(text) {
		return dst, fmt.Errorf("%s is no UTF-8 text", shown([]byte(text)))
	}
	return quoteJSON(dst[:from], text), nil
}

func appendMap(dst []byte, a *array.Map, i int) ([]byte, error) {
	from, to := a.ValueOffsets(i)
	dst = append(dst, '{')
	for k := int(from); k < int(to); k++ {
		if k > int(from) {
			dst = append(dst, ',')
		}
		var key []byte
		var err error
		if isNested(a.Keys().DataType()) {
			key, err = appendValue(nil, a.Keys(), k)
		} else {
			key, _ = appendScalar(nil, a.Keys(), k)
		}
		if err != nil {
			return dst, err
		}
		if dst, err = appendValue(append(quoteJSON(dst, string(key)), ':'), a.Items(), k); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// appendScalar appends a value that is neither NULL nor nested as text. bare
// says that it is so in JSON too, without quotes.
func appendScalar(dst []byte, a arrow.Array, i int) (text []byte, bare bool) {
	switch a := a.(type) {
	case *array.Dictionary:
		return appendScalar(dst, a.Dictionary(), a.GetValueIndex(i))
	case array.ExtensionArray:
		return appendScalar(dst, a.Storage(), i)
	case array.StringLike:
		return append(dst, a.Value(i)...), false
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(i)), true
	case *array.Float16:
		return appendFloat(dst, float64(a.Value(i).Float32()), 32)
	case *array.Float32:
		return appendFloat(dst, float64(a.Value(i)), 32)
	case *array.Float64:
		return appendFloat(dst, a.Value(i), 64)
	case interface{ Value(int) []byte }:
		return base64.StdEncoding.AppendEncode(dst, a.Value(i)), false
	case *array.Decimal32:
		return append(dst, a.Value(i).ToString(a.DataType().(arrow.DecimalType).GetScale())...), true
	case *array.Decimal64:
		return append(dst, a.Value(i).ToString(a.DataType().(arrow.DecimalType).GetScale())...), true
	case *array.Decimal128:
		return append(dst, a.Value(i).ToString(a.DataType().(arrow.DecimalType).GetScale())...), true
	case *array.Decimal256:
		return append(dst, a.Value(i).ToString(a.DataType().(arrow.DecimalType).GetScale())...), true
	case *array.Date32:
		return append(dst, a.Value(i).ToTime().Format(time.DateOnly)...), false
	case *array.Timestamp:
		t := a.DataType().(*arrow.TimestampType)
		layout := "2006-01-02T15:04:05.999999999"
		if t.TimeZone != "" {
			layout += "Z"
		}
		return append(dst, a.Value(i).ToTime(t.Unit).Format(layout)...), false
	}
	switch a.DataType().ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		bare = true
	}
	return append(dst, a.ValueStr(i)...), bare
}

func appendFloat(dst []byte, v float64, bits int) ([]byte, bool) {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...), false
	case math.IsInf(v, 0):
		return append(dst, strings.Replace("-Infinity", "-", map[bool]string{true: "-"}[v < 0], 1)...), false
	}
	return append(dst, formatFloat(v, bits)...), true
}

package files

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/internal/sensitive"
)

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

// AppendJSON appends a value as JSON: NULL as null, a MAP as an object, binary as
// base64, and a value of WrittenType in its original form.
func AppendJSON(dst []byte, a arrow.Array, i int) ([]byte, error) { return appendValue(dst, a, i) }

func appendValue(dst []byte, a arrow.Array, i int) ([]byte, error) {
	if isNull(a, i) {
		return append(dst, "null"...), nil
	}
	switch a := a.(type) {
	case *WrittenArray:
		return a.appendJSON(dst, i), nil
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
	text := slices.Clone(dst[from:])
	if !utf8.Valid(text) {
		return dst, sensitive.Errorf("%s is not valid UTF-8", sensitive.Text(text))
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
		if dst, err = appendValue(append(quoteJSON(dst, key), ':'), a.Items(), k); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// appendScalar appends a value that is neither NULL nor nested as text. bare is
// true if JSON has the same form, without quotes.
func appendScalar(dst []byte, a arrow.Array, i int) (text []byte, bare bool) {
	switch a := a.(type) {
	case *array.Dictionary:
		return appendScalar(dst, a.Dictionary(), a.GetValueIndex(i))
	case *WrittenArray:
		return a.appendText(dst, i), false
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

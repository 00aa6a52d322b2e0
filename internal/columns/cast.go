package columns

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // executors may have no time zones

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// castReader reads a column of dates, times or variants as text, as CAST to STRING of
// Spark writes it. It is nil for other columns.
func castReader(a arrow.Array) (func(i int) string, error) {
	switch a := a.(type) {
	case *array.Date32:
		return func(i int) string { return dateText(a.Value(i).ToTime()) }, nil
	case *array.Date64:
		return func(i int) string { return dateText(a.Value(i).ToTime()) }, nil
	case *array.Timestamp:
		t := a.DataType().(*arrow.TimestampType)
		zone, err := t.GetZone()
		if err != nil {
			return nil, fmt.Errorf("the time zone %s of a timestamp is unknown: %w", t.TimeZone, err)
		}
		return func(i int) string {
			at := a.Value(i).ToTime(t.Unit).In(zone)
			return dateText(at) + " " + clockText(at)
		}, nil
	case *array.Time32:
		unit := a.DataType().(*arrow.Time32Type).Unit
		return func(i int) string { return clockText(a.Value(i).ToTime(unit)) }, nil
	case *array.Time64:
		unit := a.DataType().(*arrow.Time64Type).Unit
		return func(i int) string { return clockText(a.Value(i).ToTime(unit)) }, nil
	case *array.Struct:
		if value, metadata, ok := variantColumns(a); ok {
			return variantReaderOf(a, value, metadata)
		}
	}
	return nil, nil
}

// dateText writes a date as LocalDate of Java does: a year of at least four digits,
// with a sign if it is negative or has more digits.
func dateText(t time.Time) string {
	year, month, day := t.Date()
	sign := ""
	switch {
	case year < 0:
		sign, year = "-", -year
	case year > 9999:
		sign = "+"
	}
	return fmt.Sprintf("%s%04d-%02d-%02d", sign, year, month, day)
}

// clockText writes a time of day. Fractions of a second have no trailing zeros.
func clockText(t time.Time) string {
	text := t.Format("15:04:05")
	if n := t.Nanosecond(); n > 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%09d", n), "0")
	}
	return text
}

// variantReaderOf reads all rows, so that a damaged row is an error.
func variantReaderOf(a *array.Struct, value, metadata *array.Binary) (func(i int) string, error) {
	texts := make([]string, a.Len())
	for i := range texts {
		if a.IsNull(i) {
			continue
		}
		var err error
		if texts[i], err = variantText(metadata.Value(i), value.Value(i)); err != nil {
			return nil, fmt.Errorf("row %d of the batch: %w", i+1, err)
		}
	}
	return func(i int) string { return texts[i] }, nil
}

// Variant returns row i of a VARIANT of Spark as JSON. ok is false if the column is an ordinary struct.
func Variant(a *array.Struct, i int) (text string, ok bool, err error) {
	value, metadata, ok := variantColumns(a)
	if !ok {
		return "", false, nil
	}
	text, err = variantText(metadata.Value(i), value.Value(i))
	return text, true, err
}

// variantColumns returns the two columns of a VARIANT of Spark. A worker gets it as a
// STRUCT with a mark on the field metadata.
func variantColumns(a *array.Struct) (value, metadata *array.Binary, ok bool) {
	t := a.DataType().(*arrow.StructType)
	if t.NumFields() != 2 {
		return nil, nil, false
	}
	for i, f := range t.Fields() {
		switch column, _ := a.Field(i).(*array.Binary); f.Name {
		case "value":
			value = column
		case "metadata":
			if at := f.Metadata.FindKey("variant"); at >= 0 && f.Metadata.Values()[at] == "true" {
				metadata = column
			}
		}
	}
	return value, metadata, value != nil && metadata != nil
}

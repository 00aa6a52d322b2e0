package columns

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/variant"
)

// The expected texts are those of CAST(... AS STRING) of Spark 4.3.0.
func TestDatesAndTimesAsText(t *testing.T) {
	days := func(year int, month time.Month, day int) arrow.Date32 {
		return arrow.Date32(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	}
	micros := func(s string) arrow.Timestamp {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return arrow.Timestamp(at.UnixMicro())
	}
	mem := memory.DefaultAllocator
	column := func(b array.Builder, add func()) arrow.Array {
		add()
		return b.NewArray()
	}
	dates := array.NewDate32Builder(mem)
	utc := array.NewTimestampBuilder(mem, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"})
	angeles := array.NewTimestampBuilder(mem, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "America/Los_Angeles"})
	local := array.NewTimestampBuilder(mem, &arrow.TimestampType{Unit: arrow.Nanosecond})
	clock := array.NewTime64Builder(mem, arrow.FixedWidthTypes.Time64ns.(*arrow.Time64Type))
	clock32 := array.NewTime32Builder(mem, arrow.FixedWidthTypes.Time32ms.(*arrow.Time32Type))
	for _, c := range []struct {
		column arrow.Array
		want   []string
	}{
		{column(dates, func() {
			dates.AppendValues([]arrow.Date32{days(2024, 2, 29), days(1, 1, 1), days(12345, 1, 2), days(-1, 3, 4), 0}, nil)
		}), []string{"2024-02-29", "0001-01-01", "+12345-01-02", "-0001-03-04", "1970-01-01"}},
		{column(utc, func() {
			utc.AppendValues([]arrow.Timestamp{micros("2024-07-01T12:00:00Z"), micros("2024-07-01T12:00:00.120Z"), micros("1582-10-15T23:59:59.999999Z"), 0}, nil)
		}), []string{"2024-07-01 12:00:00", "2024-07-01 12:00:00.12", "1582-10-15 23:59:59.999999", "1970-01-01 00:00:00"}},
		{column(angeles, func() {
			angeles.AppendValues([]arrow.Timestamp{micros("2024-07-01T12:00:00Z"), micros("2024-12-01T12:00:00Z"), micros("1800-01-01T12:00:00Z")}, nil)
		}), []string{"2024-07-01 05:00:00", "2024-12-01 04:00:00", "1800-01-01 04:07:02"}},
		{column(local, func() { local.AppendValues([]arrow.Timestamp{1_000_000_001}, nil) }), []string{"1970-01-01 00:00:01.000000001"}},
		{column(clock, func() { clock.AppendValues([]arrow.Time64{0, 45296_123456000, 86399_999999999}, nil) }), []string{"00:00:00", "12:34:56.123456", "23:59:59.999999999"}},
		{column(clock32, func() { clock32.AppendValues([]arrow.Time32{45296_500}, nil) }), []string{"12:34:56.5"}},
	} {
		defer c.column.Release()
		text, err := Text(c.column)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			if got := text(i); got != want {
				t.Errorf("%s, row %d: %q, want %q", c.column.DataType(), i, got, want)
			}
		}
	}
}

func TestVariantsAsText(t *testing.T) {
	field := func(name, mark string) arrow.Field {
		f := arrow.Field{Name: name, Type: arrow.BinaryTypes.Binary}
		if mark != "" {
			f.Metadata = arrow.NewMetadata([]string{"variant"}, []string{mark})
		}
		return f
	}
	build := func(metadata arrow.Field, rows ...[2][]byte) arrow.Array {
		b := array.NewStructBuilder(memory.DefaultAllocator, arrow.StructOf(field("value", ""), metadata))
		defer b.Release()
		for _, row := range rows {
			b.Append(true)
			b.FieldBuilder(0).(*array.BinaryBuilder).Append(row[0])
			b.FieldBuilder(1).(*array.BinaryBuilder).Append(row[1])
		}
		return b.NewArray()
	}
	var rows [][2][]byte
	for _, json := range []string{`{"a": 1, "b": ["x", null, true]}`, `"plain \"text\""`, `12`} {
		v, err := variant.ParseJSON(json, false)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, [2][]byte{v.Bytes(), v.Metadata().Bytes()})
	}
	a := build(field("metadata", "true"), rows...)
	defer a.Release()
	text, err := Text(a)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`{"a":1,"b":["x",null,true]}`, `plain "text"`, "12"} {
		if got := text(i); got != want {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
	damaged := build(field("metadata", "true"), append(rows, [2][]byte{{0xff, 0xff}, {0x01}})...)
	defer damaged.Release()
	if _, err := Text(damaged); err == nil || !strings.Contains(err.Error(), "row 4 of the batch: the VARIANT is damaged") {
		t.Errorf("damaged: %v", err)
	}
	plain := build(field("metadata", ""))
	defer plain.Release()
	if _, err := Text(plain); err == nil {
		t.Error("a STRUCT with the same names is read as a VARIANT")
	}
}

// Values of all types of the specification, written by Arrow's library.
func TestVariantTypes(t *testing.T) {
	var b variant.Builder
	appends := map[string]func() error{
		"null": b.AppendNull, "true": func() error { return b.AppendBool(true) }, "-7": func() error { return b.AppendInt(-7) },
		"-70000": func() error { return b.AppendInt(-70000) }, "9007199254740993": func() error { return b.AppendInt(9007199254740993) },
		"1.0E10": func() error { return b.AppendFloat64(1e10) }, "NaN": func() error { return b.AppendFloat64(math.NaN()) }, "1.5": func() error { return b.AppendFloat32(1.5) },
		"-0.05": func() error { return b.AppendDecimal4(2, decimal.Decimal32(-5)) }, "12.3": func() error { return b.AppendDecimal4(2, decimal.Decimal32(1230)) }, "12": func() error { return b.AppendDecimal4(2, decimal.Decimal32(1200)) },
		"123456789012.3": func() error { return b.AppendDecimal8(1, decimal.Decimal64(1234567890123)) },
		"2024-02-29":     func() error { return b.AppendDate(19782) }, "1970-01-01 00:00:01.5": func() error { return b.AppendTimestamp(1500000, true, false) },
		"AP8=": func() error { return b.AppendBinary([]byte{0, 255}) }, "a long text, as it is longer than sixty-three bytes, which is a short one's bound": func() error {
			return b.AppendString("a long text, as it is longer than sixty-three bytes, which is a short one's bound")
		},
	}
	for want, add := range appends {
		b.Reset()
		if err := add(); err != nil {
			t.Fatal(err)
		}
		v, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := variantText(v.Metadata().Bytes(), v.Bytes()); got != want || err != nil {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

func FuzzVariantText(f *testing.F) {
	for _, json := range []string{`{"a": {"b": [1, "x", {"c": null}]}}`, `[1.5, 12345678901, true]`, `"x"`} {
		v, err := variant.ParseJSON(json, false)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(v.Metadata().Bytes(), v.Bytes())
	}
	f.Fuzz(func(t *testing.T, metadata, value []byte) { variantText(metadata, value) })
}

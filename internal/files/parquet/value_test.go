package parquet

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	pq "github.com/apache/arrow-go/v18/parquet"
)

// Every FLOAT16 is decoded to the FLOAT with the same value and encoded back. The
// Arrow library decodes subnormal numbers incorrectly.
func TestFloat16RoundTrip(t *testing.T) {
	for h := range 1 << 16 {
		b, err := decodeHalf(nil, binary.LittleEndian.AppendUint16(nil, uint16(h)))
		if err != nil {
			t.Fatal(err)
		}
		f := binary.LittleEndian.Uint32(b)
		exponent, mantissa := h>>10&0x1f, float64(h&0x3ff)
		value := math.Ldexp(1024+mantissa, exponent-25)
		switch {
		case exponent == 0:
			value = math.Ldexp(mantissa, -24)
		case exponent == 31 && mantissa == 0:
			value = math.Inf(1)
		case exponent == 31:
			value = math.NaN()
		}
		if h>>15 == 1 {
			value = -value
		}
		want := float32(value)
		if got := math.Float32frombits(f); got != want && !(got != got && want != want) {
			t.Fatalf("%04x is %g, want %g", h, got, want)
		}
		if back, ok := encodeHalf(f); !ok || back != uint16(h) {
			t.Fatalf("%04x is encoded back as %04x, %t", h, back, ok)
		}
	}
	for _, f := range []float32{0.1, 65536, 1e-8, 1 + 1.0/2048} {
		if h, ok := encodeHalf(math.Float32bits(f)); ok {
			t.Errorf("%g is encoded as the FLOAT16 %04x", f, h)
		}
	}
}

// Timestamps are encoded as INT96 and decoded without a change, also years 1 and
// 9999.
func TestInt96RoundTrip(t *testing.T) {
	for _, c := range []struct {
		unit arrow.TimeUnit
		time int64
	}{
		{arrow.Nanosecond, 0}, {arrow.Nanosecond, -1}, {arrow.Nanosecond, 1769862645123456789}, {arrow.Nanosecond, 9223286400000000000},
		{arrow.Microsecond, 253402300799999999}, {arrow.Microsecond, -62135596800000000}, {arrow.Microsecond, -1},
	} {
		v := int96FromTime(c.unit, c.time)
		as := int96Timestamp(c.unit)
		b, err := as.decode(nil, v[:])
		if err != nil || int64(binary.LittleEndian.Uint64(b)) != c.time {
			t.Errorf("%d %s is decoded as %x: %v", c.time, c.unit, b, err)
		}
	}
	// 1 January 1970 is day 2440588.
	if v := int96FromTime(arrow.Nanosecond, 1); v != (pq.Int96{1, 0, 0, 0, 0, 0, 0, 0, 0x8c, 0x3d, 0x25, 0}) {
		t.Errorf("the first nanosecond is %x", v)
	}
	far := int96FromTime(arrow.Microsecond, 253402300799999999)
	if days, rest := int96Parts(far[:]); int96Fits(arrow.Nanosecond, days, rest) || !int96Fits(arrow.Microsecond, days, rest) {
		t.Error("the year 9999 must fit microseconds and not nanoseconds")
	}
	if int96Fits(arrow.Microsecond, 0, 1) || int96Fits(arrow.Nanosecond, 0, nanosOfDay) || int96Fits(arrow.Nanosecond, 0, -1) {
		t.Error("an invalid time fits a unit")
	}
}

// Decimals are encoded in any number of bytes and decoded without a change.
func TestDecimalRoundTrip(t *testing.T) {
	l := logicalType{id: logicalDecimal, precision: 38, scale: 2}
	for _, text := range []string{"0", "1", "-1", "127", "128", "-128", "-129", "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999"} {
		v, _ := new(big.Int).SetString(text, 10)
		for width := range 20 {
			b := twosComplement(v, width)
			got, err := l.decimalType(bigEndian).decode(nil, b)
			if err != nil {
				t.Fatalf("%s in %d bytes: %v", text, width, err)
			}
			n := decimal128.New(int64(binary.LittleEndian.Uint64(got[8:])), binary.LittleEndian.Uint64(got))
			if n.BigInt().Cmp(v) != 0 {
				t.Fatalf("%s in %d bytes is decoded as %s", text, width, n.BigInt())
			}
		}
	}
	var damage *Damaged
	large := make([]byte, 17)
	large[0] = 1
	if _, err := l.decimalType(bigEndian).decode(nil, large); !errors.As(err, &damage) {
		t.Errorf("17 bytes: %v", err)
	}
	if _, err := l.decimalType(bigEndian).decode(nil, nil); !errors.As(err, &damage) {
		t.Errorf("no bytes: %v", err)
	}
}

// An integer outside of the range of its logical type is an error.
func TestNarrowIntegersAreChecked(t *testing.T) {
	for _, c := range []struct {
		n  node
		v  int32
		ok bool
	}{
		{node{element: element{physical: pq.Types.Int32, logical: logicalType{id: logicalInteger, bits: 8, signed: true}}}, -128, true},
		{node{element: element{physical: pq.Types.Int32, logical: logicalType{id: logicalInteger, bits: 8, signed: true}}}, 300, false},
		{node{element: element{physical: pq.Types.Int32, logical: logicalType{id: logicalInteger, bits: 16}}}, 65535, true},
		{node{element: element{physical: pq.Types.Int32, logical: logicalType{id: logicalInteger, bits: 16}}}, -1, false},
	} {
		_, err := leafTypeOf(&c.n).decode(nil, binary.LittleEndian.AppendUint32(nil, uint32(c.v)))
		if (err == nil) != c.ok {
			t.Errorf("%d of %d bits: %v", c.v, c.n.logical.bits, err)
		}
	}
}

// The bits of every NaN and of -0 are kept.
func TestFloatBitsAreKept(t *testing.T) {
	want32 := []uint32{0x7fc00000, 0x7fc00001, 0xffc00002, 0x7f800001, 0x80000000, 0}
	want64 := []uint64{0x7ff8000000000000, 0x7ff8000000000001, 0xfff8000000000002, 0x7ff0000000000001, 1 << 63, 0}
	a, b := array.NewFloat32Builder(memory.DefaultAllocator), array.NewFloat64Builder(memory.DefaultAllocator)
	for i := range want32 {
		a.Append(math.Float32frombits(want32[i]))
		b.Append(math.Float64frombits(want64[i]))
	}
	s := arrow.NewSchema([]arrow.Field{{Name: "f", Type: arrow.PrimitiveTypes.Float32}, {Name: "d", Type: arrow.PrimitiveTypes.Float64}}, nil)
	_, got := readBack(t, fileOf(t, array.NewRecordBatch(s, []arrow.Array{a.NewArray(), b.NewArray()}, -1)), defaultOptions)
	for i := range want32 {
		f, d := math.Float32bits(got[0].Column(0).(*array.Float32).Value(i)), math.Float64bits(got[0].Column(1).(*array.Float64).Value(i))
		if f != want32[i] || d != want64[i] {
			t.Errorf("%x and %x are read as %x and %x", want32[i], want64[i], f, d)
		}
	}
}

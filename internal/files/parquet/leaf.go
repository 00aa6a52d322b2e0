package parquet

import (
	"encoding/binary"
	"math"

	"github.com/google/uuid"

	"github.com/apache/arrow-go/v18/arrow"
	pq "github.com/apache/arrow-go/v18/parquet"
)

// leafType is the Arrow type of a leaf and the conversion of its values. Different
// values of the leaf have different Arrow values, so a value that is read can be
// written unchanged.
type leafType struct {
	arrow arrow.DataType
	// decode converts a value in the encoding PLAIN (a BYTE_ARRAY without its
	// length) to the Arrow type and appends it to dst. If decode is nil, the bytes
	// are copied.
	decode func(dst, value []byte) ([]byte, error)
}

// int96 is the type of INT96 values that int96Timestamp cannot represent.
var int96 = &arrow.FixedSizeBinaryType{ByteWidth: 12}

// leafTypeOf returns the Arrow type of a leaf.
func leafTypeOf(n *node) leafType {
	l := n.logical
	switch n.physical {
	case pq.Types.Boolean:
		return leafType{arrow: arrow.FixedWidthTypes.Boolean}
	case pq.Types.Int32:
		switch {
		case l.id == logicalDate:
			return leafType{arrow: arrow.FixedWidthTypes.Date32}
		case l.id == logicalTime && l.unit == millis:
			return leafType{arrow: arrow.FixedWidthTypes.Time32ms}
		case l.id == logicalDecimal && l.isDecimal():
			return l.decimalType(littleEndian32)
		case l.id == logicalInteger && l.bits == 8 && l.signed:
			return leafType{arrow.PrimitiveTypes.Int8, narrow(1, math.MinInt8, math.MaxInt8)}
		case l.id == logicalInteger && l.bits == 16 && l.signed:
			return leafType{arrow.PrimitiveTypes.Int16, narrow(2, math.MinInt16, math.MaxInt16)}
		case l.id == logicalInteger && l.bits == 8:
			return leafType{arrow.PrimitiveTypes.Uint8, narrow(1, 0, math.MaxUint8)}
		case l.id == logicalInteger && l.bits == 16:
			return leafType{arrow.PrimitiveTypes.Uint16, narrow(2, 0, math.MaxUint16)}
		case l.id == logicalInteger && l.bits == 32 && !l.signed:
			return leafType{arrow: arrow.PrimitiveTypes.Uint32}
		}
		return leafType{arrow: arrow.PrimitiveTypes.Int32}
	case pq.Types.Int64:
		switch {
		case l.id == logicalTime && l.unit == micros:
			return leafType{arrow: arrow.FixedWidthTypes.Time64us}
		case l.id == logicalTime && l.unit == nanos:
			return leafType{arrow: arrow.FixedWidthTypes.Time64ns}
		case l.id == logicalTimestamp && l.unit >= millis && l.unit <= nanos:
			t := &arrow.TimestampType{Unit: map[int16]arrow.TimeUnit{millis: arrow.Millisecond, micros: arrow.Microsecond, nanos: arrow.Nanosecond}[l.unit]}
			if l.utc {
				t.TimeZone = "UTC"
			}
			return leafType{arrow: t}
		case l.id == logicalDecimal && l.isDecimal():
			return l.decimalType(littleEndian64)
		case l.id == logicalInteger && l.bits == 64 && !l.signed:
			return leafType{arrow: arrow.PrimitiveTypes.Uint64}
		}
		return leafType{arrow: arrow.PrimitiveTypes.Int64}
	case pq.Types.Int96:
		return leafType{arrow: int96}
	case pq.Types.Float:
		return leafType{arrow: arrow.PrimitiveTypes.Float32}
	case pq.Types.Double:
		return leafType{arrow: arrow.PrimitiveTypes.Float64}
	case pq.Types.ByteArray:
		switch {
		case l.id == logicalString, l.id == logicalEnum, l.id == logicalJSON:
			return leafType{arrow: arrow.BinaryTypes.String}
		case l.id == logicalDecimal && l.isDecimal():
			return l.decimalType(bigEndian)
		}
		return leafType{arrow: arrow.BinaryTypes.Binary}
	}
	switch {
	case l.id == logicalUUID && n.length == 16:
		return leafType{arrow.BinaryTypes.String, decodeUUID}
	case l.id == logicalFloat16 && n.length == 2:
		return leafType{arrow.PrimitiveTypes.Float32, decodeHalf}
	case l.id == logicalDecimal && l.isDecimal():
		return l.decimalType(bigEndian)
	}
	return leafType{arrow: &arrow.FixedSizeBinaryType{ByteWidth: int(n.length)}}
}

// narrow decodes an INT32 to an integer of width bytes. A value outside of least
// to most is an error.
func narrow(width int, least, most int32) func(dst, value []byte) ([]byte, error) {
	return func(dst, value []byte) ([]byte, error) {
		if v := int32(binary.LittleEndian.Uint32(value)); v < least || v > most {
			return dst, damaged("the integer %d is outside of the range of its type, %d to %d", v, least, most)
		}
		return append(dst, value[:width]...), nil
	}
}

const (
	mostDigits128 = 38
	mostDigits256 = 76
)

func (l logicalType) isDecimal() bool {
	return l.precision >= 1 && l.precision <= mostDigits256 && l.scale >= 0 && l.scale <= l.precision
}

// decimalType returns the Arrow type of a DECIMAL. number converts an encoded
// value to big-endian two's complement.
func (l logicalType) decimalType(number func(value []byte) []byte) leafType {
	var t arrow.DataType = &arrow.Decimal128Type{Precision: l.precision, Scale: l.scale}
	width := 16
	if l.precision > mostDigits128 {
		t, width = &arrow.Decimal256Type{Precision: l.precision, Scale: l.scale}, 32
	}
	return leafType{t, func(dst, value []byte) ([]byte, error) {
		b := number(value)
		if len(b) == 0 {
			return dst, damaged("a DECIMAL value has no bytes")
		}
		fill := byte(int8(b[0]) >> 7) // sign extension
		for len(b) > width {
			if b[0] != fill || (b[1]^fill)&0x80 != 0 {
				return dst, damaged("a value has more digits than DECIMAL(%d,%d) can store", l.precision, l.scale)
			}
			b = b[1:]
		}
		for i := range width { // little-endian
			if i < len(b) {
				dst = append(dst, b[len(b)-1-i])
			} else {
				dst = append(dst, fill)
			}
		}
		return dst, nil
	}}
}

func bigEndian(value []byte) []byte { return value }

func littleEndian32(value []byte) []byte {
	return binary.BigEndian.AppendUint32(nil, binary.LittleEndian.Uint32(value))
}

func littleEndian64(value []byte) []byte {
	return binary.BigEndian.AppendUint64(nil, binary.LittleEndian.Uint64(value))
}

func decodeUUID(dst, value []byte) ([]byte, error) {
	id, err := uuid.FromBytes(value)
	if err != nil {
		return dst, damaged("%w", err)
	}
	return append(dst, id.String()...), nil
}

// decodeHalf converts a FLOAT16 to a FLOAT. It keeps the bits of a NaN.
func decodeHalf(dst, value []byte) ([]byte, error) {
	h := uint32(binary.LittleEndian.Uint16(value))
	sign, exponent, mantissa := h>>15<<31, h>>10&0x1f, h&0x3ff
	switch {
	case exponent == 0x1f:
		exponent = 0xff
	case exponent != 0:
		exponent += 127 - 15
	case mantissa != 0: // a subnormal FLOAT16 is a normal FLOAT
		exponent = 127 - 14
		for mantissa&0x400 == 0 {
			mantissa <<= 1
			exponent--
		}
		mantissa &= 0x3ff
	}
	return binary.LittleEndian.AppendUint32(dst, sign|exponent<<23|mantissa<<13), nil
}

// encodeHalf reverses decodeHalf. ok is false if no FLOAT16 has the value f.
func encodeHalf(f uint32) (h uint16, ok bool) {
	sign, exponent, mantissa := uint16(f>>31)<<15, int(f>>23&0xff), f&0x7fffff
	switch {
	case mantissa&0x1fff == 0 && exponent == 0xff:
		return sign | 0x1f<<10 | uint16(mantissa>>13), true
	case mantissa&0x1fff == 0 && exponent == 0 && mantissa == 0:
		return sign, true
	case mantissa&0x1fff == 0 && exponent > 127-15 && exponent < 127+16:
		return sign | uint16(exponent-127+15)<<10 | uint16(mantissa>>13), true
	case exponent <= 127-15 && exponent >= 127-24:
		mantissa |= 0x800000
		shift := 13 + 127 - 14 - exponent
		if mantissa&(1<<shift-1) == 0 {
			return sign | uint16(mantissa>>shift), true
		}
	}
	return 0, false
}

// An INT96 is a Julian day number and the nanoseconds since midnight.
// julianOfEpoch is the Julian day number of 1 January 1970.
const (
	julianOfEpoch = 2440588
	nanosOfDay    = 24 * 60 * 60 * 1_000_000_000
	microsOfDay   = nanosOfDay / 1000
)

// int96Parts returns the days since 1 January 1970 and the nanoseconds of the day.
func int96Parts(value []byte) (days, nanoseconds int64) {
	return int64(int32(binary.LittleEndian.Uint32(value[8:]))) - julianOfEpoch, int64(binary.LittleEndian.Uint64(value))
}

// int96Timestamp decodes INT96 to timestamps of a unit, nanoseconds or
// microseconds. A value that the unit cannot represent exactly is an error.
func int96Timestamp(unit arrow.TimeUnit) leafType {
	day, per := int64(nanosOfDay), int64(1)
	if unit == arrow.Microsecond {
		day, per = microsOfDay, 1000
	}
	return leafType{&arrow.TimestampType{Unit: unit}, func(dst, value []byte) ([]byte, error) {
		days, rest := int96Parts(value)
		if !int96Fits(unit, days, rest) {
			return dst, damaged("the INT96 of day %d and %d ns cannot be represented in the unit %s", days, rest, unit)
		}
		return binary.LittleEndian.AppendUint64(dst, uint64(days*day+rest/per)), nil
	}}
}

// int96Fits reports whether a timestamp of the unit can represent an INT96
// exactly.
func int96Fits(unit arrow.TimeUnit, days, nanoseconds int64) bool {
	if nanoseconds < 0 || nanoseconds >= nanosOfDay {
		return false
	}
	day, rest := int64(nanosOfDay), nanoseconds
	if unit == arrow.Microsecond {
		if nanoseconds%1000 != 0 {
			return false
		}
		day, rest = microsOfDay, nanoseconds/1000
	}
	most := math.MaxInt64 / day
	return days >= -most && (days < most || days == most && rest <= math.MaxInt64-most*day)
}

// int96FromTime reverses int96Timestamp.
func int96FromTime(unit arrow.TimeUnit, t int64) pq.Int96 {
	day, per := int64(nanosOfDay), int64(1)
	if unit == arrow.Microsecond {
		day, per = microsOfDay, 1000
	}
	days, rest := t/day, t%day
	if rest < 0 {
		days, rest = days-1, rest+day
	}
	var v pq.Int96
	binary.LittleEndian.PutUint64(v[:], uint64(rest*per))
	binary.LittleEndian.PutUint32(v[8:], uint32(int32(days+julianOfEpoch)))
	return v
}

package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"

	"github.com/google/uuid"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	pq "github.com/apache/arrow-go/v18/parquet"
)

// The encode functions return a function that converts the i-th value of an
// Arrow array to the physical type of a leaf. They reverse leafType's decode.

// noEncoding returns the error for an array that the leaf cannot store.
func noEncoding(n *node, a arrow.Array) error {
	return fmt.Errorf("%s has the type %s, which %s cannot store", n.title(), a.DataType(), n.physical)
}

// dictionary converts the values of a dictionary array.
func dictionary[T any](n *node, a *array.Dictionary, encode func(*node, arrow.Array) (func(int) (T, error), error)) (func(int) (T, error), error) {
	get, err := encode(n, a.Dictionary())
	if err != nil {
		return nil, err
	}
	return func(i int) (T, error) { return get(a.GetValueIndex(i)) }, nil
}

// infallible adapts a conversion that cannot fail.
func infallible[T any](get func(i int) T) (func(int) (T, error), error) {
	return func(i int) (T, error) { return get(i), nil }, nil
}

func encodeBool(n *node, a arrow.Array) (func(int) (bool, error), error) {
	switch a := a.(type) {
	case *array.Boolean:
		return infallible(a.Value)
	case *array.Dictionary:
		return dictionary(n, a, encodeBool)
	}
	return nil, noEncoding(n, a)
}

func encodeInt32(n *node, a arrow.Array) (func(int) (int32, error), error) {
	switch a := a.(type) {
	case *array.Int8:
		return infallible(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Int16:
		return infallible(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Int32:
		return infallible(a.Value)
	case *array.Uint8:
		return infallible(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Uint16:
		return infallible(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Uint32:
		return infallible(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Date32:
		return infallible(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Date64:
		return infallible(func(i int) int32 { return int32(arrow.Date32FromTime(a.Value(i).ToTime())) })
	case *array.Time32:
		per := int32(1)
		if a.DataType().(*arrow.Time32Type).Unit == arrow.Second {
			per = 1000 // Parquet's coarsest unit is the millisecond
		}
		return infallible(func(i int) int32 { return int32(a.Value(i)) * per })
	case *array.Null:
		return infallible(func(int) int32 { return 0 })
	case *array.Dictionary:
		return dictionary(n, a, encodeInt32)
	}
	if number := decimals(a); number != nil {
		return func(i int) (int32, error) {
			v := number(i)
			if !v.IsInt64() || v.Int64() < math.MinInt32 || v.Int64() > math.MaxInt32 {
				return 0, fmt.Errorf("the DECIMAL %s does not fit INT32", v)
			}
			return int32(v.Int64()), nil
		}, nil
	}
	return nil, noEncoding(n, a)
}

func encodeInt64(n *node, a arrow.Array) (func(int) (int64, error), error) {
	switch a := a.(type) {
	case *array.Int64:
		return infallible(a.Value)
	case *array.Uint64:
		return infallible(func(i int) int64 { return int64(a.Value(i)) })
	case *array.Uint32:
		return infallible(func(i int) int64 { return int64(a.Value(i)) })
	case *array.Time64:
		return infallible(func(i int) int64 { return int64(a.Value(i)) })
	case *array.Duration:
		return infallible(func(i int) int64 { return int64(a.Value(i)) })
	case *array.Timestamp:
		if a.DataType().(*arrow.TimestampType).Unit != arrow.Second {
			return infallible(func(i int) int64 { return int64(a.Value(i)) })
		}
		return func(i int) (int64, error) { // Parquet's coarsest unit is the millisecond
			v := int64(a.Value(i))
			if v > math.MaxInt64/1000 || v < math.MinInt64/1000 {
				return 0, fmt.Errorf("the timestamp of %d seconds does not fit milliseconds", v)
			}
			return v * 1000, nil
		}, nil
	case *array.Dictionary:
		return dictionary(n, a, encodeInt64)
	}
	if number := decimals(a); number != nil {
		return func(i int) (int64, error) {
			v := number(i)
			if !v.IsInt64() {
				return 0, fmt.Errorf("the DECIMAL %s does not fit INT64", v)
			}
			return v.Int64(), nil
		}, nil
	}
	return nil, noEncoding(n, a)
}

func encodeInt96(n *node, a arrow.Array) (func(int) (pq.Int96, error), error) {
	switch a := a.(type) {
	case *array.Timestamp:
		if unit := a.DataType().(*arrow.TimestampType).Unit; unit == arrow.Nanosecond || unit == arrow.Microsecond {
			return infallible(func(i int) pq.Int96 { return int96FromTime(unit, int64(a.Value(i))) })
		}
	case *array.FixedSizeBinary:
		if arrow.TypeEqual(a.DataType(), int96) {
			return infallible(func(i int) pq.Int96 { return pq.Int96(a.Value(i)) })
		}
	}
	return nil, noEncoding(n, a)
}

func encodeFloat(n *node, a arrow.Array) (func(int) (float32, error), error) {
	switch a := a.(type) {
	case *array.Float32:
		return infallible(a.Value)
	case *array.Dictionary:
		return dictionary(n, a, encodeFloat)
	}
	return nil, noEncoding(n, a)
}

func encodeDouble(n *node, a arrow.Array) (func(int) (float64, error), error) {
	switch a := a.(type) {
	case *array.Float64:
		return infallible(a.Value)
	case *array.Dictionary:
		return dictionary(n, a, encodeDouble)
	}
	return nil, noEncoding(n, a)
}

func encodeBytes(n *node, a arrow.Array) (func(int) (pq.ByteArray, error), error) {
	switch a := a.(type) {
	case array.StringLike:
		return infallible(func(i int) pq.ByteArray { return pq.ByteArray(a.Value(i)) })
	case interface{ Value(int) []byte }:
		return infallible(func(i int) pq.ByteArray { return a.Value(i) })
	case *array.Dictionary:
		return dictionary(n, a, encodeBytes)
	}
	if number := decimals(a); number != nil {
		return infallible(func(i int) pq.ByteArray { return twosComplement(number(i), 0) })
	}
	return nil, noEncoding(n, a)
}

func encodeFixed(n *node, a arrow.Array) (func(int) (pq.FixedLenByteArray, error), error) {
	width := int(n.length)
	switch a := a.(type) {
	case *array.FixedSizeBinary:
		if a.DataType().(*arrow.FixedSizeBinaryType).ByteWidth == width {
			return infallible(func(i int) pq.FixedLenByteArray { return a.Value(i) })
		}
	case *array.Float16:
		if width == 2 {
			return infallible(func(i int) pq.FixedLenByteArray {
				return binary.LittleEndian.AppendUint16(nil, a.Value(i).Uint16())
			})
		}
	case *array.Float32:
		if width == 2 {
			return func(i int) (pq.FixedLenByteArray, error) {
				h, ok := encodeHalf(math.Float32bits(a.Value(i)))
				if !ok {
					return nil, fmt.Errorf("%g is not a FLOAT16 value", a.Value(i))
				}
				return binary.LittleEndian.AppendUint16(nil, h), nil
			}, nil
		}
	case array.StringLike:
		if width == 16 {
			return func(i int) (pq.FixedLenByteArray, error) {
				id, err := uuid.Parse(a.Value(i))
				return id[:], err
			}, nil
		}
	case *array.Dictionary:
		return dictionary(n, a, encodeFixed)
	}
	if number := decimals(a); number != nil {
		return func(i int) (pq.FixedLenByteArray, error) {
			b := twosComplement(number(i), width)
			if len(b) != width {
				return nil, fmt.Errorf("the DECIMAL %s does not fit %d bytes", number(i), width)
			}
			return b, nil
		}, nil
	}
	return nil, noEncoding(n, a)
}

// decimals returns a function that returns the i-th unscaled value of an array
// of decimals. It returns nil for other arrays.
func decimals(a arrow.Array) func(i int) *big.Int {
	switch a := a.(type) {
	case *array.Decimal32:
		return func(i int) *big.Int { return big.NewInt(int64(a.Value(i))) }
	case *array.Decimal64:
		return func(i int) *big.Int { return big.NewInt(int64(a.Value(i))) }
	case *array.Decimal128:
		return func(i int) *big.Int { return a.Value(i).BigInt() }
	case *array.Decimal256:
		return func(i int) *big.Int { return a.Value(i).BigInt() }
	}
	return nil
}

// twosComplement returns a number in big-endian two's complement, with the
// fewest bytes possible but at least width bytes.
func twosComplement(v *big.Int, width int) []byte {
	bits := v.BitLen()
	if v.Sign() < 0 {
		bits = new(big.Int).Not(v).BitLen()
	}
	width = max(width, bits/8+1)
	if v.Sign() < 0 {
		v = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*width)))
	}
	return v.FillBytes(make([]byte, width))
}

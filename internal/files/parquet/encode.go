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

// What is here makes values of the physical types out of Arrow's: the opposite
// of leafType for columns that were read, and the usual form for others.

func noEncoding(n *node, a arrow.Array) error {
	return fmt.Errorf("%s is %s, which %s cannot hold", n.title(), a.DataType(), n.physical)
}

// dictionary encodes the values that the indices of a dictionary mean.
func dictionary[T any](n *node, a *array.Dictionary, encode func(*node, arrow.Array) (func(int) (T, error), error)) (func(int) (T, error), error) {
	get, err := encode(n, a.Dictionary())
	if err != nil {
		return nil, err
	}
	return func(i int) (T, error) { return get(a.GetValueIndex(i)) }, nil
}

// sure is for conversions that cannot fail.
func sure[T any](get func(i int) T) (func(int) (T, error), error) {
	return func(i int) (T, error) { return get(i), nil }, nil
}

func encodeBool(n *node, a arrow.Array) (func(int) (bool, error), error) {
	switch a := a.(type) {
	case *array.Boolean:
		return sure(a.Value)
	case *array.Dictionary:
		return dictionary(n, a, encodeBool)
	}
	return nil, noEncoding(n, a)
}

func encodeInt32(n *node, a arrow.Array) (func(int) (int32, error), error) {
	switch a := a.(type) {
	case *array.Int8:
		return sure(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Int16:
		return sure(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Int32:
		return sure(a.Value)
	case *array.Uint8:
		return sure(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Uint16:
		return sure(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Uint32:
		return sure(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Date32:
		return sure(func(i int) int32 { return int32(a.Value(i)) })
	case *array.Date64:
		return sure(func(i int) int32 { return int32(arrow.Date32FromTime(a.Value(i).ToTime())) })
	case *array.Time32:
		per := int32(1)
		if a.DataType().(*arrow.Time32Type).Unit == arrow.Second {
			per = 1000 // Parquet has milliseconds
		}
		return sure(func(i int) int32 { return int32(a.Value(i)) * per })
	case *array.Null:
		return sure(func(int) int32 { return 0 })
	case *array.Dictionary:
		return dictionary(n, a, encodeInt32)
	}
	if number := decimals(a); number != nil {
		return func(i int) (int32, error) {
			v := number(i)
			if !v.IsInt64() || v.Int64() < math.MinInt32 || v.Int64() > math.MaxInt32 {
				return 0, fmt.Errorf("the DECIMAL %s has more digits than INT32", v)
			}
			return int32(v.Int64()), nil
		}, nil
	}
	return nil, noEncoding(n, a)
}

func encodeInt64(n *node, a arrow.Array) (func(int) (int64, error), error) {
	switch a := a.(type) {
	case *array.Int64:
		return sure(a.Value)
	case *array.Uint64:
		return sure(func(i int) int64 { return int64(a.Value(i)) })
	case *array.Uint32:
		return sure(func(i int) int64 { return int64(a.Value(i)) })
	case *array.Time64:
		return sure(func(i int) int64 { return int64(a.Value(i)) })
	case *array.Duration:
		return sure(func(i int) int64 { return int64(a.Value(i)) })
	case *array.Timestamp:
		if a.DataType().(*arrow.TimestampType).Unit != arrow.Second {
			return sure(func(i int) int64 { return int64(a.Value(i)) })
		}
		return func(i int) (int64, error) { // Parquet has milliseconds
			v := int64(a.Value(i))
			if v > math.MaxInt64/1000 || v < math.MinInt64/1000 {
				return 0, fmt.Errorf("the time of %d seconds is too far for milliseconds", v)
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
				return 0, fmt.Errorf("the DECIMAL %s has more digits than INT64", v)
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
			return sure(func(i int) pq.Int96 { return int96Of(unit, int64(a.Value(i))) })
		}
	case *array.FixedSizeBinary:
		if arrow.TypeEqual(a.DataType(), int96) {
			return sure(func(i int) pq.Int96 { return pq.Int96(a.Value(i)) })
		}
	}
	return nil, noEncoding(n, a)
}

func encodeFloat(n *node, a arrow.Array) (func(int) (float32, error), error) {
	switch a := a.(type) {
	case *array.Float32:
		return sure(a.Value)
	case *array.Dictionary:
		return dictionary(n, a, encodeFloat)
	}
	return nil, noEncoding(n, a)
}

func encodeDouble(n *node, a arrow.Array) (func(int) (float64, error), error) {
	switch a := a.(type) {
	case *array.Float64:
		return sure(a.Value)
	case *array.Dictionary:
		return dictionary(n, a, encodeDouble)
	}
	return nil, noEncoding(n, a)
}

func encodeBytes(n *node, a arrow.Array) (func(int) (pq.ByteArray, error), error) {
	switch a := a.(type) {
	case array.StringLike:
		return sure(func(i int) pq.ByteArray { return pq.ByteArray(a.Value(i)) })
	case interface{ Value(int) []byte }:
		return sure(func(i int) pq.ByteArray { return a.Value(i) })
	case *array.Dictionary:
		return dictionary(n, a, encodeBytes)
	}
	if number := decimals(a); number != nil {
		return sure(func(i int) pq.ByteArray { return twosComplement(number(i), 0) })
	}
	return nil, noEncoding(n, a)
}

func encodeFixed(n *node, a arrow.Array) (func(int) (pq.FixedLenByteArray, error), error) {
	width := int(n.length)
	switch a := a.(type) {
	case *array.FixedSizeBinary:
		if a.DataType().(*arrow.FixedSizeBinaryType).ByteWidth == width {
			return sure(func(i int) pq.FixedLenByteArray { return a.Value(i) })
		}
	case *array.Float16:
		if width == 2 {
			return sure(func(i int) pq.FixedLenByteArray {
				return binary.LittleEndian.AppendUint16(nil, a.Value(i).Uint16())
			})
		}
	case *array.Float32:
		if width == 2 {
			return func(i int) (pq.FixedLenByteArray, error) {
				h, ok := encodeHalf(math.Float32bits(a.Value(i)))
				if !ok {
					return nil, fmt.Errorf("%g is no FLOAT16", a.Value(i))
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
				return nil, fmt.Errorf("the DECIMAL %s has more than %d bytes", number(i), width)
			}
			return b, nil
		}, nil
	}
	return nil, noEncoding(n, a)
}

// decimals gives the numbers of an array of decimals, nil for others.
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

// twosComplement writes a number, the high byte first, in as few bytes as it
// needs, but no less than a width.
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

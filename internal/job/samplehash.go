package job

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/cespare/xxhash/v2"

	"github.com/firesteel/firesteel/internal/sqltypes"
)

// sparkSeed is the seed of Spark's xxhash64.
const sparkSeed = 42

// hashedType returns the SQL type that a column is converted to before it is
// hashed. It must agree with hasher.
func hashedType(t arrow.DataType) (sql string, ok bool) {
	switch t := t.(type) {
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type, *arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type:
		return "BIGINT", true
	case *arrow.Uint64Type, *arrow.Float16Type, *arrow.Float32Type, *arrow.Float64Type, arrow.DecimalType:
		return "DOUBLE", true // Spark reads unsigned 64-bit integers as DECIMAL(20,0)
	case *arrow.BooleanType:
		return "BOOLEAN", true
	case *arrow.Date32Type, *arrow.Date64Type:
		return "DATE", true
	case *arrow.TimestampType:
		if t.TimeZone == "" {
			return "TIMESTAMP_NTZ", true
		}
		return "TIMESTAMP", true
	case arrow.BinaryDataType, *arrow.FixedSizeBinaryType:
		return "BINARY", true
	case *arrow.DictionaryType:
		return hashedType(t.ValueType)
	case *arrow.MapType:
		return "", false
	case *arrow.StructType:
		fields := make([]string, t.NumFields())
		for i, f := range t.Fields() {
			if sql, ok = hashedType(f.Type); !ok {
				return "", false
			}
			fields[i] = sqltypes.QuoteName(f.Name) + ": " + sql
		}
		return "STRUCT<" + strings.Join(fields, ", ") + ">", t.NumFields() > 0
	case arrow.ListLikeType:
		sql, ok = hashedType(t.Elem())
		return "ARRAY<" + sql + ">", ok
	}
	return "", false
}

// hasher returns a function that folds value i of a column into a hash, as
// Spark's xxhash64 does: NULL leaves the hash as it is, and the elements of
// arrays and the fields of structs are folded in their order. The column's type
// must be one that hashedType accepts.
func hasher(a arrow.Array) func(i int, hash uint64) uint64 {
	fold := valueHasher(a)
	return func(i int, hash uint64) uint64 {
		if a.IsNull(i) {
			return hash
		}
		return fold(i, hash)
	}
}

func valueHasher(a arrow.Array) func(i int, hash uint64) uint64 {
	switch a := a.(type) {
	case *array.Int8:
		return hashIntegers(a.Value)
	case *array.Int16:
		return hashIntegers(a.Value)
	case *array.Int32:
		return hashIntegers(a.Value)
	case *array.Int64:
		return hashIntegers(a.Value)
	case *array.Uint8:
		return hashIntegers(a.Value)
	case *array.Uint16:
		return hashIntegers(a.Value)
	case *array.Uint32:
		return hashIntegers(a.Value)
	case *array.Uint64:
		return func(i int, hash uint64) uint64 { return hashFloat64(float64(a.Value(i)), hash) }
	case *array.Float16:
		return func(i int, hash uint64) uint64 { return hashFloat64(float64(a.Value(i).Float32()), hash) }
	case *array.Float32:
		return func(i int, hash uint64) uint64 { return hashFloat64(float64(a.Value(i)), hash) }
	case *array.Float64:
		return func(i int, hash uint64) uint64 { return hashFloat64(a.Value(i), hash) }
	case *array.Boolean:
		return func(i int, hash uint64) uint64 {
			if a.Value(i) {
				return hashInt32(1, hash)
			}
			return hashInt32(0, hash)
		}
	case *array.Date32:
		return func(i int, hash uint64) uint64 { return hashInt32(uint32(a.Value(i)), hash) }
	case *array.Date64:
		return func(i int, hash uint64) uint64 {
			return hashInt32(uint32(floorDiv(int64(a.Value(i)), 24*time.Hour.Milliseconds())), hash)
		}
	case *array.Timestamp:
		micros := toMicroseconds(a.DataType().(*arrow.TimestampType).Unit)
		return func(i int, hash uint64) uint64 { return hashInt64(uint64(micros(int64(a.Value(i)))), hash) }
	case *array.Dictionary:
		fold := hasher(a.Dictionary())
		return func(i int, hash uint64) uint64 { return fold(a.GetValueIndex(i), hash) }
	case *array.Struct:
		fields := make([]func(int, uint64) uint64, a.NumField())
		for k := range fields {
			fields[k] = hasher(a.Field(k))
		}
		return func(i int, hash uint64) uint64 {
			for _, fold := range fields {
				hash = fold(i, hash)
			}
			return hash
		}
	case array.ListLike:
		fold := hasher(a.ListValues())
		return func(i int, hash uint64) uint64 {
			for from, to := a.ValueOffsets(i); from < to; from++ {
				hash = fold(int(from), hash)
			}
			return hash
		}
	case interface{ Value(int) []byte }:
		return func(i int, hash uint64) uint64 { return hashBytes(a.Value(i), hash) }
	case interface{ Value(int) string }:
		return func(i int, hash uint64) uint64 { return hashBytes([]byte(a.Value(i)), hash) }
	}
	// Decimals are the only other type of hashedType. Their text has a point and no exponent.
	return func(i int, hash uint64) uint64 {
		v, _ := strconv.ParseFloat(a.ValueStr(i), 64)
		return hashFloat64(v, hash)
	}
}

func hashIntegers[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](value func(int) T) func(int, uint64) uint64 {
	return func(i int, hash uint64) uint64 { return hashInt64(uint64(int64(value(i))), hash) }
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func toMicroseconds(unit arrow.TimeUnit) func(int64) int64 {
	switch unit {
	case arrow.Second:
		return func(v int64) int64 { return v * 1e6 }
	case arrow.Millisecond:
		return func(v int64) int64 { return v * 1e3 }
	case arrow.Microsecond:
		return func(v int64) int64 { return v }
	}
	return func(v int64) int64 { return floorDiv(v, 1e3) }
}

func hashBytes(b []byte, seed uint64) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(seed)
	d.Write(b)
	return d.Sum64()
}

func hashInt32(v uint32, seed uint64) uint64 {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	return hashBytes(b[:], seed)
}

func hashInt64(v, seed uint64) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	return hashBytes(b[:], seed)
}

// hashFloat64 hashes the bits of a DOUBLE; all zeros are equal, and all NaNs.
func hashFloat64(v float64, seed uint64) uint64 {
	switch {
	case v == 0:
		return hashInt64(0, seed)
	case math.IsNaN(v):
		return hashInt64(0x7ff8000000000000, seed)
	}
	return hashInt64(math.Float64bits(v), seed)
}

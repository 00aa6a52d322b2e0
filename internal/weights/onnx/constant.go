package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/firesteel/firesteel/internal/weights/floats"
	"github.com/firesteel/firesteel/internal/weights/malformed"
)

// dataType is the number format of a constant. Its value is that of TensorProto.DataType.
type dataType int64

const (
	float32Type  dataType = 1
	uint8Type    dataType = 2
	int8Type     dataType = 3
	uint16Type   dataType = 4
	int16Type    dataType = 5
	int32Type    dataType = 6
	int64Type    dataType = 7
	boolType     dataType = 9
	float16Type  dataType = 10
	float64Type  dataType = 11
	uint32Type   dataType = 12
	uint64Type   dataType = 13
	bfloat16Type dataType = 16
	uint4Type    dataType = 21
	int4Type     dataType = 22
)

var typeNames = map[dataType]string{
	float32Type: "FLOAT", uint8Type: "UINT8", int8Type: "INT8", uint16Type: "UINT16", int16Type: "INT16", int32Type: "INT32", int64Type: "INT64", 8: "STRING",
	boolType: "BOOL", float16Type: "FLOAT16", float64Type: "DOUBLE", uint32Type: "UINT32", uint64Type: "UINT64", 14: "COMPLEX64", 15: "COMPLEX128",
	bfloat16Type: "BFLOAT16", 17: "FLOAT8E4M3FN", 18: "FLOAT8E4M3FNUZ", 19: "FLOAT8E5M2", 20: "FLOAT8E5M2FNUZ", uint4Type: "UINT4", int4Type: "INT4", 23: "FLOAT4E2M1",
}

func (t dataType) String() string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return fmt.Sprintf("type %d", int64(t))
}

// bits are the sizes of the types that are read.
var bits = map[dataType]int{
	float32Type: 32, uint8Type: 8, int8Type: 8, uint16Type: 16, int16Type: 16, int32Type: 32, int64Type: 64, boolType: 8,
	float16Type: 16, float64Type: 64, uint32Type: 32, uint64Type: 64, bfloat16Type: 16, uint4Type: 4, int4Type: 4,
}

// float reports whether the numbers are not integers.
func (t dataType) float() bool {
	return t == float32Type || t == float16Type || t == float64Type || t == bfloat16Type
}

// constant is a tensor of the file: an initializer, or the value of a node.
type constant struct {
	file *File
	name string
	at   int64
	typ  dataType
	dims []int
	size int // numbers
	data []byte
	part *part // nil if data are a copy
}

func (c *constant) fail(format string, args ...any) error {
	return &malformed.Error{File: c.file.Path, Offset: c.at, Tensor: c.name, What: fmt.Sprintf(format, args...)}
}

// maxSize limits the size of a tensor in bytes.
const maxSize = math.MaxInt64 / 128

// constant decodes a tensor and checks that it has as many bytes as its type and shape take.
func (f *File) constant(g *graph, v field) (*constant, error) {
	m, err := v.inner("a tensor")
	if err != nil {
		return nil, err
	}
	if err := f.count(g, v); err != nil {
		return nil, err
	}
	c := &constant{file: f, at: m.at, size: 1}
	var lists []field // of numbers, which need the type
	var raw *field
	external := false
	place := location{length: -1}
	err = m.each(func(v field) (err error) {
		switch v.number {
		case 1:
			err = v.integers(func(n int64) error { return c.dimension(n) })
		case 2:
			var n int64
			n, err = v.integer()
			c.typ = dataType(n)
		case 8:
			c.name, err = v.text()
		case 4, 5, 7, 10, 11:
			lists = append(lists, v)
		case 9:
			if raw != nil {
				return f.fail(v.at, "the tensor has raw_data twice")
			}
			raw, err = &v, v.want(protowire.BytesType)
		case 13:
			err = place.add(v)
		case 14:
			external = v.value == 1
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	n := bits[c.typ]
	if n == 0 {
		return c, nil // it cannot be read, but maybe it is not needed
	}
	want := (c.size*n + 7) / 8
	switch {
	case external:
		return c, f.external(c, place, want)
	case raw != nil:
		c.data, c.part = raw.data, f.main
	case len(lists) == 1 && lists[0].kind == protowire.BytesType && (lists[0].number == 4 && n == 32 || lists[0].number == 10):
		c.data, c.part = lists[0].data, f.main // little-endian numbers
	default:
		c.data = []byte{}
		for _, list := range lists {
			if err := c.append(list, want); err != nil {
				return nil, err
			}
		}
	}
	if len(c.data) != want {
		return nil, c.fail("the tensor has %d bytes, but %v of %s takes %d", len(c.data), c.dims, c.typ, want)
	}
	return c, nil
}

func (c *constant) dimension(n int64) error {
	if len(c.dims) == maxDims {
		return c.fail("the tensor has more than %d dimensions", maxDims)
	}
	if n < 0 || n > 0 && int64(c.size) > maxSize/n {
		return c.fail("dimension %d is %d, which is out of range", len(c.dims), n)
	}
	c.dims = append(c.dims, int(n))
	c.size *= int(n)
	return nil
}

// append adds the numbers of a list to data, of which there are want bytes. A list of integers has
// a number in each entry: for 16-bit floats, its bits; for 4-bit integers, two in one byte.
func (c *constant) append(list field, want int) error {
	add := func(v uint64) error {
		if len(c.data) >= want {
			return c.fail("the tensor has more numbers than its shape %v", c.dims)
		}
		c.data = binary.LittleEndian.AppendUint64(c.data, v)
		c.data = c.data[:len(c.data)-8+max(bits[c.typ], 8)/8]
		return nil
	}
	switch {
	case list.kind == protowire.Fixed32Type && list.number == 4, list.kind == protowire.Fixed64Type && list.number == 10:
		return add(list.value)
	case list.number == 4 || list.number == 10:
		if err := list.want(protowire.BytesType); err != nil {
			return err
		}
		size := 4
		if list.number == 10 {
			size = 8
		}
		if 8*size != bits[c.typ] || len(list.data) > want-len(c.data) {
			return c.fail("the numbers do not fit the type %s and the shape %v", c.typ, c.dims)
		}
		c.data = append(c.data, list.data...)
		return nil
	}
	return list.integers(func(n int64) error { return add(uint64(n)) })
}

// readFloats converts len(dst) numbers, beginning with number first.
func (c *constant) readFloats(dst []float32, first int) {
	switch c.typ {
	case float32Type:
		floats.F32(dst, c.data[4*first:])
	case float16Type:
		floats.F16(dst, c.data[2*first:])
	case bfloat16Type:
		floats.BF16(dst, c.data[2*first:])
	case float64Type:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(c.data[8*(first+i):])))
		}
	default:
		for i := range dst {
			dst[i] = float32(c.integer(first + i))
		}
	}
}

// number returns number i.
func (c *constant) number(i int) float32 {
	var x [1]float32
	c.readFloats(x[:], i)
	return x[0]
}

// integer returns number i of a tensor of integers.
func (c *constant) integer(i int) int64 {
	switch c.typ {
	case uint8Type, boolType:
		return int64(c.data[i])
	case int8Type:
		return int64(int8(c.data[i]))
	case uint16Type:
		return int64(binary.LittleEndian.Uint16(c.data[2*i:]))
	case int16Type:
		return int64(int16(binary.LittleEndian.Uint16(c.data[2*i:])))
	case int32Type:
		return int64(int32(binary.LittleEndian.Uint32(c.data[4*i:])))
	case uint32Type:
		return int64(binary.LittleEndian.Uint32(c.data[4*i:]))
	case int64Type, uint64Type:
		return int64(binary.LittleEndian.Uint64(c.data[8*i:]))
	case uint4Type:
		return int64(c.data[i/2] >> (i % 2 * 4) & 15)
	case int4Type:
		return int64(int8(c.data[i/2]>>(i%2*4)<<4) >> 4)
	}
	return 0
}

package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Array is a tensor of 32-bit numbers to write. The last dimension of Shape is contiguous.
type Array struct {
	Name  string
	Shape []int
	Data  []float32
}

// Write writes a file with metadata and tensors in their order. Equal content gives equal bytes. The
// data begin at a multiple of 8 bytes.
func Write(w io.Writer, metadata map[string]string, arrays []Array) error {
	var header bytes.Buffer
	header.WriteString(`{"__metadata__":`)
	text, err := json.Marshal(metadata) // sorts the keys
	if err != nil {
		return err
	}
	header.Write(text)
	begin := 0
	for _, a := range arrays {
		size := 1
		for _, d := range a.Shape {
			size *= d
		}
		if size != len(a.Data) {
			return fmt.Errorf("tensor %q: the shape %v does not have %d numbers", a.Name, a.Shape, len(a.Data))
		}
		entry, err := json.Marshal(struct {
			Type    Type   `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}{F32, a.Shape, [2]int{begin, begin + 4*size}})
		if err != nil {
			return err
		}
		name, err := json.Marshal(a.Name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&header, ",%s:%s", name, entry)
		begin += 4 * size
	}
	header.WriteByte('}')
	for header.Len()%lengthBytes != 0 {
		header.WriteByte(' ')
	}
	if err := binary.Write(w, binary.LittleEndian, uint64(header.Len())); err != nil {
		return err
	}
	if _, err := w.Write(header.Bytes()); err != nil {
		return err
	}
	for _, a := range arrays {
		data := make([]byte, 4*len(a.Data))
		for i, v := range a.Data {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return nil
}

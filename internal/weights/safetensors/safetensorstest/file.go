package safetensorstest

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
)

type tensor struct {
	name  string // seeds the numbers
	file  string // name in the file; empty if it equals name
	shape []int
	kind  kind
}

func (t tensor) fileName() string { return cmp.Or(t.file, t.name) }

func (t tensor) count() int {
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	return n
}

// WriteT5 writes config.json and the seeded weights of a T5 to folder: model.safetensors, or
// several files and model.safetensors.index.json. It writes no tokenizer. FlanT5Small takes
// about a second.
func WriteT5(folder string, c T5) error {
	encode, ok := encoders[c.DType]
	if !ok {
		return fmt.Errorf("safetensorstest: unknown number format %q", c.DType)
	}
	if err := writeJSON(filepath.Join(folder, "config.json"), c.config()); err != nil {
		return err
	}
	all := c.tensors()
	slices.SortFunc(all, func(a, b tensor) int { return cmp.Compare(a.name, b.name) })
	if c.Shards <= 1 {
		return writeFile(filepath.Join(folder, "model.safetensors"), all, encode)
	}
	total := 0
	files := map[string]string{}
	for shard := range c.Shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", shard+1, c.Shards)
		part := all[len(all)*shard/c.Shards : len(all)*(shard+1)/c.Shards]
		for _, t := range part {
			files[t.name] = name
			total += t.count() * encode.size
		}
		if err := writeFile(filepath.Join(folder, name), part, encode); err != nil {
			return err
		}
	}
	return writeJSON(filepath.Join(folder, "model.safetensors.index.json"), map[string]any{
		"metadata": map[string]any{"total_size": total}, "weight_map": files,
	})
}

// encoder encodes a number format of size bytes.
type encoder struct {
	name string
	size int
	put  func(b []byte, v float32) []byte
}

var encoders = map[string]encoder{"": f32, "F32": f32, "F16": f16, "BF16": bf16}

var (
	f32 = encoder{"F32", 4, func(b []byte, v float32) []byte {
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}}
	f16 = encoder{"F16", 2, func(b []byte, v float32) []byte {
		return binary.LittleEndian.AppendUint16(b, half(v))
	}}
	bf16 = encoder{"BF16", 2, func(b []byte, v float32) []byte {
		bits := math.Float32bits(v)
		return binary.LittleEndian.AppendUint16(b, uint16((bits+0x7FFF+bits>>16&1)>>16))
	}}
)

// half rounds v to half precision. The magnitude of v must be less than 65520.
func half(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	size := math.Abs(float64(v))
	if size < 1./(1<<14) { // steps of 2^-24
		return sign | uint16(math.RoundToEven(size*(1<<24)))
	}
	bits &= 1<<31 - 1
	return sign | uint16((bits+0xFFF+bits>>13&1)>>13-112<<10)
}

// writeFile writes a safetensors file. It pads the header with spaces to a multiple of 8 bytes.
func writeFile(path string, tensors []tensor, encode encoder) (err error) {
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	entries := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	end := 0
	for _, t := range tensors {
		begin := end
		end += t.count() * encode.size
		entries[t.fileName()] = entry{encode.name, t.shape, [2]int{begin, end}}
	}
	header, err := json.Marshal(entries)
	if err != nil {
		return err
	}
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	w := bufio.NewWriterSize(file, 1<<16)
	buffer := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	if _, err := w.Write(append(buffer, header...)); err != nil {
		return err
	}
	for _, t := range tensors {
		numbers := newSource(t.name, t.kind)
		for i, n := 0, t.count(); i < n; {
			buffer = buffer[:0]
			for stop := min(n, i+4096); i < stop; i++ {
				buffer = encode.put(buffer, numbers.at(i))
			}
			if _, err := w.Write(buffer); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

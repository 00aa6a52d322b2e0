package gguf_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/gguf"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/internal/weights/malformed"
)

// block returns a quantized block: lead, then n bytes with the values i*7.
func block(n int, lead ...byte) []byte {
	for i := range n {
		lead = append(lead, byte(i*7))
	}
	return lead
}

func small() *gguftest.Builder {
	b := gguftest.New()
	b.Set("general.architecture", "llama").Set("llama.block_count", uint32(30)).Set("big", uint64(1<<40))
	b.Set("eps", float32(0.5)).Set("flag", true).Set("tokens", []string{"a", "", "ccc"}).Set("types", []int32{1, -3, 3})
	b.F32("plain", []int{3, 2}, []float32{1, -2, 3, 4, 5.5, -6})
	b.Tensor("half", 1, []int{4}, []byte{0, 0x3c, 0, 0xc0, 1, 0, 0, 0x7c}) // 1, -2, 2^-24, +Inf
	b.Tensor("q8", 8, []int{32, 2}, append(block(32, 0, 0x38), block(32, 0, 0x40)...))
	b.Tensor("q40", 2, []int{32}, block(16, 0, 0x38))
	b.Tensor("q41", 3, []int{32}, block(16, 0, 0x38, 0, 0xbc))
	return b
}

func TestMetadata(t *testing.T) {
	for _, version := range []uint32{2, 3} {
		b := small()
		b.Version = version
		f, err := gguf.Open(b.Write(t))
		if err != nil {
			t.Fatal(err)
		}
		if s, err := f.String("general.architecture"); s != "llama" || err != nil {
			t.Errorf("string: %q, %v", s, err)
		}
		if n, err := f.Int("llama.block_count", 1, 100); n != 30 || err != nil {
			t.Errorf("int: %d, %v", n, err)
		}
		if n, err := f.Int("big", 0, math.MaxInt64); n != 1<<40 || err != nil {
			t.Errorf("u64: %d, %v", n, err)
		}
		if x, err := f.Float("eps"); x != 0.5 || err != nil {
			t.Errorf("float: %g, %v", x, err)
		}
		if v, err := f.Bool("flag"); !v || err != nil {
			t.Errorf("bool: %v, %v", v, err)
		}
		if v, err := f.Strings("tokens"); !slices.Equal(v, []string{"a", "", "ccc"}) || err != nil {
			t.Errorf("strings: %q, %v", v, err)
		}
		if v, err := f.Ints("types"); !slices.Equal(v, []int64{1, -3, 3}) || err != nil {
			t.Errorf("ints: %v, %v", v, err)
		}
		for _, err := range []error{
			errorOf(f.Int("llama.block_count", 1, 29)), errorOf(f.Int("eps", 0, 1)), errorOf(f.Int("none", 0, 1)),
			errorOf(f.String("flag")), errorOf(f.Strings("types")),
		} {
			if !errors.Is(err, malformed.ErrFormat) || !strings.Contains(err.Error(), f.Path) {
				t.Errorf("error %v", err)
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

func TestDequantize(t *testing.T) {
	f, err := gguf.Open(small().Write(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	q8 := func(d float32) (want []float32) {
		for i := range 32 {
			want = append(want, d*float32(int8(byte(i*7))))
		}
		return want
	}
	q4 := func(of func(q byte) float32) []float32 {
		want := make([]float32, 32)
		for i := range 16 {
			want[i], want[i+16] = of(byte(i*7)&15), of(byte(i*7)>>4)
		}
		return want
	}
	for _, c := range []struct {
		name         string
		first, count int
		want         []float32
	}{
		{"plain", 0, 2, []float32{1, -2, 3, 4, 5.5, -6}},
		{"plain", 1, 1, []float32{4, 5.5, -6}},
		{"half", 0, 1, []float32{1, -2, 1.0 / (1 << 24), float32(math.Inf(1))}},
		{"q8", 0, 2, append(q8(.5), q8(2)...)},
		{"q8", 1, 1, q8(2)},
		{"q8", 2, 0, nil},
		{"q40", 0, 1, q4(func(q byte) float32 { return .5 * (float32(q) - 8) })},
		{"q41", 0, 1, q4(func(q byte) float32 { return .5*float32(q) - 1 })},
	} {
		x, ok := f.Tensor(c.name)
		if !ok {
			t.Fatalf("no tensor %q", c.name)
		}
		got := make([]float32, len(c.want))
		if err := x.Dequantize(got, c.first, c.count); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s rows %d+%d: %v, %v; want %v", c.name, c.first, c.count, got, err, c.want)
		}
		if err := x.Dequantize(got, c.first+3, c.count); err == nil {
			t.Errorf("%s: rows beyond the end were read", c.name)
		}
	}
}

func TestTruncatedFile(t *testing.T) {
	whole := small().Bytes()
	dir := t.TempDir()
	for n := range len(whole) {
		path := filepath.Join(dir, "cut.gguf")
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		_, opened := gguf.Open(path)
		for _, err := range []error{opened, gguf.Check(path)} {
			var e *malformed.Error
			if !errors.As(err, &e) || e.File != path || e.Offset > int64(len(whole)) || e.What == "" {
				t.Fatalf("cut to %d bytes: %v", n, err)
			}
		}
	}
	path := filepath.Join(dir, "whole.gguf")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := gguf.Check(path); err != nil {
		t.Fatal(err)
	}
}

func TestMalformedFiles(t *testing.T) {
	set := func(key string, value any) []byte { return small().Set(key, value).Bytes() }
	entry := func(name string, kind uint32, shape []int, offset uint64) []byte {
		b := small()
		b.Entry(name, kind, shape, offset)
		return b.Bytes()
	}
	at := func(offset int, bytes ...byte) []byte {
		data := small().Bytes()
		copy(data[offset:], bytes)
		return data
	}
	for want, data := range map[string][]byte{
		"not a GGUF file":                         []byte("PK\x03\x04 this is an archive"),
		"version 1 is not":                        at(4, 1),
		"big-endian":                              at(4, 0, 0, 0, 3),
		"tensors do not fit":                      at(8, 255, 255, 255, 255, 255, 255, 255, 255),
		"metadata pairs do not":                   at(16, 255, 255, 255, 255, 255, 255, 255, 127),
		"bytes of a metadata key":                 at(24, 255, 255, 255, 255, 255, 255, 255, 255),
		"duplicate key":                           set("flag", false),
		"positive multiple of 8":                  set("general.alignment", uint32(12)),
		"multiple of 8 of at most":                set("general.alignment", "32"),
		"not a multiple of the":                   set("general.alignment", uint32(64)),
		"duplicate name":                          entry("plain", 0, []int{1}, 0),
		"unknown":                                 entry("x", 99, []int{1}, 0),
		"is not a multiple of 32, the block size": entry("x", 8, []int{33}, 0),
		"0 dimensions":                            entry("x", 0, nil, 0),
		"5 dimensions":                            entry("x", 0, []int{1, 1, 1, 1, 1}, 0),
		"dimension 1 is 0":                        entry("x", 0, []int{1, 0}, 0),
		"dimension 1 is 1":                        entry("x", 0, []int{1 << 30, 1 << 30, 1 << 30}, 0),
		"overlaps that of":                        entry("x", 0, []int{1}, 0),
		"beyond the end":                          entry("x", 0, []int{1 << 20}, 192),
		"offset 9223372036854775808 is beyond":    entry("x", 0, []int{1}, 1<<63),
	} {
		_, err := gguf.Read("bad.gguf", data)
		if !errors.Is(err, malformed.ErrFormat) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "bad.gguf: ") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestCheckRejectsUnsupportedTypes(t *testing.T) {
	path := gguftest.New().Tensor("blk.0.attn_q.weight", 23, []int{256}, make([]byte, 136)).Write(t)
	if err := gguf.Check(path); err == nil || !strings.Contains(err.Error(), `tensor "blk.0.attn_q.weight": the type IQ4_XS is not supported; use a file with BF16, F16`) {
		t.Error(err)
	}
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, _ := f.Tensor("blk.0.attn_q.weight")
	if err := x.Dequantize(make([]float32, 256), 0, 1); err == nil {
		t.Error("IQ4_XS was read")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(small().Bytes())
	f.Add(gguftest.New().Bytes())
	f.Add([]byte("GGUF"))
	for kind, blocks := range readBlocks(f) {
		f.Add(gguftest.New().Tensor("x", uint32(kind), []int{blocks.each, len(blocks.want) / blocks.each}, blocks.data).Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := gguf.Read("fuzz", data)
		if err != nil {
			if !errors.Is(err, malformed.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		for _, x := range file.Tensors {
			if x.Rows() > len(data)*32 {
				t.Fatalf("%d rows from %d bytes", x.Rows(), len(data))
			}
			// Dequantize fails for unsupported types.
			_ = x.Dequantize(make([]float32, x.Shape[0]), x.Rows()-1, 1)
		}
	})
}

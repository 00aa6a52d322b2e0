package gguf_test

import (
	"bufio"
	"encoding/hex"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/floats"
	"github.com/firesteel/firesteel/internal/weights/gguf"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
)

// blocksOf holds the blocks of one type in testdata/blocks.txt.
type blocksOf struct {
	data []byte
	want []string // the bits of each number in hexadecimal, or nan
	each int      // numbers in a block
}

func readBlocks(t testing.TB) map[gguf.Type]*blocksOf {
	t.Helper()
	types := map[string]gguf.Type{}
	for kind := range gguf.Type(64) {
		types[kind.String()] = kind
	}
	file, err := os.Open("testdata/blocks.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all := map[gguf.Type]*blocksOf{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if fields[0] == "#" {
			continue
		}
		kind, ok := types[fields[0]]
		block, err := hex.DecodeString(fields[1])
		if !ok || err != nil {
			t.Fatalf("type %q: %v", fields[0], err)
		}
		if all[kind] == nil {
			all[kind] = &blocksOf{each: len(fields) - 2}
		}
		all[kind].data = append(all[kind].data, block...)
		all[kind].want = append(all[kind].want, fields[2:]...)
	}
	return all
}

func TestBlocksAsReference(t *testing.T) {
	all := readBlocks(t)
	if len(all) != 12 {
		t.Fatalf("blocks of %d types", len(all))
	}
	for kind, blocks := range all {
		count := len(blocks.want) / blocks.each
		b := gguftest.New()
		b.Tensor("rows", uint32(kind), []int{blocks.each, count}, blocks.data)
		b.Tensor("row", uint32(kind), []int{len(blocks.want)}, blocks.data)
		f, err := gguf.Read(kind.String(), b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		check := func(name string, first, rows int, want []string) {
			x, _ := f.Tensor(name)
			got := make([]float32, len(want))
			if err := x.Dequantize(got, first, rows); err != nil {
				t.Fatal(err)
			}
			for i, v := range got {
				s := strconv.FormatUint(uint64(math.Float32bits(v)), 16)
				if v != v {
					s = "nan"
				}
				if s != want[i] {
					t.Fatalf("%s: %s %d+%d: number %d has the bits %s (%g), want %s", kind, name, first, rows, i, s, v, want[i])
				}
			}
		}
		check("row", 0, 1, blocks.want)
		check("rows", 0, count, blocks.want)
		for i := range count {
			check("rows", i, 1, blocks.want[i*blocks.each:(i+1)*blocks.each])
		}
	}
}

// The integers of Block give the bits of Dequantize.
func TestBlock(t *testing.T) {
	for kind, blocks := range readBlocks(t) {
		count := len(blocks.want) / blocks.each
		b := gguftest.New()
		b.Tensor("rows", uint32(kind), []int{blocks.each, count}, blocks.data)
		f, err := gguf.Read(kind.String(), b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		x, _ := f.Tensor("rows")
		number := numbersOfBlock[kind]
		var block gguf.Block
		if number == nil {
			if err := x.Block(0, 0, &block); err == nil {
				t.Errorf("%s has blocks", kind)
			}
			continue
		}
		for row := range count {
			if err := x.Block(row, 0, &block); err != nil {
				t.Fatal(err)
			}
			for i := range blocks.each {
				v := number(&block, i)
				s := strconv.FormatUint(uint64(math.Float32bits(v)), 16)
				if want := blocks.want[row*blocks.each+i]; v == v && s != want || v != v && want != "nan" {
					t.Fatalf("%s: number %d of row %d is %g with the bits %s, want %s", kind, i, row, v, s, want)
				}
			}
		}
		for _, at := range [][2]int{{-1, 0}, {count, 0}, {0, -1}, {0, 1}} {
			if err := x.Block(at[0], at[1], &block); err == nil {
				t.Errorf("%s: row %d has block %d", kind, at[0], at[1])
			}
		}
	}
}

// numbersOfBlock computes number i of a block.
var numbersOfBlock = map[gguf.Type]func(b *gguf.Block, i int) float32{
	gguf.Q4_0: centered(8), gguf.Q5_0: centered(16), gguf.Q8_0: centered(128),
	gguf.Q4_1: shifted, gguf.Q5_1: shifted,
	gguf.Q4_K: scaled, gguf.Q5_K: scaled,
	gguf.Q6_K: func(b *gguf.Block, i int) float32 {
		return float32(half(b.D)*float32(b.Scales[i/16])) * float32(int(b.Q[i])-32)
	},
}

func centered(zero int) func(b *gguf.Block, i int) float32 {
	return func(b *gguf.Block, i int) float32 { return half(b.D) * float32(int(b.Q[i])-zero) }
}

func shifted(b *gguf.Block, i int) float32 { return float32(half(b.D)*float32(b.Q[i])) + half(b.M) }

func scaled(b *gguf.Block, i int) float32 {
	return float32(float32(half(b.D)*float32(b.Scales[i/32]))*float32(b.Q[i])) + float32(half(b.M)*float32(b.Mins[i/32]))
}

func half(bits uint16) float32 { return floats.Half([]byte{byte(bits), byte(bits >> 8)}) }

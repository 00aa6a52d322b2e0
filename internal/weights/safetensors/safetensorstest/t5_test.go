package safetensorstest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The weights equal those of the Python script that writes the golden files.
func TestT5WeightsEqualPython(t *testing.T) {
	for name, c := range map[string]T5{"tiny-t5": TinyT5(), "tiny-flan-t5": TinyFlanT5(), "flan-t5-small": FlanT5Small()} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := WriteT5(folder, c); err != nil {
				t.Fatal(err)
			}
			header, data := read(t, filepath.Join(folder, "model.safetensors"))
			if got := len(data) / 4; got != c.Parameters() {
				t.Errorf("%d numbers, want %d", got, c.Parameters())
			}
			if name == "flan-t5-small" && c.Parameters() != 76_961_152 {
				t.Errorf("%d parameters, Flan-T5-small has 76,961,152", c.Parameters())
			}
			if _, ok := header["lm_head.weight"]; ok == c.TieWordEmbeddings {
				t.Errorf("lm_head.weight exists: %t", ok)
			}
			sum := sha256.Sum256(data) // the tensors are sorted by name
			if got, want := hex.EncodeToString(sum[:]), golden(t, "t5", name); got != want {
				t.Errorf("the weights' SHA-256 is %s, in Python %s", got, want)
			}
		})
	}
}

// golden returns the digest at the beginning of a golden file.
func golden(t *testing.T, folder, name string) string {
	file, err := os.Open(filepath.Join("..", "..", "..", "engine", "testdata", folder, name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if digest, ok := strings.CutPrefix(lines.Text(), "weights "); ok {
			return digest
		}
	}
	t.Fatalf("%s.txt has no weights line", name)
	return ""
}

type entry struct {
	DType   string
	Shape   []int
	Offsets [2]int `json:"data_offsets"`
}

func read(t *testing.T, path string) (map[string]entry, []byte) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(file)
	if n%8 != 0 || file[8] != '{' {
		t.Fatalf("%s begins with a header of %d bytes: %.20q", path, n, file[8:])
	}
	header := map[string]entry{}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(file[8:8+n], &raw); err != nil {
		t.Fatal(err)
	}
	delete(raw, "__metadata__")
	for name, text := range raw {
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		header[name] = e
	}
	return header, file[8+n:]
}

// Sharded weights equal those of one file, and the index names the right files.
func TestShards(t *testing.T) {
	whole, parts := t.TempDir(), t.TempDir()
	c := TinyFlanT5()
	if err := WriteT5(whole, c); err != nil {
		t.Fatal(err)
	}
	c.Shards = 3
	if err := WriteT5(parts, c); err != nil {
		t.Fatal(err)
	}
	var index struct {
		Metadata map[string]int
		Files    map[string]string `json:"weight_map"`
	}
	text, err := os.ReadFile(filepath.Join(parts, "model.safetensors.index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	header, data := read(t, filepath.Join(whole, "model.safetensors"))
	if len(index.Files) != len(header) || index.Metadata["total_size"] != len(data) {
		t.Fatalf("the index has %d tensors of %d bytes, want %d of %d", len(index.Files), index.Metadata["total_size"], len(header), len(data))
	}
	seen := map[string]bool{}
	for name, want := range header {
		file := index.Files[name]
		seen[file] = true
		h, d := read(t, filepath.Join(parts, file))
		got, ok := h[name]
		if !ok {
			t.Fatalf("%s is not in %s", name, file)
		}
		if !bytes.Equal(d[got.Offsets[0]:got.Offsets[1]], data[want.Offsets[0]:want.Offsets[1]]) {
			t.Errorf("%s differs", name)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d files, want 3", len(seen))
	}
}

func TestRounding(t *testing.T) {
	for _, c := range []struct {
		v          float32
		half, bf16 uint16
	}{
		{0, 0, 0},
		{1, 0x3C00, 0x3F80},
		{-2, 0xC000, 0xC000},
		{1 + 1./1024 + 1./2048, 0x3C02, 0x3F80}, // tie: rounds to even
		{1 + 1./2048, 0x3C00, 0x3F80},
		{1 + 1./256, 0x3C04, 0x3F80},
		{1 + 3./256, 0x3C0C, 0x3F82},
		{1. / (1 << 24), 1, 0x3380},
		{-3. / (1 << 25), 0x8002, 0xB3C0},
		{1. / (1 << 25), 0, 0x3300},
		{1./(1<<14) - 1./(1<<26), 0x0400, 0x3880}, // rounds up to the smallest normal number
		{65504, 0x7BFF, 0x4780},
	} {
		if got := half(c.v); got != c.half {
			t.Errorf("%g as F16: %#04x, want %#04x", c.v, got, c.half)
		}
		if got := binary.LittleEndian.Uint16(bf16.put(nil, c.v)); got != c.bf16 {
			t.Errorf("%g as BF16: %#04x, want %#04x", c.v, got, c.bf16)
		}
	}
	folder := t.TempDir()
	c := TinyT5()
	c.DType = "BF16"
	if err := WriteT5(folder, c); err != nil {
		t.Fatal(err)
	}
	header, data := read(t, filepath.Join(folder, "model.safetensors"))
	e := header["shared.weight"]
	got := math.Float32frombits(uint32(binary.LittleEndian.Uint16(data[e.Offsets[0]:])) << 16)
	if want := newSource("shared.weight", spread(1, 1)).at(0); e.DType != "BF16" || math.Abs(float64(got-want)) > 1./256 {
		t.Errorf("the first number is %g (%s), want about %g", got, e.DType, want)
	}
	c.DType = "I8"
	if err := WriteT5(folder, c); err == nil {
		t.Error("numbers of type I8 were written")
	}
}

package safetensors_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// file returns a file with a header and data. It checks neither.
func file(header, data string) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), data...)
}

// entry returns the entry of a tensor in a header.
func entry(name, dtype, shape string, begin, end int) string {
	return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, dtype, shape, begin, end)
}

func numbers(values ...float32) string {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return string(b)
}

// small returns a file whose entries are not in the order of their data.
func small() []byte {
	return file(" {"+strings.Join([]string{
		entry("half", "F16", "[4]", 24, 32),
		entry("plain", "F32", "[2,3]", 0, 24),
		`"__metadata__": {"format":"pt", "none": ""}`,
		entry("brain", "BF16", "[2,1,1]", 32, 36),
		entry("one", "F32", "[]", 36, 40),
		entry("empty", "F32", "[3,0]", 40, 40),
		entry("ids", "I64", "[1,1]", 40, 48),
	}, " ,\n")+"}\n  ", numbers(1, -2, 3, 4, 5.5, -6)+
		"\x00\x3c\x00\xc0\x01\x00\x00\x7c"+"\xc0\xbf\x80\x3f"+numbers(7)+"12345678")
}

// put writes files to a new folder. The keys of files are their names.
func put(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestDequantize(t *testing.T) {
	folder := put(t, map[string]string{"model.safetensors": string(small()), "other.safetensors": ""})
	f, err := safetensors.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Path != filepath.Join(folder, "model.safetensors") || f.Size != int64(len(small())) || len(f.Tensors) != 6 || f.Tensors[0].Name != "plain" {
		t.Errorf("%+v", f)
	}
	for _, c := range []struct {
		name         string
		rows         int
		first, count int
		want         []float32
	}{
		{"plain", 2, 0, 2, []float32{1, -2, 3, 4, 5.5, -6}},
		{"plain", 2, 1, 1, []float32{4, 5.5, -6}},
		{"plain", 2, 2, 0, nil},
		{"half", 1, 0, 1, []float32{1, -2, 1.0 / (1 << 24), float32(math.Inf(1))}},
		{"brain", 2, 0, 2, []float32{-1.5, 1}},
		{"brain", 2, 1, 1, []float32{1}},
		{"one", 1, 0, 1, []float32{7}},
		{"empty", 3, 0, 3, nil},
	} {
		x, ok := f.Tensor(c.name)
		if !ok || x.Rows() != c.rows {
			t.Fatalf("%s: %+v", c.name, x)
		}
		got := make([]float32, len(c.want))
		if err := x.Dequantize(got, c.first, c.count); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s rows %d+%d: %v, %v; want %v", c.name, c.first, c.count, got, err, c.want)
		}
		for _, wrong := range [][3]int{{c.rows, 1, len(got)}, {-1, 1, len(got)}, {0, -1, len(got)}, {0, 1, len(got) + 1}, {math.MaxInt, math.MaxInt, 0}} {
			if err := x.Dequantize(make([]float32, wrong[2]), wrong[0], wrong[1]); !errors.Is(err, malformed.ErrFormat) {
				t.Errorf("%s: rows %v: error %v", c.name, wrong, err)
			}
		}
	}
	x, _ := f.Tensor("ids")
	at := strings.Index(string(small()), `"ids"`)
	if err := x.Dequantize(make([]float32, 1), 0, 1); err == nil || err.Error() != fmt.Sprintf(`%s: tensor "ids": the type I64 is not supported; use a file with BF16, F16 or F32 (at byte %d)`, f.Path, at) {
		t.Error(err)
	}
	if _, ok := f.Tensor("none"); ok {
		t.Error("the tensor none exists")
	}
}

func TestTruncatedFile(t *testing.T) {
	whole := small()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	for n := range len(whole) + 2 {
		if err := os.WriteFile(path, append(whole, 0)[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		f, opened := safetensors.Open(path)
		for _, err := range []error{opened, safetensors.Check(path)} {
			var e *malformed.Error
			if n == len(whole) {
				if err != nil {
					t.Fatal(err)
				}
			} else if !errors.As(err, &e) || e.File != path || e.Offset > int64(len(whole)) || e.What == "" {
				t.Fatalf("cut to %d bytes: %v", n, err)
			}
		}
		if opened == nil {
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		} else if f != nil {
			t.Fatal("Open returned a file and an error")
		}
	}
}

func TestMalformedFiles(t *testing.T) {
	one := func(text string) []byte { return file(text, "1234") }
	x := entry("x", "F32", "[1]", 0, 4)
	for _, c := range []struct {
		want string
		data []byte
	}{
		{"the length field takes 8; it is truncated", []byte("1234567")},
		{"header of 3472328296227680304 bytes is too large", []byte("00000000 this is text")},
		{"header of 100000001 bytes is too large", binary.LittleEndian.AppendUint64(nil, 100_000_001)},
		{"header of 1000 bytes does not fit into the remaining 2 bytes", append(binary.LittleEndian.AppendUint64(nil, 1000), "{}"...)},
		{"text ends inside the header (at byte 8)", one("")},
		{"text ends inside the header (at byte 10)", one("  ")},
		{"text ends inside the header", one("{")},
		{"the JSON text is not valid UTF-8 (at byte 10)", one("{\"\xff\":0}")},
		{"header is not an object", one("[]")},
		{"invalid JSON in the header: invalid character 'x'", one("{x}")},
		{"invalid JSON in the header", one("{" + x + ",}")},
		{"invalid JSON in the header", one("{" + x + " " + x + "}")},
		{"unexpected data after the header", one("{" + x + "}{}")},
		{`duplicate key "x" in the header`, one("{" + x + "," + x + "}")},
		{`duplicate key "\x00x" in the header`, file(`{"\u0000x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0000x":{}}`, "1234")},
		{`duplicate key "shape" in the entry`, one(`{"x":{"shape":[1],"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`)},
		{`duplicate key "a" in the metadata`, one(`{"__metadata__":{"a":"","a":""}}`)},
		{"metadata is not a string", one(`{"__metadata__":{"a":1}}`)},
		{"metadata is not an object", one(`{"__metadata__":[]}`)},
		{"the entry is not an object", one(`{"x":"F32"}`)},
		{"has 2 of the 3 keys dtype, shape and data_offsets", one(`{"x":{"dtype":"F32","shape":[1]}}`)},
		{"has 2 of the 3 keys dtype, shape and data_offsets", one(`{"x":{"dtype":"F32","shape":[1]}}`)},
		{`unexpected key "color"`, one(`{"x":{"color":1}}`)},
		{`the dtype "F33" is unknown`, one("{" + entry("x", "F33", "[1]", 0, 4) + "}")},
		{"dtype is not a string", one(`{"x":{"dtype":32}}`)},
		{"shape is not an array", one(`{"x":{"shape":1}}`)},
		{"shape holds a value that is not a number", one("{" + entry("x", "F32", strings.Repeat("[", 100_000), 0, 4) + "}")},
		{"shape holds -1, expected an integer from 0", one("{" + entry("x", "F32", "[-1]", 0, 4) + "}")},
		{"shape holds 1e0, expected an integer", one("{" + entry("x", "F32", "[1e0]", 0, 4) + "}")},
		{"shape holds 18446744073709551616, expected", one("{" + entry("x", "F32", "[18446744073709551616]", 0, 4) + "}")},
		{"shape holds a value that is not", one("{" + entry("x", "F32", "[null]", 0, 4) + "}")},
		{"dimension 1 is 4294967296, which", one("{" + entry("x", "F32", "[4294967296,4294967296]", 0, 4) + "}")},
		{"dimension 1 is 4294967296, which", one("{" + entry("x", "F32", "[4294967296,4294967296,0]", 0, 0) + "}")},
		{"not a whole number of bytes", one("{" + entry("x", "F4", "[3]", 0, 4) + "}")},
		{"data_offsets is [4 0], expected the offsets", one("{" + entry("x", "F32", "[1]", 4, 0) + "}")},
		{"data_offsets is [4], expected the offsets", one(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[4]}}`)},
		{"span 4 bytes, but [2] of F32 takes 8", one("{" + entry("x", "F32", "[2]", 0, 4) + "}")},
		{"its data end at byte 71, beyond the end of the file, 67 bytes; the file is truncated", one("{" + entry("x", "F32", "[2]", 0, 8) + " }")},
		{`tensor "y": its data begin at byte 115, before byte 119, the end of the data of "x"`, one("{" + x + "," + entry("y", "F32", "[1]", 0, 4) + "}")},
		{"its data begin at byte 63, after byte 61, the end of the header: gaps are not allowed", file("{"+entry("x", "U8", "[1]", 2, 3)+"}", "123")},
		{`unexpected data of 1 bytes after the data of "x" (at byte 66)`, file("{"+x+"}", "12345")},
		{"unexpected data of 4 bytes after the header", one("{}")},
		{"the name of 1025 bytes is too long", one("{" + entry(strings.Repeat("x", 1025), "F32", "[1]", 0, 4) + "}")},
	} {
		_, err := safetensors.Read("bad.safetensors", c.data)
		if !errors.Is(err, malformed.ErrFormat) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "bad.safetensors: ") {
			t.Errorf("want %q, got %.300v", c.want, err)
		}
	}
}

// Tensors that overlap are an error, so that a small file cannot describe much data.
func TestOverlappingTensors(t *testing.T) {
	var entries []string
	for i := range 10_000 {
		entries = append(entries, entry(fmt.Sprint("weight_", i), "F32", "[200,200]", 0, 160_000))
	}
	_, err := safetensors.Read("bomb", file("{"+strings.Join(entries, ",")+"}", strings.Repeat("\x00", 160_000)))
	if err == nil || !strings.Contains(err.Error(), "tensors must not overlap") {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(small())
	f.Add(file("{}", ""))
	f.Add(file(`{"__metadata__":{"a":"b"},`+entry("x", "F4", "[2,1]", 0, 1)+"}", "1"))
	f.Add(file("{"+entry("x", "F32", "[[1]]", 0, 4)+"}", "1234"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := safetensors.Read("fuzz", data)
		if err != nil {
			if !errors.Is(err, malformed.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		var bytes int64
		for _, x := range file.Tensors {
			if len(x.Shape) > 0 && x.Shape[len(x.Shape)-1] > 0 && x.Rows() > 8*len(data) {
				t.Fatalf("%d rows from %d bytes", x.Rows(), len(data))
			}
			width := 1
			if len(x.Shape) > 0 {
				width = x.Shape[len(x.Shape)-1]
			}
			if width > 8*len(data) {
				continue // no rows
			}
			// Dequantize fails for unsupported types and for tensors without rows.
			if x.Dequantize(make([]float32, width), x.Rows()-1, 1) == nil {
				bytes += int64(2 * width)
			}
		}
		if bytes > int64(len(data)) {
			t.Fatalf("%d bytes were read out of %d", bytes, len(data))
		}
	})
}

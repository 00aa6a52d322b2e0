package onnx_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/onnx"
)

// digest returns the SHA-256 of a tensor's numbers as 32-bit floats, read a few rows at a time.
func digest(t *testing.T, x *onnx.Tensor) string {
	t.Helper()
	rows, k := 1, x.Shape[len(x.Shape)-1]
	if len(x.Shape) == 2 {
		rows = x.Shape[0]
	}
	h := sha256.New()
	for first := 0; first < rows; first += 5 {
		count := min(5, rows-first)
		v := make([]float32, count*k)
		if err := x.Dequantize(v, first, count); err != nil {
			t.Fatal(err)
		}
		for _, f := range v {
			_ = binary.Write(h, binary.LittleEndian, math.Float32bits(f+0)) // no negative zeros
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// The weights have the names of transformers, outputs by inputs, and the numbers that ONNX Runtime
// computes with. testdata/make.py states how these were found.
func TestWeightsEqualONNXRuntime(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "tensors.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		f := strings.Fields(line)
		if want[f[0]] == nil {
			want[f[0]] = map[string]string{}
		}
		want[f[0]][f[1]] = f[2] + " " + f[3]
	}
	if len(want) < 10 {
		t.Fatalf("tensors.txt has %d files", len(want))
	}
	for file, tensors := range want {
		f, err := onnx.Open(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range f.Tensors {
			shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(x.Shape), "[]"), " ", ",")
			if got := shape + " " + digest(t, x); got != tensors[x.Name] {
				t.Errorf("%s: %s: %s, want %s", file, x.Name, got, tensors[x.Name])
			}
			x.Forget()
		}
		if len(f.Tensors) != len(tensors) {
			t.Errorf("%s has %d tensors, want %d", file, len(f.Tensors), len(tensors))
		}
		if g := f.Graph; g.Heads != 2 || g.Epsilon != 1e-6 || g.Activation != "gelu" || g.CountsPositions || len(g.Outputs) != 1 || g.Outputs[0] != (onnx.Output{Name: "logits", Dimensions: 3}) {
			t.Errorf("%s: %+v", file, g)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

package model

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
)

// seededEncoder is a model of a file in testdata/encoders.
type seededEncoder struct {
	Config  map[string]any
	Tensors map[string][]int
	Cases   []struct {
		Tokens []int32
		Types  []int
		Rows   map[string][]float32
	}
}

func (m seededEncoder) architecture() string { return m.Config["architectures"].([]any)[0].(string) }

func (m seededEncoder) inputs() []EncoderInput {
	var all []EncoderInput
	for _, c := range m.Cases {
		in := EncoderInput{Tokens: c.Tokens}
		for _, t := range c.Types {
			in.Types = append(in.Types, uint8(t))
		}
		all = append(all, in)
	}
	return all
}

// seededEncoders returns the models of all files in testdata/encoders, by file and architecture.
func seededEncoders(t *testing.T) map[string]seededEncoder {
	t.Helper()
	paths, err := filepath.Glob("../testdata/encoders/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	all := map[string]seededEncoder{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Models []seededEncoder }
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(path, err)
		}
		for _, m := range file.Models {
			name := filepath.Base(path)
			all[name[:len(name)-len(".json")]+"/"+m.architecture()] = m
		}
	}
	return all
}

func loadEncoder(t *testing.T, m seededEncoder, kernels *kernel.Set, p llm.Precision) Encoder {
	t.Helper()
	folder := t.TempDir()
	if err := safetensorstest.WriteEncoder(folder, m.Config, m.Tensors); err != nil {
		t.Fatal(err)
	}
	source, err := OpenSource(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	if !source.IsEncoder() {
		t.Fatalf("%s is not an encoder", source.Architecture)
	}
	e, err := LoadEncoder(context.Background(), source, p, kernels, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// runEncoder returns all rows of all texts.
func runEncoder(t *testing.T, e Encoder, inputs []EncoderInput) [][][]float32 {
	t.Helper()
	var all [][][]float32
	err := e.NewState(nil).Run(inputs, func() bool { return false }, func(i int, rows Rows) {
		if i != len(all) {
			t.Fatalf("output %d follows output %d", i, len(all)-1)
		}
		var copied [][]float32
		for j := range rows.N {
			copied = append(copied, slices.Clone(rows.Row(j)))
		}
		all = append(all, copied)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The outputs of seeded models equal those of Python's transformers. They do not change with the
// other texts of a run, in any bit.
func TestEncodersEqualTransformers(t *testing.T) {
	for name, m := range seededEncoders(t) {
		for _, kernels := range kernel.Sets() {
			t.Run(name+"/"+kernels.Name, func(t *testing.T) {
				e := loadEncoder(t, m, kernels, llm.Float32)
				inputs := m.inputs()
				together := runEncoder(t, e, inputs)
				worst, compared := 0.0, 0
				for i, c := range m.Cases {
					for key, want := range c.Rows {
						row, err := strconv.Atoi(key)
						if err != nil || row >= len(together[i]) || len(together[i][row]) != len(want) {
							t.Fatalf("case %d has %d rows, without row %s of %d numbers", i, len(together[i]), key, len(want))
						}
						for j, x := range want {
							off := math.Abs(float64(together[i][row][j] - x))
							if !(off <= 1e-4) {
								t.Fatalf("%d tokens: number %d of row %d is %g, want %g", len(c.Tokens), j, row, together[i][row][j], x)
							}
							worst = max(worst, off)
							compared++
						}
					}
				}
				t.Logf("%d numbers differ by at most %.2g", compared, worst)
				for i, in := range inputs {
					alone := runEncoder(t, e, []EncoderInput{in})[0]
					if !slices.EqualFunc(alone, together[i], slices.Equal[[]float32]) {
						t.Fatalf("the output for %d tokens changes with the other texts", len(in.Tokens))
					}
				}
			})
		}
	}
}

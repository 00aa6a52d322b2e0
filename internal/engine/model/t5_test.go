package model

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
)

// t5Case is a case of ../testdata/t5; make.py there describes the format.
type t5Case struct {
	input, greedy []int32
	logits        map[int]map[int]float64 // by step and token
}

func readT5Cases(t *testing.T, name string) []*t5Case {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "testdata", "t5", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var cases []*t5Case
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		fields := strings.Fields(rest)
		switch kind {
		case "case":
			cases = append(cases, &t5Case{input: numbers(t, fields), logits: map[int]map[int]float64{}})
		case "greedy":
			cases[len(cases)-1].greedy = numbers(t, fields)
		case "logits":
			logits := map[int]float64{}
			for i, f := range fields[1:] {
				id, value, ok := strings.Cut(f, ":")
				if !ok {
					id, value = fmt.Sprint(i), f
				}
				logits[int(numbers(t, []string{id})[0])], err = strconv.ParseFloat(value, 64)
				if err != nil {
					t.Fatal(err)
				}
			}
			cases[len(cases)-1].logits[int(numbers(t, fields[:1])[0])] = logits
		}
	}
	if len(cases) == 0 {
		t.Fatalf("%s holds no case", file.Name())
	}
	return cases
}

// compare compares an answer and its logits, by step, with the case. It returns the maximum
// difference of a logit.
func (c *t5Case) compare(t *testing.T, output []int32, logits [][]float32) (worst float64) {
	t.Helper()
	if !slices.Equal(output, c.greedy) {
		t.Errorf("the answer to %d tokens is\n%v\nwant\n%v", len(c.input), output, c.greedy)
		return 0
	}
	for step, want := range c.logits {
		for id, x := range want {
			off := math.Abs(float64(logits[step][id]) - x)
			if worst = max(worst, off); off > 2e-3 {
				t.Errorf("%d tokens, step %d: logit of %d is %g, want %g", len(c.input), step, id, logits[step][id], x)
			}
		}
	}
	return worst
}

func numbers(t *testing.T, fields []string) []int32 {
	t.Helper()
	var out []int32
	for _, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, int32(n))
	}
	return out
}

func loadSeeded(t testing.TB, shape safetensorstest.T5, p llm.Precision, kernels *kernel.Set) Network {
	t.Helper()
	folder := t.TempDir()
	if err := safetensorstest.WriteT5(folder, shape); err != nil {
		t.Fatal(err)
	}
	source, err := OpenSource(folder)
	if err != nil {
		t.Fatal(err)
	}
	network, err := Load(t.Context(), source, p, kernels, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := network.Close(); err != nil {
			t.Error(err)
		}
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	return network
}

// answer is the state of one sequence of a network with an encoder.
type answer struct {
	span   Span
	output []int32
	logits [][]float32 // by step
}

// generate answers all inputs together with greedy decoding. An answer ends with token 1 or after
// steps tokens.
func generate(t testing.TB, network Network, inputs [][]int32, steps int) []*answer {
	t.Helper()
	start, _ := network.Start()
	pool := &nn.Pool{Shape: network.Cache()}
	state := network.NewState(16, network.Vocabulary(), nil)
	answers := make([]*answer, len(inputs))
	for i, input := range inputs {
		answers[i] = &answer{span: Span{
			Cache: nn.NewCache(pool, nil), Input: input,
			Rows: []Row{{Token: start, View: nn.View{Leading: 1}, Want: Logits}},
		}}
	}
	for range steps {
		var active []*answer
		var spans []Span
		for _, a := range answers {
			if n := len(a.output); n == 0 || a.output[n-1] != 1 {
				active = append(active, a)
				spans = append(spans, a.span)
			}
		}
		err := state.Step(spans, func() bool { return false }, func(span, _ int, out Out) {
			logits := out.Values
			a := active[span]
			best := int32(0)
			for i, x := range logits {
				if x > logits[best] {
					best = int32(i)
				}
			}
			a.output = append(a.output, best)
			a.logits = append(a.logits, slices.Clone(logits))
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range active {
			n := len(a.output)
			a.span.Encoded = spans[i].Encoded
			a.span.Input = nil
			a.span.Rows = []Row{{Token: a.output[n-1], Position: n, View: nn.View{Leading: n + 1}, Want: Logits}}
		}
	}
	return answers
}

// The answers of seeded models equal those of Python's transformers, and their logits differ only
// by the rounding of sums in another order.
func TestT5EqualsTransformers(t *testing.T) {
	for _, shape := range []struct {
		name  string
		model safetensorstest.T5
		every int // use every n-th case
	}{
		{"tiny-flan-t5", safetensorstest.TinyFlanT5(), 1},
		{"tiny-t5", safetensorstest.TinyT5(), 1},
		{"flan-t5-small", safetensorstest.FlanT5Small(), 5},
	} {
		sets := kernel.Sets()
		if shape.every > 1 {
			sets = sets[len(sets)-1:] // all sets have the same bits, and the others take too long
		}
		for _, kernels := range sets {
			if testing.Short() && shape.every > 1 {
				continue
			}
			t.Run(shape.name+"/"+kernels.Name, func(t *testing.T) {
				network := loadSeeded(t, shape.model, llm.Float32, kernels)
				var cases []*t5Case
				var inputs [][]int32
				for i, c := range readT5Cases(t, shape.name) {
					if i%shape.every == 0 {
						cases, inputs = append(cases, c), append(inputs, c.input)
					}
				}
				worst := 0.0
				answers := generate(t, network, inputs, 64)
				for i, a := range answers {
					worst = max(worst, cases[i].compare(t, a.output, a.logits))
				}
				t.Logf("%d cases; logits differ by at most %.2g", len(cases), worst)

				// Each input separately gives the same bits.
				for i := range min(3, len(inputs)) {
					separate := generate(t, network, inputs[i:i+1], 8)[0]
					for step, logits := range separate.logits {
						if !slices.Equal(logits, answers[i].logits[step]) {
							t.Fatalf("the logits for %d tokens change with the other inputs in step %d", len(inputs[i]), step)
						}
					}
				}
			})
		}
	}
}

// Settings of transformers 5 give the same answers. They always have tie_word_embeddings set, and
// scale_decoder_outputs for the scaling.
func TestT5SettingsOfTransformers5(t *testing.T) {
	for _, c := range []struct {
		name    string
		model   safetensorstest.T5
		changes settings
	}{
		{"tiny-flan-t5", safetensorstest.TinyFlanT5(), settings{"tie_word_embeddings": true, "scale_decoder_outputs": false, "dense_act_fn": "gelu_new", "is_gated_act": true}},
		{"tiny-t5", safetensorstest.TinyT5(), settings{"tie_word_embeddings": true, "scale_decoder_outputs": true}},
		{"tiny-t5", safetensorstest.TinyT5(), settings{"tie_word_embeddings": true}},
	} {
		folder := t.TempDir()
		if err := safetensorstest.WriteT5(folder, c.model); err != nil {
			t.Fatal(err)
		}
		rewrite(t, folder, c.changes)
		network := mustLoad(t, folder, kernel.Sets()[0])
		for _, want := range readT5Cases(t, c.name)[:4] {
			got := generate(t, network, [][]int32{want.input}, 64)[0]
			want.compare(t, got.output, got.logits)
		}
	}
}

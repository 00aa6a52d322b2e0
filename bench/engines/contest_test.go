package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
)

func TestReport(t *testing.T) {
	j := job{Name: "work", Unit: rows, Requests: make([]request, 4)}
	var all []*contestant
	for _, name := range []string{"quick", "slow"} {
		all = append(all, &contestant{
			name: name, pid: os.Getpid(), limit: 3,
			do: func(_ context.Context, j job) (outcome, error) {
				time.Sleep(time.Millisecond)
				return outcome{Units: len(j.Requests), Answers: []string{"a", "b", name}}, nil
			},
			peak:  func() (int64, error) { return 5_000_000, nil },
			rates: map[string][]float64{}, coreRates: map[string][]float64{}, answers: map[string][]string{},
		})
	}
	for _, c := range all {
		if err := c.run(t.Context(), j, true); err != nil {
			t.Fatal(err)
		}
		if rate := c.rates["work"][0]; rate <= 0 || rate > 3000 {
			t.Errorf("%g rows per second, but 3 rows take at least a millisecond", rate)
		}
	}
	all[0].rates["work"] = []float64{20, 40, 30}
	all[1].rates["work"] = []float64{10, 10, 10}
	var out strings.Builder
	report(&out, []job{j}, all, [][2]string{{"quick", "slow"}, {"quick", "absent"}})
	got := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"quick 40.0 30.0 20.0", "quick : slow 4.00 3.00 2.00 1.00 times as fast; 2 of 3 answers equal", "slow 5"} {
		if !strings.Contains(got, want) {
			t.Errorf("the report has no %q:\n%s", want, out.String())
		}
	}
	all[0].limit = 0
	if err := all[0].run(t.Context(), j, true); err == nil {
		t.Error("3 answers to 4 requests were accepted")
	}
}

// Every weight of a matrix counts twice for each token that it is multiplied with.
func TestT5Work(t *testing.T) {
	c := safetensorstest.FlanT5Small()
	c.NumDecoderLayers = 0
	// Without the embedding, the head, the relative biases and the norms.
	matrices := c.Parameters() - 2*c.VocabSize*c.DModel - c.Buckets*c.NumHeads - (2*c.NumLayers+2)*c.DModel
	attention := float64(c.NumLayers * 4 * c.NumHeads * c.DKV)
	if got, want := t5Work(c, 1, 0), 2*float64(matrices)+attention; got != want {
		t.Errorf("the encoder's work for one token is %g, want %g", got, want)
	}
	if got := t5Work(safetensorstest.FlanT5Small(), 34, 8) / 1e9; got < 2.1 || got > 2.2 {
		t.Errorf("a row of 34 tokens and 8 generated ones takes %g GFLOP", got)
	}
}

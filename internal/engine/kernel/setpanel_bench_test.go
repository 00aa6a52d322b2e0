package kernel

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkSetPanel measures the quantization of weights, which takes most of the loading time.
func BenchmarkSetPanel(b *testing.B) {
	const k = 576
	rows := random(rand.New(rand.NewPCG(1, 2)), Width*k)
	m := NewMatrix8(Width, k, make([]int8, Size8(Width, k)))
	set, err := Select("")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m.SetPanel(set, 0, rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(Width*k), "ns/weight")
}

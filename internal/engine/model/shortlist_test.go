package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
)

// A shortlist finds the token with the highest logit in 32 bits for any weights: similar, equal,
// large and zero.
func TestShortlistIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for _, kernels := range kernel.Sets() {
		for round := range 60 {
			k, n := []int{16, 64, 80, 192}[round%4], 1+r.IntN(700)
			h := newTestHead(kernels, r, k, n, round)
			state := h.newState(n - r.IntN(min(n, 20)))
			rows := 1 + r.IntN(60)
			x := make([]float32, rows*k)
			for i := range x {
				x[i] = float32(r.NormFloat64() * math.Exp(r.NormFloat64()*3))
			}
			if round%5 == 1 {
				clear(x[:k])
			}
			compute := func(want Want) (tokens []int32) {
				all := make([]wanted, rows)
				for i := range all {
					all[i] = wanted{i, 0, i, want}
				}
				err := h.run(&state, kernels, &nn.Scratch{}, x, all, func() bool { return false }, func(_, _ int, out Out) { tokens = append(tokens, out.Best) })
				if err != nil {
					t.Fatal(err)
				}
				return tokens
			}
			short, exact := compute(Best), compute(Logits)
			for i := range short {
				if short[i] != exact[i] {
					t.Fatalf("%s, round %d: row %d has the token %d, want %d", kernels.Name, round, i, short[i], exact[i])
				}
			}
			x[r.IntN(k)] = float32([]float64{math.NaN(), math.Inf(1)}[round%2])
			if got := compute(Best)[0]; got != -1 {
				t.Errorf("%s: the best token of logits that are not finite is %d", kernels.Name, got)
			}
		}
	}
}

func newTestHead(kernels *kernel.Set, r *rand.Rand, k, n, round int) *head {
	h := &head{norm: make([]float32, k), epsilon: 1e-6}
	for i := range h.norm {
		h.norm[i] = float32(1 + r.Float64())
	}
	h.output = &nn.Linear{K: k, N: n, Float32: kernel.NewMatrix(n, k, make([]float32, kernel.Size(n, k)))}
	eight := &nn.Linear{K: k, N: n, Int8: kernel.NewMatrix8(n, k, make([]int8, kernel.Size8(n, k)))}
	rows := make([]float32, n*k)
	for i := range n {
		scale := math.Exp(r.NormFloat64() * float64(round%3))
		row := rows[i*k : (i+1)*k]
		switch other := r.IntN(max(1, i)); {
		case round%4 == 3 && i > 0: // equal or nearly equal
			copy(row, rows[other*k:(other+1)*k])
			if r.IntN(2) == 0 {
				row[r.IntN(k)] *= 1 + 1e-6
			}
		default:
			for j := range row {
				row[j] = float32(scale * r.NormFloat64())
			}
		}
		if r.IntN(50) == 0 {
			row[r.IntN(k)] = 1e30
		}
	}
	for p := range kernel.Pad(n) / kernel.Width {
		part := rows[p*kernel.Width*k : min((p+1)*kernel.Width, n)*k]
		h.output.Float32.SetPanel(p, part)
		eight.Int8.SetPanel(kernels, p, part)
	}
	h.shortlist = &shortlist{output: h.output, int8: eight}
	h.shortlist.measure()
	return h
}

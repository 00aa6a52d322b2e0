package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// exactFMA is fma computed with big numbers.
func exactFMA(x, y, z float32) float32 {
	for _, v := range []float32{x, y, z} {
		if !isFinite(v) {
			return x*y + z
		}
	}
	product := new(big.Float).SetPrec(64).Mul(big.NewFloat(float64(x)), big.NewFloat(float64(y)))
	sum := new(big.Float).SetPrec(700).Add(product, big.NewFloat(float64(z)))
	f, _ := sum.Float32()
	if f == 0 && sum.Sign() == 0 {
		return float32(float64(x)*float64(y) + float64(z)) // the sign of zero
	}
	return f
}

// fma is x*y + z rounded once, which big numbers compute exactly.
func TestFMA(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100000 {
		x, y := math.Float32frombits(r.Uint32()), math.Float32frombits(r.Uint32())
		z := math.Float32frombits(r.Uint32())
		if r.IntN(2) == 0 { // sums that are near a number halfway between two 32-bit numbers
			x = float32(1+r.IntN(1<<12)) * float32(math.Exp2(float64(r.IntN(40)-160)))
			y = float32(1 + r.IntN(1<<12))
			z = x * y * float32(math.Exp2(float64(r.IntN(60)))) * float32(1-2*r.IntN(2))
		}
		got, want := fma(x, y, z), exactFMA(x, y, z)
		if math.Float32bits(got) != math.Float32bits(want) && (got == got || want == want) {
			t.Fatalf("%x * %x + %x is %x, want %x", x, y, z, got, want)
		}
	}
}

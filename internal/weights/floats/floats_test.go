package floats

import (
	"encoding/binary"
	"math"
	"testing"
)

// Half is compared with the definition of the format for all 65536 bit patterns.
func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		b := binary.LittleEndian.AppendUint16(nil, uint16(h))
		exponent, fraction := h>>10&31, float64(h&1023)
		var want float64
		switch {
		case exponent == 0:
			want = math.Ldexp(fraction, -24)
		case exponent < 31:
			want = math.Ldexp(1024+fraction, exponent-25)
		case fraction == 0:
			want = math.Inf(1)
		default:
			want = math.NaN()
		}
		if h>>15 == 1 {
			want = -want
		}
		got := Half(b)
		if got != float32(want) && !(math.IsNaN(want) && math.IsNaN(float64(got))) || math.Signbit(float64(got)) != (h>>15 == 1) {
			t.Fatalf("%#04x is %g, want %g", h, got, want)
		}
	}
}

func TestRows(t *testing.T) {
	src := []byte{0, 0, 0xc0, 0xbf, 0, 0, 0x80, 0x7f} // -1.5, +Inf
	got := make([]float32, 2)
	if F32(got, src); got[0] != -1.5 || !math.IsInf(float64(got[1]), 1) {
		t.Errorf("F32: %v", got)
	}
	if BF16(got, []byte{0xc0, 0xbf, 0x80, 0x7f}); got[0] != -1.5 || !math.IsInf(float64(got[1]), 1) {
		t.Errorf("BF16: %v", got)
	}
	if F16(got, []byte{0, 0xbe, 1, 0}); got[0] != -1.5 || got[1] != 1.0/(1<<24) {
		t.Errorf("F16: %v", got)
	}
}

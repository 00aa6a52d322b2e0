package model

import (
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
)

// shortlist finds the token with the greatest logit without computing all of
// them in 32 bits: weights in 8 bits give each logit but for an error that has
// a bound, and only those that may be the greatest are computed as they are
// meant. So the answer is the same token, always.
//
// With x and w the inputs and weights, and y and v what is left of them in 8
// bits, the error x·w - y·v = x·(w-v) + (x-y)·v is at most |x| |w-v| + |x-y| |v|
// (Cauchy and Schwarz), and what adding up in 32 bits loses beside.
type shortlist struct {
	output, eight *nn.Linear // the same weights, in 32 bits and in 8
	// lost is, by panel, the greatest |w-v|, with an allowance for adding up;
	// kept is the greatest |v|. The greatest of each shortlistPanels panels are
	// in lostMany and keptMany.
	lost, kept, lostMany, keptMany []float32
}

// shortlistPanels are looked at together first.
const shortlistPanels = 8

// roundUp is more than what a bound itself may lose in 32 bits.
const roundUp = 1 + 1e-5

// measure fills in the bounds, when the weights have been read.
func (s *shortlist) measure() {
	w, v := s.output.Float32, s.eight.Int8
	panels := kernel.Pad(w.N) / kernel.Width
	many := (panels + shortlistPanels - 1) / shortlistPanels
	s.lost, s.kept = make([]float32, panels), make([]float32, panels)
	s.lostMany, s.keptMany = make([]float32, many), make([]float32, many)
	// An addition loses up to 2^-24 of its sum; twice that, for good measure,
	// and for the few of the 8-bit product.
	adding := float64(w.K+64) / (1 << 23)
	left := make([]float32, w.K*kernel.Width)
	for p := range panels {
		v.Panel(p, left)
		var whole, lost, kept [kernel.Width]float64
		for i, x := range w.Panels[p*w.K*kernel.Width : (p+1)*w.K*kernel.Width] {
			j, x, y := i%kernel.Width, float64(x), float64(left[i])
			whole[j] += x * x
			lost[j] += (x - y) * (x - y)
			kept[j] += y * y
		}
		for j := range whole {
			s.lost[p] = max(s.lost[p], roundUp*float32(math.Sqrt(lost[j])+adding*math.Sqrt(whole[j])))
			s.kept[p] = max(s.kept[p], roundUp*float32(math.Sqrt(kept[j])))
		}
		m := p / shortlistPanels
		s.lostMany[m], s.keptMany[m] = max(s.lostMany[m], s.lost[p]), max(s.keptMany[m], s.kept[p])
	}
}

// best gives the token of the greatest logit of the inputs x, of equals the
// first, and whether they are finite; near is the logits that the 8-bit weights
// give for as many tokens as may be answered.
func (s *shortlist) best(kernels *kernel.Set, x, near []float32) (token int, finite bool) {
	first, finite := kernels.ArgMax(near)
	if !finite {
		return 0, false
	}
	size, off := lengths(x)
	var greatest, zero float32
	found := -1
	compute := func(panel int) {
		var logits [kernel.Width]float32
		begin := panel * kernel.Width
		w := s.output.Float32.Outputs(begin, min(begin+kernel.Width, s.output.N))
		kernels.Mul(1, x, len(x), &w, logits[:], kernel.Width, false)
		for j, z := range logits[:min(kernel.Width, len(near)-begin)] {
			zero += z * 0
			if n := begin + j; found < 0 || z > greatest || z == greatest && n < found {
				found, greatest = n, z
			}
		}
	}
	done := first / kernel.Width
	compute(done)
	for m := range s.lostMany {
		const many = shortlistPanels * kernel.Width
		if m*many >= len(near) {
			break
		}
		part := near[m*many : min((m+1)*many, len(near))]
		if kernels.Max(part)+(size*s.lostMany[m]+off*s.keptMany[m])*roundUp < greatest {
			continue
		}
		for at := 0; at < len(part); at += kernel.Width {
			p := m*shortlistPanels + at/kernel.Width
			few := part[at:min(at+kernel.Width, len(part))]
			if p != done && kernels.Max(few)+(size*s.lost[p]+off*s.kept[p])*roundUp >= greatest {
				compute(p)
			}
		}
	}
	return found, zero == 0
}

// lengths gives |x|, and what |x-y| is at most: half a unit a number.
func lengths(x []float32) (size, off float32) {
	squares, offs := 0.0, 0.0
	for at := 0; at < len(x); at += kernel.GroupSize {
		group := x[at:min(at+kernel.GroupSize, len(x))]
		greatest := float32(0)
		for _, v := range group {
			greatest = max(greatest, v, -v)
			squares += float64(v) * float64(v)
		}
		half := float64(greatest) / 127 / 2
		offs += float64(len(group)) * half * half
	}
	// What is too small for 8 bits is lost as a whole, but that is below 1e-35.
	return float32(math.Sqrt(squares)*roundUp) + 1e-30, float32(math.Sqrt(offs)*(1+1e-4)) + 1e-30
}

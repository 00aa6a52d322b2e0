package model

import (
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
)

// shortlist finds the token with the highest logit without computing all logits in 32 bits. Weights
// in 8 bits give each logit with a bounded error, and only the logits that can be the highest are
// computed in 32 bits. Therefore the result is always the same token.
//
// Let x and w be the inputs and weights, and y and v their 8-bit approximations. The error x·w -
// y·v = x·(w-v) + (x-y)·v is at most |x| |w-v| + |x-y| |v| by the Cauchy-Schwarz inequality, plus
// the rounding errors of the sums in 32 bits.
type shortlist struct {
	output, int8 *nn.Linear // the same weights in 32 bits and in 8 bits
	// weightError is, for each panel, the maximum of |w-v| plus a bound of the rounding errors, and
	// weightNorm the maximum of |v|. groupError and groupNorm are their maxima over groups of
	// shortlistPanels panels.
	weightError, weightNorm, groupError, groupNorm []float32
}

// shortlistPanels is the number of panels in a group. Groups are compared before their panels.
const shortlistPanels = 8

// roundUp bounds the rounding error of a bound computed in 32 bits.
const roundUp = 1 + 1e-5

// measure computes the bounds after the weights were read.
func (s *shortlist) measure() {
	w, v := s.output.Float32, s.int8.Int8
	panels := kernel.Pad(w.N) / kernel.Width
	groups := (panels + shortlistPanels - 1) / shortlistPanels
	s.weightError, s.weightNorm = make([]float32, panels), make([]float32, panels)
	s.groupError, s.groupNorm = make([]float32, groups), make([]float32, groups)
	// An addition has an error of at most 2^-24 of its sum. The factor of two is a margin, also for
	// the additions of the 8-bit product.
	adding := float64(w.K+64) / (1 << 23)
	approximation := make([]float32, w.K*kernel.Width)
	for p := range panels {
		v.Panel(p, approximation)
		var norm, lost, kept [kernel.Width]float64
		for i, x := range w.Panels[p*w.K*kernel.Width : (p+1)*w.K*kernel.Width] {
			j, x, y := i%kernel.Width, float64(x), float64(approximation[i])
			norm[j] += x * x
			lost[j] += (x - y) * (x - y)
			kept[j] += y * y
		}
		for j := range norm {
			s.weightError[p] = max(s.weightError[p], roundUp*float32(math.Sqrt(lost[j])+adding*math.Sqrt(norm[j])))
			s.weightNorm[p] = max(s.weightNorm[p], roundUp*float32(math.Sqrt(kept[j])))
		}
		g := p / shortlistPanels
		s.groupError[g], s.groupNorm[g] = max(s.groupError[g], s.weightError[p]), max(s.groupNorm[g], s.weightNorm[p])
	}
}

// best returns the token with the highest logit for the inputs x, the first one of equals, and
// whether the logits are finite. approximate holds the logits of the 8-bit weights for the tokens
// that can be answers.
func (s *shortlist) best(kernels *kernel.Set, x, approximate []float32) (token int, finite bool) {
	first, finite := kernels.ArgMax(approximate)
	if !finite {
		return 0, false
	}
	inputNorm, inputError := norms(x)
	var maximum, nonFinite float32
	found := -1
	compute := func(panel int) {
		var logits [kernel.Width]float32
		begin := panel * kernel.Width
		w := s.output.Float32.Outputs(begin, min(begin+kernel.Width, s.output.N))
		kernels.Mul(1, x, len(x), &w, logits[:], kernel.Width, false)
		for j, z := range logits[:min(kernel.Width, len(approximate)-begin)] {
			nonFinite += z * 0
			if n := begin + j; found < 0 || z > maximum || z == maximum && n < found {
				found, maximum = n, z
			}
		}
	}
	done := first / kernel.Width
	compute(done)
	for g := range s.groupError {
		const size = shortlistPanels * kernel.Width
		if g*size >= len(approximate) {
			break
		}
		part := approximate[g*size : min((g+1)*size, len(approximate))]
		if kernels.Max(part)+(inputNorm*s.groupError[g]+inputError*s.groupNorm[g])*roundUp < maximum {
			continue
		}
		for at := 0; at < len(part); at += kernel.Width {
			p := g*shortlistPanels + at/kernel.Width
			panel := part[at:min(at+kernel.Width, len(part))]
			if p != done && kernels.Max(panel)+(inputNorm*s.weightError[p]+inputError*s.weightNorm[p])*roundUp >= maximum {
				compute(p)
			}
		}
	}
	return found, nonFinite == 0
}

// norms returns |x| and an upper bound of |x-y|: the error of a number is at most half a unit.
func norms(x []float32) (norm, err float32) {
	squares, errors := 0.0, 0.0
	for at := 0; at < len(x); at += kernel.GroupSize {
		group := x[at:min(at+kernel.GroupSize, len(x))]
		maximum := float32(0)
		for _, v := range group {
			maximum = max(maximum, v, -v)
			squares += float64(v) * float64(v)
		}
		half := float64(maximum) / 127 / 2
		errors += float64(len(group)) * half * half
	}
	// A group that is too small for 8 bits becomes zero; its norm is below 1e-35.
	return float32(math.Sqrt(squares)*roundUp) + 1e-30, float32(math.Sqrt(errors)*(1+1e-4)) + 1e-30
}

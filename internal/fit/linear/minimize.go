package linear

import (
	"context"
	"math"
)

// Settings of the optimizer.
const (
	history = 10 // pairs of L-BFGS
	// smallGradient is the largest number of the gradient at which the optimizer
	// stops, and smallDecrease the share of the value that a step must promise.
	smallGradient = 1e-5
	smallDecrease = 1e-7
)

// minimize minimizes a convex function by L-BFGS (Liu and Nocedal 1989) with a
// backtracking line search, from x, which it changes. f returns the value and
// writes the gradient. The function is known to about seven digits, because it is
// computed in 32 bits, so a step that promises less ends the search.
func minimize(ctx context.Context, f func(x, gradient []float64) (float64, error), x []float64, maxSteps int) (steps int, err error) {
	n := len(x)
	g, newX, newG, direction := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	var pairs []pair
	value, err := f(x, g)
	if err != nil {
		return 0, err
	}
	for ; steps < maxSteps; steps++ {
		if largest(g) < smallGradient || ctx.Err() != nil {
			break
		}
		descend(direction, g, pairs)
		slope := dot(g, direction)
		if -slope < smallDecrease*math.Abs(value) {
			break
		}
		step := 1.0
		if len(pairs) == 0 {
			step = max(1, 1/math.Sqrt(dot(g, g)))
		}
		newValue := 0.0
		found := false
		for range 30 {
			for i := range newX {
				newX[i] = x[i] + step*direction[i]
			}
			if newValue, err = f(newX, newG); err != nil {
				return steps, err
			}
			if newValue <= value+1e-4*step*slope {
				found = true
				break
			}
			// The minimum of the parabola through both values and the slope.
			step *= max(0.1, min(0.5, -slope*step/(2*(newValue-value-slope*step))))
		}
		if !found {
			break
		}
		p := pair{s: make([]float64, n), y: make([]float64, n)}
		for i := range x {
			p.s[i], p.y[i] = newX[i]-x[i], newG[i]-g[i]
		}
		if p.sy = dot(p.s, p.y); p.sy > 0 {
			if len(pairs) == history {
				pairs = pairs[1:]
			}
			pairs = append(pairs, p)
		}
		copy(x, newX)
		g, newG = newG, g
		value = newValue
	}
	return steps, ctx.Err()
}

// pair is a step and the change of the gradient.
type pair struct {
	s, y []float64
	sy   float64
}

// descend writes the direction of L-BFGS: minus the approximate inverse of the
// second derivatives times the gradient.
func descend(direction, g []float64, pairs []pair) {
	for i, v := range g {
		direction[i] = -v
	}
	if len(pairs) == 0 {
		return
	}
	alpha := make([]float64, len(pairs))
	for i := len(pairs) - 1; i >= 0; i-- {
		p := &pairs[i]
		alpha[i] = dot(p.s, direction) / p.sy
		addTo(direction, -alpha[i], p.y)
	}
	last := &pairs[len(pairs)-1]
	scale := last.sy / dot(last.y, last.y)
	for i := range direction {
		direction[i] *= scale
	}
	for i := range pairs {
		p := &pairs[i]
		addTo(direction, alpha[i]-dot(p.y, direction)/p.sy, p.s)
	}
}

func dot(a, b []float64) float64 {
	// Four sums, because one would wait for each addition.
	var s [4]float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s[0] += a[i] * b[i]
		s[1] += a[i+1] * b[i+1]
		s[2] += a[i+2] * b[i+2]
		s[3] += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s[0] += a[i] * b[i]
	}
	return s[0] + s[1] + (s[2] + s[3])
}

func addTo(dst []float64, factor float64, x []float64) {
	for i, v := range x {
		dst[i] += factor * v
	}
}

func largest(x []float64) float64 {
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	return most
}

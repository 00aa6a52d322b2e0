package linear

import (
	"context"
	"errors"
	"math"
)

// Ridge is ridge regression: the linear model of a number.
type Ridge struct {
	Rows *Rows
	Of   []float64 // the number of each row
}

// Moments are sums over rows, which can be added.
type Moments struct {
	n     float64
	x     []float64 // [D] sums of the vectors
	xx    []float64 // [D][D] sums of products; the lower triangle
	xy    []float64 // [D]
	y, yy float64
}

// NewMoments returns the sums over no rows.
func NewMoments(d int) *Moments {
	return &Moments{x: make([]float64, d), xx: make([]float64, d*d), xy: make([]float64, d)}
}

// Moments returns the sums over rows.
func (r *Ridge) Moments(ctx context.Context, of Range) (*Moments, error) {
	d := r.Rows.D
	m := NewMoments(d)
	m.n = float64(of.Last - of.First)
	for i := of.First; i < of.Last; i++ {
		m.y += r.Of[i]
		m.yy += r.Of[i] * r.Of[i]
	}
	err := r.Rows.each(ctx, d, func(a int) {
		row := r.Rows.t[a*r.Rows.stride:][of.First:of.Last]
		for i, v := range row {
			m.x[a] += float64(v)
			m.xy[a] += float64(v) * r.Of[of.First+i]
		}
		for b := range a + 1 {
			other := r.Rows.t[b*r.Rows.stride:][of.First:of.Last]
			var s [4]float64
			i := 0
			for ; i+4 <= len(row); i += 4 {
				s[0] += float64(row[i]) * float64(other[i])
				s[1] += float64(row[i+1]) * float64(other[i+1])
				s[2] += float64(row[i+2]) * float64(other[i+2])
				s[3] += float64(row[i+3]) * float64(other[i+3])
			}
			for ; i < len(row); i++ {
				s[0] += float64(row[i]) * float64(other[i])
			}
			m.xx[a*d+b] = s[0] + s[1] + (s[2] + s[3])
		}
	})
	return m, err
}

// Add adds the sums of other rows.
func (m *Moments) Add(o *Moments) {
	m.n += o.n
	m.y += o.y
	m.yy += o.yy
	for i, v := range o.x {
		m.x[i] += v
		m.xy[i] += o.xy[i]
	}
	for i, v := range o.xx {
		m.xx[i] += v
	}
}

// errSingular cannot happen with a positive strength of the regularization and
// finite vectors.
var errSingular = errors.New("the vectors are not finite")

// Fit minimizes the sum of the squared errors plus |weights|²·alpha, the objective
// of scikit-learn's Ridge(alpha). It returns the weights, then the bias.
func (m *Moments) Fit(alpha float64) ([]float64, error) {
	d := len(m.x)
	a := make([]float64, d*d)
	theta := make([]float64, d+1)
	meanY := m.y / m.n
	for i := range d {
		for k := range i + 1 {
			a[i*d+k] = m.xx[i*d+k] - m.x[i]*m.x[k]/m.n
		}
		a[i*d+i] += alpha
		theta[i] = m.xy[i] - m.x[i]*meanY
	}
	// Cholesky: a = L·Lᵀ, then two triangular systems.
	for i := range d {
		for k := range i + 1 {
			s := a[i*d+k] - dot(a[i*d:i*d+k], a[k*d:k*d+k])
			if i != k {
				a[i*d+k] = s / a[k*d+k]
			} else if a[i*d+i] = math.Sqrt(s); !(s > 0) {
				return nil, errSingular
			}
		}
	}
	for i := range d {
		theta[i] = (theta[i] - dot(a[i*d:i*d+i], theta[:i])) / a[i*d+i]
	}
	for i := d - 1; i >= 0; i-- {
		theta[i] /= a[i*d+i]
		for k := range i {
			theta[k] -= a[i*d+k] * theta[i]
		}
	}
	theta[d] = meanY
	for i := range d {
		theta[d] -= theta[i] * m.x[i] / m.n
	}
	return theta, nil
}

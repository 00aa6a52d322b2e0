package linear

import (
	"context"
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
)

// Logistic is logistic regression: with one label for each row, of a softmax over
// the labels (multinomial), and with Several, of each label by itself.
type Logistic struct {
	Rows    *Rows
	Labels  int
	Several bool
	// Of holds the labels of each row: one, or with Several any number.
	Of [][]int32
	// Weights are those of the rows; nil stands for equal ones.
	Weights []float64
	// Prior, if not nil, are the parameters that the regularization draws to, instead of zero. The biases then
	// stay those of Prior.
	Prior []float64
}

const (
	rowBlock = 128 // rows whose scores one core computes at a time
	dimBlock = 96  // dimensions of the gradient that one core computes at a time
	// chunkNumbers bounds the scores of a chunk, whose gradient is summed in 32 bits.
	chunkNumbers = 1 << 22
	chunkRows    = 2048
)

// maxSteps bounds the steps of the optimizer.
const maxSteps = 300

// Params returns the number of parameters: for each label the weights, then the
// bias.
func (l *Logistic) Params() int { return l.Labels * (l.Rows.D + 1) }

// Fit minimizes the mean loss of rows plus |weights|²/(2·c·rows), the objective of
// scikit-learn's LogisticRegression(C=c), from the parameters theta, which it
// changes. With a Prior, |weights-prior|² takes the place of |weights|². It returns the number of steps.
func (l *Logistic) Fit(ctx context.Context, rows []Range, c float64, theta []float64) (steps int, err error) {
	e := l.evaluation(rows, c)
	return minimize(ctx, func(theta, gradient []float64) (float64, error) { return e.loss(ctx, theta, gradient) }, theta, maxSteps)
}

// evaluation computes the objective of some rows.
type evaluation struct {
	*Logistic
	rows   []Range
	total  float64 // weight of the rows
	l2     float64 // of the mean loss
	chunk  int
	width  int
	panels []float32 // residuals of a chunk: [panel][chunk][16]
	losses []float64
}

func (l *Logistic) evaluation(rows []Range, c float64) *evaluation {
	e := &evaluation{Logistic: l, rows: rows, width: kernel.Pad(l.Labels)}
	for _, r := range rows {
		for i := r.First; i < r.Last; i++ {
			e.total += l.weight(i)
		}
	}
	e.l2 = 1 / (c * e.total)
	e.chunk = max(rowBlock, min(chunkRows, chunkNumbers/e.width)/rowBlock*rowBlock)
	e.panels, e.losses = make([]float32, e.chunk*e.width), make([]float64, e.chunk)
	return e
}

func (l *Logistic) weight(row int) float64 {
	if l.Weights == nil {
		return 1
	}
	return l.Weights[row]
}

// loss returns the objective and writes its gradient.
func (e *evaluation) loss(ctx context.Context, theta, gradient []float64) (float64, error) {
	clear(gradient)
	w := e.Rows.pack(theta, e.Labels)
	sum := 0.0
	for _, r := range e.rows {
		for first := r.First; first < r.Last; first += e.chunk {
			part, err := e.add(ctx, w, theta, Range{first, min(first+e.chunk, r.Last)}, gradient)
			if err != nil {
				return 0, err
			}
			sum += part
		}
	}
	sum /= e.total
	d := e.Rows.D
	for k := range e.Labels {
		row, g := theta[k*(d+1):(k+1)*(d+1)], gradient[k*(d+1):(k+1)*(d+1)]
		for i := range d {
			away := row[i]
			if e.Prior != nil {
				away -= e.Prior[k*(d+1)+i]
			}
			g[i] = g[i]/e.total + e.l2*away
			sum += e.l2 / 2 * away * away
		}
		if g[d] /= e.total; e.Prior != nil {
			g[d] = 0
		}
	}
	return sum, nil
}

// add adds the gradient of a chunk of rows and returns their loss.
func (e *evaluation) add(ctx context.Context, w *kernel.Matrix, theta []float64, of Range, gradient []float64) (float64, error) {
	rows, r := of.Last-of.First, e.Rows
	err := r.each(ctx, (rows+rowBlock-1)/rowBlock, func(b int) {
		first := b * rowBlock
		e.residuals(w, theta, of.First+first, first, min(rowBlock, rows-first))
	})
	if err != nil {
		return 0, err
	}
	panels, blocks := e.width/kernel.Width, (r.D+dimBlock-1)/dimBlock
	err = r.each(ctx, panels*blocks, func(task int) {
		p, d := task/blocks, task%blocks*dimBlock
		dims := min(dimBlock, r.D-d)
		panel := e.panels[p*e.chunk*kernel.Width : (p*e.chunk+rows)*kernel.Width]
		var c [dimBlock * kernel.Width]float32
		r.kernels.Panels(dims, rows, r.t[d*r.stride+of.First:], r.stride, panel, len(panel), 1, c[:], kernel.Width, false)
		for j := range min(kernel.Width, e.Labels-p*kernel.Width) {
			g := gradient[(p*kernel.Width+j)*(r.D+1):]
			for i := range dims {
				g[d+i] += float64(c[i*kernel.Width+j])
			}
			if d == 0 { // the bias
				for i := range rows {
					g[r.D] += float64(panel[i*kernel.Width+j])
				}
			}
		}
	})
	sum := 0.0
	for _, loss := range e.losses[:rows] {
		sum += loss
	}
	return sum, err
}

// residuals writes probability minus label of some rows, times their weights, and
// their losses. at is the place of the rows in the chunk.
func (e *evaluation) residuals(w *kernel.Matrix, theta []float64, first, at, rows int) {
	c := make([]float32, rows*e.width)
	e.Rows.scores(w, theta, first, rows, c)
	if e.Several {
		for i := range rows {
			e.losses[at+i] = e.weight(first+i) * sigmoids(e.Rows.kernels, c[i*e.width:(i+1)*e.width], e.Labels, e.Of[first+i])
		}
	} else {
		e.Rows.kernels.Softmax(rows, c, e.width, 0, e.Labels)
		for i := range rows {
			e.losses[at+i] = e.weight(first+i) * -logarithm(c[i*e.width+int(e.Of[first+i][0])])
		}
	}
	for i := range rows {
		row := c[i*e.width : (i+1)*e.width]
		for _, k := range e.Of[first+i] {
			row[k]--
		}
		weight := float32(e.weight(first + i))
		for p := 0; p < e.width; p += kernel.Width {
			dst := e.panels[(p/kernel.Width*e.chunk+at+i)*kernel.Width:][:kernel.Width]
			for j, v := range row[p : p+kernel.Width] {
				dst[j] = v * weight
			}
		}
	}
}

func logarithm(p float32) float64 { return math.Log(math.Max(float64(p), 1e-38)) }

// sigmoids replaces scores by probabilities, and returns the loss. Scores beyond
// the labels become zero.
func sigmoids(kernels *kernel.Set, row []float32, labels int, of []int32) float64 {
	for k := range row {
		row[k] = -max(-80, min(80, row[k]))
	}
	kernels.Exp(row, row, 0)
	loss := 0.0
	at := 0
	for k := range row {
		if k >= labels {
			row[k] = 0
			continue
		}
		e := row[k]
		row[k] = 1 / (1 + e)
		if at < len(of) && int(of[at]) == k {
			loss -= logarithm(row[k])
			at++
		} else {
			loss -= logarithm(e / (1 + e))
		}
	}
	return loss
}

// Probabilities turns scores into probabilities at a temperature, in place.
func (l *Logistic) Probabilities(scores [][]float32, temperature float64) {
	Probabilities(l.Rows.kernels, scores, l.Several, temperature)
}

// Probabilities turns scores, which it divides by a temperature, into the
// probabilities of labels: of one of them or, with several, of each by itself.
func Probabilities(kernels *kernel.Set, scores [][]float32, several bool, temperature float64) {
	if len(scores) == 0 {
		return
	}
	labels := len(scores[0])
	row := make([]float32, kernel.Pad(labels))
	for _, s := range scores {
		for k, v := range s {
			row[k] = v * float32(1/temperature)
		}
		if several {
			sigmoids(kernels, row, labels, nil)
		} else {
			kernels.Softmax(1, row, len(row), 0, labels)
		}
		copy(s, row)
	}
}

// Loss returns the logarithmic loss of a row by its scores, which it changes, at a
// temperature. smooth is the share of the loss that is that of any label: with it,
// no probability is best near 1.
func (l *Logistic) Loss(scores []float32, of []int32, temperature, smooth float64) float64 {
	row := make([]float32, kernel.Pad(len(scores)))
	for k, v := range scores {
		row[k] = v * float32(1/temperature)
	}
	if l.Several {
		turned := 0.0 // what the loss would be with the other answers, less the loss
		at := 0
		for k, z := range row[:l.Labels] {
			if at < len(of) && int(of[at]) == k {
				turned += float64(z)
				at++
			} else {
				turned -= float64(z)
			}
		}
		return sigmoids(l.Rows.kernels, row, l.Labels, of) + smooth*turned
	}
	best, mean := 0, 0.0
	for k, z := range row[:l.Labels] {
		if z > row[best] {
			best = k
		}
		mean += float64(z) / float64(l.Labels)
	}
	highest, given := float64(row[best]), float64(row[of[0]])
	l.Rows.kernels.Softmax(1, row, len(row), 0, l.Labels)
	total := highest - logarithm(row[best]) // the logarithm of the sum of the exponentials
	return total - (1-smooth)*given - smooth*mean
}

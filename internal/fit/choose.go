package fit

import (
	"context"
	"fmt"
	"math"

	"github.com/firesteel/firesteel/internal/fit/linear"
	"github.com/firesteel/firesteel/llm"
)

// strengths are the values of C that cross-validation compares, from strong to weak
// regularization. Vectors have length 1, so weak ones are best for much data.
var strengths = []float64{0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000}

// Choice is a value of C and a weight of the names of labels, with their loss on rows that were not fitted.
type Choice struct {
	C     float64
	Names float64 // 0 does not read the names
	Loss  float64
}

// predictor fits models of some rows of the data.
type predictor struct {
	*data
	logistic *linear.Logistic
	ridge    *linear.Ridge
	moments  [trainSlices + 1]*linear.Moments // of a ridge, by slice
	names    []float64                        // parameters of the similarity to the names of labels, or nil
	step     func(what string, done, total int)
	done     int // models that were fitted
}

func newPredictor(ctx context.Context, d *data, o Options) (*predictor, error) {
	p := &predictor{data: d, step: o.Progress}
	if d.kind == llm.PredictsNumber {
		p.ridge = &linear.Ridge{Rows: d.linear, Of: make([]float64, len(d.rows))}
		for i, r := range d.rows {
			p.ridge.Of[i] = r.Value
		}
		for s, r := range d.slices {
			if r.Last > r.First {
				var err error
				if p.moments[s], err = p.ridge.Moments(ctx, r); err != nil {
					return nil, err
				}
			}
		}
		return p, nil
	}
	p.logistic = &linear.Logistic{Rows: d.linear, Labels: len(d.labels), Several: d.kind == llm.PredictsLabels, Of: d.of}
	if o.Balanced {
		p.logistic.Weights = balanced(d)
	}
	p.readNames(o.Names)
	return p, nil
}

// balanced gives labels equal weights: the rows of a label weigh rows/(labels·its
// rows), as in scikit-learn. A row with several labels weighs their mean.
func balanced(d *data) []float64 {
	counts := make([]float64, len(d.labels))
	for _, of := range d.of {
		for _, k := range of {
			counts[k]++
		}
	}
	weights := make([]float64, len(d.of))
	for i, of := range d.of {
		weights[i] = 1
		if len(of) > 0 {
			sum := 0.0
			for _, k := range of {
				sum += float64(len(d.of)) / (float64(len(d.labels)) * counts[k])
			}
			weights[i] = sum / float64(len(of))
		}
	}
	return weights
}

// outputs is the number of scores of a row.
func (p *predictor) outputs() int {
	if p.ridge != nil {
		return 1
	}
	return p.logistic.Labels
}

// fit fits the rows of training slices, and with all also those that are held out.
// theta is where the optimizer begins; nil stands for what the regularization draws to.
func (p *predictor) fit(ctx context.Context, of func(slice int) bool, all bool, by Choice, theta []float64) ([]float64, error) {
	p.done++
	if p.ridge != nil {
		sum := (*linear.Moments)(nil)
		for s, m := range p.moments {
			if m != nil && (s == heldOut && all || s != heldOut && of(s)) {
				if sum == nil {
					sum = linear.NewMoments(p.linear.D)
				}
				sum.Add(m)
			}
		}
		if sum == nil {
			return make([]float64, p.linear.D+1), nil
		}
		return sum.Fit(1 / by.C)
	}
	p.logistic.Prior = p.prior(by.Names)
	if theta == nil {
		theta = make([]float64, p.logistic.Params())
		copy(theta, p.logistic.Prior)
	}
	ranges := p.training(of)
	if h := p.slices[heldOut]; all && h.Last > h.First {
		ranges = append(ranges, h)
	}
	_, err := p.logistic.Fit(ctx, ranges, by.C, theta)
	return theta, err
}

// outside are the scores of rows by models that were fitted on other rows.
type outside struct {
	rows   []int // indexes of the rows
	scores [][]float32
	none   [][]float32 // scores of the rows with none of the labels
}

// choose compares the strengths of the regularization, and weights of the names of labels, by
// cross-validation. It returns the scores of the best choice.
func (p *predictor) choose(ctx context.Context) (choices []Choice, best int, scores *outside, err error) {
	weights := []float64{0}
	if p.names != nil {
		weights = append(weights, namesWeights...)
	}
	for w, weight := range weights {
		thetas := make([][]float64, folds)
		smallest, worse := math.Inf(1), 0
		for i, c := range strengths {
			out := &outside{}
			by := Choice{C: c, Names: weight}
			for f := range folds {
				p.progress("comparing strengths of the regularization", (w*len(strengths)+i)*folds+f, len(weights)*len(strengths)*folds)
				if thetas[f], err = p.fit(ctx, func(s int) bool { return foldOf(s) != f }, false, by, thetas[f]); err != nil {
					return nil, 0, nil, err
				}
				if err = p.score(ctx, thetas[f], func(s int) bool { return s != heldOut && foldOf(s) == f }, out); err != nil {
					return nil, 0, nil, err
				}
			}
			by.Loss = p.loss(out)
			choices = append(choices, by)
			if len(choices) == 1 || by.Loss < choices[best].Loss {
				best, scores = len(choices)-1, out
			}
			if by.Loss < smallest {
				smallest, worse = by.Loss, 0
			} else if worse++; worse == 2 {
				break // the loss is nearly convex in the logarithm of C
			}
		}
	}
	return choices, best, scores, nil
}

func (p *predictor) progress(what string, done, total int) {
	if p.step != nil {
		p.step(what, done, total)
	}
}

// score adds the scores of the rows of some slices.
func (p *predictor) score(ctx context.Context, theta []float64, of func(slice int) bool, out *outside) error {
	for s := range p.slices {
		if !of(s) {
			continue
		}
		r := p.slices[s]
		part := make([][]float32, r.Last-r.First)
		if err := p.linear.Scores(ctx, theta, p.outputs(), r, part); err != nil {
			return err
		}
		out.scores = append(out.scores, part...)
		for i := r.First; i < r.Last; i++ {
			out.rows = append(out.rows, i)
		}
		if n := p.noneSlices[s]; n.Last > n.First {
			none := make([][]float32, n.Last-n.First)
			if err := p.noneLinear.Scores(ctx, theta, p.outputs(), n, none); err != nil {
				return err
			}
			out.none = append(out.none, none...)
		}
	}
	return nil
}

// loss is the mean squared error of a number, and for labels the mean logarithmic
// loss at the best temperature: the order of the scores counts, and not how sure
// they are, because they are calibrated later.
func (p *predictor) loss(out *outside) float64 {
	if p.ridge == nil {
		_, loss := p.temperature(out)
		return loss
	}
	sum := 0.0
	for i, row := range out.rows {
		e := float64(out.scores[i][0]) - p.ridge.Of[row]
		sum += e * e
	}
	return sum / float64(len(out.rows))
}

// maxCalibrated bounds the rows by which the temperature is chosen.
const maxCalibrated = 20000

// temperature returns the temperature with the smallest logarithmic loss (Guo 2017),
// with three digits, and that loss. The loss counts one more row, which has any label,
// so that a few rows that are all right do not make the model certain.
func (p *predictor) temperature(out *outside) (temperature, loss float64) {
	step := (len(out.rows) + maxCalibrated - 1) / maxCalibrated
	smooth := 1 / float64(len(out.rows)+1)
	lossAt := func(logarithm float64) float64 {
		t := math.Exp(logarithm)
		sum, n := 0.0, 0
		scores := make([]float32, p.outputs())
		for i := 0; i < len(out.rows); i += step {
			copy(scores, out.scores[i])
			sum += p.logistic.Loss(scores, p.of[out.rows[i]], t, smooth)
			n++
		}
		return sum / float64(n)
	}
	// Golden-section search: the loss is convex in the inverse of the temperature, so
	// it has one minimum.
	low, high := math.Log(0.05), math.Log(20)
	const golden = 0.6180339887498949
	a, b := high-golden*(high-low), low+golden*(high-low)
	lossA, lossB := lossAt(a), lossAt(b)
	for high-low > 0.01 {
		if lossA <= lossB {
			high, b, lossB = b, a, lossA
			a = high - golden*(high-low)
			lossA = lossAt(a)
		} else {
			low, a, lossA = a, b, lossB
			b = low + golden*(high-low)
			lossB = lossAt(b)
		}
	}
	t := rounded(math.Exp((low + high) / 2))
	return t, lossAt(math.Log(t))
}

// rounded rounds to three digits, so that the last bit of math.Exp, which differs
// between processors, is not in the file.
func rounded(v float64) float64 {
	var r float64
	if _, err := fmt.Sscanf(fmt.Sprintf("%.3g", v), "%g", &r); err != nil {
		return v
	}
	return r
}

// Package fit learns a head (see package head) from vectors with labels: it chooses the
// strength of the regularization by cross-validation, calibrates the probabilities, and
// measures the model on rows that it holds out.
//
// The result does not depend on the order of the rows, on threads or on where the vectors
// were computed: the rows are ordered by the digests of their vectors.
package fit

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/head"
	"github.com/firesteel/firesteel/llm"
)

// Options configure Fit.
type Options struct {
	Predicts llm.PredictionKind
	// None is the label of rows that have none of the labels. They are not fitted: they choose the
	// threshold below which no label is predicted. Empty if there are none.
	None string
	// Threshold, if it is not nil, is the threshold.
	Threshold *float64
	// Balanced lets labels count equally, instead of rows.
	Balanced bool
	// Names are the vectors of the names of labels, of any length: of all that rows have and of others that may be predicted. They
	// are read for one label if there are few rows of each; see ReadsNames.
	Names   map[string][]float32
	Seed    uint64 // of intervals
	Threads int    // 0 stands for all cores
	// Progress, if not nil, receives what is being done.
	Progress func(what string, done, total int)
}

// Result is a head and what was found out about it.
type Result struct {
	Head *head.Head // without Embedder.Name and the like, and without Versions
	// Choices are the strengths of the regularization that were compared, and Best the index of the
	// chosen one.
	Choices []Choice
	Best    int
	// Figures are those of the rows that are held out, or of cross-validation if CrossValidated.
	Figures        []metric.Score
	Bins           []metric.Bin // empty for a number
	CrossValidated bool
	Curve          []Point
	// Gain is what the second half of the training rows added to the first figure.
	Gain     metric.Score
	Confused []Pair
	Suspects []Suspect
	// NoneRows is the number of rows with none of the labels.
	NoneRows int
	// Rare is the number of labels with fewer than five rows, of which none is held out, and Unseen that of labels
	// without a row.
	Rare, Unseen int
}

// Point is a point of the learning curve.
type Point struct {
	Rows  int
	Score metric.Score
}

// Pair counts rows of a label for which another one was predicted.
type Pair struct {
	Label, Predicted string
	Rows, Of         int // of all rows of the label
}

// Suspect is a row whose label may be wrong: the model, fitted on other rows, is as sure of another
// label as it is of the rows of that label.
type Suspect struct {
	Row         Row
	Label       string
	Suggested   string
	Probability float64 // of the suggested label
	Given       float64 // of the label
}

// Fit fits a head. Its error is a *TooFewError for rows that nothing can be learned from.
func Fit(ctx context.Context, rows []Row, o Options) (*Result, error) {
	d, err := arrange(ctx, rows, o)
	if err != nil {
		return nil, err
	}
	p, err := newPredictor(ctx, d, o)
	if err != nil {
		return nil, err
	}
	r := &Result{NoneRows: len(d.none)}
	r.Rare, r.Unseen = d.rare()
	choices, best, validated, err := p.choose(ctx)
	if err != nil {
		return nil, err
	}
	r.Choices, r.Best = choices, best
	by := choices[best]
	h := &head.Head{Description: head.Description{Predicts: o.Predicts, Labels: d.labels, Temperature: 1, None: o.None, C: by.C, Names: by.Names}}
	if o.Predicts == llm.PredictsNumber {
		h.Labels = nil
	} else {
		h.Temperature, _ = p.temperature(validated)
		p.calibrate(validated, h.Temperature)
		h.Threshold = p.threshold(validated, o)
	}
	if o.Balanced {
		h.ClassWeights = "balanced"
	}
	held := &outside{}
	if err := p.learn(ctx, r, h, held, o); err != nil {
		return nil, err
	}
	if r.CrossValidated = len(held.rows) == 0; r.CrossValidated {
		held = validated
	}
	r.Figures, r.Bins = p.figures(held, h, o)
	if o.Predicts == llm.PredictsLabel {
		both := validated
		if !r.CrossValidated {
			both = &outside{rows: append(append([]int(nil), validated.rows...), held.rows...), scores: append(append([][]float32(nil), validated.scores...), held.scores...)}
		}
		r.Confused, r.Suspects = p.confused(both), p.suspects(both)
	}
	p.progress("fitting all rows", 0, 1)
	theta, err := p.fit(ctx, func(int) bool { return true }, true, by, nil)
	if err != nil {
		return nil, err
	}
	h.Weights, h.Bias = d.linear.Uncentred(theta, p.outputs())
	h.Embedder.Dimensions = d.linear.D
	held5 := d.slices[heldOut]
	h.Data = head.Data{Rows: len(d.rows) + len(d.none), HeldOut: held5.Last - held5.First, Digest: d.digest, Seed: o.Seed}
	for _, f := range r.Figures {
		h.Figures = append(h.Figures, head.Figure{Name: f.Name, Value: decimals(f.Value), Low: decimals(f.Low), High: decimals(f.High)})
	}
	r.Head = h
	return r, nil
}

// curve lists the numbers of training slices of the learning curve.
var curve = []int{1, 2, 5, 10, trainSlices}

// learn fits parts of the training rows, of which the last are all, and measures each on the rows
// that are held out. It sets held to the calibrated scores of the last.
func (p *predictor) learn(ctx context.Context, r *Result, h *head.Head, held *outside, o Options) error {
	var halves [2]*metric.Statistics
	var theta []float64
	for i, n := range curve {
		p.progress("the learning curve", i, len(curve))
		part := rowsOf(p.training(func(s int) bool { return s < n }))
		if part < 2 || p.slices[heldOut].Last == p.slices[heldOut].First {
			continue
		}
		var err error
		if theta, err = p.fit(ctx, func(s int) bool { return s < n }, false, r.Choices[r.Best], theta); err != nil {
			return err
		}
		*held = outside{}
		if err := p.score(ctx, theta, func(s int) bool { return s == heldOut }, held); err != nil {
			return err
		}
		if p.ridge == nil {
			p.calibrate(held, h.Temperature)
		}
		s := p.statistics(held, h, false)
		r.Curve = append(r.Curve, Point{part, s.Scores(metric.Resampling{Seed: o.Seed})[p.curveFigure()]})
		if i >= len(curve)-2 {
			halves[i-(len(curve)-2)] = s
		}
	}
	if halves[0] != nil && halves[1] != nil {
		r.Gain = metric.Compare(halves[1], halves[0], metric.Resampling{Seed: o.Seed})[p.curveFigure()].Difference
	}
	return nil
}

// rare counts the labels with fewer than five rows, and those without any.
func (d *data) rare() (rare, unseen int) {
	counts := make([]int, len(d.labels))
	for _, of := range d.of {
		for _, k := range of {
			counts[k]++
		}
	}
	for _, n := range counts {
		switch {
		case n == 0:
			unseen++
		case n < heldOutOf:
			rare++
		}
	}
	return rare, unseen
}

// decimals rounds a figure to four decimals.
func decimals(v float64) float64 {
	var r float64
	if _, err := fmt.Sscanf(fmt.Sprintf("%.4f", v), "%g", &r); err != nil {
		return 0
	}
	return r
}

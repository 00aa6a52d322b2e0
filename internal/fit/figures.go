package fit

import (
	"cmp"
	"math"
	"slices"

	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/head"
	"github.com/firesteel/firesteel/llm"
)

// calibrate turns scores into probabilities.
func (p *predictor) calibrate(out *outside, temperature float64) {
	p.logistic.Probabilities(out.scores, temperature)
	p.logistic.Probabilities(out.none, temperature)
}

// bestOf returns the best label of probabilities.
func bestOf(probabilities []float32) (label int, probability float64) {
	for k, v := range probabilities {
		if v > probabilities[label] {
			label = k
		}
	}
	return label, float64(probabilities[label])
}

// threshold chooses the probability below which no label is predicted. For one label it is 0, unless
// there are rows with none of the labels: then it maximizes the mean of accuracy and of the recall of
// these rows. For several labels it maximizes micro-F1.
func (p *predictor) threshold(out *outside, o Options) float64 {
	if o.Threshold != nil {
		return *o.Threshold
	}
	if o.Predicts == llm.PredictsLabels {
		return p.thresholdOfSeveral(out)
	}
	if len(out.none) == 0 {
		return 0
	}
	best, threshold := -1.0, 0.0
	for step := range 100 {
		t := float64(step) / 100
		right, refused := 0.0, 0.0
		for i, row := range out.rows {
			if label, q := bestOf(out.scores[i]); q >= t && int32(label) == p.of[row][0] {
				right++
			}
		}
		for _, s := range out.none {
			if _, q := bestOf(s); q < t {
				refused++
			}
		}
		if v := right/float64(len(out.rows)) + refused/float64(len(out.none)); v > best {
			best, threshold = v, t
		}
	}
	return threshold
}

func (p *predictor) thresholdOfSeveral(out *outside) float64 {
	best, threshold := -1.0, 0.5
	for step := range 19 {
		t := float64(step+1) / 20
		right, found, wanted := 0.0, 0.0, 0.0
		for i, row := range out.rows {
			of := p.of[row]
			wanted += float64(len(of))
			for k, q := range out.scores[i] {
				if float64(q) >= t {
					found++
					if slices.Contains(of, int32(k)) {
						right++
					}
				}
			}
		}
		if f := 2 * right / max(1, found+wanted); f > best+1e-12 {
			best, threshold = f, t
		}
	}
	return threshold
}

// curveFigure is the index of the figure of the learning curve.
func (p *predictor) curveFigure() int {
	if p.ridge != nil {
		return 2 // R²
	}
	return 0
}

// chosen returns the names of labels at a threshold.
func (p *predictor) chosen(probabilities []float32, threshold float64) []string {
	var all []string
	if p.kind == llm.PredictsLabel {
		if k, q := bestOf(probabilities); q >= threshold {
			all = append(all, p.labels[k])
		}
		return all
	}
	for k, q := range probabilities {
		if float64(q) >= threshold {
			all = append(all, p.labels[k])
		}
	}
	return all
}

// statistics compares predictions with the labels of the rows, and with none also of those that have
// none of the labels.
func (p *predictor) statistics(out *outside, h *head.Head, none bool) *metric.Statistics {
	if p.ridge != nil {
		gold, predicted := make([]float64, len(out.rows)), make([]float64, len(out.rows))
		for i, row := range out.rows {
			gold[i], predicted[i] = p.ridge.Of[row], float64(out.scores[i][0])
		}
		return metric.Numbers(gold, predicted)
	}
	if p.kind == llm.PredictsLabels {
		gold, predicted := make([][]string, len(out.rows)), make([][]string, len(out.rows))
		for i, row := range out.rows {
			for _, k := range p.of[row] {
				gold[i] = append(gold[i], p.labels[k])
			}
			predicted[i] = p.chosen(out.scores[i], h.Threshold)
		}
		return metric.Sets(gold, predicted)
	}
	var gold, predicted []string
	add := func(label string, probabilities []float32) {
		answer := metric.None
		if all := p.chosen(probabilities, h.Threshold); len(all) > 0 {
			answer = all[0]
		} else if none && len(out.none) > 0 {
			answer = h.None
		}
		gold, predicted = append(gold, label), append(predicted, answer)
	}
	for i, row := range out.rows {
		add(p.labels[p.of[row][0]], out.scores[i])
	}
	if none {
		for _, s := range out.none {
			add(h.None, s)
		}
	}
	return metric.Labels(gold, predicted)
}

// bins is the number of bins of the calibration error.
const bins = 10

// figures measures predictions on rows that were not fitted.
func (p *predictor) figures(out *outside, h *head.Head, o Options) ([]metric.Score, []metric.Bin) {
	r := metric.Resampling{Seed: o.Seed}
	scores := p.statistics(out, h, true).Scores(r)
	first := 3
	if p.kind == llm.PredictsLabel {
		first = 2
	}
	figures := slices.Clone(scores[:first])
	if p.ridge != nil {
		return figures, nil
	}
	if len(out.none) > 0 {
		for _, s := range scores {
			if s.Name == "recall of "+h.None || s.Name == "precision of "+h.None {
				figures = append(figures, s)
			}
		}
		inside := p.statistics(out, h, false).Scores(r)[0]
		inside.Name = "accuracy of rows with one of the labels"
		figures = append(figures, inside)
	}
	var right []bool
	var sure []float64
	for i, row := range out.rows {
		if p.kind == llm.PredictsLabel {
			k, q := bestOf(out.scores[i])
			right, sure = append(right, int32(k) == p.of[row][0]), append(sure, q)
			continue
		}
		for k, q := range out.scores[i] {
			right, sure = append(right, slices.Contains(p.of[row], int32(k))), append(sure, float64(q))
		}
	}
	return append(figures, metric.Calibration(right, sure, bins).Scores(r)[:1]...), metric.Reliability(right, sure, bins)
}

// Numbers of what a report lists.
const (
	maxConfused = 10
	maxSuspects = 1000
)

// confused lists the pairs of labels that are confused most often.
func (p *predictor) confused(out *outside) []Pair {
	counts := map[[2]int32]int{}
	of := make([]int, len(p.labels))
	for i, row := range out.rows {
		k, _ := bestOf(out.scores[i])
		of[p.of[row][0]]++
		if want := p.of[row][0]; want != int32(k) {
			counts[[2]int32{want, int32(k)}]++
		}
	}
	var all []Pair
	for k, n := range counts {
		all = append(all, Pair{p.labels[k[0]], p.labels[k[1]], n, of[k[0]]})
	}
	slices.SortFunc(all, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Predicted, b.Predicted))
	})
	return all[:min(len(all), maxConfused)]
}

// suspects lists rows whose label may be wrong, by confident learning (Northcutt 2021): the
// probability of another label is at least the mean of that label's probability over its own rows.
func (p *predictor) suspects(out *outside) []Suspect {
	means, counts := make([]float64, len(p.labels)), make([]float64, len(p.labels))
	for i, row := range out.rows {
		k := p.of[row][0]
		means[k] += float64(out.scores[i][k])
		counts[k]++
	}
	for k := range means {
		if means[k] /= counts[k]; math.IsNaN(means[k]) {
			means[k] = 1
		}
	}
	var all []Suspect
	for i, row := range out.rows {
		given := p.of[row][0]
		if k, q := bestOf(out.scores[i]); int32(k) != given && q >= means[k] {
			all = append(all, Suspect{Row: p.rows[row], Label: p.labels[given], Suggested: p.labels[k], Probability: q, Given: float64(out.scores[i][given])})
		}
	}
	slices.SortFunc(all, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(b.Probability-b.Given, a.Probability-a.Given), cmp.Compare(a.Row.Number, b.Row.Number))
	})
	return all[:min(len(all), maxSuspects)]
}

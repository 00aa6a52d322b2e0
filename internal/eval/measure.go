package eval

import (
	"sort"

	"github.com/firesteel/firesteel/internal/eval/metric"
)

// calibrationBins is the number of bins of probabilities.
const calibrationBins = 10

// Measure computes the figures of all systems and compares the first with each of
// the others.
func (e *Evaluation) Measure() {
	r := metric.Resampling{Seed: e.options.Seed}
	for i := range e.systems {
		s := &e.systems[i]
		s.statistics = e.task.Measure(e.gold, s.outcomes)
		s.scores = s.statistics.Scores(r)
		if right, probability := e.task.Probabilities(e.gold, s.outcomes); len(right) > 0 {
			s.calibration = metric.Calibration(right, probability, calibrationBins).Scores(r)
			s.bins = metric.Reliability(right, probability, calibrationBins)
		}
		if i > 0 {
			e.comparisons = append(e.comparisons, metric.Compare(e.systems[0].statistics, s.statistics, r))
		}
	}
}

// Measured are the figures of a system.
type Measured struct {
	System, Model string
	Rows          int
	Scores        []metric.Score // with those of the calibration
	RowsPerSecond float64
}

// Figures returns the figures of all systems, of which the first is the function.
func (e *Evaluation) Figures() (all []Measured) {
	for i := range e.systems {
		s := &e.systems[i]
		m := Measured{System: s.name, Model: s.model, Rows: len(s.outcomes), Scores: append(append([]metric.Score(nil), s.scores...), s.calibration...)}
		if s.took > 0 {
			m.RowsPerSecond = float64(m.Rows) / s.took.Seconds()
		}
		all = append(all, m)
	}
	return all
}

// unanswered counts the rows without an answer, or with one that could not be
// read.
func (s *system) unanswered() int {
	n := 0
	for _, o := range s.outcomes {
		if o.Err != nil {
			n++
		}
	}
	return n
}

// worst returns the indexes of the n worst answers, worst first, and the number of
// all wrong answers.
func (e *Evaluation) worst(s *system, n int) (rows []int, wrong int) {
	quality := make([]float64, len(e.rows))
	for i := range e.rows {
		if quality[i] = e.task.Quality(e.gold[i], s.outcomes[i]); quality[i] < 1 {
			rows = append(rows, i)
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return quality[rows[i]] < quality[rows[j]] })
	return rows[:min(n, len(rows))], len(rows)
}

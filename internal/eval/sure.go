package eval

import "math"

// Sure returns of each row whether the first system's answer is right and how probable it is by that
// system (0 without an answer), and names the models.
func (e *Evaluation) Sure() (right []bool, probability []float64, models string) {
	s := &e.systems[0]
	for i, o := range s.outcomes {
		p := o.Probability
		if o.Err != nil || math.IsNaN(p) {
			p = 0
		}
		right, probability = append(right, o.Err == nil && o.Label == e.gold[i].Label), append(probability, p)
	}
	return right, probability, s.model
}

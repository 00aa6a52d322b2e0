package eval

import "math"

// Judged is an answer with the expected one.
type Judged struct {
	Answer, Gold string
	Probability  float64 // of Answer by the system; 0 without an answer
}

// Judged returns the answers of the first system to all rows, for LabelKind, and names the models.
func (e *Evaluation) Judged() (rows []Judged, models string) {
	s := &e.systems[0]
	for i, o := range s.outcomes {
		j := Judged{Answer: o.Label, Gold: e.gold[i].Label, Probability: o.Probability}
		if o.Err != nil || math.IsNaN(j.Probability) {
			j.Probability = 0
		}
		rows = append(rows, j)
	}
	return rows, s.model
}

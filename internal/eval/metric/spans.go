package metric

import "strings"

// Span is a piece of a text. Start and End count characters (Unicode code points).
// A span of unknown position has End 0 and its Text.
type Span struct {
	Label      string
	Start, End int
	Text       string
}

// Placed reports whether the position of the span is known.
func (s Span) Placed() bool { return s.End > 0 }

// Spans compares predicted spans with gold spans over all rows together (micro
// average), and computes F1 of each gold label. Exact matches have the same label
// and position, or the same label and text if a position is not known; white
// space around and between words is ignored. Partial matches count the common
// characters of each label, or the common words if a position is not known.
func Spans(gold, predicted [][]Span) *Statistics { return spans(gold, predicted, true) }

// Masks is Spans for predictions without labels. It ignores labels, and computes
// only recall for each gold label.
func Masks(gold, predicted [][]Span) *Statistics { return spans(gold, predicted, false) }

func spans(gold, predicted [][]Span, labelled bool) *Statistics {
	sameLength("predictions", len(gold), len(predicted))
	var goldLabels []string
	for _, row := range gold {
		for _, s := range row {
			if s.Label != "" {
				goldLabels = append(goldLabels, s.Label)
			}
		}
	}
	classes := distinct(goldLabels)
	// Sums, three each (correct, found, wanted): exact, partial, then exact for
	// each class.
	s := &Statistics{sums: 6 + 3*len(classes), names: []string{
		"exact F1", "exact precision", "exact recall", "partial F1", "partial precision", "partial recall"}}
	for _, c := range classes {
		if labelled {
			s.names = append(s.names, "exact F1 of "+c)
		} else {
			s.names = append(s.names, "exact recall of "+c)
		}
	}
	for i := range gold {
		row := appendCounts(nil, 0, exact(gold[i], predicted[i], labelled))
		row = appendCounts(row, 3, partial(gold[i], predicted[i], labelled))
		for c, class := range classes {
			ofClass := only(gold[i], class)
			found := predicted[i]
			if labelled {
				found = only(found, class)
			}
			if len(ofClass)+len(found) > 0 {
				row = appendCounts(row, 6+3*c, exact(ofClass, found, labelled))
			}
		}
		s.rows = append(s.rows, row)
	}
	s.figure = func(sums, out []float64) {
		for k := range 2 {
			right, found, wanted := sums[3*k], sums[3*k+1], sums[3*k+2]
			out[3*k], out[3*k+1], out[3*k+2] = f1(right, found, wanted), ratio(right, found), ratio(right, wanted)
		}
		for c := range classes {
			right, found, wanted := sums[6+3*c], sums[7+3*c], sums[8+3*c]
			if labelled {
				out[6+c] = f1(right, found, wanted)
			} else {
				out[6+c] = ratio(right, wanted)
			}
		}
	}
	return s
}

func only(spans []Span, label string) []Span {
	var of []Span
	for _, s := range spans {
		if s.Label == label {
			of = append(of, s)
		}
	}
	return of
}

// counts are correct, found and wanted.
type counts [3]float64

func appendCounts(row []term, at int, c counts) []term {
	for k, v := range c {
		if v != 0 {
			row = append(row, term{at + k, v})
		}
	}
	return row
}

// part is the unit of a comparison: a span, a character or a word. Fields that the
// comparison ignores are zero.
type part struct {
	label      string
	start, end int
	text       string
}

func bag(spans []Span, labelled bool, add func(Span, part, map[part]int)) map[part]int {
	of := map[part]int{}
	for _, s := range spans {
		var p part
		if labelled {
			p.label = s.Label
		}
		add(s, p, of)
	}
	return of
}

func wholePlaces(s Span, p part, of map[part]int) {
	p.start, p.end = s.Start, s.End
	of[p]++
}

func wholeTexts(s Span, p part, of map[part]int) {
	p.text = strings.Join(strings.Fields(s.Text), " ")
	of[p]++
}

func characters(s Span, p part, of map[part]int) {
	for i := s.Start; i < s.End; i++ {
		p.start = i
		of[p] = 1 // overlapping spans count once
	}
}

func words(s Span, p part, of map[part]int) {
	for _, p.text = range Words(s.Text) {
		of[p]++
	}
}

// exact counts spans. A gold span matches at most one predicted span.
func exact(gold, predicted []Span, labelled bool) counts {
	return compare(gold, predicted, labelled, wholePlaces, wholeTexts)
}

// partial counts the common characters or words of spans.
func partial(gold, predicted []Span, labelled bool) counts {
	return compare(gold, predicted, labelled, characters, words)
}

func compare(gold, predicted []Span, labelled bool, placed, unplaced func(Span, part, map[part]int)) counts {
	add := placed
	if !allPlaced(gold) || !allPlaced(predicted) {
		add = unplaced
	}
	right, found, wanted := overlap(bag(predicted, labelled, add), bag(gold, labelled, add))
	return counts{right, found, wanted}
}

func allPlaced(spans []Span) bool {
	for _, s := range spans {
		if !s.Placed() {
			return false
		}
	}
	return true
}

// SpanQuality is the exact F1 of one row, or 1 if there is nothing to find and
// nothing was found.
func SpanQuality(gold, predicted []Span, labelled bool) float64 {
	c := exact(gold, predicted, labelled)
	if c[1]+c[2] == 0 {
		return 1
	}
	return f1(c[0], c[1], c[2])
}

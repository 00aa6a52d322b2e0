package catalogue

import (
	"cmp"
	"slices"
	"strconv"
)

// FigureText writes the value of a figure with two digits after the point.
func FigureText(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// Figure returns the figure of a function that decides whether the model is good
// enough: the first one with the metric that the catalogue names.
func (c *Catalogue) Figure(e *Entry, function string) (Figure, bool) {
	need, ok := c.Functions[function]
	if !ok {
		return Figure{}, false
	}
	i := slices.IndexFunc(e.Measured, func(f Figure) bool { return f.Function == function && f.Metric == need.Metric })
	if i < 0 {
		return Figure{}, false
	}
	return e.Measured[i], true
}

// Enough reports whether a figure of Catalogue.Figure is good enough.
func (c *Catalogue) Enough(f Figure) bool { return f.Value >= c.Functions[f.Function].Enough }

// Best returns the figures of the functions that a model is good enough for,
// those furthest above what is enough first.
func (c *Catalogue) Best(e *Entry) []Figure {
	var best []Figure
	for name := range c.Functions {
		if f, ok := c.Figure(e, name); ok && c.Enough(f) {
			best = append(best, f)
		}
	}
	over := func(f Figure) float64 { return f.Value / c.Functions[f.Function].Enough }
	slices.SortFunc(best, func(a, b Figure) int {
		return cmp.Or(cmp.Compare(over(b), over(a)), cmp.Compare(a.Function, b.Function))
	})
	return best
}

// Measured is a model with its figure of a function.
type Measured struct {
	Entry  *Entry
	Figure Figure
}

// For returns the models that were measured at a function on the same data,
// the best first. Empty data stand for those of the first figures.
func (c *Catalogue) For(function, data string) []Measured {
	need, ok := c.Functions[function]
	if !ok {
		return nil
	}
	var all []Measured
	for _, name := range c.Names() {
		e := c.Models[name]
		i := slices.IndexFunc(e.Measured, func(f Figure) bool {
			return f.Function == function && f.Metric == need.Metric && (data == "" || f.Data == data)
		})
		if i >= 0 {
			all = append(all, Measured{e, e.Measured[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b Measured) int {
		return cmp.Or(cmp.Compare(b.Figure.Value, a.Figure.Value), cmp.Compare(a.Entry.Size, b.Entry.Size))
	})
	return all
}

// Better returns the model to take instead of one with a figure that is not
// enough: the smallest that is enough on the same data, or else the best one
// whose interval lies above.
func (c *Catalogue) Better(than Figure) (Measured, bool) {
	all := c.For(than.Function, than.Data)
	enough := slices.DeleteFunc(slices.Clone(all), func(m Measured) bool { return !c.Enough(m.Figure) || m.Figure.Value <= than.Value })
	if len(enough) > 0 {
		return slices.MinFunc(enough, func(a, b Measured) int { return cmp.Compare(a.Entry.Size, b.Entry.Size) }), true
	}
	if len(all) > 0 && all[0].Figure.low() > than.high() {
		return all[0], true
	}
	return Measured{}, false
}

// low and high are the bounds of the interval, or the value if it is unknown.
func (f Figure) low() float64 {
	if f.Low == 0 && f.High == 0 {
		return f.Value
	}
	return f.Low
}

func (f Figure) high() float64 {
	if f.Low == 0 && f.High == 0 {
		return f.Value
	}
	return f.High
}

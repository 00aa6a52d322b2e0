package catalogue

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
)

// FigureText writes the value of a figure with two digits after the point.
func FigureText(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// SizeText writes the size of a model, such as "91.3 MB".
func (e *Entry) SizeText() string {
	if e.Size == 0 {
		return "size unknown"
	}
	return fetch.Bytes(e.Size)
}

// MeasuredAs returns the function whose figures hold for a function: mostly
// itself.
func (c *Catalogue) MeasuredAs(function string) string {
	return cmp.Or(c.Functions[function].As, function)
}

// Need returns what a function needs of a model. Its Metric is empty if that is
// unknown.
func (c *Catalogue) Need(function string) Need { return c.Functions[c.MeasuredAs(function)] }

// Figure returns the figure of a function that decides whether the model is good
// enough: the first one with the metric that the catalogue names.
func (c *Catalogue) Figure(e *Entry, function string) (Figure, bool) {
	function = c.MeasuredAs(function)
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
	for name, need := range c.Functions {
		if need.As != "" {
			continue
		}
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
// the best first. Empty data stand for the data of most models.
func (c *Catalogue) For(function, data string) []Measured {
	function = c.MeasuredAs(function)
	if data == "" {
		data = c.mainData(function)
	}
	need, ok := c.Functions[function]
	if !ok {
		return nil
	}
	var all []Measured
	for _, name := range c.Names() {
		e := c.Models[name]
		i := slices.IndexFunc(e.Measured, func(f Figure) bool {
			return f.Function == function && f.Metric == need.Metric && f.Data == data
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

// mainData returns the data on which most models were measured at a function.
func (c *Catalogue) mainData(function string) string {
	count, main := map[string]int{}, ""
	for _, name := range c.Names() {
		for _, f := range c.Models[name].Measured {
			if f.Function != function || f.Metric != c.Functions[function].Metric {
				continue
			}
			if count[f.Data]++; main == "" || count[f.Data] > count[main] {
				main = f.Data
			}
		}
	}
	return main
}

// Better returns the model with a role to take instead of one with a figure that
// is not enough: the smallest that is enough on the same data, or else the best
// one whose interval lies above. Models with a restrictive licence are left out.
func (c *Catalogue) Better(than Figure, role llm.ModelRole) (Measured, bool) {
	all := slices.DeleteFunc(c.For(than.Function, than.Data), func(m Measured) bool { return !m.Entry.Has(role) || !m.Entry.Licence.Free() })
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

package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

const rowsAxis = "rows"

// frame is a plot with two numeric axes.
type frame struct {
	*svg
	left, right, top, bottom float64
	lowX, highX, lowY, highY float64
}

func newFrame(lowX, highX, lowY, highY float64, nameX, nameY string) frame {
	f := frame{svg: &svg{width: plotWidth, height: 220}, left: 44, right: plotWidth - 10, top: 24, bottom: 180,
		lowX: lowX, highX: highX, lowY: lowY, highY: highY}
	for _, t := range ticks(lowY, highY, 5) {
		if nameY == rowsAxis && t != math.Trunc(t) {
			continue
		}
		f.line("grid", f.left, f.y(t), f.right, f.y(t))
		f.text("soft", "end", f.left-5, f.y(t)+4, short(t))
	}
	for _, t := range ticks(lowX, highX, 5) {
		f.line("axis", f.x(t), f.bottom, f.x(t), f.bottom+4)
		f.text("soft", "middle", f.x(t), f.bottom+17, short(t))
	}
	f.line("axis", f.left, f.bottom, f.right, f.bottom)
	f.text("soft", "start", 2, 12, nameY)
	f.text("soft", "end", f.right, f.bottom+34, nameX)
	return f
}

func (f frame) x(v float64) float64 {
	return f.left + (v-f.lowX)/span(f.lowX, f.highX)*(f.right-f.left)
}

func (f frame) y(v float64) float64 {
	return f.bottom - (v-f.lowY)/span(f.lowY, f.highY)*(f.bottom-f.top)
}

func span(low, high float64) float64 {
	if high > low {
		return high - low
	}
	return 1
}

// Point is a point of a plot.
type Point struct{ X, Y float64 }

// Lines plots series over a common axis, such as throughput over time. The
// vertical axis begins at 0.
type Lines struct {
	Caption, Note string
	AxisX, AxisY  string
	Series        []string
	Points        [][]Point // for each series, in ascending order of X
}

func (p Lines) html(id string) template.HTML {
	lowX, highX, highY := math.Inf(1), math.Inf(-1), 0.0
	for _, points := range p.Points {
		for _, q := range points {
			lowX, highX, highY = min(lowX, q.X), max(highX, q.X), max(highY, q.Y)
		}
	}
	if math.IsInf(lowX, 0) {
		lowX, highX = 0, 1
	}
	f := newFrame(lowX, highX, 0, highY, p.AxisX, p.AxisY)
	var description strings.Builder
	for i, points := range p.Points {
		fmt.Fprintf(f, `<g class="s%d"><polyline class="stroke" points="`, i%4)
		for _, q := range points {
			fmt.Fprintf(f, "%s,%s ", num(f.x(q.X)), num(f.y(q.Y)))
		}
		f.WriteString(`"/>`)
		if len(points) <= 40 {
			for _, q := range points {
				f.circle("fill", f.x(q.X), f.y(q.Y), 2.5, fmt.Sprintf("%s: %s; %s: %s", p.AxisX, short(q.X), p.AxisY, short(q.Y)))
			}
		}
		f.WriteString("</g>")
		if n := len(points); n > 0 {
			fmt.Fprintf(&description, "%s: from %s to %s over %d points. ", p.Series[i], short(points[0].Y), short(points[n-1].Y), n)
		}
	}
	return f.figure(id, p.Caption, p.Note, description.String(), p.Series)
}

// maxValue bounds the values of a histogram, so that arithmetic stays finite.
const maxValue = 1e15

// Histogram plots the distribution of values, such as latencies. Lines mark the
// median and the 95th percentile.
type Histogram struct {
	Caption, Note string
	Axis          string // with its unit
	Values        []float64
}

func (p Histogram) html(id string) template.HTML {
	values := slices.DeleteFunc(slices.Clone(p.Values), func(v float64) bool { return !(math.Abs(v) <= maxValue) })
	slices.Sort(values)
	if len(values) == 0 {
		return newFrame(0, 1, 0, 1, p.Axis, rowsAxis).figure(id, p.Caption, p.Note, "no values", nil)
	}
	low, high := min(0, values[0]), values[len(values)-1]
	bins := max(5, min(30, int(math.Sqrt(float64(len(values))))))
	width := span(low, high) / float64(bins)
	counts := make([]int, bins)
	for _, v := range values {
		counts[min(bins-1, int((v-low)/width))]++
	}
	f := newFrame(low, low+width*float64(bins), 0, float64(slices.Max(counts)), p.Axis, rowsAxis)
	f.WriteString(`<g class="s0">`)
	for i, n := range counts {
		from := low + width*float64(i)
		f.rect("fill", f.x(from), f.y(float64(n)), f.x(from+width)-f.x(from)-1, f.bottom-f.y(float64(n)), "",
			fmt.Sprintf("%s to %s: %d", short(from), short(from+width), n))
	}
	f.WriteString("</g>")
	at := func(q float64) float64 { return values[min(len(values)-1, int(q*float64(len(values))))] }
	for _, mark := range []struct {
		q    float64
		name string
		y    float64
	}{{0.5, "median ", 0}, {0.95, "95 % ", 13}} {
		x := f.x(at(mark.q))
		f.line("dash", x, f.top-4, x, f.bottom)
		side, shift := "start", 3.0
		if x > f.width*0.7 {
			side, shift = "end", -3
		}
		f.text("soft", side, x+shift, f.top+4+mark.y, mark.name+short(at(mark.q)))
	}
	return f.figure(id, p.Caption, p.Note, fmt.Sprintf("%d values from %s to %s, median %s, 95th percentile %s.",
		len(values), short(values[0]), short(high), short(at(0.5)), short(at(0.95))), nil)
}

// Reliability plots the share of correct answers over their probability. On the
// diagonal both are equal.
type Reliability struct {
	Caption, Note string
	Bins          []ReliabilityBin
}

// ReliabilityBin is a bin of probabilities. A bin without rows is not drawn.
type ReliabilityBin struct {
	Low, High, Confidence, Accuracy float64
	Rows                            int
}

func (p Reliability) html(id string) template.HTML {
	f := newFrame(0, 1, 0, 1, "probability", "correct")
	most := 1
	for _, b := range p.Bins {
		most = max(most, b.Rows)
	}
	var description strings.Builder
	f.line("dash", f.x(0), f.y(0), f.x(1), f.y(1))
	f.WriteString(`<g class="s0">`)
	for _, b := range p.Bins {
		if b.Rows == 0 {
			continue
		}
		tip := fmt.Sprintf("probability %.2f to %.2f, mean %.3f: %.3f of %d rows correct", b.Low, b.High, b.Confidence, b.Accuracy, b.Rows)
		f.rect("pale", f.x(b.Low)+1, f.y(b.Accuracy), f.x(b.High)-f.x(b.Low)-2, f.bottom-f.y(b.Accuracy), "", tip)
		f.circle("fill", f.x(b.Confidence), f.y(b.Accuracy), 2.5+4*math.Sqrt(float64(b.Rows)/float64(most)), tip)
		fmt.Fprintf(&description, "%s. ", tip)
	}
	f.WriteString("</g>")
	return f.figure(id, p.Caption, p.Note, description.String(), nil)
}

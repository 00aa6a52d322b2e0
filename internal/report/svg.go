package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// plotWidth is the width of a plot in CSS pixels of a phone, so that its text is
// readable there. Wider screens enlarge plots.
const plotWidth = 330

// svg collects the elements of a plot: numbers and escaped text.
type svg struct {
	strings.Builder
	width, height float64
}

func (s *svg) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(s, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, num(x1), num(y1), num(x2), num(y2))
}

// rect draws a rectangle. tip, if not empty, is its tooltip.
func (s *svg) rect(class string, x, y, w, h float64, more, tip string) {
	fmt.Fprintf(s, `<rect class="%s" x="%s" y="%s" width="%s" height="%s"%s>`, class, num(x), num(y), num(max(0, w)), num(max(0, h)), more)
	if tip != "" {
		s.WriteString("<title>" + escape(tip) + "</title>")
	}
	s.WriteString("</rect>")
}

func (s *svg) circle(class string, x, y, r float64, tip string) {
	fmt.Fprintf(s, `<circle class="%s" cx="%s" cy="%s" r="%s"><title>%s</title></circle>`, class, num(x), num(y), num(r), escape(tip))
}

// text writes text at a position. anchor is start, middle or end.
func (s *svg) text(class, anchor string, x, y float64, text string) {
	fmt.Fprintf(s, `<text class="%s" text-anchor="%s" x="%s" y="%s">%s</text>`, class, anchor, num(x), num(y), escape(text))
}

// figure returns the plot with its caption. description is for screen readers. On
// a phone, a wider plot scrolls in its frame.
func (s *svg) figure(id, caption, note, description string, series []string) template.HTML {
	var b strings.Builder
	class := ""
	if s.width > plotWidth {
		class = ` class="wide"`
	}
	fmt.Fprintf(&b, `<figure%s><figcaption>%s`, class, escape(caption))
	if note != "" {
		fmt.Fprintf(&b, `<small>%s</small>`, escape(note))
	}
	minimum := ""
	if s.width > plotWidth {
		minimum = fmt.Sprintf(` style="min-width:%spx;max-width:%spx"`, num(s.width), num(1.3*s.width))
	}
	fmt.Fprintf(&b, `</figcaption><div class="scroll"><svg viewBox="0 0 %s %s" role="img" aria-labelledby="%s-t %s-d"%s><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		num(s.width), num(s.height), id, id, minimum, id, escape(caption), id, escape(description))
	b.WriteString(s.String())
	b.WriteString("</svg></div>")
	if len(series) > 1 {
		b.WriteString(`<ul class="key">`)
		for i, name := range series {
			fmt.Fprintf(&b, `<li class="s%d">%s</li>`, i%4, escape(name))
		}
		b.WriteString("</ul>")
	}
	b.WriteString("</figure>")
	return template.HTML(b.String())
}

// num writes a coordinate. NaN and infinities become 0, and the range is limited to
// one million.
func num(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	v = max(-1e6, min(1e6, v))
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// short writes a value with about three digits.
func short(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case a >= 1e6:
		return trim(v/1e6, 1) + " M"
	case a >= 1e4:
		return trim(v/1e3, 0) + " k"
	case a >= 100 || v == math.Trunc(v):
		return trim(v, 0)
	case a >= 1:
		return trim(v, 1)
	case a >= 0.001:
		return strings.TrimRight(trim(v, 3), "0")
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func trim(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }

// cut shortens a name for a plot. A table or a tooltip has the whole name.
func cut(s string, characters int) string {
	r := []rune(s)
	if len(r) <= characters {
		return s
	}
	return string(r[:characters-1]) + "…"
}

// ticks returns about n round numbers from low to high.
func ticks(low, high float64, n int) []float64 {
	if !(high > low) || math.IsInf(high-low, 0) {
		return []float64{low}
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*m) <= float64(n) {
			step *= m
			break
		}
	}
	var all []float64
	for v := math.Ceil(low/step) * step; v <= high+step/1e6 && len(all) < 100; v += step {
		all = append(all, v)
	}
	return all
}

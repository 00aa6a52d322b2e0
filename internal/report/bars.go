package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// Bar is a value between 0 and 1 with its interval. NaN is shown as not defined.
type Bar struct {
	Value, Low, High float64
}

// Bars plots figures of one or more systems as bars with intervals.
type Bars struct {
	Caption, Note string
	Systems       []string
	Names         []string // of the figures
	Values        [][]Bar  // by figure, then system
}

func (p Bars) html(id string) template.HTML {
	const left, right, top, bar = 4.0, 44.0, 4.0, 11.0
	s := &svg{width: plotWidth}
	x := func(v float64) float64 { return left + min(1, max(0, v))*(plotWidth-left-right) }
	group := 20 + float64(max(1, len(p.Systems)))*(bar+3) + 6
	bottom := top + group*float64(len(p.Names))
	s.height = bottom + 20
	for _, t := range []float64{0, 0.25, 0.5, 0.75, 1} {
		s.line("grid", x(t), top, x(t), bottom)
		s.text("soft", anchor(t), x(t), bottom+15, short(t))
	}
	var description strings.Builder
	for i, name := range p.Names {
		y := top + group*float64(i)
		s.text("", "start", left, y+13, cut(name, 44))
		y += 19
		for k, v := range p.Values[i] {
			if math.IsNaN(v.Value) {
				s.text("soft", "start", left, y+bar-1, "not defined")
				y += bar + 3
				continue
			}
			class := fmt.Sprintf("s%d", k%4)
			tip := fmt.Sprintf("%s: %.3f, interval %.3f to %.3f", name, v.Value, v.Low, v.High)
			if len(p.Systems) > 1 {
				tip = p.Systems[k] + ", " + tip
			}
			fmt.Fprintf(&description, "%s. ", tip)
			s.WriteString(`<g class="` + class + `">`)
			s.rect("pale", left, y, x(v.Value)-left, bar, "", tip)
			s.line("stroke", x(v.Low), y+bar/2, x(v.High), y+bar/2)
			s.line("stroke", x(v.Low), y+2, x(v.Low), y+bar-2)
			s.line("stroke", x(v.High), y+2, x(v.High), y+bar-2)
			s.circle("fill", x(v.Value), y+bar/2, 3.5, tip)
			s.WriteString("</g>")
			s.text("", "end", plotWidth-2, y+bar-1, fmt.Sprintf("%.3f", v.Value))
			y += bar + 3
		}
	}
	return s.figure(id, p.Caption, p.Note, description.String(), p.Systems)
}

// anchor keeps the label at the start of an axis inside the plot.
func anchor(t float64) string {
	if t == 0 {
		return "start"
	}
	return "middle"
}

// Heatmap plots a matrix of counts. The colour of a cell is its share of the row.
type Heatmap struct {
	Caption, Note    string
	RowAxis, ColAxis string
	Rows, Columns    []string
	Counts           [][]int
}

func (p Heatmap) html(id string) template.HTML {
	const nameLetters = 14
	left := 24 + 6.6*float64(longest(p.Rows, nameLetters))
	top := 26 + 6.2*0.8*float64(longest(p.Columns, nameLetters))
	columns := float64(max(1, len(p.Columns)))
	right := 12.0
	cell := min(64, max(24, (plotWidth-left-right)/columns))
	high := min(44, cell)
	s := &svg{width: max(plotWidth, left+cell*columns+right), height: top + high*float64(len(p.Rows)) + 6}
	s.text("soft", "start", left, 11, p.ColAxis)
	fmt.Fprintf(s, `<text class="soft" text-anchor="middle" transform="translate(11 %s) rotate(-90)">%s</text>`,
		num(top+high*float64(len(p.Rows))/2), escape(p.RowAxis))
	for j, name := range p.Columns {
		fmt.Fprintf(s, `<text transform="translate(%s %s) rotate(-40)">%s</text>`,
			num(left+cell*(float64(j)+0.4)), num(top-5), escape(cut(name, nameLetters)))
	}
	var description strings.Builder
	for i, name := range p.Rows {
		y := top + high*float64(i)
		s.text("", "end", left-5, y+high/2+4, cut(name, nameLetters))
		sum := 0
		for _, n := range p.Counts[i] {
			sum += n
		}
		for j, n := range p.Counts[i] {
			share := float64(n) / float64(max(1, sum))
			x := left + cell*float64(j)
			tip := fmt.Sprintf("%s %s, %s %s: %d rows, %.0f %%", p.RowAxis, name, p.ColAxis, p.Columns[j], n, 100*share)
			s.rect("cell", x, y, cell-1.5, high-1.5, fmt.Sprintf(` fill-opacity="%s" rx="2"`, num(0.06+0.94*share)), tip)
			class := ""
			if share > 0.5 {
				class = "hot"
			}
			s.text(class, "middle", x+cell/2-0.75, y+high/2+4, short(float64(n)))
			if n > 0 {
				fmt.Fprintf(&description, "%s. ", tip)
			}
		}
	}
	return s.figure(id, p.Caption, p.Note, description.String(), nil)
}

func longest(names []string, limit int) int {
	n := 0
	for _, name := range names {
		n = max(n, min(limit, len([]rune(name))))
	}
	return n
}

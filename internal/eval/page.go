package eval

import (
	"fmt"

	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/report"
	"github.com/firesteel/firesteel/internal/version"
)

// plottedFigures is the number of figures that a page plots.
const plottedFigures = 12

// Page returns the figures as a page.
func (e *Evaluation) Page() report.Report {
	r := report.Report{
		Title:    e.title(),
		Subtitle: fmt.Sprintf("%d rows with a label", len(e.rows)),
		Footer:   fmt.Sprintf("firesteel %s, %s", version.String(), e.begun.UTC().Format("2 January 2006 15:04 MST")),
	}
	facts := e.facts()
	if e.options.Arguments != "" {
		facts = append(facts, report.Fact{Name: "arguments", Value: e.arguments()})
	}
	r.Sections = append(r.Sections,
		report.Section{Title: "Run", Parts: []report.Part{facts}},
		report.Section{Title: "Figures", Text: "The bars show values, and the lines on them 95 % intervals. All figures lie between 0 and 1.",
			Parts: append([]report.Part{e.barsPart()}, e.labelParts()...)},
		report.Section{Title: "All figures", Parts: []report.Part{e.scoresPart()}})
	for i, comparison := range e.comparisons {
		r.Sections = append(r.Sections, report.Section{
			Title: e.systems[0].name + " against " + e.systems[i+1].name, Text: testsOf(comparison),
			Parts: []report.Part{comparisonPart(e.systems[0].name, e.systems[i+1].name, comparison)}})
	}
	for i := range e.systems {
		r.Sections = append(r.Sections, e.worstSection(&e.systems[i]))
	}
	if parts := e.timeParts(); len(parts) > 0 {
		r.Sections = append(r.Sections, report.Section{Title: "Time", Parts: parts})
	}
	return r
}

func (e *Evaluation) systemNames() []string {
	var names []string
	for _, s := range e.systems {
		names = append(names, s.name)
	}
	return names
}

func (e *Evaluation) barsPart() report.Part {
	bars := report.Bars{Caption: "Figures", Systems: e.systemNames()}
	names := e.figureNames()
	if len(names) > plottedFigures {
		bars.Note = fmt.Sprintf("the first %d of %d; the table below has all figures", plottedFigures, len(names))
		names = names[:plottedFigures]
	}
	bars.Names = names
	for _, name := range names {
		var values []report.Bar
		for i := range e.systems {
			s := e.systems[i].score(name)
			values = append(values, report.Bar{Value: s.Value, Low: s.Low, High: s.High})
		}
		bars.Values = append(bars.Values, values)
	}
	return bars
}

// labelParts are the plots of LabelKind: confusion matrix and reliability.
func (e *Evaluation) labelParts() []report.Part {
	if e.task.Kind != LabelKind {
		return nil
	}
	var parts []report.Part
	for i := range e.systems {
		s := &e.systems[i]
		c := e.task.Confuse(e.gold, s.outcomes)
		heat := report.Heatmap{Caption: "Confusion", Note: s.name + "; numbers of rows, coloured by their share of the label", RowAxis: "label", ColAxis: "answer",
			Rows: c.Gold, Counts: c.Counts}
		for _, answer := range c.Answers {
			heat.Columns = append(heat.Columns, answerName(answer))
		}
		parts = append(parts, heat)
		if len(s.bins) > 0 {
			plot := report.Reliability{Caption: "Reliability", Note: s.name + "; on the dashed line, a probability equals the share of correct answers"}
			for _, b := range s.bins {
				plot.Bins = append(plot.Bins, report.ReliabilityBin{Low: b.Low, High: b.High, Confidence: b.Confidence, Accuracy: b.Accuracy, Rows: b.Rows})
			}
			parts = append(parts, plot)
		}
	}
	return parts
}

func (e *Evaluation) scoresPart() report.Part {
	t := report.Table{Caption: "Figures with 95 % intervals", Columns: []report.Column{{Name: "figure"}}}
	for _, name := range e.systemNames() {
		t.Columns = append(t.Columns, report.Column{Name: name, Number: true}, report.Column{Name: "95 % interval", Number: true})
	}
	for _, name := range e.figureNames() {
		row := []string{name}
		for i := range e.systems {
			s := e.systems[i].score(name)
			row = append(row, figure(s.Value), interval(s, figure))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func comparisonPart(nameA, nameB string, comparison []metric.Comparison) report.Part {
	t := report.Table{Caption: "Differences over the same rows", Columns: []report.Column{{Name: "figure"}, {Name: nameA, Number: true}, {Name: nameB, Number: true},
		{Name: "difference", Number: true}, {Name: "95 % interval", Number: true}, {Name: "p", Number: true}}}
	for _, c := range comparison {
		t.Rows = append(t.Rows, []string{c.Name, figure(c.A), figure(c.B), signed(c.Difference.Value), interval(c.Difference, signed), probability(c.P)})
	}
	return t
}

func (e *Evaluation) worstSection(s *system) report.Section {
	rows, wrong := e.worst(s, e.options.Worst)
	section := report.Section{Title: "Wrong answers: " + s.name, Text: fmt.Sprintf("%d of %d rows", wrong, len(e.rows))}
	switch {
	case e.options.Worst == 0 && wrong > 0:
		section.Text += hint(e.options.WorstHint)
		return section
	case len(rows) < wrong:
		section.Text += fmt.Sprintf("; the %d worst are shown", len(rows))
	}
	t := report.Table{Caption: "Rows", Empty: "all answers are correct", Columns: []report.Column{{Name: "row", Number: true}, {Name: "input", Long: true},
		{Name: "label", Long: e.task.Kind != LabelKind}, {Name: "answer", Long: true}}}
	for _, i := range rows {
		t.Rows = append(t.Rows, []string{fmt.Sprint(e.rows[i].Number), report.Shorten(textOrNull(e.rows[i].Input)), report.Shorten(e.goldText(i)), report.Shorten(s.outcomes[i].Shown)})
	}
	section.Parts = []report.Part{t}
	return section
}

// timeParts plot throughput if progress was counted more than once.
func (e *Evaluation) timeParts() []report.Part {
	lines := report.Lines{Caption: "Throughput", Note: "between two counts", AxisX: "seconds", AxisY: "rows/s"}
	for _, s := range e.systems {
		if len(s.steps) < 2 {
			continue
		}
		var points []report.Point
		last := step{}
		for _, step := range s.steps {
			if passed := (step.at - last.at).Seconds(); passed > 0 {
				points = append(points, report.Point{X: step.at.Seconds(), Y: float64(step.done-last.done) / passed})
			}
			last = step
		}
		lines.Series, lines.Points = append(lines.Series, s.name), append(lines.Points, points)
	}
	if len(lines.Series) == 0 {
		return nil
	}
	return []report.Part{lines}
}

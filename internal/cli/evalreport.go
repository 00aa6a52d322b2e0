package cli

import (
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/eval"
	"github.com/firesteel/firesteel/internal/report"
	"github.com/firesteel/firesteel/internal/version"
)

// What a report shows of long data.
const (
	reportCharacters = 1000
	plottedFigures   = 12
)

// page is what was found as a report.
func (run *evalRun) page() report.Report {
	r := report.Report{
		Title:    run.title(),
		Subtitle: fmt.Sprintf("%d rows with a label", len(run.rows)),
		Footer:   fmt.Sprintf("firesteel %s, %s", version.String(), run.begun.UTC().Format("2 January 2006 15:04 MST")),
	}
	var facts report.Facts
	for _, line := range run.about() {
		facts = append(facts, report.Fact{Name: line[0], Value: line[1]})
	}
	if run.flags.arguments != "" {
		facts = append(facts, report.Fact{Name: "arguments", Value: run.argumentsShown()})
	}
	r.Sections = append(r.Sections,
		report.Section{Title: "What ran", Parts: []report.Part{facts}},
		report.Section{Title: "Figures", Text: "Bars are values, the lines on them 95 % intervals. All figures lie between 0 and 1.",
			Parts: append([]report.Part{run.barsPart()}, run.labelParts()...)},
		report.Section{Title: "All figures", Parts: []report.Part{run.scoresPart()}})
	for i, comparison := range run.comparisons {
		r.Sections = append(r.Sections, report.Section{
			Title: run.asked[0].name + " against " + run.asked[i+1].name, Text: testsOf(comparison),
			Parts: []report.Part{comparisonPart(run.asked[0].name, run.asked[i+1].name, comparison)}})
	}
	for i := range run.asked {
		r.Sections = append(r.Sections, run.worstSection(&run.asked[i]))
	}
	if parts := run.timeParts(); len(parts) > 0 {
		r.Sections = append(r.Sections, report.Section{Title: "Time", Parts: parts})
	}
	return r
}

func (run *evalRun) systemNames() []string {
	var names []string
	for _, s := range run.asked {
		names = append(names, s.name)
	}
	return names
}

func (run *evalRun) barsPart() report.Part {
	bars := report.Bars{Caption: "Figures", Systems: run.systemNames()}
	names := run.figureNames()
	if len(names) > plottedFigures {
		bars.Note = fmt.Sprintf("the first %d of %d; the table below has all", plottedFigures, len(names))
		names = names[:plottedFigures]
	}
	bars.Names = names
	for _, name := range names {
		var values []report.Bar
		for i := range run.asked {
			s := run.asked[i].score(name)
			values = append(values, report.Bar{Value: s.Value, Low: s.Low, High: s.High})
		}
		bars.Values = append(bars.Values, values)
	}
	return bars
}

// labelParts are the plots of labels: confusion and reliability.
func (run *evalRun) labelParts() []report.Part {
	if run.task.Kind != eval.LabelKind {
		return nil
	}
	var parts []report.Part
	for i := range run.asked {
		s := &run.asked[i]
		c := run.task.Confuse(run.gold, s.outcomes)
		heat := report.Heatmap{Caption: "Confusion", Note: s.name + "; rows, coloured by their share of the label", RowAxis: "label", ColAxis: "answer",
			Rows: c.Gold, Counts: c.Counts}
		for _, answer := range c.Answers {
			heat.Columns = append(heat.Columns, named(answer))
		}
		parts = append(parts, heat)
		if len(s.bins) > 0 {
			plot := report.Reliability{Caption: "Reliability", Note: s.name + "; on the dashed line, probabilities can be believed"}
			for _, b := range s.bins {
				plot.Bins = append(plot.Bins, report.ReliabilityBin{Low: b.Low, High: b.High, Confidence: b.Confidence, Accuracy: b.Accuracy, Rows: b.Rows})
			}
			parts = append(parts, plot)
		}
	}
	return parts
}

func (run *evalRun) scoresPart() report.Part {
	t := report.Table{Caption: "Figures with 95 % intervals", Columns: []report.Column{{Name: "figure"}}}
	for _, name := range run.systemNames() {
		t.Columns = append(t.Columns, report.Column{Name: name, Number: true}, report.Column{Name: "95 % interval", Number: true})
	}
	for _, name := range run.figureNames() {
		row := []string{name}
		for i := range run.asked {
			s := run.asked[i].score(name)
			row = append(row, figure(s.Value), interval(s, figure))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func comparisonPart(nameA, nameB string, comparison []eval.Comparison) report.Part {
	t := report.Table{Caption: "Differences over the same rows", Columns: []report.Column{{Name: "figure"}, {Name: nameA, Number: true}, {Name: nameB, Number: true},
		{Name: "difference", Number: true}, {Name: "95 % interval", Number: true}, {Name: "p", Number: true}}}
	for _, c := range comparison {
		t.Rows = append(t.Rows, []string{c.Name, figure(c.A), figure(c.B), signed(c.Difference.Value), interval(c.Difference, signed), probability(c.P)})
	}
	return t
}

func (run *evalRun) worstSection(s *evalSystem) report.Section {
	rows, wrong := run.worst(s, run.flags.errors)
	section := report.Section{Title: "Answers not as labelled: " + s.name, Text: fmt.Sprintf("%d of %d rows", wrong, len(run.rows))}
	switch {
	case run.flags.errors == 0 && wrong > 0:
		section.Text += "; --errors N shows the N worst"
		return section
	case len(rows) < wrong:
		section.Text += fmt.Sprintf("; the %d worst are shown", len(rows))
	}
	t := report.Table{Caption: "Rows", Empty: "every answer is right", Columns: []report.Column{{Name: "row", Number: true}, {Name: "input", Long: true},
		{Name: "label", Long: run.task.Kind != eval.LabelKind}, {Name: "answer", Long: true}}}
	for _, i := range rows {
		t.Rows = append(t.Rows, []string{fmt.Sprint(run.rows[i].number), shortened(text(run.rows[i].input)), shortened(run.goldText(i)), shortened(s.outcomes[i].Shown)})
	}
	section.Parts = []report.Part{t}
	return section
}

func shortened(s string) string {
	r := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(r) <= reportCharacters {
		return string(r)
	}
	return fmt.Sprintf("%s… (%d characters in all)", string(r[:reportCharacters]), len(r))
}

// timeParts plot throughput, where rows were counted on the way.
func (run *evalRun) timeParts() []report.Part {
	lines := report.Lines{Caption: "Throughput", Note: "between two counts of rows", AxisX: "seconds", AxisY: "rows/s"}
	for _, s := range run.asked {
		if len(s.steps) < 2 {
			continue
		}
		var points []report.Point
		last := rowStep{}
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

package fit

import (
	"fmt"

	"github.com/firesteel/firesteel/internal/report"
)

// Page returns the figures as a page.
func (s *Summary) Page() report.Report {
	r := report.Report{Title: "A model of " + s.Data, Subtitle: "predicts " + predicts[s.Head.Predicts], Footer: s.Footer}
	bars := report.Bars{Caption: "Figures", Note: s.measuredOn(), Systems: []string{"fitted"}}
	table := report.Table{Caption: "Figures with 95 % intervals", Columns: []report.Column{{Name: "figure"}, {Name: "value", Number: true}, {Name: "95 % interval", Number: true}}}
	for _, f := range s.Figures {
		if f.Value >= 0 && f.Value <= 1 {
			bars.Names = append(bars.Names, f.Name)
			bars.Values = append(bars.Values, []report.Bar{{Value: f.Value, Low: f.Low, High: f.High}})
		}
		table.Rows = append(table.Rows, []string{f.Name, figure(f.Value), interval(f)})
	}
	figures := []report.Part{table}
	if len(bars.Names) > 0 {
		figures = append([]report.Part{bars}, figures...)
	}
	if len(s.Bins) > 0 {
		plot := report.Reliability{Caption: "Reliability", Note: "on the dashed line, a probability equals the share of correct answers"}
		for _, b := range s.Bins {
			plot.Bins = append(plot.Bins, report.ReliabilityBin{Low: b.Low, High: b.High, Confidence: b.Confidence, Accuracy: b.Accuracy, Rows: b.Rows})
		}
		figures = append(figures, plot)
	}
	r.Sections = append(r.Sections, report.Section{Title: "Fit", Parts: []report.Part{s.facts()}}, report.Section{Title: "Figures", Parts: figures})
	if len(s.Curve) > 0 {
		lines := report.Lines{Caption: "Learning curve", Note: s.Curve[0].Score.Name + " on held-out rows", AxisX: "rows", AxisY: s.Curve[0].Score.Name, Series: []string{"fitted"}, Points: make([][]report.Point, 1)}
		for _, p := range s.Curve {
			lines.Points[0] = append(lines.Points[0], report.Point{X: float64(p.Rows), Y: p.Score.Value})
		}
		r.Sections = append(r.Sections, report.Section{Title: "Would more labels help?", Text: s.advice(), Parts: []report.Part{lines}})
	}
	choices := report.Table{Caption: "Cross-validation", Columns: []report.Column{{Name: "C", Number: true}, {Name: "weight of names", Number: true}, {Name: "loss", Number: true}, {Name: "chosen"}}}
	for i, c := range s.Choices {
		chosen := ""
		if i == s.Best {
			chosen = "yes"
		}
		choices.Rows = append(choices.Rows, []string{fmt.Sprintf("%g", c.C), fmt.Sprintf("%g", c.Names), fmt.Sprintf("%.4f", c.Loss), chosen})
	}
	r.Sections = append(r.Sections, report.Section{Title: "Regularization", Parts: []report.Part{choices}})
	if len(s.Confused) > 0 {
		t := report.Table{Caption: "Most confused", Columns: []report.Column{{Name: "label"}, {Name: "predicted"}, {Name: "rows", Number: true}, {Name: "of", Number: true}}}
		for _, p := range s.Confused {
			t.Rows = append(t.Rows, []string{p.Label, p.Predicted, fmt.Sprint(p.Rows), fmt.Sprint(p.Of)})
		}
		r.Sections = append(r.Sections, report.Section{Title: "Most confused", Parts: []report.Part{t}})
	}
	if n := len(s.Result.Suspects); n > 0 {
		section := report.Section{Title: "Labels that may be wrong", Text: fmt.Sprintf("%d rows: another label is as probable as it is for its own rows", n)}
		if s.Suspects == 0 {
			section.Text += "; " + s.SuspectsHint
		} else {
			t := report.Table{Caption: "Rows", Columns: []report.Column{{Name: "row", Number: true}, {Name: "label"}, {Name: "perhaps"}, {Name: "probability", Number: true}, {Name: "text", Long: true}}}
			for _, x := range s.Result.Suspects[:min(n, s.Suspects)] {
				t.Rows = append(t.Rows, []string{rowNumber(x.Row), x.Label, x.Suggested, fmt.Sprintf("%.3f", x.Probability), report.Shorten(s.Text(x.Row))})
			}
			section.Parts = []report.Part{t}
		}
		r.Sections = append(r.Sections, section)
	}
	return r
}

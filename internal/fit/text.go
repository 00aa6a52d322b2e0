package fit

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/report"
	"github.com/firesteel/firesteel/llm"
)

// Summary is what a report says of a fit.
type Summary struct {
	*Result
	Data     string       // the name of the data
	Notes    report.Facts // about the run, such as rows that were left out
	Suspects int          // number of suspect rows to list
	// Texts returns the text of a suspect row, to be shown, or "".
	Text func(Row) string
	// SuspectsHint says how to see suspect rows that are not listed.
	SuspectsHint string
	Footer       string // of a page
}

// facts describe the fit.
func (s *Summary) facts() report.Facts {
	d := s.Head.Data
	rows := fmt.Sprintf("%d", d.Rows)
	if d.HeldOut > 0 {
		rows += fmt.Sprintf(", of which %d were held out to measure; the model in the file is fitted on all", d.HeldOut)
	}
	facts := report.Facts{{Name: "rows", Value: rows}}
	switch s.Head.Predicts {
	case llm.PredictsNumber:
	default:
		facts = append(facts, report.Fact{Name: "labels", Value: fmt.Sprint(len(s.Head.Labels))})
	}
	if s.NoneRows > 0 {
		facts = append(facts, report.Fact{Name: "rows with none of the labels", Value: fmt.Sprintf("%d, labelled %s; they choose the threshold", s.NoneRows, visible(s.Head.None))})
	}
	if s.Rare > 0 {
		facts = append(facts, report.Fact{Name: "note", Value: fmt.Sprintf("%d labels have fewer than %d rows, of which none is held out, so they are not measured", s.Rare, heldOutOf)})
	}
	if s.Unseen > 0 {
		how := "predicted by their names"
		if s.Choices[s.Best].Names == 0 {
			how = "which are not predicted: the rows say more than the names"
		}
		facts = append(facts, report.Fact{Name: "labels without a row", Value: fmt.Sprintf("%d, %s", s.Unseen, how)})
	}
	if s.CrossValidated {
		facts = append(facts, report.Fact{Name: "note", Value: "too few rows to hold some out: the figures are those of cross-validation, by which the regularization was chosen, too"})
	}
	facts = append(facts,
		report.Fact{Name: "embedder", Value: fmt.Sprintf("%s, %d dimensions", s.Head.Embedder.Name, s.Head.Embedder.Dimensions)},
		report.Fact{Name: "regularization", Value: s.choiceText()})
	if s.Head.Predicts != llm.PredictsNumber {
		facts = append(facts, report.Fact{Name: "calibration", Value: fmt.Sprintf("temperature %g", s.Head.Temperature)})
		if s.Head.Threshold > 0 {
			facts = append(facts, report.Fact{Name: "threshold", Value: fmt.Sprintf("%g; below it, no label is predicted", s.Head.Threshold)})
		}
	}
	facts = append(facts, s.Notes...)
	return append(facts, report.Fact{Name: "intervals", Value: fmt.Sprintf("95 %%, bootstrap percentiles of 1,000 resamples of the rows, seed %d", d.Seed)})
}

func (s *Summary) choiceText() string {
	best := s.Choices[s.Best]
	text := fmt.Sprintf("C = %g, the best of %d in %d-fold cross-validation", best.C, len(s.Choices), folds)
	if best.C == strengths[0] || best.C == strengths[len(strengths)-1] {
		text += "; it is the last one of the range"
	}
	if best.Names > 0 {
		text += fmt.Sprintf("; drawn to the names of the labels, with the weight %g", best.Names)
	}
	return text
}

// WriteText writes the figures for a terminal.
func (s *Summary) WriteText(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: a model that predicts %s\n", s.Data, predicts[s.Head.Predicts])
	for _, f := range s.facts() {
		fmt.Fprintf(&b, "  %s: %s\n", f.Name, f.Value)
	}
	b.WriteString("\n")
	w := tabwriter.NewWriter(&b, 0, 4, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\tvalue\t95 %% interval\t\n", s.measuredOn())
	for _, f := range s.Figures {
		fmt.Fprintf(w, "%s\t%s\t%s\t\n", visible(f.Name), figure(f.Value), interval(f))
	}
	w.Flush()
	if len(s.Curve) > 0 {
		b.WriteString("\nlearning curve\n")
		w = tabwriter.NewWriter(&b, 0, 4, 3, ' ', tabwriter.AlignRight)
		fmt.Fprintf(w, "rows\t%s\t95 %% interval\t\n", s.Curve[0].Score.Name)
		for _, p := range s.Curve {
			fmt.Fprintf(w, "%d\t%s\t%s\t\n", p.Rows, figure(p.Score.Value), interval(p.Score))
		}
		w.Flush()
		fmt.Fprintln(&b, s.advice())
	}
	if len(s.Confused) > 0 {
		b.WriteString("\nmost confused\n")
		w = tabwriter.NewWriter(&b, 0, 4, 3, ' ', 0)
		fmt.Fprintln(w, "label\tpredicted\trows")
		for _, p := range s.Confused {
			fmt.Fprintf(w, "%s\t%s\t%d of %d\n", visible(p.Label), visible(p.Predicted), p.Rows, p.Of)
		}
		w.Flush()
	}
	s.writeSuspects(&b)
	_, err := io.WriteString(out, b.String())
	return err
}

func (s *Summary) writeSuspects(b *strings.Builder) {
	all := s.Result.Suspects
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%d labels may be wrong: another label is as probable as it is for its own rows", len(all))
	if s.Suspects == 0 {
		fmt.Fprintf(b, "; %s\n", s.SuspectsHint)
		return
	}
	b.WriteString("\n")
	w := tabwriter.NewWriter(b, 0, 4, 3, ' ', 0)
	fmt.Fprintln(w, "row\tlabel\tperhaps\tprobability\ttext")
	for _, x := range all[:min(len(all), s.Suspects)] {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.3f\t%s\n", rowNumber(x.Row), visible(x.Label), visible(x.Suggested), x.Probability, visible(s.Text(x.Row)))
	}
	w.Flush()
}

func rowNumber(r Row) string {
	if r.Number == 0 {
		return "–"
	}
	return fmt.Sprint(r.Number)
}

// advice says whether more labels would help.
func (s *Summary) advice() string {
	name := s.Curve[0].Score.Name
	switch {
	case s.Gain.Name == "":
		return "The rows are too few to say whether more would help."
	case s.Gain.Low > 0:
		return fmt.Sprintf("More labels would help: the second half of the rows raised the %s by %.3f (%.3f to %.3f).", name, s.Gain.Value, s.Gain.Low, s.Gain.High)
	}
	return fmt.Sprintf("More labels may not help: the second half of the rows changed the %s by %+.3f (%+.3f to %+.3f).", name, s.Gain.Value, s.Gain.Low, s.Gain.High)
}

// predicts describes the kinds.
var predicts = map[llm.PredictionKind]string{llm.PredictsLabel: "one label", llm.PredictsLabels: "any number of labels", llm.PredictsNumber: "a number"}

func (s *Summary) measuredOn() string {
	if s.CrossValidated {
		return "by cross-validation"
	}
	return "on held-out rows"
}

// shownCharacters is the length to which texts in a terminal are cut.
const shownCharacters = 60

// visible makes a label fit for a line.
func visible(text string) string {
	r := []rune(strings.Join(strings.Fields(text), " "))
	if len(r) > shownCharacters {
		return string(r[:shownCharacters]) + "…"
	}
	return string(r)
}

func figure(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.3f", v)
}

func interval(s metric.Score) string {
	if math.IsNaN(s.Low) {
		return "–"
	}
	return fmt.Sprintf("%.3f to %.3f", s.Low, s.High)
}

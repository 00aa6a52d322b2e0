package eval

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/report"
)

// WriteText writes the figures for a terminal.
func (e *Evaluation) WriteText(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", e.title())
	for _, f := range e.facts() {
		fmt.Fprintf(&b, "  %s: %s\n", f.Name, f.Value)
	}
	b.WriteString("\n")
	e.writeScores(&b)
	for i, comparison := range e.comparisons {
		fmt.Fprintf(&b, "\n%s (A) against %s (B)\n", e.systems[0].name, e.systems[i+1].name)
		w := tabwriter.NewWriter(&b, 0, 4, 3, ' ', tabwriter.AlignRight)
		fmt.Fprint(w, "\tA\tB\tA - B\t95 % interval\tp\t\n")
		for _, c := range comparison {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", visible(c.Name, 40), figure(c.A), figure(c.B), signed(c.Difference.Value),
				interval(c.Difference, signed), probability(c.P))
		}
		w.Flush()
		fmt.Fprintln(&b, testsOf(comparison))
	}
	for i := range e.systems {
		if e.task.Kind == LabelKind {
			e.writeConfusion(&b, &e.systems[i])
		}
	}
	e.writeWorst(&b)
	_, err := io.WriteString(out, b.String())
	return err
}

// arguments are the arguments as a report shows them: their names, or with
// Options.ShowContent, all.
func (e *Evaluation) arguments() string {
	var named map[string]json.RawMessage
	if e.options.ShowContent || json.Unmarshal([]byte(e.options.Arguments), &named) != nil {
		return e.options.Arguments
	}
	return strings.Join(slices.Sorted(maps.Keys(named)), ", ")
}

func (e *Evaluation) title() string { return e.function.Name + " on " + e.options.Data }

// facts describe the run.
func (e *Evaluation) facts() report.Facts {
	facts := report.Facts{{Name: "rows with a label", Value: fmt.Sprint(len(e.rows))}}
	if e.leftOut > 0 {
		facts = append(facts, report.Fact{Name: "rows without a label, left out", Value: fmt.Sprint(e.leftOut)})
	}
	for i := range e.systems {
		s := &e.systems[i]
		facts = append(facts, report.Fact{Name: s.name, Value: fmt.Sprintf("%s; %d answers, %d rows without an answer; %.1f s, %.1f rows/s", s.model,
			len(e.rows)-s.unanswered(), s.unanswered(), s.took.Seconds(), float64(len(e.rows))/max(s.took.Seconds(), 1e-9))})
	}
	for _, note := range e.notes {
		facts = append(facts, report.Fact{Name: "note", Value: note})
	}
	return append(facts, report.Fact{Name: "intervals", Value: fmt.Sprintf("95 %%, bootstrap percentiles of 1,000 resamples of the rows, seed %d", e.options.Seed)})
}

// allScores are the figures of a system with those of its probabilities.
func (s *system) allScores() []metric.Score {
	return append(append([]metric.Score(nil), s.scores...), s.calibration...)
}

func (e *Evaluation) writeScores(b *strings.Builder) {
	w := tabwriter.NewWriter(b, 0, 4, 3, ' ', tabwriter.AlignRight)
	for _, s := range e.systems {
		fmt.Fprintf(w, "\t%s\t95 %% interval", s.name)
	}
	fmt.Fprintln(w, "\t")
	for _, name := range e.figureNames() {
		fmt.Fprint(w, visible(name, 40))
		for i := range e.systems {
			score := e.systems[i].score(name)
			fmt.Fprintf(w, "\t%s\t%s", figure(score.Value), interval(score, figure))
		}
		fmt.Fprintln(w, "\t")
	}
	w.Flush()
}

// figureNames lists the figures of all systems in order.
func (e *Evaluation) figureNames() []string {
	var names []string
	seen := map[string]bool{}
	for i := range e.systems {
		for _, s := range e.systems[i].allScores() {
			if !seen[s.Name] {
				seen[s.Name] = true
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// score returns the figure with a name, with NaN if the system does not have it.
func (s *system) score(name string) metric.Score {
	for _, score := range s.allScores() {
		if score.Name == name {
			return score
		}
	}
	return metric.Score{Name: name, Value: math.NaN(), Low: math.NaN(), High: math.NaN()}
}

// testsOf names the tests of a comparison.
func testsOf(comparison []metric.Comparison) string {
	if len(comparison) > 1 && comparison[0].Test != comparison[1].Test {
		return fmt.Sprintf("p is two-sided: %s by %s, the other figures by %s with 1,000 assignments. It is not corrected for the number of figures.",
			comparison[0].Name, comparison[0].Test, comparison[1].Test)
	}
	return fmt.Sprintf("p is two-sided, by %s with 1,000 assignments. It is not corrected for the number of figures.", comparison[0].Test)
}

// maxMatrix is the number of labels up to which a terminal shows the confusion
// matrix.
const maxMatrix = 12

// hint appends a hint to a sentence.
func hint(text string) string {
	if text == "" {
		return ""
	}
	return "; " + text
}

func (e *Evaluation) writeConfusion(b *strings.Builder, s *system) {
	c := e.task.Confuse(e.gold, s.outcomes)
	if len(c.Answers) > maxMatrix {
		fmt.Fprintf(b, "\nThe confusion matrix of %s has %d labels%s.\n", s.name, len(c.Answers), hint(e.options.MatrixHint))
		return
	}
	fmt.Fprintf(b, "\n%s: rows by label (down) and answer (across)\n", s.name)
	w := tabwriter.NewWriter(b, 0, 4, 3, ' ', tabwriter.AlignRight)
	for _, answer := range c.Answers {
		fmt.Fprint(w, "\t"+visible(answerName(answer), 20))
	}
	fmt.Fprintln(w, "\t")
	for i, label := range c.Gold {
		fmt.Fprint(w, visible(label, 20))
		for _, n := range c.Counts[i] {
			fmt.Fprintf(w, "\t%d", n)
		}
		fmt.Fprintln(w, "\t")
	}
	w.Flush()
}

// answerName names a column of the confusion matrix.
func answerName(label string) string {
	switch label {
	case metric.None:
		return "(none)"
	case metric.Other:
		return "(other)"
	}
	return label
}

func (e *Evaluation) writeWorst(b *strings.Builder) {
	s := &e.systems[0]
	rows, wrong := e.worst(s, e.options.Worst)
	if wrong == 0 && e.task.Kind == ScoreKind {
		return // a single score is neither right nor wrong
	}
	if wrong == 0 {
		fmt.Fprintf(b, "\n%s: all answers are correct.\n", s.name)
		return
	}
	fmt.Fprintf(b, "\n%s: %d of %d answers are wrong", s.name, wrong, len(e.rows))
	if len(rows) == 0 {
		b.WriteString(hint(e.options.WorstHint) + "\n")
		return
	}
	fmt.Fprintf(b, "; the %d worst:\n", len(rows))
	for _, i := range rows {
		fmt.Fprintf(b, "  row %d: %s\n    label:  %s\n    answer: %s\n", e.rows[i].Number, visible(textOrNull(e.rows[i].Input), 100),
			visible(e.goldText(i), 100), visible(s.outcomes[i].Shown, 100))
	}
}

// textOrNull is a text, or a word for NULL.
func textOrNull(s *string) string {
	if s == nil {
		return "(NULL)"
	}
	return *s
}

// goldText is the label of a row as it is compared.
func (e *Evaluation) goldText(i int) string {
	if e.task.Kind == LabelKind {
		return e.gold[i].Label
	}
	return textOrNull(e.rows[i].Label)
}

// visible cuts a text to a number of characters and replaces control characters by
// spaces.
func visible(s string, characters int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > characters {
			return b.String() + "…"
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}

func figure(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.3f", v)
}

func signed(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%+.3f", v)
}

func interval(s metric.Score, form func(float64) string) string {
	if math.IsNaN(s.Low) {
		return "–"
	}
	return form(s.Low) + " to " + form(s.High)
}

func probability(p float64) string {
	if math.IsNaN(p) {
		return "–"
	}
	if p < 0.001 {
		return "< 0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

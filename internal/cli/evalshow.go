package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/firesteel/firesteel/internal/eval"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// show writes what was found for a terminal.
func (run *evalRun) show(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", run.title())
	for _, line := range run.about() {
		fmt.Fprintf(&b, "  %s: %s\n", line[0], line[1])
	}
	b.WriteString("\n")
	run.showScores(&b)
	for i, comparison := range run.comparisons {
		fmt.Fprintf(&b, "\n%s (A) against %s (B)\n", run.asked[0].name, run.asked[i+1].name)
		w := tabwriter.NewWriter(&b, 0, 4, 3, ' ', tabwriter.AlignRight)
		fmt.Fprint(w, "\tA\tB\tA - B\t95 % interval\tp\t\n")
		for _, c := range comparison {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", visible(c.Name, 40), figure(c.A), figure(c.B), signed(c.Difference.Value),
				interval(c.Difference, signed), probability(c.P))
		}
		w.Flush()
		fmt.Fprintln(&b, testsOf(comparison))
	}
	for i := range run.asked {
		if run.task.Kind == eval.LabelKind {
			run.showConfusion(&b, &run.asked[i])
		}
	}
	run.showWorst(&b)
	_, err := io.WriteString(out, b.String())
	return err
}

// source is what was read, as a person named it.
func (run *evalRun) source() string {
	switch {
	case run.flags.data.path == "-":
		return "standard input"
	case run.flags.data.path != "":
		return filepath.Base(run.flags.data.path)
	case run.flags.table != "":
		return "table " + run.flags.table
	}
	if !run.flags.logContent {
		return sqlexpr.Mask(run.flags.query)
	}
	return run.flags.query
}

// argumentsShown are the arguments as a report shows them: their names, unless
// content is asked for.
func (run *evalRun) argumentsShown() string {
	var named map[string]json.RawMessage
	if run.flags.logContent || json.Unmarshal([]byte(run.flags.arguments), &named) != nil {
		return run.flags.arguments
	}
	return strings.Join(slices.Sorted(maps.Keys(named)), ", ")
}

func (run *evalRun) title() string { return run.function.Name + " on " + run.source() }

// about says what ran.
func (run *evalRun) about() [][2]string {
	lines := [][2]string{{"rows with a label", fmt.Sprint(len(run.rows))}}
	if run.leftOut > 0 {
		lines = append(lines, [2]string{"left out, without one", fmt.Sprint(run.leftOut)})
	}
	for i := range run.asked {
		s := &run.asked[i]
		lines = append(lines, [2]string{s.name, fmt.Sprintf("%s; %d answers, %d rows without one; %.1f s, %.1f rows/s", s.model,
			len(run.rows)-s.unanswered(), s.unanswered(), s.took.Seconds(), float64(len(run.rows))/max(s.took.Seconds(), 1e-9))})
	}
	for _, note := range run.notes {
		lines = append(lines, [2]string{"note", note})
	}
	return append(lines, [2]string{"intervals", fmt.Sprintf("95 %%, bootstrap percentiles of 1,000 resamples of the rows, seed %d", run.flags.seed)})
}

// allScores are the figures of a system, with those of its probabilities.
func (s *evalSystem) allScores() []eval.Score {
	return append(append([]eval.Score(nil), s.scores...), s.calibration...)
}

func (run *evalRun) showScores(b *strings.Builder) {
	w := tabwriter.NewWriter(b, 0, 4, 3, ' ', tabwriter.AlignRight)
	for _, s := range run.asked {
		fmt.Fprintf(w, "\t%s\t95 %% interval", s.name)
	}
	fmt.Fprintln(w, "\t")
	for _, name := range run.figureNames() {
		fmt.Fprint(w, visible(name, 40))
		for i := range run.asked {
			score := run.asked[i].score(name)
			fmt.Fprintf(w, "\t%s\t%s", figure(score.Value), interval(score, figure))
		}
		fmt.Fprintln(w, "\t")
	}
	w.Flush()
}

// figureNames lists the figures that any system has, in order.
func (run *evalRun) figureNames() []string {
	var names []string
	seen := map[string]bool{}
	for i := range run.asked {
		for _, s := range run.asked[i].allScores() {
			if !seen[s.Name] {
				seen[s.Name] = true
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// score finds a figure; NaN if the system has none of that name.
func (s *evalSystem) score(name string) eval.Score {
	for _, score := range s.allScores() {
		if score.Name == name {
			return score
		}
	}
	return eval.Score{Name: name, Value: math.NaN(), Low: math.NaN(), High: math.NaN()}
}

// testsOf says which tests gave the p of a comparison.
func testsOf(comparison []eval.Comparison) string {
	if len(comparison) > 1 && comparison[0].Test != comparison[1].Test {
		return fmt.Sprintf("p: two-sided; of %s by %s, of the others by %s with 1,000 assignments; not corrected for their number.",
			comparison[0].Name, comparison[0].Test, comparison[1].Test)
	}
	return fmt.Sprintf("p: two-sided, by %s with 1,000 assignments; not corrected for the number of figures.", comparison[0].Test)
}

func (run *evalRun) showConfusion(b *strings.Builder, s *evalSystem) {
	c := run.task.Confuse(run.gold, s.outcomes)
	if len(c.Answers) > 12 {
		fmt.Fprintf(b, "\nThe confusion matrix of %s has %d labels; --report shows it.\n", s.name, len(c.Answers))
		return
	}
	fmt.Fprintf(b, "\n%s: rows by label (down) and answer (across)\n", s.name)
	w := tabwriter.NewWriter(b, 0, 4, 3, ' ', tabwriter.AlignRight)
	for _, answer := range c.Answers {
		fmt.Fprint(w, "\t"+visible(named(answer), 20))
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

// named shows the answer that is none.
func named(label string) string {
	switch label {
	case eval.None:
		return "(none)"
	case eval.Other:
		return "(no label)"
	}
	return label
}

func (run *evalRun) showWorst(b *strings.Builder) {
	s := &run.asked[0]
	rows, wrong := run.worst(s, run.flags.errors)
	if wrong == 0 {
		fmt.Fprintf(b, "\n%s: every answer is right.\n", s.name)
		return
	}
	fmt.Fprintf(b, "\n%s: %d of %d answers are not as labelled", s.name, wrong, len(run.rows))
	if len(rows) == 0 {
		b.WriteString("; --errors N shows N of them\n")
		return
	}
	fmt.Fprintf(b, "; here are %d\n", len(rows))
	for _, i := range rows {
		fmt.Fprintf(b, "  row %d: %s\n    label:  %s\n    answer: %s\n", run.rows[i].number, visible(text(run.rows[i].input), 100),
			visible(run.goldText(i), 100), visible(s.outcomes[i].Shown, 100))
	}
}

func text(s *string) string {
	if s == nil {
		return "(NULL)"
	}
	return *s
}

// goldText is a row's label as it is compared.
func (run *evalRun) goldText(i int) string {
	if run.task.Kind == eval.LabelKind {
		return run.gold[i].Label
	}
	return text(run.rows[i].gold)
}

// visible makes one line of at most so many characters, without any that a
// terminal would obey.
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

func interval(s eval.Score, form func(float64) string) string {
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

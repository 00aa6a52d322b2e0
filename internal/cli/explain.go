package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/estimate"
	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/report"
	"github.com/firesteel/firesteel/internal/terminal"
)

func (a *app) explain() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "explain FILE",
		Short: "Say what a run would take, before it is paid",
		Long: `Takes the arguments of 'firesteel run', and says what that would take: rows,
distinct inputs, tokens, time with its interval, memory, and what leaves this
machine. It reads the whole input, and really runs the job over a sample of it
for as long as --calibrate says. A server is not asked: its price is foreseen by
counting what would be sent.

Type run in the place of explain to do it; 'firesteel run --explain' does both,
and compares.`,
		Example: `  firesteel explain reviews.csv --add "sentiment=ai_analyze_sentiment(text)" -o out.parquet`,
		Args:    oneFile(&f),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			return a.explainFile(ctx, f)
		},
	}
	f.addTo(c)
	return c
}

func (a *app) explainFile(ctx context.Context, f runFlags) error {
	r := &fileRun{app: a, flags: f}
	defer r.close()
	if err := r.begin(ctx); err != nil {
		return err
	}
	if _, err := r.plan.Schema(r.parts.In.Schema()); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if err := r.openLedger(ctx); err != nil {
		return err
	}
	begun := time.Now()
	if err := r.openModel(ctx); err != nil {
		return err
	}
	loading := time.Since(begun)
	return r.foresee(ctx, r.parts.In, loading, a.out)
}

// foretell is foresee before a run, whose input is then read once more.
func (r *fileRun) foretell(ctx context.Context) error {
	if r.flags.input == "-" {
		return fmt.Errorf("%w: standard input is read once only; put it into a file for --explain", errUsage)
	}
	o, err := r.readOptions()
	if err != nil {
		return err
	}
	if r.parts.Bad != nil {
		o.Bad = func(files.Bad) {} // the run tells of them
	}
	in, err := files.Open(ctx, r.flags.input, o)
	if err != nil {
		return err
	}
	defer in.Close()
	return r.foresee(ctx, in, 0, r.err)
}

// foresee predicts what the plan takes, and says it.
func (r *fileRun) foresee(ctx context.Context, in files.Reader, loading time.Duration, w io.Writer) error {
	if len(r.plan.Asks()) == 0 {
		fmt.Fprintln(w, "no model is asked: a run takes as long as reading and writing")
		return nil
	}
	var known func(*ai.Function, string) bool
	if r.parts.Ledger != nil {
		known = r.inLedger
	}
	fmt.Fprintf(r.err, "reading %s, then calibrating for %v\n", r.flags.input, r.flags.calibrate)
	census, err := estimate.Take(ctx, in, r.plan, r.parts.Models, known)
	if err != nil {
		return err
	}
	defer census.Close()
	p, err := census.Predict(ctx, estimate.Options{
		Dry: r.flags.ship.hosts() != "", Warm: r.flags.explain,
		Threads: r.parts.Threads, Length: r.flags.calibrate, Price: r.plan.Price,
		RequestsPerMinute: r.flags.ship.limits.RequestsPerMinute, TokensPerMinute: r.flags.ship.limits.TokensPerMinute,
	})
	if err != nil {
		return err
	}
	r.prediction = &p
	for _, line := range r.explained(census, p, loading) {
		fmt.Fprintf(w, "%-8s %s\n", line[0], line[1])
	}
	return nil
}

func (r *fileRun) inLedger(_ *ai.Function, id string) bool {
	key, err := ledger.ParseKey(id)
	if err != nil {
		return false
	}
	_, found, err := r.parts.Ledger.Get(key)
	return found && err == nil
}

// explained are the lines of an explanation: a word, and what is to say of it.
func (r *fileRun) explained(c *estimate.Census, p estimate.Prediction, loading time.Duration) (lines [][2]string) {
	say := func(name, format string, args ...any) {
		lines = append(lines, [2]string{name, fmt.Sprintf(format, args...)})
	}
	rows := fmt.Sprintf("%d of %d rows", c.Rows, c.Read)
	if c.Rows == c.Read {
		rows = fmt.Sprintf("%d rows", c.Rows)
	}
	if c.Decided {
		rows += fmt.Sprintf(" before the condition asks; of the sample it kept %.0f %%", 100*p.Kept)
	}
	say("input", "%s: %s", r.flags.input, rows)
	for _, n := range c.Calls {
		how := ""
		switch {
		case n.Nested:
			how = " at most, as answers are among its arguments"
		case !n.Exact:
			how = " about"
		}
		text := fmt.Sprintf("%s: %d rows, %.0f distinct inputs%s", shortCell(terminal.InOneLine(r.maskedSQL(n.Call.Text))), n.Rows, n.Distinct, how)
		if n.Known > 0 {
			text += fmt.Sprintf(", %.0f of them in the ledger", n.Known)
		}
		say("calls", "%s", text)
	}
	if p.Bound {
		say("tokens", "%s of prompts, at most %.0f of answers, by %d rows that were not asked", spanned(p.PromptTokens, "%.0f"), p.OutputTokens.High, p.Calibrated)
	} else {
		say("tokens", "%s of prompts, %s of answers, by %d rows of %v", spanned(p.PromptTokens, "%.0f"), spanned(p.OutputTokens, "%.0f"), p.Calibrated, p.Calibration.Round(100*time.Millisecond))
	}
	switch {
	case p.Answered:
		say("time", "all inputs were answered by the calibration already, in %s with %d threads", shortTime(p.Calibration), r.parts.Threads)
	case p.Time.Value == 0:
		say("time", "as the server answers; it sets no limits that are known here")
	default:
		text := spannedTime(p.Time)
		if loading > 0 {
			text += fmt.Sprintf(", and %s to load the model", shortTime(loading))
		}
		say("time", "%s, with %d threads", text, r.parts.Threads)
	}
	if r.flags.price != "" {
		say("cost", "%s, by --price", spanned(p.Cost, "%.4f"))
	}
	if peak := memoryPeak(); peak > 0 {
		under := r.parts.Memory
		if under == 0 {
			under = 128 << 20
		}
		say("memory", "%s so far, and up to %s of rows under way", fetch.Bytes(peak), fetch.Bytes(under))
	}
	if host := r.flags.ship.hosts(); host != "" {
		say("leaves", "%s: what the prompts say, and of the rows %s", host, c.Leaves())
	} else {
		say("leaves", "nothing: all is computed on this machine")
	}
	return lines
}

func spanned(i estimate.Interval, format string) string {
	value, low, high := fmt.Sprintf(format, i.Value), fmt.Sprintf(format, i.Low), fmt.Sprintf(format, i.High)
	if low == value && high == value {
		return value
	}
	return fmt.Sprintf("%s (%s to %s)", value, low, high)
}

func spannedTime(i estimate.Interval) string {
	of := func(seconds float64) string { return shortTime(time.Duration(seconds * float64(time.Second))) }
	return fmt.Sprintf("%s (%s to %s)", of(i.Value), of(i.Low), of(i.High))
}

// compare says how what was foreseen differs from what happened.
func (r *fileRun) compare(s job.Summary) string {
	p := r.prediction
	if p == nil || p.Answered || p.Time.Value == 0 {
		return ""
	}
	took := s.Elapsed.Seconds()
	within := "outside of"
	if took >= p.Time.Low && took <= p.Time.High {
		within = "within"
	}
	return fmt.Sprintf("foreseen %s, took %s: %+.0f %%, %s the interval", spannedTime(p.Time), shortTime(s.Elapsed), 100*(took/p.Time.Value-1), within)
}

// foreseenPart compares in a report.
func (r *fileRun) foreseenPart(s job.Summary) report.Part {
	p := r.prediction
	t := report.Table{Columns: []report.Column{{Name: "what"}, {Name: "foreseen", Number: true}, {Name: "95 % interval", Number: true}, {Name: "happened", Number: true}, {Name: "difference", Number: true}}}
	row := func(name, format string, i estimate.Interval, happened float64) {
		difference := ""
		if i.Value > 0 {
			difference = fmt.Sprintf("%+.0f %%", 100*(happened/i.Value-1))
		}
		t.Rows = append(t.Rows, []string{name, fmt.Sprintf(format, i.Value), fmt.Sprintf(format+" to "+format, i.Low, i.High), fmt.Sprintf(format, happened), difference})
	}
	if !p.Answered {
		row("seconds", "%.1f", p.Time, s.Elapsed.Seconds())
	}
	asked := float64(asked(s))
	row("inputs asked", "%.0f", estimate.Interval{Value: p.Inputs, Low: p.Inputs, High: p.Inputs}, asked)
	row("tokens of prompts", "%.0f", p.PromptTokens, float64(s.PromptTokens))
	row("tokens of answers", "%.0f", p.OutputTokens, float64(s.OutputTokens))
	if r.flags.price != "" {
		row("cost", "%.4f", p.Cost, s.Cost)
	}
	return t
}

package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/estimate"
	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/job/inprocess"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/report"
	"github.com/firesteel/firesteel/internal/terminal"
)

// estimation is an estimate that is compared with the run at its end. A nil
// estimation compares nothing.
type estimation struct {
	estimate.Prediction
	priced bool
}

// calibratedTexts is the number of texts of a group up to which groups are answered for an estimate.
const calibratedTexts = 500

type estimateOptions struct {
	warm    bool          // the run follows in this process
	loading time.Duration // what it took to load the model; 0 if that is not part of the estimate
}

// estimateJob estimates what the plan takes over the rows of in, and prints the
// estimate to w. It returns nil if the plan calls no model.
func (j *fileJob) estimateJob(ctx context.Context, in files.Reader, o estimateOptions, w io.Writer) (*estimation, error) {
	if len(j.plan.ModelCalls()) == 0 {
		fmt.Fprintln(w, "no function needs a model: a run takes as long as reading and writing")
		return nil, j.printUnread(ctx, in, w)
	}
	var known func(*ai.Function, string) bool
	if j.executor.Ledger != nil {
		known = j.inLedger
	}
	fmt.Fprintf(j.err, "reading %s, then calibrating for %v\n", j.options.input, j.options.calibrate)
	census, err := estimate.Take(ctx, in, j.plan, j.executor.Models, known)
	if err != nil {
		return nil, err
	}
	defer census.Close()
	limits := j.options.ship.limits
	large := false
	if groups, ok := in.(*inprocess.Groups); ok {
		_, texts := groups.Count()
		large = texts > calibratedTexts
	}
	p, err := census.Predict(ctx, estimate.Options{
		Dry: j.hosts() != "" || large, Warm: o.warm,
		Threads: j.executor.Threads, Length: j.options.calibrate, Price: j.plan.Price,
		RequestsPerMinute: limits.RequestsPerMinute, TokensPerMinute: limits.TokensPerMinute,
	})
	if err != nil {
		return nil, err
	}
	for _, line := range j.estimateLines(ctx, in, census, p, o.loading) {
		fmt.Fprintf(w, "%-8s %s\n", line[0], line[1])
	}
	return &estimation{p, j.options.price != ""}, nil
}

// printUnread reads the input of a plan that calls no model, and prints what of it need not be read.
func (j *fileJob) printUnread(ctx context.Context, in files.Reader, w io.Writer) error {
	if j.plan.Where == nil && j.options.group == nil {
		return nil
	}
	for {
		batch, err := in.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		batch.Release()
	}
	if unread, _ := inprocess.Skipped(in); unread.String() != "" {
		fmt.Fprintf(w, "%-8s %s, in which no row meets the condition\n", "unread", unread)
	}
	return nil
}

func (j *fileJob) inLedger(_ *ai.Function, id string) bool {
	key, err := ledger.ParseKey(id)
	if err != nil {
		return false
	}
	_, found, err := j.executor.Ledger.Get(key)
	return found && err == nil
}

// estimateLines are the lines of an estimate: a keyword and a text.
func (j *fileJob) estimateLines(ctx context.Context, in files.Reader, c *estimate.Census, p estimate.Prediction, loading time.Duration) (lines [][2]string) {
	add := func(keyword, format string, args ...any) {
		lines = append(lines, [2]string{keyword, fmt.Sprintf(format, args...)})
	}
	rows := fmt.Sprintf("%d of %d rows", c.Rows, c.Read)
	if c.Rows == c.Read {
		rows = fmt.Sprintf("%d rows", c.Rows)
	}
	if c.ConditionAsks {
		rows += fmt.Sprintf(" before the calls of the condition, which keep %.0f %% of the sample", 100*p.Kept)
	}
	if groups, ok := in.(*inprocess.Groups); ok {
		n, largest := groups.Count()
		rows = fmt.Sprintf("%d groups of at most %d texts", n, largest)
	}
	add("input", "%s: %s", j.options.input, rows)
	if unread, _ := inprocess.Skipped(in); unread.String() != "" {
		add("unread", "%s, in which no row meets the condition", unread)
	}
	for _, line := range j.modelLines(ctx) {
		add("model", "%s", line)
	}
	for _, n := range c.Calls {
		line := j.callLine(n)
		if share := p.Cascades[n.Call.Text]; share != (estimate.Cascade{}) {
			line += "; of the sample, " + sentOn(share.Smaller, share.Larger)
		}
		add("calls", "%s", line)
	}
	if p.Bound {
		add("tokens", "%s of prompts, at most %.0f of answers; counted for %d rows without asking", withInterval(p.PromptTokens, "%.0f"), p.OutputTokens.High, p.Calibrated)
	} else {
		add("tokens", "%s of prompts, %s of answers; measured on %d rows in %v", withInterval(p.PromptTokens, "%.0f"), withInterval(p.OutputTokens, "%.0f"), p.Calibrated, p.Calibration.Round(100*time.Millisecond))
	}
	add("time", "%s", j.timeLine(p, loading))
	if j.options.price != "" {
		add("cost", "%s, by --price", withInterval(p.Cost, "%.4f"))
	}
	if peak := memoryPeak(); peak > 0 {
		rows := j.executor.Memory
		if rows == 0 {
			rows = inprocess.DefaultMemory
		}
		add("memory", "%s so far, and up to %s of rows under way", fetch.Bytes(peak), fetch.Bytes(rows))
	}
	if host := j.hosts(); host != "" {
		add("leaves", "%s: the prompts, with the columns %s of the rows", host, c.Leaves())
	} else {
		add("leaves", "nothing: everything is computed on this machine")
	}
	return lines
}

// callLine is the estimate of a call's inputs.
func (j *fileJob) callLine(n *estimate.Count) string {
	accuracy := ""
	switch {
	case n.Nested:
		accuracy = "at most "
	case !n.Exact:
		accuracy = "about "
	}
	text := fmt.Sprintf("%s: %d rows, %s%.0f distinct inputs", shortCell(terminal.InOneLine(j.maskedSQL(n.Call.Text))), n.Rows, accuracy, n.Distinct)
	if n.Known > 0 {
		text += fmt.Sprintf(", %.0f of them in the ledger", n.Known)
	}
	return text
}

// timeLine is the estimate of a run's time.
func (j *fileJob) timeLine(p estimate.Prediction, loading time.Duration) string {
	switch {
	case p.Answered:
		return fmt.Sprintf("the calibration answered all inputs, in %s with %d threads", shortTime(p.Calibration), j.executor.Threads)
	case p.Time.Value == 0 && j.hosts() == "":
		return fmt.Sprintf("unknown: the groups have more than %d texts, too many to calibrate with", calibratedTexts)
	case p.Time.Value == 0:
		return "unknown: it depends on the server, whose limits are not given"
	}
	text := durationWithInterval(p.Time)
	if loading > 0 {
		text += fmt.Sprintf(", and %s to load the models", shortTime(loading))
	}
	return fmt.Sprintf("%s, with %d threads", text, j.executor.Threads)
}

func withInterval(i estimate.Interval, format string) string {
	value, low, high := fmt.Sprintf(format, i.Value), fmt.Sprintf(format, i.Low), fmt.Sprintf(format, i.High)
	if low == value && high == value {
		return value
	}
	return fmt.Sprintf("%s (%s to %s)", value, low, high)
}

func durationWithInterval(i estimate.Interval) string {
	of := func(seconds float64) string { return shortTime(time.Duration(seconds * float64(time.Second))) }
	return fmt.Sprintf("%s (%s to %s)", of(i.Value), of(i.Low), of(i.High))
}

// compare is a line that compares the estimate of the time with the actual time.
func (e *estimation) compare(s job.Summary) string {
	if e == nil || e.Answered || e.Time.Value == 0 {
		return ""
	}
	took := s.Elapsed.Seconds()
	place := "outside"
	if took >= e.Time.Low && took <= e.Time.High {
		place = "within"
	}
	return fmt.Sprintf("estimated %s, took %s: %+.0f %%, %s the interval", durationWithInterval(e.Time), shortTime(s.Elapsed), 100*(took/e.Time.Value-1), place)
}

// table compares the estimate with the actual run in a report.
func (e *estimation) table(s job.Summary) report.Part {
	t := report.Table{Columns: []report.Column{{Name: "quantity"}, {Name: "estimate", Number: true}, {Name: "95 % interval", Number: true}, {Name: "actual", Number: true}, {Name: "difference", Number: true}}}
	row := func(name, format string, i estimate.Interval, actual float64) {
		difference := ""
		if i.Value > 0 {
			difference = fmt.Sprintf("%+.0f %%", 100*(actual/i.Value-1))
		}
		t.Rows = append(t.Rows, []string{name, fmt.Sprintf(format, i.Value), fmt.Sprintf(format+" to "+format, i.Low, i.High), fmt.Sprintf(format, actual), difference})
	}
	if !e.Answered {
		row("seconds", "%.1f", e.Time, s.Elapsed.Seconds())
	}
	row("inputs asked", "%.0f", estimate.Interval{Value: e.Inputs, Low: e.Inputs, High: e.Inputs}, float64(s.Asked()))
	row("tokens of prompts", "%.0f", e.PromptTokens, float64(s.PromptTokens))
	row("tokens of answers", "%.0f", e.OutputTokens, float64(s.OutputTokens))
	if e.priced {
		row("cost", "%.4f", e.Cost, s.Cost)
	}
	return t
}

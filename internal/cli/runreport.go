package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/report"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/internal/version"
)

const reportPoints = 60 // of a plot

// runReport gathers what the report of a run shows.
type runReport struct {
	file      *atomicfile.File
	begun     time.Time
	latencies latencies
	most      int // rows that are shown
	columns   []string
	rows      [][]string
}

// openReport creates the file before the model is opened.
func (r *fileRun) openReport() (err error) {
	if r.flags.report == "" {
		return nil
	}
	r.report = &runReport{begun: time.Now()}
	r.report.file, err = createFile("--report", r.flags.report, atomicfile.Options{Overwrite: r.flags.overwrite, Inputs: r.inputs()})
	return err
}

// watch listens to what is asked and written, if there is a report.
func (r *fileRun) watch() {
	if r.report == nil {
		return
	}
	if r.parts.Model != nil {
		r.report.latencies.begin()
		r.parts.Models = r.parts.Through(r.report.latencies.timed)
	}
	if r.parts.Out != nil && r.flags.reportRows > 0 {
		r.report.most = r.flags.reportRows
		r.parts.Out = &firstRows{r.parts.Out, r.report}
	}
}

// firstRows keeps the first rows that are written.
type firstRows struct {
	files.Writer
	report *runReport
}

func (w *firstRows) Write(batch arrow.RecordBatch) error {
	w.report.note(batch)
	return w.Writer.Write(batch)
}

// note keeps the first rows.
func (r *runReport) note(batch arrow.RecordBatch) {
	r.columns = nil
	for _, f := range batch.Schema().Fields() {
		r.columns = append(r.columns, f.Name)
	}
	for i := range int(batch.NumRows()) {
		if len(r.rows) >= r.most {
			return
		}
		var row []string
		for _, c := range batch.Columns() {
			text := "NULL"
			if !c.IsNull(i) {
				text = report.Shorten(c.ValueStr(i))
			}
			row = append(row, text)
		}
		r.rows = append(r.rows, row)
	}
}

func (r *fileRun) writeReport(s job.Summary) error {
	if r.report == nil {
		return nil
	}
	if err := r.page(s).Write(r.report.file); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	if err := r.report.file.Commit(); err != nil {
		return fmt.Errorf("--report: %w", overwriteHint(err))
	}
	fmt.Fprintln(r.err, "report:", r.flags.report)
	return nil
}

// page is what was done as a report.
func (r *fileRun) page(s job.Summary) report.Report {
	p := report.Report{
		Title:    "firesteel run " + r.flags.input,
		Subtitle: fmt.Sprintf("%d rows in %s", s.Rows, shortTime(s.Elapsed)),
		Footer:   fmt.Sprintf("firesteel %s, %s", version.String(), r.report.begun.UTC().Format("2 January 2006 15:04 MST")),
	}
	p.Sections = append(p.Sections,
		report.Section{Title: "What ran", Parts: []report.Part{r.whatRan()}},
		report.Section{Title: "Rows", Text: "Rows in = ok + NULL + error + skipped.", Parts: []report.Part{rowFacts(s), askFacts(s)}})
	if r.prediction != nil {
		p.Sections = append(p.Sections, report.Section{Title: "Foreseen, and what happened", Parts: []report.Part{r.foreseenPart(s)}})
	}
	if parts := r.report.timeParts(s); len(parts) > 0 {
		p.Sections = append(p.Sections, report.Section{Title: "Time", Parts: parts})
	}
	errs := report.Table{Caption: "The first rows with errors", Empty: "no row has an error",
		Columns: []report.Column{{Name: "row", Number: true}, {Name: "error", Long: true}}}
	for _, e := range s.Examples {
		errs.Rows = append(errs.Rows, []string{fmt.Sprint(e.Row), report.Shorten(r.told(e.Err))})
	}
	skipped := report.Table{Caption: "Why rows were skipped", Empty: "no row was skipped",
		Columns: []report.Column{{Name: "reason", Long: true}, {Name: "rows", Number: true}}}
	for _, reason := range slices.Sorted(maps.Keys(s.Reasons)) {
		skipped.Rows = append(skipped.Rows, []string{reason, fmt.Sprint(s.Reasons[reason])})
	}
	p.Sections = append(p.Sections,
		report.Section{Title: "Errors", Text: fmt.Sprintf("%d of %d rows have an error, %d were skipped", s.Errors, s.Rows, s.Skipped), Parts: []report.Part{errs, skipped}})
	if r.flags.reportRows > 0 {
		sample := report.Table{Caption: "The first rows of the output", Empty: "no row was written"}
		for _, name := range r.report.columns {
			sample.Columns = append(sample.Columns, report.Column{Name: name, Long: true})
		}
		sample.Rows = r.report.rows
		p.Sections = append(p.Sections, report.Section{Title: "Rows of the output", Parts: []report.Part{sample}})
	}
	return p
}

func (r *fileRun) whatRan() report.Facts {
	facts := report.Facts{{Name: "command", Value: r.command()}, {Name: "input", Value: r.flags.input}}
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, report.Fact{Name: name, Value: value})
		}
	}
	add("output", r.flags.output)
	add("ledger", r.keptIn)
	add("Spark", secret.Hide(r.flags.remote))
	if calls := r.plan.Asks(); len(calls) > 0 {
		add("model", r.info.Name)
		add("weights, SHA-256", r.info.Digest)
		add("precision", string(r.info.Precision))
		if r.flags.remote == "" {
			add("threads", fmt.Sprint(r.parts.Threads))
		}
		var prompts []string
		for _, c := range calls {
			for _, v := range c.Function.Versions() {
				if !slices.Contains(prompts, v) {
					prompts = append(prompts, v)
				}
			}
		}
		add("functions and prompts, with their versions", strings.Join(prompts, ", "))
	}
	if peak := memoryPeak(); peak > 0 {
		add("memory, at most", fetch.Bytes(peak))
	}
	return facts
}

func rowFacts(s job.Summary) report.Facts {
	return counted([]count{{"rows in", s.Rows}, {"ok", s.OK}, {"NULL", s.Null}, {"error", s.Errors}, {"skipped", s.Skipped}, {"left out", s.LeftOut}})
}

func askFacts(s job.Summary) report.Facts {
	facts := counted([]count{{"calls", s.Calls}, {"asked", asked(s)}, {"by rules", s.ByRules}, {"equal to another row's", s.Equal}, {"from the ledger", s.Kept},
		{"requests", s.Requests}, {"tokens of prompts", s.PromptTokens}, {"tokens of answers", s.OutputTokens}})
	facts = append(facts, report.Fact{Name: "rows/s", Value: fmt.Sprintf("%.1f", s.RowsPerSecond)}, report.Fact{Name: "tokens/s", Value: fmt.Sprintf("%.0f", s.TokensPerSecond)})
	if s.Cost > 0 {
		facts = append(facts, report.Fact{Name: "cost", Value: fmt.Sprintf("%.4f", s.Cost)})
	}
	return facts
}

type count struct {
	name string
	n    int64
}

func counted(counts []count) (facts report.Facts) {
	for _, c := range counts {
		facts = append(facts, report.Fact{Name: c.name, Value: fmt.Sprint(c.n)})
	}
	return facts
}

// timeParts plot throughput and latency.
func (r *runReport) timeParts(s job.Summary) []report.Part {
	var parts []report.Part
	if rows, tokens := rates(s.Points); len(rows) > 1 {
		parts = append(parts,
			report.Lines{Caption: "Rows", Note: "written between two counts", AxisX: "seconds", AxisY: "rows/s", Series: []string{"rows/s"}, Points: [][]report.Point{rows}},
			report.Lines{Caption: "Tokens", Note: "of prompts and answers, those of shared beginnings too", AxisX: "seconds", AxisY: "tokens/s", Series: []string{"tokens/s"}, Points: [][]report.Point{tokens}})
	}
	ends, median, high := r.latencies.quantiles(reportPoints)
	if len(ends) > 1 {
		var m, h []report.Point
		for i, end := range ends {
			m = append(m, report.Point{X: end.Seconds(), Y: median[i].Seconds()})
			h = append(h, report.Point{X: end.Seconds(), Y: high[i].Seconds()})
		}
		parts = append(parts, report.Lines{Caption: "Latency", Note: "how long the model took for the requests of up to 32 rows, which it is asked together",
			AxisX: "seconds", AxisY: "seconds", Series: []string{"median", "95 %"}, Points: [][]report.Point{m, h}})
	}
	return parts
}

// rates are those between points, of which there may be more than a plot needs.
func rates(points []job.Point) (rows, tokens []report.Point) {
	step := max(1, len(points)/reportPoints)
	last := job.Point{}
	for i := step - 1; i < len(points); i += step {
		p := points[i]
		if passed := (p.At - last.At).Seconds(); passed > 0 {
			rows = append(rows, report.Point{X: p.At.Seconds(), Y: float64(p.Rows-last.Rows) / passed})
			tokens = append(tokens, report.Point{X: p.At.Seconds(), Y: float64(p.Tokens-last.Tokens) / passed})
		}
		last = p
	}
	return rows, tokens
}

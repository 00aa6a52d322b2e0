package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/report"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/internal/version"
	"github.com/firesteel/firesteel/llm"
)

// reportPoints is the number of points of a plot.
const reportPoints = 60

// runFacts describe a run in its report.
type runFacts struct {
	options  *runOptions
	plan     *job.Plan
	models   askedModels
	ledger   string
	threads  int         // 0 on Spark
	estimate *estimation // nil if there is none
}

// reportPage is the report of a run.
func (a *app) reportPage(r *runReport, f runFacts, s job.Summary) report.Report {
	p := report.Report{
		Title:    "firesteel run " + f.options.input,
		Subtitle: fmt.Sprintf("%d rows in %s", s.Rows, shortTime(s.Elapsed)),
		Footer:   fmt.Sprintf("firesteel %s, %s", version.String(), r.begun.UTC().Format("2 January 2006 15:04 MST")),
	}
	p.Sections = append(p.Sections,
		report.Section{Title: "Run", Parts: []report.Part{a.runPart(f)}},
		report.Section{Title: "Rows", Text: "Rows in = ok + NULL + error + skipped.", Parts: []report.Part{rowFacts(s), callFacts(s)}})
	if f.estimate != nil {
		p.Sections = append(p.Sections, report.Section{Title: "Estimate and actual", Parts: []report.Part{f.estimate.table(s)}})
	}
	if parts := r.timeParts(s); len(parts) > 0 {
		p.Sections = append(p.Sections, report.Section{Title: "Time", Parts: parts})
	}
	p.Sections = append(p.Sections, report.Section{
		Title: "Errors", Text: fmt.Sprintf("%d of %d rows have an error, %d were skipped", s.Errors, s.Rows, s.Skipped),
		Parts: []report.Part{a.errorTable(s), skippedTable(s)},
	})
	if f.options.reportRows > 0 {
		p.Sections = append(p.Sections, report.Section{Title: "Rows of the output", Parts: []report.Part{r.rowTable()}})
	}
	return p
}

// runPart says what ran.
func (a *app) runPart(f runFacts) report.Facts {
	facts := report.Facts{{Name: "command", Value: a.command()}, {Name: "input", Value: f.options.input}}
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, report.Fact{Name: name, Value: value})
		}
	}
	add("output", f.options.output)
	add("ledger", f.ledger)
	add("Spark", secret.Hide(f.options.remote))
	if calls := f.plan.ModelCalls(); len(calls) > 0 {
		for _, m := range f.models {
			role := ""
			if m.Role != llm.Text {
				role = string(m.Role) + " "
			}
			add(role+"model", m.info.Name)
			add(role+"weights, SHA-256", m.info.Digest)
			add(role+"precision", string(m.info.Precision))
		}
		if f.threads > 0 {
			add("threads", fmt.Sprint(f.threads))
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

func callFacts(s job.Summary) report.Facts {
	facts := counted([]count{{"calls", s.Calls}, {"asked", s.Asked()}, {"by rules", s.ByRules}, {"equal to another row's", s.Equal}, {"from the ledger", s.Kept},
		{"refused by a budget", s.Refused}, {"requests", s.Requests}, {"tokens of prompts", s.PromptTokens}, {"tokens of answers", s.OutputTokens}})
	if share := sentOn(s.Smaller, s.Larger); share != "" {
		facts = append(facts, report.Fact{Name: "cascade", Value: share})
	}
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

func (a *app) errorTable(s job.Summary) report.Table {
	t := report.Table{Caption: "The first rows with errors", Empty: "no row has an error",
		Columns: []report.Column{{Name: "row", Number: true}, {Name: "error", Long: true}}}
	for _, e := range s.Examples {
		n := e.Row
		if n == 0 {
			n = e.Rows
			t.Caption, t.Columns[0].Name = "The most frequent errors", "rows"
		}
		t.Rows = append(t.Rows, []string{fmt.Sprint(n), report.Shorten(a.message(e.Err))})
	}
	return t
}

func skippedTable(s job.Summary) report.Table {
	t := report.Table{Caption: "Why rows were skipped", Empty: "no row was skipped",
		Columns: []report.Column{{Name: "reason", Long: true}, {Name: "rows", Number: true}}}
	for _, reason := range slices.Sorted(maps.Keys(s.Reasons)) {
		t.Rows = append(t.Rows, []string{reason, fmt.Sprint(s.Reasons[reason])})
	}
	return t
}

func (r *runReport) rowTable() report.Table {
	t := report.Table{Caption: "The first rows of the output", Empty: "no row was written", Rows: r.rows}
	for _, name := range r.columns {
		t.Columns = append(t.Columns, report.Column{Name: name, Long: true})
	}
	return t
}

// timeParts plot throughput and latency.
func (r *runReport) timeParts(s job.Summary) []report.Part {
	var parts []report.Part
	if rows, tokens := rates(s.Points); len(rows) > 1 {
		parts = append(parts,
			report.Lines{Caption: "Rows", Note: "written between two counts", AxisX: "seconds", AxisY: "rows/s", Series: []string{"rows/s"}, Points: [][]report.Point{rows}},
			report.Lines{Caption: "Tokens", Note: "of prompts, shared prefixes included, and of answers", AxisX: "seconds", AxisY: "tokens/s", Series: []string{"tokens/s"}, Points: [][]report.Point{tokens}})
	}
	ends, median, high := r.latencies.quantiles(reportPoints)
	if len(ends) > 1 {
		var m, h []report.Point
		for i, end := range ends {
			m = append(m, report.Point{X: end.Seconds(), Y: median[i].Seconds()})
			h = append(h, report.Point{X: end.Seconds(), Y: high[i].Seconds()})
		}
		parts = append(parts, report.Lines{Caption: "Latency", Note: "time of the model for one batch of requests, of up to 32 rows",
			AxisX: "seconds", AxisY: "seconds", Series: []string{"median", "95 %"}, Points: [][]report.Point{m, h}})
	}
	return parts
}

// rates are the rates between points, reduced to reportPoints.
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

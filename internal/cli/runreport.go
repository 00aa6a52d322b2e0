package cli

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/job/inprocess"
	"github.com/firesteel/firesteel/internal/report"
)

// runReport collects what the report of a run shows. A nil runReport collects
// nothing.
type runReport struct {
	file      *atomicfile.File
	begun     time.Time
	latencies latencies
	most      int // rows of the output
	columns   []string
	rows      [][]string
}

// openReport creates the file of the report; nil without --report. inputs are
// what the run reads.
func openReport(o *runOptions, inputs []string) (*runReport, error) {
	if o.report == "" {
		return nil, nil
	}
	file, err := createFile("--report", o.report, atomicfile.Options{Overwrite: o.overwrite, Inputs: inputs})
	if err != nil {
		return nil, err
	}
	return &runReport{file: file, begun: time.Now(), most: o.reportRows}, nil
}

func (r *runReport) abort() {
	if r != nil {
		r.file.Abort()
	}
}

// watch makes the report measure the models and keep the first rows written.
func (r *runReport) watch(e *inprocess.Executor) {
	if e.Models != nil {
		r.latencies.begin()
		e.Models = e.Models.Wrap(r.latencies.timed)
	}
	if r.most > 0 {
		e.Out = &firstRows{e.Out, r}
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

// writeReport writes the report and prints its path.
func (a *app) writeReport(r *runReport, f runFacts, s job.Summary) error {
	if r == nil {
		return nil
	}
	if err := a.reportPage(r, f, s).Write(r.file); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	if err := r.file.Commit(); err != nil {
		return fmt.Errorf("--report: %w", overwriteHint(err))
	}
	fmt.Fprintln(a.err, "report:", f.options.report)
	return nil
}

package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/lineage"
	"github.com/firesteel/firesteel/internal/terminal"
)

// fileRun is a run of a job in this process.
type fileRun struct {
	fileJob
	options  *runOptions
	out      files.Writer
	report   *runReport   // nil without --report
	estimate *estimation  // nil without --explain
	name     string       // of the input in progress lines; empty for its path
	summary  *job.Summary // once the job ran
}

func (a *app) runFile(ctx context.Context, o runOptions) error {
	r := &fileRun{fileJob: fileJob{app: a, options: &o.jobOptions}, options: &o}
	defer r.close()
	// What fails most cheaply comes first.
	for _, step := range []func(context.Context) error{r.begin, r.openOutput, r.openReport, r.openLedger, r.openModels, r.printEstimate, r.run} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *fileRun) close() {
	if r.out != nil {
		r.out.Abort()
	}
	r.report.abort()
	r.fileJob.close()
}

// begin opens the input and makes the plan.
func (r *fileRun) begin(ctx context.Context) error {
	if err := r.options.check(); err != nil {
		return err
	}
	if err := r.openInput(ctx); err != nil {
		return err
	}
	spec := r.options.spec()
	if r.table && spec.Limit == nil {
		spec.Limit = new(int64(tableRows))
	}
	return r.bind(spec)
}

func (r *fileRun) openOutput(context.Context) (err error) {
	r.out, err = r.createOutput(r.plan.Output, r.inputs())
	r.executor.Out = r.out
	return err
}

// createOutput creates the output, which must not be one of the inputs.
func (j *fileJob) createOutput(schema *arrow.Schema, inputs []string) (files.Writer, error) {
	if j.table {
		return &tableWriter{to: j.app.out, schema: schema}, nil
	}
	format, _, err := j.options.outputAs(false)
	if err != nil {
		return nil, err
	}
	o := files.WriteOptions{Format: format, Replace: j.options.overwrite, Safe: j.options.csvSafe, Stdout: j.app.out, Inputs: inputs}
	path := j.options.output
	if path == "" {
		path = "-"
	}
	if path == "-" && o.Format.IsBinary() && terminal.IsTerminal(j.app.out) {
		return nil, usagef("%s is binary, and standard output is a terminal: write it to a file by -o FILE.%[1]s", o.Format)
	}
	if j.executor.Memory > 0 {
		o.RowGroup = min(32<<20, max(j.executor.Memory/8, 1<<20))
	}
	out, err := files.Create(path, schema, o)
	if err != nil {
		return nil, overwriteHint(err)
	}
	if err := j.checkSpace(path); err != nil {
		out.Abort()
		return nil, err
	}
	if format, err := files.OutputFormat(path, o.Format); err == nil && format == files.Parquet {
		j.warnFooter(schema.NumFields(), o.RowGroup)
	}
	return out, nil
}

// inputs are the files and folders that the run reads.
func (r *fileRun) inputs() []string {
	in := []string{r.options.input, r.ledgerDir, r.options.ledger}
	if r.options.input == "-" {
		in[0] = "/dev/stdin" // the file that standard input is redirected from, if any
	}
	return r.options.ship.paths(in...)
}

func (r *fileRun) openReport(context.Context) (err error) {
	r.report, err = openReport(r.options, r.inputs())
	return err
}

// printEstimate prints the estimate for --explain. It reads the input, which the
// run reads again.
func (r *fileRun) printEstimate(ctx context.Context) (err error) {
	if !r.options.explain {
		return nil
	}
	if r.options.input == "-" {
		return usagef("standard input can be read once only; save it to a file for --explain")
	}
	o, err := r.readOptions()
	if err != nil {
		return err
	}
	if r.executor.BadRows != nil {
		o.Bad = func(files.Bad) {} // the run reports them
	}
	in, err := r.openTable(ctx, o)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := r.use(in); err != nil {
		return err
	}
	r.estimate, err = r.estimateJob(ctx, in, estimateOptions{warm: true}, r.err)
	return err
}

func (r *fileRun) run(ctx context.Context) (err error) {
	ctx, end := r.records.telemetry.Span(ctx, "firesteel job")
	defer func() { end(err, recordJob(ctx, r.records.telemetry, r.summary)...) }()
	r.records.lineage.start(ctx, r.lineage)
	if r.shared == nil {
		defer func() { r.records.lineage.end(ctx, err, &lineage.Written{Rows: r.summary.Rows, Files: 1}) }()
	}
	if r.report != nil {
		r.report.watch(&r.executor)
	}
	meter := newJobMeter(r.err, cmp.Or(r.name, r.options.input))
	r.executor.Progress, r.executor.Every = meter.step, meter.every
	s, err := r.executor.Run(ctx, r.plan)
	meter.end()
	r.summary = &s
	if err == nil && r.shared != nil && s.Skipped > 0 {
		return errSkipped
	}
	if err == nil {
		err = overwriteHint(r.out.Close())
	}
	if r.shared != nil {
		return err
	}
	if r.executor.Ledger != nil {
		if closed := r.executor.Ledger.Close(); err == nil { // Run reports the same error
			err = closed
		}
		r.executor.Ledger = nil
	}
	if err != nil {
		if r.ledgerDir != "" && s.Requests > 0 {
			fmt.Fprintf(r.err, "%d rows were done; the answers are kept in %s: run the same command again to continue\n", s.Rows, r.ledgerDir)
		}
		return err
	}
	r.printSummary(s)
	if err := r.writeReport(r.report, runFacts{
		options: r.options, plan: r.plan, models: r.asked(), ledger: r.ledgerDir, threads: r.executor.Threads, estimate: r.estimate,
	}, s); err != nil {
		return err
	}
	if err := s.Err(); err != nil || r.badInGroups == 0 {
		return err
	}
	return fmt.Errorf("%w: %d rows could not be read whole", job.ErrIncomplete, r.badInGroups)
}

package cli

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/sparkjob"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
)

// runRemote is runFile on Spark: input and output are tables, or paths as Spark
// sees them.
func (a *app) runRemote(ctx context.Context, f runFlags) error {
	if err := f.checkRemote(); err != nil {
		return err
	}
	if err := f.parseExpressions(); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	r := &fileRun{app: a, flags: f, keptIn: f.ledger}
	defer r.close()
	p := sparkjob.Plan{
		Where: f.where, Add: f.add, Errors: f.errors, Limit: f.limit, Sample: f.sample, Seed: f.seed, Ledger: f.ledger,
		Budget: f.budget(),
	}
	session, err := a.connect(ctx, f.remote, f.ship)
	if err != nil {
		return err
	}
	defer session.Close()
	defer a.queries.end()
	if p.Model, err = a.remoteModel(ctx, f.ship); err != nil {
		return err
	}
	in, err := f.remoteInput(session)
	if err != nil {
		return err
	}
	schema, err := sparkjob.Schema(ctx, in)
	if err != nil {
		return fmt.Errorf("%s: %w", f.input, err)
	}
	if err := p.Check(schema); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if r.plan, err = job.NewPlan(schema, f.where, f.add); err != nil {
		return err
	}
	r.info = p.Model
	if err := r.openReport(); err != nil {
		return err
	}
	p.Progress = func(w sparkjob.Progress) {
		a.queries.end()
		fmt.Fprintln(a.err, waveLine(w))
	}
	result, err := p.Run(ctx, session, in, func(ctx context.Context, df *spark.DataFrame) error {
		w, err := f.remoteOutput(df)
		if err != nil {
			return err
		}
		return w(ctx)
	})
	a.queries.end()
	if err != nil {
		return err
	}
	if r.report != nil && f.reportRows > 0 {
		if err := r.remoteSample(ctx, session); err != nil {
			return err
		}
	}
	r.tellRemote(result)
	if err := r.writeReport(result.Summary); err != nil {
		return err
	}
	return result.Err()
}

// remoteModel describes the default model without opening it. A server does not
// give a digest, so its model is identified by its name.
func (a *app) remoteModel(ctx context.Context, f shipFlags) (llm.Info, error) {
	set, err := f.set()
	if err != nil {
		return llm.Info{}, err
	}
	o, err := f.modelOptions(fetch.NewProgress(a.err))
	if err != nil {
		return llm.Info{}, err
	}
	m, err := models.Resolve(ctx, set.Default(), o)
	if err != nil {
		return llm.Info{}, err
	}
	if m.Info.Digest == "" {
		m.Info.Digest = "named " + m.Info.Name
	}
	return m.Info, nil
}

// checkRemote finds what does not go with --remote.
func (f *runFlags) checkRemote() error {
	for _, c := range []struct {
		given      bool
		flag, hint string
	}{
		{f.output == "" || f.output == "-", "--output is missing", "name a path as Spark sees it, or a table"},
		{f.output != "" && path.Clean(f.output) == path.Clean(f.input), "--output is the input", "write to another place"},
		{f.input == "-", "standard input", "put it where Spark reads it"},
		{len(f.ship.models) > 1, "a second --model", "a job asks one model"},
		{f.memory != "", "--memory", "Spark's own settings bound its executors"},
		{f.threads != 0, "--threads", "Spark's own settings say how many cores a task has"},
		{len(f.types) > 0, "--type", "read all as text by --all-text, or read a table"},
		{f.maxCost != nil, "--max-cost", "executors do not tell what they use; bound the rows or the tokens"},
		{f.badRows == "fail", "--bad-rows fail", "Spark reads what it cannot read as NULL"},
		{len(f.text.null) > 1, "a second --null", "Spark knows one text that means NULL"},
		{f.text.skip > 0, "--skip", "Spark has no such option; leave the lines out of the file"},
		{f.csvSafe, "--csv-safe", "Spark writes cells as they are; write the result here: 'firesteel run RESULT --csv-safe'"},
		{f.explain, "--explain", "explain a file here: 'firesteel explain FILE'"},
	} {
		if c.given {
			return fmt.Errorf("%w: with --remote, %s: %s", errUsage, c.flag, c.hint)
		}
	}
	return f.check()
}

// parseExpressions finds mistakes of form before anything is connected to.
func (f *runFlags) parseExpressions() error {
	if f.where != "" {
		if _, err := sqlexpr.Parse(f.where); err != nil {
			return fmt.Errorf("--where: %w", err)
		}
	}
	for _, text := range f.add {
		if _, err := sqlexpr.ParseAdd(text); err != nil {
			return fmt.Errorf("--add: %w", err)
		}
	}
	return nil
}

// sparkFormats are what Spark calls the formats of files.
var sparkFormats = map[files.Format]string{files.CSV: "csv", files.TSV: "csv", files.JSON: "json", files.Parquet: "parquet", files.Text: "text"}

// sparkFormat tells the format of a path by its name, unless one is given. It
// is empty for what can only be a table.
func sparkFormat(name, given string) (files.Format, error) {
	if given != "" {
		return files.ParseFormat(given)
	}
	base := strings.ToLower(path.Base(strings.TrimRight(name, "/")))
	for _, packed := range []string{".gz", ".zst"} {
		base = strings.TrimSuffix(base, packed)
	}
	if format, err := files.ParseFormat(strings.TrimPrefix(path.Ext(base), ".")); err == nil && path.Ext(base) != "" && strings.TrimSuffix(base, path.Ext(base)) != "" {
		return format, nil
	}
	if strings.Contains(name, "/") {
		return "", fmt.Errorf("the name of %s tells no format: say csv, tsv, jsonl, parquet or text by --format or --output-format", name)
	}
	return "", nil
}

func (f *runFlags) remoteInput(s *spark.Session) (*spark.DataFrame, error) {
	format, err := sparkFormat(f.input, f.text.format)
	if err != nil || format == "" {
		return s.Table(f.input), err
	}
	return f.formatted(s.Read().Format(sparkFormats[format]), format).Load(f.input), nil
}

// formatted has text read as the flags say, and CSV with names and types.
func (f *runFlags) formatted(r spark.DataFrameReader, format files.Format) spark.DataFrameReader {
	if f.text.encoding != "" {
		r = r.Option("encoding", f.text.encoding)
	}
	if format != files.CSV && format != files.TSV {
		return r
	}
	escape := f.text.escape
	if escape == "" {
		escape = `"`
	}
	r = r.Option("header", fmt.Sprint(!f.text.headless)).Option("inferSchema", fmt.Sprint(!f.allText)).
		Option("multiLine", "true").Option("escape", escape).Option("sep", f.separator(format))
	switch f.text.quote {
	case "":
	case files.None:
		r = r.Option("quote", "")
	default:
		r = r.Option("quote", f.text.quote)
	}
	if f.text.comment != "" {
		r = r.Option("comment", f.text.comment)
	}
	if len(f.text.null) > 0 {
		r = r.Option("nullValue", f.text.null[0])
	}
	return r
}

func (f *runFlags) separator(format files.Format) string {
	switch {
	case f.text.delimiter != "":
		return f.text.delimiter
	case format == files.TSV:
		return `\t`
	}
	return ","
}

func (f *runFlags) remoteOutput(df *spark.DataFrame) (func(context.Context) error, error) {
	w := df.Write()
	if f.overwrite {
		w = w.Mode("overwrite")
	}
	format, err := sparkFormat(f.output, f.outputFormat)
	if err != nil {
		return nil, err
	}
	if format == "" {
		return func(ctx context.Context) error { return w.SaveAsTable(ctx, f.output) }, nil
	}
	if format == files.CSV || format == files.TSV {
		w = w.Option("header", "true").Option("escape", `"`).Option("sep", f.separator(format))
	}
	return func(ctx context.Context) error { return w.Format(sparkFormats[format]).Save(ctx, f.output) }, nil
}

// remoteSample reads the first rows of the output for the report.
func (r *fileRun) remoteSample(ctx context.Context, s *spark.Session) error {
	f := r.flags
	format, err := sparkFormat(f.output, f.outputFormat)
	if err != nil {
		return err
	}
	df := s.Table(f.output)
	if format != "" {
		f.text = textFlags{delimiter: f.text.delimiter}
		df = f.formatted(s.Read().Format(sparkFormats[format]), format).Load(f.output)
	}
	for batch, err := range df.Limit(r.flags.reportRows).Batches(ctx) {
		if err != nil {
			return err
		}
		r.report.note(batch)
	}
	return nil
}

// waveLine says how far a job on Spark is.
func waveLine(p sparkjob.Progress) string {
	line := fmt.Sprintf("%s: %d of %d distinct inputs", shortCell(terminal.InOneLine(p.Call)), p.Done, p.Distinct)
	if known := p.Done - p.Asked; known > 0 {
		line += fmt.Sprintf(" (%d not asked again)", known)
	}
	if p.Asked > 0 {
		line += fmt.Sprintf(", %.1f inputs/s", p.RowsPerSecond)
	}
	if p.Errors > 0 {
		line += fmt.Sprintf(", %d errors", p.Errors)
	}
	if p.Left > 0 {
		line += ", " + shortTime(p.Left.Round(time.Second)) + " left"
	}
	return line
}

// tellRemote says what was done.
func (r *fileRun) tellRemote(s sparkjob.Result) {
	w := r.err
	fmt.Fprintf(w, "%d rows in = %d ok + %d null + %d error + %d skipped\n", s.Rows, s.OK, s.Null, s.Errors, s.Skipped)
	fmt.Fprintf(w, "%d distinct inputs: %d asked in %d waves, %d from the ledger; %s, %.1f rows/s\n", s.Distinct, s.Asked, s.Waves, s.Kept, shortTime(s.Elapsed), s.RowsPerSecond)
	for i, e := range s.Failures {
		if i == 3 {
			fmt.Fprintln(w, "and others; --errors COLUMN adds a column with all of them")
			break
		}
		text := r.told(e.Err)
		fmt.Fprintf(w, "%d rows: %s%s\n", e.Rows, text, r.contentHint(text))
	}
	for reason, n := range s.Reasons {
		fmt.Fprintf(w, "%d rows skipped: %s\n", n, reason)
	}
	fmt.Fprintln(w, "written:", r.flags.output)
}

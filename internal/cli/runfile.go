package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/estimate"
	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/memlimit"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// table is the output format for people.
const table = "table"

// fileRun is a run of firesteel run: what it does, and what was opened for it.
type fileRun struct {
	*app
	flags  runFlags
	plan   *job.Plan
	parts  job.Parts
	out    files.Writer
	table  bool
	keptIn string         // the ledger's directory
	memory int64          // that the process may take, in bytes; 0 for any
	models *models.Opened // nil until they are open
	info   llm.Info       // of the one that is asked unless another is named
	// prediction is what was foreseen, and report what is gathered; nil if
	// they are not asked for.
	prediction *estimate.Prediction
	report     *runReport
}

func (a *app) runFile(ctx context.Context, f runFlags) error {
	r := &fileRun{app: a, flags: f}
	defer r.close()
	// In this order, what fails costs least.
	if err := r.begin(ctx); err != nil {
		return err
	}
	if err := r.openOutput(); err != nil {
		return err
	}
	if err := r.openReport(); err != nil {
		return err
	}
	if err := r.openLedger(ctx); err != nil {
		return err
	}
	if err := r.openModel(ctx); err != nil {
		return err
	}
	if f.explain {
		if err := r.foretell(ctx); err != nil {
			return err
		}
	}
	r.watch()
	return r.run(ctx)
}

func (r *fileRun) close() {
	if r.out != nil {
		r.out.Abort()
	}
	if r.parts.Ledger != nil {
		r.parts.Ledger.Close()
	}
	if r.models != nil {
		r.models.Close()
	}
	if r.parts.In != nil {
		r.parts.In.Close()
	}
	if r.report != nil && r.report.file != nil {
		r.report.file.Abort()
	}
}

// begin opens the input, and makes the plan over its columns.
func (r *fileRun) begin(ctx context.Context) error {
	if err := r.flags.check(); err != nil {
		return err
	}
	if err := r.openInput(ctx); err != nil {
		return err
	}
	return r.makePlan()
}

// readOptions say how the input is read.
func (r *fileRun) readOptions() (o files.ReadOptions, err error) {
	f := &r.flags
	if o, err = f.text.options(); err != nil {
		return o, err
	}
	if o.Types, err = parseTypes(f.types); err != nil {
		return o, err
	}
	o.AllText = f.allText
	o.To, r.table, err = f.outputAs(terminal.IsTerminal(r.app.out))
	// For a look at the first rows, types by the first part will do.
	o.Sample = f.limit != nil || r.table
	return o, err
}

// longFile is from how many bytes on a person is told what is done before the
// first row.
const longFile = 512 << 20

func (r *fileRun) openInput(ctx context.Context) error {
	o, err := r.readOptions()
	if err != nil {
		return err
	}
	if err := r.shareMemory(); err != nil {
		return err
	}
	o.Stdin = r.in
	o.Bytes = int(min(8<<20, max(r.parts.Memory/16, 256<<10)))
	if r.flags.badRows == "keep" {
		r.parts.Bad = &job.BadRows{}
		o.Bad = r.parts.Bad.Note
	}
	if info, err := os.Stat(r.flags.input); err == nil && info.Size() > longFile && !o.Sample && !o.AllText {
		if format, err := files.FormatOf(r.flags.input); o.Format != files.Parquet && (err != nil || format != files.Parquet) {
			fmt.Fprintf(r.err, "reading %s (%s) for the types of its columns; --all-text does without\n", r.flags.input, fetch.Bytes(info.Size()))
		}
	}
	r.parts.In, err = files.Open(ctx, r.flags.input, o)
	return err
}

func (r *fileRun) makePlan() (err error) {
	f := r.flags
	if r.plan, err = job.NewPlan(r.parts.In.Schema(), f.where, f.add); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	r.plan.Errors, r.plan.Limit, r.plan.Sample, r.plan.Seed = f.errors, f.limit, f.sample, f.seed
	r.plan.Budget = f.budget()
	for _, e := range r.plan.Expressions() {
		files.Need(r.parts.In, e.Columns())
	}
	r.plan.Price, err = f.prices()
	return err
}

func (r *fileRun) openOutput() error {
	f := &r.flags
	schema, err := r.plan.Schema(r.parts.In.Schema())
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if r.table {
		if r.plan.Limit == nil {
			r.plan.Limit = new(int64(tableRows))
		}
		r.out = &tableWriter{to: r.app.out, schema: schema}
		r.parts.Out = r.out
		return nil
	}
	o := files.WriteOptions{Replace: f.overwrite, Safe: f.csvSafe, Stdout: r.app.out, Inputs: r.inputs()}
	path := f.output
	if path == "" {
		path = "-"
	}
	if o.Format, _, err = f.outputAs(false); err != nil {
		return err
	}
	if path == "-" && o.Format == files.Parquet && terminal.IsTerminal(r.app.out) {
		return fmt.Errorf("%w: Parquet is binary, and standard output is a terminal: write it to a file by -o FILE.parquet", errUsage)
	}
	if r.parts.Memory > 0 {
		o.RowGroup = min(32<<20, max(r.parts.Memory/8, 1<<20))
	}
	if r.out, err = files.Create(path, schema, o); err != nil {
		return overwriteHint(err)
	}
	if err := r.checkSpace(path); err != nil {
		return err
	}
	r.parts.Out = r.out
	if format, err := files.OutputFormat(path, o.Format); err == nil && format == files.Parquet {
		r.tellFooter(schema.NumFields(), o.RowGroup)
	}
	return nil
}

// footerBytes is about what a Parquet writer keeps of a column of a row group
// until the end, as measured on files of thousands of columns.
const footerBytes = 2 << 10

// tellFooter says by how much --memory does not bound a Parquet file of many
// columns.
func (r *fileRun) tellFooter(columns int, rowGroup int64) {
	in, err := os.Stat(r.flags.input)
	if r.memory == 0 || err != nil || !in.Mode().IsRegular() {
		return
	}
	if more := int64(columns) * footerBytes * (in.Size()/rowGroup + 1); more > r.memory/8 {
		fmt.Fprintf(r.err, "--memory %s does not bound the footer of a Parquet file: of %d columns it may take %s more; write .csv or .jsonl, or give more, which makes fewer row groups\n",
			r.flags.memory, columns, fetch.Bytes(more))
	}
}

// inputs are the files and folders that the run reads.
func (r *fileRun) inputs() []string {
	in := []string{r.flags.input, r.keptIn, r.flags.ledger}
	if r.flags.input == "-" {
		in[0] = "/dev/stdin" // the file that it is redirected from, if any
	}
	return r.flags.ship.paths(in...)
}

// checkSpace asks whether there is room for about as much as is read.
func (r *fileRun) checkSpace(path string) error {
	if path == "-" {
		return nil
	}
	in, err := os.Stat(r.flags.input)
	if r.flags.input == "-" || err != nil || !in.Mode().IsRegular() {
		return nil
	}
	need := in.Size()
	for _, packed := range []string{".parquet", ".pq", ".gz", ".zst"} {
		if strings.HasSuffix(strings.ToLower(path), packed) {
			need = in.Size() / 4
		}
	}
	if err := fetch.CheckSpace(filepath.Dir(path), need); err != nil {
		return fmt.Errorf("%w; make room, or write to a place on another disk", err)
	}
	return nil
}

func (r *fileRun) openLedger(ctx context.Context) (err error) {
	if r.flags.noLedger || len(r.plan.Asks()) == 0 {
		return nil
	}
	if r.keptIn = r.flags.ledger; r.keptIn == "" {
		if r.keptIn, err = defaultLedger(); err != nil {
			return err
		}
	}
	if r.parts.Ledger, err = ledger.Open(ctx, r.keptIn); err != nil {
		return fmt.Errorf("%w; --ledger DIRECTORY names another, and --no-ledger keeps none", err)
	}
	if n := r.parts.Ledger.Damaged(); n > 0 {
		fmt.Fprintf(r.err, "the ledger %s has %s that cannot be read; what was kept there is asked again\n", r.keptIn, fetch.Bytes(n))
	}
	return nil
}

func (r *fileRun) openModel(ctx context.Context) (err error) {
	calls := r.plan.Asks()
	if len(calls) == 0 {
		return nil
	}
	r.parts.Threads = r.flags.threads
	if r.parts.Threads == 0 {
		r.parts.Threads = runtime.GOMAXPROCS(0)
	}
	r.flags.ship.threads = r.parts.Threads
	r.flags.ship.trouble = func(err error) { fmt.Fprintln(r.err, r.told(err)) }
	if r.models, err = openModels(ctx, r.flags.ship, fetch.NewProgress(r.err)); err != nil {
		return err
	}
	r.parts.Models = job.Models{Model: r.models.Default(), Named: r.models.Model}
	r.info = r.parts.Model.Info()
	if err := r.checkMemory(); err != nil {
		return err
	}
	set, _ := r.flags.ship.set() // errors are reported where the flags are checked
	said := map[string]bool{}
	for _, c := range calls {
		if c.Function.NamesModel() && len(set) > 1 {
			continue // which one rows name is not known
		}
		if advice := ai.Advice(c.Function, r.info); advice != "" && !said[advice] {
			said[advice] = true
			fmt.Fprintln(r.err, advice)
		}
		if c.Quoted != "" {
			fmt.Fprintf(r.err, "%s asks about the word %q itself, the same in every row; for the column of that name, write it without quotes\n", r.maskedSQL(c.Text), c.Quoted)
		}
	}
	return nil
}

func (r *fileRun) run(ctx context.Context) error {
	meter := newJobMeter(r.err, r.flags.input)
	r.parts.Progress, r.parts.Every = meter.step, meter.every
	s, err := r.plan.Run(ctx, r.parts)
	meter.end()
	if err == nil {
		err = overwriteHint(r.out.Close())
	}
	if r.parts.Ledger != nil {
		if closed := r.parts.Ledger.Close(); err == nil { // or it was told already
			err = closed
		}
		r.parts.Ledger = nil
	}
	if err != nil {
		if r.keptIn != "" && s.Requests > 0 {
			fmt.Fprintf(r.err, "%d rows were done; what was answered is kept in %s: run the same again to go on\n", s.Rows, r.keptIn)
		}
		return err
	}
	r.tell(s)
	if err := r.writeReport(s); err != nil {
		return err
	}
	return s.Err()
}

// shareMemory divides what --memory allows among rows, the engine's caches and
// the rest.
func (r *fileRun) shareMemory() error {
	if r.flags.memory == "" {
		return nil
	}
	total, err := parseBytes(r.flags.memory)
	r.memory = total
	if err == nil && total < leastMemory {
		err = fmt.Errorf("%s are too few; %s are the least", fetch.Bytes(total), fetch.Bytes(leastMemory))
	}
	if err != nil {
		return fmt.Errorf("%w: --memory: %w", errUsage, err)
	}
	r.parts.Memory = min(total/8, 256<<20)
	r.flags.ship.cache = min(total/8, 256<<20)
	memlimit.SetTo(total)
	return nil
}

const leastMemory = 64 << 20

// checkMemory says that the model leaves no room for work, before any is done.
func (r *fileRun) checkMemory() error {
	if r.memory == 0 {
		return nil
	}
	debug.FreeOSMemory()
	if now := memoryNow(); now > r.memory-r.parts.Memory {
		return fmt.Errorf("the model takes %s, which leaves no room in --memory %s: give %s, or take a smaller model by --model",
			fetch.Bytes(now), r.flags.memory, fetch.Bytes(now+now/4+leastMemory))
	}
	return nil
}

// callCounts says how calls were answered.
func callCounts(s job.Summary) string {
	if s.ByRules == s.Calls {
		return fmt.Sprintf("%d calls: all by rules, without a model", s.Calls)
	}
	rules := ""
	if s.ByRules > 0 {
		rules = fmt.Sprintf(", %d by rules", s.ByRules)
	}
	text := fmt.Sprintf("%d calls: %d asked, %d equal to another row's, %d from the ledger%s; %d requests, %d tokens",
		s.Calls, asked(s), s.Equal, s.Kept, rules, s.Requests, s.PromptTokens+s.OutputTokens)
	if s.Cost > 0 {
		text += fmt.Sprintf(", cost %.4f", s.Cost)
	}
	return text
}

// asked counts the calls that a model answered in this run.
func asked(s job.Summary) int64 { return s.Calls - s.ByRules - s.Equal - s.Kept }

// tell says what was done.
func (r *fileRun) tell(s job.Summary) {
	w := r.err
	fmt.Fprintf(w, "%d rows in = %d ok + %d null + %d error + %d skipped", s.Rows, s.OK, s.Null, s.Errors, s.Skipped)
	if s.LeftOut > 0 {
		fmt.Fprintf(w, "; %d left out", s.LeftOut)
	}
	fmt.Fprintln(w)
	if s.Calls > 0 {
		fmt.Fprintln(w, callCounts(s))
	}
	fmt.Fprintf(w, "%s, %.1f rows/s, %.0f tokens/s", shortTime(s.Elapsed), s.RowsPerSecond, s.TokensPerSecond)
	if peak := memoryPeak(); peak > 0 {
		fmt.Fprintf(w, ", at most %s of memory", fetch.Bytes(peak))
	}
	fmt.Fprintln(w)
	if text := r.compare(s); text != "" {
		fmt.Fprintln(w, text)
	}
	for _, e := range s.Examples[:min(len(s.Examples), 3)] {
		text := r.told(e.Err)
		fmt.Fprintf(w, "row %d: %s%s\n", e.Row, text, r.contentHint(text))
	}
	if more := s.Errors - 3; more > 0 {
		hint := "--errors COLUMN adds a column with all of them"
		if r.flags.errors != "" {
			hint = "see the column " + r.flags.errors
		}
		fmt.Fprintf(w, "and %d more errors; %s\n", more, hint)
	}
	for reason, n := range s.Reasons {
		fmt.Fprintf(w, "%d rows skipped: %s\n", n, reason)
	}
	if r.table && s.Rows == tableRows && r.flags.limit == nil {
		fmt.Fprintf(w, "these are the first %d rows: --limit N shows more, -o FILE writes all\n", tableRows)
	}
	if r.flags.output != "" && r.flags.output != "-" {
		fmt.Fprintln(w, "written:", r.flags.output)
	}
}

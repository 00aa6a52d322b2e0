package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/lineage"
	"github.com/firesteel/firesteel/llm/models"
)

// folderFile is the file in an output folder that says by which run it is filled.
const folderFile = "_firesteel.json"

// folderRun runs a job over files one by one, and writes a folder with a file for each.
type folderRun struct {
	*app
	options    runOptions
	inputs     []files.Input
	partitions []arrow.Field // of all inputs
	format     files.Format  // of the outputs; empty is that of the input
	shared     sharedRun
	total      job.Summary
	begun      time.Time
	done       int // files that were there before
}

// sharedRun is what the runs over several files share.
type sharedRun struct {
	models      *models.Opened
	modelMemory map[string]int64
	ledger      *ledger.Ledger
	ledgerDir   string
}

func (s *sharedRun) close() {
	if s.ledger != nil {
		s.ledger.Close()
	}
	if s.models != nil {
		s.models.Close()
	}
}

// errSkipped means that a budget did not reach all rows of a file, which is then not written.
var errSkipped = errors.New("a budget is used up")

// findInputs sets the files of the job if the arguments are not a single file. It is done before anything is read.
func (o *jobOptions) findInputs(arguments []string) error {
	o.input = arguments[0]
	if len(arguments) == 1 {
		info, err := os.Stat(o.input)
		if o.input == "-" || err == nil && !info.IsDir() || err != nil && !strings.ContainsAny(o.input, "*?[") {
			return nil // a single file, or the error of opening it
		}
	}
	for _, path := range arguments {
		if path == "-" {
			return usagef("standard input is not one of several files")
		}
	}
	var err error
	if o.inputs, err = files.FindInputs(arguments, o.text.format != ""); err != nil {
		return err
	}
	if len(arguments) > 1 {
		o.input = fmt.Sprintf("%d files", len(o.inputs))
	}
	return nil
}

// toFolder reports whether the output is a folder: its name ends with a slash, or is that of a folder.
func (o *jobOptions) toFolder() bool {
	if o.output == "" || o.output == "-" {
		return false
	}
	info, err := os.Stat(o.output)
	return strings.HasSuffix(o.output, "/") || strings.HasSuffix(o.output, string(filepath.Separator)) || err == nil && info.IsDir()
}

func (a *app) runFolder(ctx context.Context, o runOptions) (err error) {
	if o.inputs == nil {
		o.inputs = []files.Input{{Path: o.input, Rel: filepath.Base(o.input)}}
	}
	switch {
	case o.report != "" || o.explain:
		return usagef("--report and --explain are for one output; write one file by -o FILE, or estimate the job by 'firesteel explain'")
	case o.limit != nil || o.group != nil:
		return usagef("--limit and --group-by are over all rows; write one file by -o FILE")
	}
	if err := o.check(); err != nil {
		return err
	}
	f := &folderRun{app: a, options: o, inputs: o.inputs, partitions: files.PartitionFields(o.inputs), begun: time.Now()}
	written := 0
	defer func() { a.records.lineage.end(ctx, err, &lineage.Written{Rows: f.total.Rows, Files: int64(written)}) }()
	defer f.shared.close()
	if o.outputFormat != "" {
		if f.format, err = files.ParseFormat(o.outputFormat); err != nil {
			return usagef("--output-format: %w", err)
		}
	}
	for _, in := range f.inputs {
		if _, err := files.OutputFormat(files.OutputName(in, o.output, f.format), f.format); err != nil {
			return err
		}
	}
	if err := f.prepare(); err != nil {
		return err
	}
	for i, in := range f.inputs {
		err := f.file(ctx, i, in)
		if errors.Is(err, errSkipped) {
			f.summarize()
			return fmt.Errorf("%w: %w: %d of %d files are written; the answers so far are kept: run the same command again to continue", job.ErrIncomplete, err, i, len(f.inputs))
		}
		if err != nil {
			if i > 0 {
				fmt.Fprintf(a.err, "%d of %d files are written: run the same command again to continue\n", i, len(f.inputs))
			}
			return err
		}
		written = i + 1
	}
	f.summarize()
	return f.total.Err()
}

// prepare makes the output folder, or checks that it is that of the same run.
func (f *folderRun) prepare() error {
	out, err := filepath.Abs(f.options.output)
	if err != nil {
		return err
	}
	seen := map[string]string{}
	for _, in := range f.inputs {
		if other, twice := seen[in.Rel]; twice {
			return usagef("%s and %s would be the same file in %s; give their common folder", other, in.Path, f.options.output)
		}
		seen[in.Rel] = in.Path
		path, err := filepath.Abs(in.Path)
		if err != nil {
			return err
		}
		if strings.HasPrefix(path, out+string(filepath.Separator)) {
			return usagef("-o %s: the input %s is in this folder", f.options.output, in.Path)
		}
		if root := strings.TrimSuffix(filepath.ToSlash(path), "/"+in.Rel); strings.Contains(in.Rel, "/") && strings.HasPrefix(filepath.ToSlash(out)+"/", root+"/") {
			return usagef("-o %s: the folder is in that of the input, %s", f.options.output, filepath.FromSlash(root))
		}
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	want := f.identity()
	path := filepath.Join(out, folderFile)
	text, err := os.ReadFile(path)
	var have folderIdentity
	switch {
	case err == nil && json.Unmarshal(text, &have) != nil:
		return fmt.Errorf("%s is malformed; remove the folder, or choose another", path)
	case err == nil && have == want || f.options.overwrite:
	case err == nil:
		return fmt.Errorf("%s has the output of another run, with other columns, conditions or models; choose another folder, or --overwrite", f.options.output)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		if entries, err := os.ReadDir(out); err != nil || len(entries) > 0 {
			return errors.Join(err, fmt.Errorf("%s is not empty and not the output of a run; choose another folder, or --overwrite", f.options.output))
		}
	}
	text, err = json.MarshalIndent(want, "", "  ")
	if err != nil {
		return err
	}
	w, err := atomicfile.Create(path, atomicfile.Options{Overwrite: true})
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := w.Write(append(text, '\n')); err != nil {
		return err
	}
	return w.Commit()
}

// folderIdentity identifies what a folder is filled by.
type folderIdentity struct {
	Job string `json:"job"` // a digest of the options that change rows
}

func (f *folderRun) identity() folderIdentity {
	o := f.options
	text, _ := json.Marshal([]any{o.add, o.where, o.keep, o.drop, o.sample, o.seed, o.errors, o.outputFormat, o.csvSafe, o.ship.models, o.ship.precision, o.types, o.allText, o.badRows, o.text.format})
	sum := sha256.Sum256(text)
	return folderIdentity{hex.EncodeToString(sum[:])}
}

// file runs the job over one file, unless its output is there.
func (f *folderRun) file(ctx context.Context, at int, in files.Input) error {
	o := f.options
	o.input, o.inputs, o.output = in.Path, nil, files.OutputName(in, f.options.output, f.format)
	if _, err := os.Lstat(o.output); err == nil && !o.overwrite {
		f.done++
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(o.output), 0o777); err != nil {
		return err
	}
	o.budgetFlags = f.budgetLeft()
	r := &fileRun{fileJob: fileJob{app: f.app, options: &o.jobOptions, shared: &f.shared, partitions: f.partitions, from: in}, options: &o,
		name: fmt.Sprintf("file %d of %d, %s", at+1, len(f.inputs), in.Rel)}
	defer r.close()
	for _, step := range []func(context.Context) error{r.begin, r.openOutput, r.openLedger, r.openModels, r.run} {
		if err := step(ctx); err != nil {
			if s := r.summary; s != nil {
				f.add(in, *s)
			}
			return err
		}
	}
	f.add(in, *r.summary)
	return nil
}

// add adds the counts of a file.
func (f *folderRun) add(in files.Input, s job.Summary) {
	t := &f.total
	for _, c := range []struct {
		to *int64
		n  int64
	}{{&t.Rows, s.Rows}, {&t.OK, s.OK}, {&t.Null, s.Null}, {&t.Errors, s.Errors}, {&t.Skipped, s.Skipped}, {&t.LeftOut, s.LeftOut}, {&t.Calls, s.Calls}, {&t.ByRules, s.ByRules}, {&t.Equal, s.Equal}, {&t.Kept, s.Kept},
		{&t.Refused, s.Refused}, {&t.Smaller, s.Smaller}, {&t.Larger, s.Larger}, {&t.Requests, s.Requests}, {&t.PromptTokens, s.PromptTokens}, {&t.OutputTokens, s.OutputTokens}} {
		*c.to += c.n
	}
	t.Cost += s.Cost
	t.Unread = t.Unread.Plus(s.Unread)
	for _, e := range s.Examples {
		if len(t.Examples) < shownErrors {
			e.Err = fmt.Errorf("%s: %w", in.Rel, e.Err)
			t.Examples = append(t.Examples, e)
		}
	}
	if t.Reasons == nil {
		t.Reasons = map[string]int64{}
	}
	for reason, n := range s.Reasons {
		t.Reasons[reason] += n
	}
}

// budgetLeft is the budget of the files that follow.
func (f *folderRun) budgetLeft() budgetFlags {
	b, t := f.options.budgetFlags, &f.total
	left := func(of *int64, spent int64) *int64 {
		if of == nil {
			return nil
		}
		return new(max(0, *of-spent))
	}
	b.maxRows, b.maxErrors = left(b.maxRows, t.OK), left(b.maxErrors, t.Errors)
	b.maxTokens = left(b.maxTokens, t.PromptTokens+t.OutputTokens)
	if b.maxCost != nil {
		b.maxCost = new(max(0, *b.maxCost-t.Cost))
	}
	if b.maxTime != nil {
		b.maxTime = new(max(0, *b.maxTime-time.Since(f.begun)))
	}
	return b
}

// summarize prints what was done.
func (f *folderRun) summarize() {
	s := f.total
	if f.done > 0 {
		fmt.Fprintf(f.err, "%d of %d files were written before; --overwrite computes them again\n", f.done, len(f.inputs))
	}
	s.Elapsed = time.Since(f.begun)
	seconds := max(s.Elapsed.Seconds(), 1e-9)
	s.RowsPerSecond, s.TokensPerSecond = float64(s.Rows)/seconds, float64(s.PromptTokens+s.OutputTokens)/seconds
	(&fileRun{fileJob: fileJob{app: f.app}, options: &f.options}).printSummary(s)
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/job/inprocess"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/llm/models"
)

// fileJob is a job over a file in this process, as run and explain prepare it.
type fileJob struct {
	*app
	options     *jobOptions
	plan        *job.Plan
	executor    inprocess.Executor
	groups      *inprocess.Groups // the input with --group-by; nil without
	table       bool              // the output is a table for people
	ledgerDir   string            // empty for no ledger
	badInGroups int               // rows of groups that could not be read whole
	memory      int64             // bound of the process in bytes; 0 sets none
	cache       int64             // of it for the engine's caches; 0 is the engine's default
	models      *models.Opened    // nil until they are open
	shared      *sharedRun        // with the runs over other files; nil if there are none
	partitions  []arrow.Field     // partition columns of the file, which its path keeps
	from        files.Input
	// modelMemory is the memory in bytes that each model takes, by its reference.
	modelMemory map[string]int64
}

func (j *fileJob) close() {
	if j.executor.Ledger != nil && j.shared == nil {
		j.executor.Ledger.Close()
	}
	if j.models != nil && j.shared == nil {
		j.models.Close()
	}
	if j.executor.In != nil {
		j.executor.In.Close()
	}
}

// readOptions returns how the input is read.
func (j *fileJob) readOptions() (o files.ReadOptions, err error) {
	if o, err = j.options.text.options(); err != nil {
		return o, err
	}
	if o.Types, err = parseTypes(j.options.types); err != nil {
		return o, err
	}
	o.AllText = j.options.allText
	if o.To, j.table, err = j.options.outputAs(terminal.IsTerminal(j.app.out)); err != nil {
		return o, err
	}
	// The first rows need the types of the first part of the file only.
	o.Sample = j.options.limit != nil || j.table
	return o, nil
}

// longFile is the size from which on a message explains the wait for the first
// row.
const longFile = 512 << 20

func (j *fileJob) openInput(ctx context.Context) error {
	o, err := j.readOptions()
	if err != nil {
		return err
	}
	if err := j.shareMemory(); err != nil {
		return err
	}
	o.Stdin = j.in
	input := j.options.input
	o.Bytes = int(min(8<<20, max(j.executor.Memory/16, 256<<10)))
	switch {
	case j.options.badRows != "keep":
	case j.options.group != nil:
		o.Bad = func(b files.Bad) {
			if j.badInGroups++; j.badInGroups == 1 {
				fmt.Fprintf(j.err, "%s: what cannot be read is left out of its group: %s\n", input, j.message(b.Reason))
			}
		}
	default:
		j.executor.BadRows = &inprocess.BadRows{}
		o.Bad = j.executor.BadRows.Note
	}
	if info, err := os.Stat(input); err == nil && info.Size() > longFile && !o.Sample && !o.AllText {
		if format, err := files.FormatOf(input); !o.Format.IsBinary() && (err != nil || !format.IsBinary()) {
			fmt.Fprintf(j.err, "reading %s (%s) to infer the types of its columns; --all-text avoids this\n", input, fetch.Bytes(info.Size()))
		}
	}
	if j.executor.In, err = j.openTable(ctx, o); err == nil {
		j.groups, _ = j.executor.In.(*inprocess.Groups)
	}
	return err
}

// openTable opens the input, and groups its rows with --group-by.
func (j *fileJob) openTable(ctx context.Context, o files.ReadOptions) (files.Reader, error) {
	var in files.Reader
	var err error
	if j.options.inputs != nil {
		in, err = files.OpenAll(ctx, j.options.inputs, o)
	} else if in, err = files.Open(ctx, j.options.input, o); err == nil {
		in, err = files.WithPartitions(in, j.from, j.partitions)
	}
	if err != nil || j.options.group == nil {
		return in, err
	}
	memory := j.executor.Memory
	if memory == 0 {
		memory = inprocess.DefaultMemory
	}
	groups, err := inprocess.NewGroups(in, j.options.group, j.options.where, memory)
	if err != nil {
		in.Close()
		var expression *job.ExpressionError
		if errors.As(err, &expression) {
			return nil, specError(err)
		}
		return nil, usagef("--group-by: %w", err)
	}
	return groups, nil
}

// use declares which columns and rows the plan reads.
func (j *fileJob) use(in files.Reader) error {
	for _, e := range j.plan.Expressions() {
		if groups, ok := in.(*inprocess.Groups); ok {
			groups.Use(e.Columns())
		} else {
			files.Need(in, e.Columns())
		}
	}
	return inprocess.Prune(in, j.plan)
}

// bind makes the plan over the columns of the input.
func (j *fileJob) bind(spec job.Spec) (err error) {
	if j.groups != nil {
		spec.Where, spec.Drop = "", j.groups.Lists()
	}
	for _, f := range j.partitions { // the path of the output has them
		spec.Drop = append(spec.Drop, f.Name)
		spec.Select = slices.DeleteFunc(slices.Clone(spec.Select), func(name string) bool { return name == f.Name })
	}
	if j.plan, err = spec.Bind(j.executor.In.Schema()); err != nil {
		if j.groups == nil && strings.Contains(err.Error(), "collect_list(") {
			return fmt.Errorf("%w\n  --group-by COLUMN makes lists of the texts of groups, and --group-by '' one list of all rows", specError(err))
		}
		return specError(err)
	}
	j.noteHidden(j.plan.Hidden)
	return j.use(j.executor.In)
}

// noteHidden says once which columns are not written because others mask them.
func (a *app) noteHidden(columns []string) {
	if len(columns) > 0 {
		a.printAdvice(fmt.Sprintf("not written, because an added column masks it: %s; --select with the columns to write keeps it", strings.Join(columns, ", ")))
	}
}

func (j *fileJob) openLedger(ctx context.Context) (err error) {
	if j.options.noLedger || len(j.plan.ModelCalls()) == 0 {
		return nil
	}
	if j.shared != nil && j.shared.ledger != nil {
		j.executor.Ledger, j.ledgerDir = j.shared.ledger, j.shared.ledgerDir
		return nil
	}
	if j.ledgerDir = j.options.ledger; j.ledgerDir == "" {
		if j.ledgerDir, err = defaultLedger(); err != nil {
			return err
		}
	}
	if j.executor.Ledger, err = ledger.Open(ctx, j.ledgerDir); err != nil {
		return fmt.Errorf("%w; --ledger DIRECTORY names another directory, and --no-ledger keeps no answers", err)
	}
	if j.shared != nil {
		j.shared.ledger, j.shared.ledgerDir = j.executor.Ledger, j.ledgerDir
	}
	if n := j.executor.Ledger.Damaged(); n > 0 {
		fmt.Fprintf(j.err, "%s of the ledger %s cannot be read; these answers are computed again\n", fetch.Bytes(n), j.ledgerDir)
	}
	return nil
}

func (j *fileJob) openModels(ctx context.Context) (err error) {
	calls := j.plan.ModelCalls()
	if len(calls) == 0 {
		return nil
	}
	j.executor.Threads = j.options.threads
	if j.executor.Threads == 0 {
		j.executor.Threads = runtime.GOMAXPROCS(0)
	}
	if j.shared != nil && j.shared.models != nil {
		j.models, j.modelMemory = j.shared.models, j.shared.modelMemory
		j.executor.Models = j.models
		return nil
	}
	o, err := j.options.ship.modelOptions(fetch.NewProgress(j.err))
	if err != nil {
		return err
	}
	o.Threads, o.PrefixBytes, o.AnswerBytes = j.executor.Threads, j.cache, int(j.cache/8)
	o.Server.Retrying = func(err error) { fmt.Fprintln(j.err, j.message(err)) }
	j.modelMemory = map[string]int64{}
	if j.models, err = j.lazyModels(j.options.ship, o, func(r models.Reference, memory int64) {
		j.modelMemory[r.String()] = memory
	}); err != nil {
		return err
	}
	if j.shared != nil {
		j.shared.models, j.shared.modelMemory = j.models, j.modelMemory
	}
	j.executor.Models = j.models
	if err := openAsked(ctx, j.models, j.plan.Asks()); err != nil {
		return err
	}
	if note := movedNote(j.models.Set()); note != "" {
		fmt.Fprintln(j.err, note)
	}
	if err := j.checkMemory(); err != nil {
		return err
	}
	j.advise()
	return nil
}

// advise warns of models that are weak at a function, and of arguments that look
// like columns.
func (j *fileJob) advise() {
	for _, c := range j.plan.ModelCalls() {
		for _, asked := range job.Infos(j.models, c.Asks()) {
			j.printAdvice(adviceText(c.Function, asked))
		}
		if c.Quoted != "" {
			fmt.Fprintf(j.err, "%s takes the word %q itself, the same in every row; for the column of that name, write it without quotes\n", j.maskedSQL(c.Text), c.Quoted)
		}
	}
}

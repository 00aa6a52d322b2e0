package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/job/onspark"
	"github.com/firesteel/firesteel/llm"
)

// table is the output format for people.
const table = "table"

// jobOptions are the options that run and explain share.
type jobOptions struct {
	ship    shipFlags
	threads int

	input   string
	inputs  []files.Input // of several files or a folder; nil for one file
	text    textFlags
	allText bool
	types   []string
	badRows string

	add    []string
	where  string
	keep   []string // --select; nil keeps all columns
	drop   []string
	group  []string // nil for no groups; empty for one group of all rows
	limit  *int64
	sample *float64
	seed   uint64

	output       string
	outputFormat string
	overwrite    bool
	csvSafe      bool
	errors       string

	ledger   string
	noLedger bool
	memory   string

	budgetFlags

	calibrate time.Duration
}

// oneFile takes the input, the one argument.
func oneFile(input *string) cobra.PositionalArgs {
	optional := atMostOneFile(input)
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%w: '%s' takes one file, or - for standard input, but got no arguments; see '%s --help'", errUsage, c.CommandPath(), c.CommandPath())
		}
		return optional(c, args)
	}
}

// someFiles takes the inputs, at least one argument.
func someFiles(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: '%s' takes files or folders, or - for standard input, but got no arguments; see '%s --help'", errUsage, c.CommandPath(), c.CommandPath())
	}
	for _, arg := range args {
		if strings.ContainsAny(arg, "()") && len(args) > 1 {
			if _, err := os.Stat(arg); err != nil {
				return fmt.Errorf("%w: '%s' got %q; put an expression with spaces in quotes, as in --add \"mood=ai_analyze_sentiment(text)\"", errUsage, c.CommandPath(), args)
			}
		}
	}
	return nil
}

// atMostOneFile takes the input, an argument that may be missing.
func atMostOneFile(input *string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) > 1 && c.Flags().Lookup("add") != nil:
			return fmt.Errorf("%w: '%s' takes one file, but got %q; put an expression with spaces in quotes, as in --add \"mood=ai_analyze_sentiment(text)\"", errUsage, c.CommandPath(), args)
		case len(args) > 1:
			return fmt.Errorf("%w: '%s' takes one file, but got %q", errUsage, c.CommandPath(), args)
		case len(args) == 1:
			*input = args[0]
		}
		return nil
	}
}

func (o *jobOptions) addTo(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVar(&o.add, "add", nil, "column to add, name=expression (may be repeated)")
	flags.StringVar(&o.where, "where", "", "keep only the rows for which this condition is true")
	flags.StringSliceVar(&o.keep, "select", nil, "columns of the input to write, in this order, before the added ones (default: all)")
	flags.StringSliceVar(&o.drop, "drop", nil, "columns of the input that are not written; expressions can use them")
	flags.StringSliceVar(&o.group, "group-by", nil, "make a row of each group of rows that are equal in these columns ('' makes one group of all rows), for ai_agg and ai_summarize_agg")
	optionalInt(flags, &o.limit, "limit", "n", "stop after this many rows (default: all)")
	optionalFloat(flags, &o.sample, "sample", "take this share of the rows at random, such as 0.01")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of --sample")
	o.addOutput(c)
	flags.StringVar(&o.errors, "errors", "", "name of a column to add that holds the reason why a row has no answer")
	o.addInput(c)
	flags.StringVar(&o.badRows, "bad-rows", "keep", "rows that cannot be read whole: keep (the missing part is NULL, the row counts as an error) or fail")
	o.addAsking(c)
	flags.StringVar(&o.memory, "memory", "", "memory of the whole process, such as 2GB (default: what the model needs, and 128 MB of rows)")

	o.budgetFlags.add(flags)
	flags.DurationVar(&o.calibrate, "calibrate", 20*time.Second, "about how long to calibrate for an estimate")
}

// addInput adds the flags of how a file is read.
func (o *jobOptions) addInput(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&o.text.format, "format", "", "csv, tsv, jsonl, parquet, arrow, avro or text (default: by the file's name)")
	o.text.add(flags)
	flags.BoolVar(&o.text.headless, "no-header", false, "the CSV has no header; its columns are named _c0, _c1, ...")
	flags.BoolVar(&o.allText, "all-text", false, "do not infer types: all columns of CSV and JSON are STRING")
	flags.StringArrayVar(&o.types, "type", nil, "type of a column instead of the inferred one, as in zip=STRING (may be repeated)")
}

// addOutput adds the flags of the file that is written.
func (o *jobOptions) addOutput(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVarP(&o.output, "output", "o", "", "file to write, its format by its name (default: standard output)")
	flags.StringVar(&o.outputFormat, "output-format", "", "csv, tsv, jsonl, parquet, arrow, text, or table (default: by the file's name)")
	flags.BoolVar(&o.overwrite, "overwrite", false, overwriteUsage)
	flags.BoolVar(&o.csvSafe, "csv-safe", false, "put an apostrophe before cells of CSV output that a spreadsheet would run as formulas")
}

// addAsking adds the flags of the models and of the ledger.
func (o *jobOptions) addAsking(c *cobra.Command) {
	flags := c.Flags()
	o.ship.addModels(c)
	o.ship.addLimits(c)
	flags.StringVar(&o.ship.precision, "precision", string(llm.Auto), "precision of the weights in memory: auto, f32, int8 or file (quantized weights stay as in the file: the least memory)")
	flags.IntVar(&o.threads, "threads", 0, "cores to compute on (default: all)")
	flags.StringVar(&o.ledger, "ledger", "", "directory that keeps answers (default: ledger in firesteel's cache)")
	flags.BoolVar(&o.noLedger, "no-ledger", false, "keep no answers on disk")
}

// check reports mistakes that show before anything is opened.
func (o *jobOptions) check() error {
	switch {
	case o.group != nil && o.sample != nil:
		return usagef("--sample takes rows and --group-by makes groups of them: write the sample to a file first, and group that file")
	case o.group != nil && (o.keep != nil || o.drop != nil):
		return usagef("--select and --drop are for rows; a group has the columns of --group-by and the added ones")
	case len(o.add) == 0 && o.where == "" && o.sample == nil && o.limit == nil && o.group == nil && o.keep == nil && o.drop == nil:
		return usagef(`there is nothing to do: add a column, as in --add "sentiment=ai_analyze_sentiment(text)"`)
	case negative(o.limit) || o.threads < 0:
		return usagef("--limit and --threads must be at least 0")
	case negative(o.sample) || o.sample != nil && *o.sample > 1:
		return usagef("--sample is a share of the rows, from 0 to 1; for a number of rows use --limit")
	case o.noLedger && o.ledger != "":
		return usagef("--ledger and --no-ledger exclude each other")
	case o.badRows != "keep" && o.badRows != "fail":
		return usagef("--bad-rows is keep or fail, not %q", o.badRows)
	case o.output != "" && o.outputFormat == table:
		return usagef("a table is for people to read; write it to standard output, without --output")
	}
	if _, err := o.text.options(); err != nil {
		return err
	}
	if err := o.budgetFlags.check(); err != nil {
		return err
	}
	return o.ship.check()
}

func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errUsage}, args...)...)
}

// spec is the job that the options describe.
func (o *jobOptions) spec() job.Spec {
	price, _ := o.prices() // check reports mistakes
	s := job.Spec{
		Where: o.where, Add: o.add, Select: o.keep, Drop: o.drop, Errors: o.errors, Limit: o.limit, Price: price,
		Budget: o.budget(),
	}
	if o.sample != nil {
		s.Sample = &job.Sample{Share: *o.sample, Seed: o.seed}
	}
	return s
}

// specError adds the flag that an error of a job is about.
func specError(err error) error {
	if err == nil {
		return nil
	}
	var expression *job.ExpressionError
	var sample *job.SampleError
	var column *job.ColumnError
	switch {
	case errors.As(err, &expression) && expression.Part == job.Condition:
		return usagef("--where: %w", expression.Err)
	case errors.As(err, &expression):
		return usagef("--add: %w", expression.Err)
	case errors.As(err, &sample):
		return usagef("--sample: %w", err)
	case errors.As(err, &column):
		return usagef("--select and --drop: %w", err)
	case errors.Is(err, onspark.ErrCostBudget):
		return usagef("--max-cost: %w", err)
	}
	return usagef("%w", err)
}

// outputAs returns the format of the output file, or whether the output is a
// table; terminal tells whether standard output is a terminal.
func (o *jobOptions) outputAs(terminal bool) (format files.Format, asTable bool, err error) {
	switch {
	case o.outputFormat == table, o.output == "" && o.outputFormat == "" && terminal:
		return files.CSV, true, nil
	case o.outputFormat != "":
		if format, err = files.ParseFormat(o.outputFormat); err != nil {
			return "", false, usagef("--output-format: %w", err)
		}
		return format, false, nil
	case o.output == "" || o.output == "-":
		return files.CSV, false, nil
	}
	format, err = files.FormatOf(o.output)
	return format, false, err
}

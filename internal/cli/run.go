package cli

import (
	"context"

	"github.com/spf13/cobra"
)

// runOptions are the options of firesteel run.
type runOptions struct {
	jobOptions
	remote     string
	report     string
	reportRows int
	explain    bool
	records    recordFlags
	// The inputs and the output as they are given. A run over several files has them one by one.
	arguments   []string
	destination string
}

func (a *app) run() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run FILE...",
		Short: "Run AI functions over files, without Spark",
		Long: `Reads a table from files, adds columns to it, and writes it with its rows in
their order: CSV, TSV, JSON lines, Parquet, Arrow or plain text, compressed if the
name ends in .gz or .zst; '-' is standard input. Avro, .bz2 and .xz are read only. The
dialect of CSV is detected, or set by flags. Values that pass through are not changed.
If a row cannot be read whole, only the unreadable part of it is NULL. Expressions are
those of Spark SQL, with the functions that 'firesteel functions' lists. Columns,
types, functions and access to the output are checked before the model is loaded.

Several files, folders and globs are one table, if their columns are the same. Names
of folders such as dt=2026-12-01 are columns. If -o is a folder, each file is written
to a file of the same name in it; run the same command again after an interruption,
and files that are there are not computed again.

A column that an added one masks is not written, unless --select names it.

Equal inputs are asked once. A ledger keeps each answer as soon as it is known, so
that a run that was killed continues where it stopped: run the same command again.

Without -o, rows go to standard output: as CSV, or on a terminal as a table of the
first 20.

Exit codes: 0 every row has its answer; 3 the output is complete, but rows have
errors or were skipped by a budget; 1 the run failed, and there is no output;
2 the command was wrong; 130 the run was interrupted.`,
		Example: `  firesteel run reviews.csv --add "sentiment=ai_analyze_sentiment(text)" -o out.parquet
  firesteel run tickets.jsonl.gz --where "lang = 'en'" --add "topic=ai_classify(body, array('billing', 'delivery'))"
  firesteel run big.parquet --add "s=ai_summarize(text)" --errors problem --max-time 2h -o out.parquet
  firesteel run reviews.csv --group-by product --add "complaints=ai_agg(text, 'What do customers complain about?')"
  firesteel run tickets/ --add "masked=ai_mask(body, array('email', 'phone'))" -o masked/
  cat notes.txt | firesteel run - --format text --add "mood=ai_analyze_sentiment(value)"`,
		Args: someFiles,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			o.arguments, o.destination = args, o.output
			return a.recording(ctx, o.records, "run", func(ctx context.Context) error { return a.runJob(ctx, o) })
		},
	}
	o.addTo(c)
	c.Flags().StringVar(&o.remote, "remote", "", "run on Spark at sc://host:port; FILE and --output are tables, or paths as Spark sees them")
	c.Flags().StringVar(&o.report, "report", "", "file for a report, one HTML page")
	c.Flags().IntVar(&o.reportRows, "report-rows", 0, "number of rows of the output in the report (default: none, because reports are shared)")
	c.Flags().BoolVar(&o.explain, "explain", false, "print an estimate first, as 'firesteel explain' does, and compare it with the actual run at the end")
	o.records.add(c)
	o.ship.addPlace(c)
	return c
}

// runJob runs the job on Spark, or over one or several files.
func (a *app) runJob(ctx context.Context, o runOptions) error {
	if o.remote != "" {
		if len(o.arguments) > 1 {
			return usagef("with --remote, Spark reads one table or path; a path may be a folder or a glob")
		}
		o.input = o.arguments[0]
		return a.runRemote(ctx, o)
	}
	if err := o.findInputs(o.arguments); err != nil {
		return err
	}
	if o.toFolder() {
		return a.runFolder(ctx, o)
	}
	return a.runFile(ctx, o)
}

func (o *runOptions) check() error {
	switch {
	case o.reportRows < 0:
		return usagef("--report-rows must be at least 0")
	case o.reportRows > 0 && o.report == "":
		return usagef("--report-rows needs --report FILE")
	}
	return o.jobOptions.check()
}

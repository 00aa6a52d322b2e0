package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/attribute"

	"github.com/firesteel/firesteel/internal/lineage"
	"github.com/firesteel/firesteel/internal/sqlscript"
	"github.com/firesteel/firesteel/internal/sqltypes"
	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/spark"
)

// sqlFlags are the options of firesteel sql.
type sqlFlags struct {
	ship       shipFlags
	ledger     sparkLedgerFlags
	remote     string
	statements []string
	files      []string
	rows       int
	truncate   int
	vertical   bool

	format, output     string
	overwrite, csvSafe bool
	quiet, verbose     bool
	timing, noPager    bool
	records            recordFlags
	continueOnError    bool
	given              []string // --param
	params             []sqlParam
	estimate           sqlEstimate
}

func (a *app) sql() *cobra.Command {
	var f sqlFlags
	c := &cobra.Command{
		Use:   "sql",
		Short: "Run SQL with AI functions on any Spark",
		Long: `Runs SQL statements with AI functions on a Spark Connect server ('firesteel
functions' lists the functions). The statements come from -e, from a file, from
standard input, or from a prompt that keeps its history.

Each statement ends with ';'. A block of SQL scripting (BEGIN ... END) is one
statement. The files of several -f run in their order in one session. --param sets
the parameters :name of statements; Spark gets their values, not text in the SQL.

Results are tables of --rows rows. With --format they are data with all rows, on
standard output or in the file of -o; the name of the file shows its format.

The first error ends the run, unless --continue-on-error. What a query asked, advice
and progress are on standard error; --quiet leaves them out.

Exit codes, as of psql: 0 all is done; 1 an error of the program, such as wrong usage
or a file that cannot be written; 2 no connection, or it was lost; 3 a statement
failed; 130 interrupted.`,
		Example: `  firesteel sql --remote sc://localhost:15002 -e "SELECT ai_gen('Name three colours.')"
  firesteel sql -f setup.sql -f report.sql --param day=2026-12-01 --param least=3 -o report.parquet
  firesteel sql -e "SELECT * FROM tickets" --format csv --quiet > tickets.csv
  firesteel sql --remote "sc://spark.example.com:443/;use_ssl=true" -f job.sql
  firesteel sql -f job.sql --explain --ledger /mnt/shared/ledger
  firesteel sql            # a prompt; SPARK_REMOTE has the address`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f.remote = cmp.Or(f.remote, os.Getenv("SPARK_REMOTE"))
			if f.remote == "" {
				return fmt.Errorf("%w: name the Spark Connect server by --remote sc://host:port or SPARK_REMOTE; 'firesteel demo --keep-spark' starts one", errUsage)
			}
			if f.statements != nil && f.files != nil {
				return fmt.Errorf("%w: the statements come from --execute or from --file, not from both", errUsage)
			}
			if err := f.check(); err != nil {
				return err
			}
			if err := f.estimate.apply(&f); err != nil {
				return err
			}
			return a.runSQL(c, f)
		},
	}
	f.add(c)
	c.Flags().StringVar(&f.remote, "remote", "", "address of the Spark Connect server, sc://host:port/;key=value (default: SPARK_REMOTE)")
	c.Flags().StringArrayVarP(&f.statements, "execute", "e", nil, "statements to run, separated by ';' (may be repeated)")
	flags := c.Flags()
	flags.StringArrayVarP(&f.files, "file", "f", nil, "file of statements; '-' is standard input (may be repeated)")
	flags.BoolVar(&f.verbose, "verbose", false, "write each statement to standard error before it runs")
	f.records.add(c)
	f.estimate.add(c)
	flags.BoolVar(&f.noPager, "no-pager", false, "at the prompt, do not show long results by the program of PAGER")
	return c
}

// add adds the flags of all commands that run files of statements; sqlOnly lists
// their names.
func (f *sqlFlags) add(c *cobra.Command) {
	f.ship.add(c)
	f.ledger.add(c)
	c.Flags().IntVarP(&f.rows, "rows", "n", 20, "rows of a result to show")
	c.Flags().IntVar(&f.truncate, "truncate", 0, "cut shown values to this many characters; 0 shows whole values")
	c.Flags().BoolVar(&f.vertical, "vertical", false, "show one value on each line")
	flags := c.Flags()
	flags.StringVar(&f.format, "format", "", "format of results: table, csv, tsv, jsonl, parquet, arrow or text (default: by the name of -o, or table)")
	flags.StringVarP(&f.output, "output", "o", "", "file for the result of the one statement that has one; '-' is standard output")
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace the file of -o if it exists")
	flags.BoolVar(&f.csvSafe, "csv-safe", false, "put an apostrophe before cells of CSV that a spreadsheet would evaluate as formulas")
	flags.StringArrayVar(&f.given, "param", nil, "value of the parameter :NAME of statements, as NAME=VALUE: a number, true, false, null or text ('007' is text)")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "write results and errors only")
	flags.BoolVar(&f.timing, "timing", false, "write how long each statement took to standard error")
	flags.BoolVar(&f.continueOnError, "continue-on-error", false, "run the other statements after an error")
}

var sqlOnly = []string{"model", "precision", "worker", "ship", "node-copy", "rows", "truncate", "vertical",
	"format", "output", "overwrite", "csv-safe", "param", "quiet", "timing", "continue-on-error", "ledger", "max-rows", "max-tokens", "max-cost", "price", "max-time", "max-errors"}

func (f *sqlFlags) check() error {
	if f.rows < 1 || f.truncate < 0 {
		return fmt.Errorf("%w: --rows must be at least 1 and --truncate at least 0", errUsage)
	}
	if err := f.ledger.check(); err != nil {
		return err
	}
	var err error
	if f.params, err = readParams(f.given); err != nil {
		return err
	}
	if err := f.checkOutput(); err != nil {
		return err
	}
	return f.ship.check()
}

// sqlRun runs statements in a session.
type sqlRun struct {
	*app
	session *spark.Session
	flags   sqlFlags
	written bool   // the file of -o has a result
	pager   *pager // nil for none
	job     string // name of the statement in lineage; empty at the prompt
}

// sqlStatement is a statement of a script.
type sqlStatement struct {
	sqlscript.Statement
	script string // the name of its file; empty for --execute
}

func (a *app) runSQL(c *cobra.Command, f sqlFlags) error {
	var statements []sqlStatement
	add := func(name, script string) {
		more, rest := sqlscript.Split(script)
		if rest.Text != "" {
			more = append(more, rest)
		}
		for _, s := range more {
			statements = append(statements, sqlStatement{s, name})
		}
	}
	prompt := false
	switch {
	case f.statements != nil:
		for _, text := range f.statements {
			add("", text)
		}
	case f.files == nil && terminal.IsTerminal(a.in) && terminal.IsTerminal(a.out):
		if prompt = true; !f.asTables() || f.quiet || f.continueOnError || f.estimate.on {
			return usagef("--format, -o, --quiet, --explain and --continue-on-error are for statements of -e, -f or standard input, not for the prompt")
		}
	default:
		names := f.files
		if names == nil {
			names = []string{"-"}
		}
		for _, name := range names {
			text, err := a.readScript(name)
			if err != nil {
				return err
			}
			add(cmp.Or(strings.TrimPrefix(name, "-"), "standard input"), text)
		}
	}
	if !prompt && len(statements) == 0 {
		return nil // without a statement, no model is uploaded
	}
	if path := f.output; path != "" && path != "-" && !f.overwrite {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s: %w; --overwrite replaces it", path, os.ErrExist)
		}
	}
	ctx, stop := interruptible(c)
	defer stop()
	return a.recording(ctx, f.records, "sql", func(ctx context.Context) error {
		session, err := a.connect(ctx, f.remote, f.ship, f.ledger.options()...)
		if err != nil {
			return err
		}
		if prompt {
			stop() // at the prompt, Ctrl-C ends a statement and not the session
			return a.prompt(context.WithoutCancel(ctx), session, f)
		}
		defer session.Close()
		return (&sqlRun{app: a, session: session, flags: f}).all(ctx, statements)
	})
}

// all runs statements one after the other.
func (r *sqlRun) all(ctx context.Context, statements []sqlStatement) error {
	failed := 0
	for i, s := range statements {
		r.job = s.job(i+1, len(statements))
		err := r.timed(ctx, s.Text)
		if err == nil {
			continue
		}
		err = statementError{s.failed(err, i+1, len(statements))}
		if !r.flags.continueOnError || ctx.Err() != nil || errors.Is(err, errUsage) || connectionLost(err) {
			return err
		}
		failed++
		text := r.message(err)
		fmt.Fprintln(r.err, "error:", text+r.contentHint(text))
	}
	if failed > 0 {
		return errStatements(failed, len(statements))
	}
	return nil
}

// timed runs a statement, and says before and after it what the flags ask for.
func (r *sqlRun) timed(ctx context.Context, statement string) error {
	if r.flags.verbose {
		fmt.Fprintln(r.err, statement)
	}
	begun := time.Now()
	words := "other"
	if isQuery(statement) {
		words = "query"
	}
	spanned, end := r.records.telemetry.Span(ctx, "firesteel statement", attribute.String("db.system.name", "spark"), attribute.String("db.operation.name", words))
	var err error
	if r.flags.estimate.on {
		err = r.explain(spanned, statement)
	} else {
		r.records.lineage.start(ctx, func() lineage.Run { return r.lineage(ctx, statement) })
		err = r.run(spanned, statement)
		r.records.lineage.end(ctx, err, nil)
	}
	if r.records.telemetry != nil && r.flags.ledger.dir != "" {
		r.recordUsage(spanned)
	}
	end(err)
	if !r.flags.quiet && !r.flags.estimate.on {
		r.reportUsage(ctx, r.session, &r.flags.ledger)
	}
	if r.flags.timing {
		fmt.Fprintf(r.err, "time: %.3f s\n", time.Since(begun).Seconds())
	}
	return err
}

// recordUsage records what the statement asked; it is known with --ledger.
func (r *sqlRun) recordUsage(ctx context.Context) {
	all, err := r.session.Usage(ctx)
	if err != nil || len(all) == 0 || all[0].Query == r.app.recorded {
		return
	}
	r.app.recorded = all[0].Query
	for _, u := range all {
		r.records.telemetry.Usage(ctx, u.Model, u.Function, u.PromptTokens, u.OutputTokens)
		r.records.telemetry.Calls(ctx, "asked", u.Asked)
		r.records.telemetry.Calls(ctx, "ledger", u.FromLedger)
		r.records.telemetry.Rows(ctx, "error", u.Errors)
		r.records.telemetry.Rows(ctx, "skipped", u.Skipped)
	}
}

// job is the name of the statement in lineage: the same each time that the script runs.
func (s sqlStatement) job(number, all int) string {
	name := "sql"
	if s.script != "" {
		name += "." + strings.ReplaceAll(filepath.Base(s.script), " ", "_")
	}
	if all > 1 {
		name += fmt.Sprintf(".%d", number)
	}
	return name
}

// failed adds the statement to an error, because Spark counts lines from the begin
// of the statement.
func (s sqlStatement) failed(err error, number, all int) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case s.script != "":
		return fmt.Errorf("statement %d of %d, from line %d of %s: %w", number, all, s.Line, s.script, err)
	case all > 1:
		return fmt.Errorf("statement %d of %d: %w", number, all, err)
	}
	return err
}

func (a *app) readScript(name string) (string, error) {
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(a.in)
	} else {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		return "", fmt.Errorf("reading the statements: %w", err)
	}
	if !utf8.Valid(b) {
		return "", fmt.Errorf("reading the statements: %s is not UTF-8 text; save it as UTF-8", cmp.Or(strings.TrimPrefix(name, "-"), "standard input"))
	}
	return strings.TrimPrefix(string(b), "\ufeff"), nil // editors on Windows write a byte order mark
}

// run runs one statement, and shows or writes its result if it has columns.
func (r *sqlRun) run(ctx context.Context, statement string) error {
	defer r.queries.end()
	session, f := r.session, &r.flags
	old := strings.HasPrefix(session.Version(), "3.")
	if old {
		statement = positional(statement)
	}
	df, err := session.SQL(ctx, statement, arguments(statement, f.params)...) // runs a command, but only analyzes a query
	if err != nil && old && sqlscript.IsBlock(statement) {
		return fmt.Errorf("%w\n  Spark %s has no blocks (BEGIN ... END): they need Spark 4.0 or later. No part of this block has run", err, session.Version())
	}
	var e *spark.Error
	if errors.As(err, &e) && e.Class == "UNBOUND_SQL_PARAMETER" {
		return fmt.Errorf("%w; --param NAME=VALUE gives it one", err)
	}
	if err != nil {
		return err
	}
	if set, err := f.ship.set(); err == nil && !f.quiet {
		r.adviseSQL(ctx, set, statement)
	}
	schema, err := df.Schema(ctx)
	if err != nil {
		return err
	}
	if len(schema.Fields) == 0 {
		return nil
	}
	if !f.asTables() {
		if !isQuery(statement) {
			return nil
		}
		return r.writeResult(ctx, df, schema)
	}
	if explains(statement, schema) {
		rows, err := df.Collect(ctx)
		r.queries.end()
		if err != nil || len(rows) == 0 {
			return err
		}
		return r.page(ctx, r.out, strings.TrimRight(fmt.Sprint(rows[0].At(0)), "\n"))
	}
	table, err := legible(df, schema).ShowString(ctx, f.rows, f.truncate, f.vertical)
	r.queries.end()
	if err != nil {
		return err
	}
	return r.page(ctx, r.out, table)
}

// legible converts geometries to their binary form (WKB), because Spark shows them
// as addresses of Java objects.
func legible(df *spark.DataFrame, schema spark.StructType) *spark.DataFrame {
	columns, names, geometries := []spark.Column{}, []string{}, 0
	for _, f := range schema.Fields {
		column := spark.Col(sqltypes.QuoteName(f.Name))
		if t := f.Type.String(); strings.HasPrefix(t, "GEOMETRY") || strings.HasPrefix(t, "GEOGRAPHY") {
			column = spark.Call("st_asbinary", column).Alias(f.Name)
			geometries++
		}
		if slices.Contains(names, strings.ToLower(f.Name)) {
			return df // the name is ambiguous
		}
		columns, names = append(columns, column), append(names, strings.ToLower(f.Name))
	}
	if geometries == 0 {
		return df
	}
	return df.Select(columns...)
}

// explains reports whether a statement is EXPLAIN. A table would show its plan, a
// text of many lines, in one line.
func explains(statement string, schema spark.StructType) bool {
	return len(schema.Fields) == 1 && schema.Fields[0].Name == "plan" && slices.Equal(sqlscript.Words(statement, 1), []string{"EXPLAIN"})
}

// writeTable writes a table with a line break at its end, which Spark 4.3 omits
// after "only showing top rows".
func writeTable(w io.Writer, table string) error {
	_, err := fmt.Fprintln(w, terminal.Printable(strings.TrimSuffix(table, "\n")))
	return err
}

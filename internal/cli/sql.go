package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

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
	file       string
	rows       int
	truncate   int
	vertical   bool
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
statement.`,
		Example: `  firesteel sql --remote sc://localhost:15002 -e "SELECT ai_gen('Name three colours.')"
  firesteel sql --remote "sc://spark.example.com:443/;use_ssl=true" -f job.sql
  firesteel sql            # a prompt; SPARK_REMOTE has the address`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f.remote = cmp.Or(f.remote, os.Getenv("SPARK_REMOTE"))
			if f.remote == "" {
				return fmt.Errorf("%w: name the Spark Connect server by --remote sc://host:port or SPARK_REMOTE; 'firesteel demo --keep-spark' starts one", errUsage)
			}
			if f.statements != nil && f.file != "" {
				return fmt.Errorf("%w: the statements come from --execute or from --file, not from both", errUsage)
			}
			if err := f.check(); err != nil {
				return err
			}
			return a.runSQL(c, f)
		},
	}
	f.add(c)
	c.Flags().StringVar(&f.remote, "remote", "", "address of the Spark Connect server, sc://host:port/;key=value (default: SPARK_REMOTE)")
	c.Flags().StringArrayVarP(&f.statements, "execute", "e", nil, "statements to run, separated by ';' (may be repeated)")
	c.Flags().StringVarP(&f.file, "file", "f", "", "file of statements; '-' is standard input")
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
}

var sqlOnly = []string{"model", "precision", "worker", "ship", "node-copy", "rows", "truncate", "vertical",
	"ledger", "max-rows", "max-tokens", "max-cost", "price", "max-time", "max-errors"}

func (f *sqlFlags) check() error {
	if f.rows < 1 || f.truncate < 0 {
		return fmt.Errorf("%w: --rows must be at least 1 and --truncate at least 0", errUsage)
	}
	if err := f.ledger.check(); err != nil {
		return err
	}
	return f.ship.check()
}

func (a *app) runSQL(c *cobra.Command, f sqlFlags) error {
	scripts, prompt := f.statements, false
	switch {
	case f.statements != nil:
	case f.file == "" && terminal.IsTerminal(a.in) && terminal.IsTerminal(a.out):
		prompt = true
	default:
		text, err := a.readScript(cmp.Or(f.file, "-"))
		if err != nil {
			return err
		}
		scripts = []string{text}
	}
	var statements []sqlscript.Statement
	for _, script := range scripts {
		more, rest := sqlscript.Split(script)
		statements = append(statements, more...)
		if rest.Text != "" {
			statements = append(statements, rest)
		}
	}
	if !prompt && len(statements) == 0 {
		return nil // without a statement, no model is uploaded
	}
	ctx, stop := interruptible(c)
	defer stop()
	session, err := a.connect(ctx, f.remote, f.ship, f.ledger.options()...)
	if err != nil {
		return err
	}
	if prompt {
		stop() // at the prompt, Ctrl-C ends a statement and not the session
		return a.prompt(c.Context(), session, f)
	}
	defer session.Close()
	for i, s := range statements {
		err := a.runStatement(ctx, a.out, session, s.Text, f)
		a.reportUsage(ctx, session, &f.ledger)
		if err != nil {
			return f.failed(err, s.Line, i+1, len(statements))
		}
	}
	return nil
}

// failed adds the statement to an error, because Spark counts lines from the begin
// of the statement.
func (f sqlFlags) failed(err error, line, number, all int) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case f.statements == nil:
		name := cmp.Or(strings.TrimPrefix(f.file, "-"), "standard input")
		return fmt.Errorf("statement %d of %d, from line %d of %s: %w", number, all, line, name, err)
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

// runStatement runs one statement, and shows its result if it has columns.
func (a *app) runStatement(ctx context.Context, w io.Writer, session *spark.Session, statement string, f sqlFlags) error {
	defer a.queries.end()
	old := strings.HasPrefix(session.Version(), "3.")
	if old {
		statement = positional(statement)
	}
	df, err := session.SQL(ctx, statement) // runs a command, but only analyzes a query
	if err != nil && old && sqlscript.IsBlock(statement) {
		return fmt.Errorf("%w\n  Spark %s has no blocks (BEGIN ... END): they need Spark 4.0 or later. No part of this block has run", err, session.Version())
	}
	if err != nil {
		return err
	}
	if set, err := f.ship.set(); err == nil {
		a.adviseSQL(ctx, set, statement)
	}
	schema, err := df.Schema(ctx)
	if err != nil {
		return err
	}
	if len(schema.Fields) == 0 {
		return nil
	}
	if explains(statement, schema) {
		rows, err := df.Collect(ctx)
		a.queries.end()
		if err != nil || len(rows) == 0 {
			return err
		}
		return writeTable(w, strings.TrimRight(fmt.Sprint(rows[0].At(0)), "\n"))
	}
	table, err := legible(df, schema).ShowString(ctx, f.rows, f.truncate, f.vertical)
	a.queries.end()
	if err != nil {
		return err
	}
	return writeTable(w, table)
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

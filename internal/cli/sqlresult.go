package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/sqlscript"
	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/spark"
)

// tableFormat is the format of results for people.
const tableFormat = "table"

// checkOutput finds mistakes in --format and -o.
func (f *sqlFlags) checkOutput() error {
	format, err := f.resultFormat()
	switch {
	case err != nil:
		return err
	case f.output == "" || f.output == "-":
		return nil
	case f.format == tableFormat:
		return usagef("-o writes data; choose --format csv, jsonl, parquet or arrow, or redirect standard output")
	case format == "":
		_, err := files.FormatOf(f.output)
		return err
	}
	return nil
}

// resultFormat is the format of files for results; empty is that of the name of -o, or tables without -o.
func (f *sqlFlags) resultFormat() (files.Format, error) {
	if f.format == "" || f.format == tableFormat {
		return "", nil
	}
	name := f.format
	if name == "json" {
		name = string(files.JSON)
	}
	format, err := files.ParseFormat(name)
	if err != nil {
		return "", usagef("--format %s does not exist; write table, csv, tsv, jsonl, parquet, arrow or text", f.format)
	}
	return format, nil
}

// asTables reports whether results are shown as tables.
func (f *sqlFlags) asTables() bool {
	return (f.output == "" || f.output == "-") && (f.format == "" || f.format == tableFormat)
}

// queryWords begin statements whose results are data. Others may return rows, too: SET its settings, and MERGE of some
// tables how many rows it changed.
var queryWords = []string{"(", "SELECT", "WITH", "FROM", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC", "LIST", "EXPLAIN", "EXECUTE", "BEGIN", "CALL"}

// isQuery reports whether the result of a statement is data.
func isQuery(statement string) bool {
	words := sqlscript.Words(statement, 1)
	return len(words) == 0 || slices.Contains(queryWords, words[0])
}

// writeResult writes all rows of a query in the format of a file: to standard output, or to the file of -o, which takes
// one result.
func (r *sqlRun) writeResult(ctx context.Context, df *spark.DataFrame, schema spark.StructType) error {
	path := r.flags.output
	if path == "" {
		path = "-"
	}
	format, err := r.flags.resultFormat()
	if err != nil {
		return err
	}
	if path != "-" && r.written {
		return usagef("%s has the result of an earlier statement; a file takes one result: split the script, or write the others to tables", path)
	}
	if path == "-" && format.IsBinary() && terminal.IsTerminal(r.out) {
		return usagef("%s is binary, and standard output is a terminal: write it to a file by -o FILE.%[1]s", format)
	}
	var out files.Writer
	create := func(schema *arrow.Schema) error {
		out, err = files.Create(path, schema, files.WriteOptions{Format: format, Replace: r.flags.overwrite, Safe: r.flags.csvSafe, Stdout: r.out, Inputs: r.flags.ship.paths(r.flags.files...)})
		if err != nil {
			return outputError{overwriteHint(err)}
		}
		return nil
	}
	defer func() {
		if out != nil {
			out.Abort()
		}
	}()
	rows := int64(0)
	for batch, err := range df.Batches(ctx) {
		if err == nil && out == nil {
			err = create(batch.Schema())
		}
		if err == nil {
			rows += batch.NumRows()
			err = out.Write(batch)
		}
		if err != nil {
			return err
		}
	}
	if out == nil { // no batch came
		empty, err := schema.ArrowSchema()
		if err == nil {
			err = create(empty)
		}
		if err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	r.written = true
	if path != "-" {
		r.say("written: %s, %d rows", path, rows)
	}
	return nil
}

// say writes a note to standard error, unless --quiet forbids it.
func (r *sqlRun) say(format string, args ...any) {
	if !r.flags.quiet {
		r.queries.end()
		fmt.Fprintf(r.err, format+"\n", args...)
	}
}

// page writes the text of a result at the prompt: through the pager if it is longer than the terminal.
func (r *sqlRun) page(ctx context.Context, w io.Writer, text string) error {
	if r.pager == nil || !r.pager.needed(text) {
		return writeTable(w, text)
	}
	return r.pager.show(ctx, terminal.Printable(text))
}

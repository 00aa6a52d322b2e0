package files

import (
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Writer takes rows in their order.
type Writer interface {
	// Write takes a batch of the schema that the Writer was made for; it does
	// not keep it.
	Write(arrow.RecordBatch) error
	// Close finishes the file, and puts it to its place. Without it there is
	// no file, and one that was there before is as it was.
	Close() error
	// Abort gives the file up. After Close it does nothing.
	Abort()
}

// WriteOptions adjust a Writer; the zero value suits most files.
type WriteOptions struct {
	// Format, if not empty, is the file's, whatever its name tells.
	Format Format
	// Replace: a file of this name may be there, and is replaced by Close.
	// Otherwise that is an error of Create.
	Replace bool
	// Inputs are files and folders that the same job reads; the output must not
	// be one of them.
	Inputs []string
	// Delimiter stands between the cells of CSV; 0 is a comma, and a tab for
	// TSV.
	Delimiter byte
	// Safe: cells of CSV that a spreadsheet takes for formulas begin with an
	// apostrophe, which makes them text there. See docs/files.md.
	Safe bool
	// RowGroup bounds a row group of Parquet, which is held in memory, in
	// bytes of Arrow; 0 is 32 MiB.
	RowGroup int64
	// Allocator is where the memory for Parquet comes from; nil is Arrow's
	// default.
	Allocator memory.Allocator
	// Stdout stands for standard output, which the path "-" names.
	Stdout io.Writer
}

// Create makes a file of rows, or writes to standard output by the name "-".
// The format is told by the name or by the options. What the format cannot
// hold is an error now, and not after the work.
func Create(path string, schema *arrow.Schema, o WriteOptions) (Writer, error) {
	format, packed, err := formatOf(path, o.Format, writeFlag)
	if err != nil {
		return nil, err
	}
	if o.Allocator == nil {
		o.Allocator = memory.DefaultAllocator
	}
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	if o.RowGroup <= 0 {
		o.RowGroup = 32 << 20
	}
	if o.Delimiter == 0 {
		o.Delimiter = map[Format]byte{CSV: ',', TSV: '\t'}[format]
	}
	if err := unique(path, schema); err != nil {
		return nil, err
	}
	if format == Text && (schema.NumFields() != 1 || !isText(schema.Field(0).Type)) {
		return nil, fmt.Errorf("%s: a text file has one column of text, but there are %s; write .csv, .jsonl or .parquet", path, describe(schema))
	}
	out, err := createOutput(path, packed, o)
	if err != nil {
		return nil, err
	}
	switch format {
	case Parquet:
		return createParquet(out, schema, o)
	case JSON:
		return newTextWriter(out, schema, &jsonWriter{}), nil
	case Text:
		return newTextWriter(out, schema, &lineWriter{}), nil
	}
	return newTextWriter(out, schema, newCSVWriter(o.Delimiter, o.Safe)), nil
}

// unique refuses columns that no reader could tell apart.
func unique(path string, schema *arrow.Schema) error {
	seen := map[string]bool{}
	for _, f := range schema.Fields() {
		if seen[f.Name] {
			return fmt.Errorf("%s: there would be two columns named %q; give one another name", path, f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

func isText(t arrow.DataType) bool {
	if d, ok := t.(*arrow.DictionaryType); ok {
		t = d.ValueType
	}
	switch t.ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		return true
	}
	return false
}

func describe(schema *arrow.Schema) string {
	text := ""
	for i, f := range schema.Fields() {
		if i > 0 {
			text += ", "
		}
		text += f.Name + " " + f.Type.String()
	}
	return text
}

// rowWriter makes text of rows.
type rowWriter interface {
	head(dst []byte, schema *arrow.Schema) []byte
	// batch says what the next rows are of.
	batch(arrow.RecordBatch)
	// row appends row i; its error names the column.
	row(dst []byte, i int) ([]byte, error)
}

type textWriter struct {
	out    *output
	schema *arrow.Schema
	rows   rowWriter
	begun  bool
	n      int64 // rows so far
	buf    []byte
}

func newTextWriter(out *output, schema *arrow.Schema, rows rowWriter) *textWriter {
	return &textWriter{out: out, schema: schema, rows: rows}
}

func (w *textWriter) begin() error {
	if w.begun {
		return nil
	}
	w.begun = true
	_, err := w.out.Write(w.rows.head(nil, w.schema))
	return err
}

func (w *textWriter) Write(batch arrow.RecordBatch) error {
	if !batch.Schema().Equal(w.schema) {
		return fmt.Errorf("writing %s: the batch has the columns %s, but the file %s", w.out.path, describe(batch.Schema()), describe(w.schema))
	}
	if err := w.begin(); err != nil {
		return err
	}
	w.rows.batch(batch)
	w.buf = w.buf[:0]
	for i := range int(batch.NumRows()) {
		var err error
		if w.buf, err = w.rows.row(w.buf, i); err != nil {
			return fmt.Errorf("writing %s, row %d: %w", w.out.path, w.n+1, err)
		}
		w.n++
		if len(w.buf) >= 64<<10 || i+1 == int(batch.NumRows()) {
			if _, err := w.out.Write(w.buf); err != nil {
				return err
			}
			w.buf = w.buf[:0]
		}
	}
	return nil
}

func (w *textWriter) Close() error {
	if err := w.begin(); err != nil {
		w.out.abort()
		return err
	}
	return w.out.close()
}

func (w *textWriter) Abort() { w.out.abort() }

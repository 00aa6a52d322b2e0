package files

import (
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Writer writes rows to a file in order.
type Writer interface {
	// Write writes a batch, which must have the schema given to Create. It does
	// not retain the batch.
	Write(arrow.RecordBatch) error
	// Close completes the file and gives it its name. Before that the file of this
	// name, if any, is unchanged.
	Close() error
	// Abort discards the file. After Close it does nothing.
	Abort()
}

// WriteOptions are the options of a Writer. The zero value suits most files.
type WriteOptions struct {
	// Format overrides the format shown by the file's name, if not empty.
	Format Format
	// Replace makes Close replace an existing file. Without it an existing file is
	// an error of Create.
	Replace bool
	// Inputs are files and folders that the same job reads. The output must not be
	// one of them.
	Inputs []string
	// Delimiter separates the cells of CSV. The default is a comma, and a tab for
	// TSV.
	Delimiter byte
	// Safe puts an apostrophe before cells of CSV that a spreadsheet would evaluate
	// as formulas. See docs/files.md.
	Safe bool
	// RowGroup is the size of a row group of Parquet, which is held in memory, in
	// bytes of Arrow; the default is 32 MiB.
	RowGroup int64
	// Allocator allocates memory for Parquet; nil means Arrow's default.
	Allocator memory.Allocator
	// Stdout replaces os.Stdout, which the path "-" names.
	Stdout io.Writer
}

// Create creates a file, or writes to standard output for the path "-". The
// options or the name of the file determine the format. A schema that the format
// cannot represent is an error.
func Create(path string, schema *arrow.Schema, o WriteOptions) (Writer, error) {
	format, packed, err := formatOf(path, o.Format, true)
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
		return nil, fmt.Errorf("%s: a text file has one column of text, but the columns are %s; write .csv, .jsonl or .parquet", path, describe(schema))
	}
	out, err := createOutput(path, packed, o)
	if err != nil {
		return nil, err
	}
	switch format {
	case Parquet:
		return createParquet(out, schema, o)
	case Arrow:
		return createArrow(out, path, schema, o)
	case JSON:
		return newTextWriter(out, schema, &jsonWriter{}), nil
	case Text:
		return newTextWriter(out, schema, &lineWriter{}), nil
	}
	return newTextWriter(out, schema, newCSVWriter(o.Delimiter, o.Safe)), nil
}

// unique returns an error for duplicate column names.
func unique(path string, schema *arrow.Schema) error {
	seen := map[string]bool{}
	for _, f := range schema.Fields() {
		if seen[f.Name] {
			return fmt.Errorf("%s: duplicate column name %q; rename one of the columns", path, f.Name)
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

// rowWriter formats rows as text.
type rowWriter interface {
	head(dst []byte, schema *arrow.Schema) []byte
	// batch sets the batch of the next rows.
	batch(arrow.RecordBatch)
	// row appends row i. Its error names the column.
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

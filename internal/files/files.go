// Package files reads and writes tables as files: CSV, JSON lines, Parquet and
// plain text, compressed or not, as a stream of Arrow batches.
//
// Reading never changes what a file says. Columns of CSV and JSON whose types are
// inferred hold their values as they were written, if they are written as text
// again (see WrittenType), and have a type that keeps each value otherwise; types
// that Parquet has are kept. Of a row that cannot be read whole, only that part is
// missing.
//
// An output is there whole or not at all: it is written beside its place and
// put there by Close.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Format is how a file holds a table.
type Format string

// The formats. Text has one column, value, and a row for each line.
const (
	CSV     Format = "csv"
	TSV     Format = "tsv"
	JSON    Format = "jsonl"
	Parquet Format = "parquet"
	Text    Format = "text"
)

var endings = map[string]Format{
	".csv": CSV, ".tsv": TSV, ".tab": TSV, ".jsonl": JSON, ".ndjson": JSON, ".json": JSON,
	".parquet": Parquet, ".pq": Parquet, ".txt": Text, ".text": Text, ".log": Text,
}

// isText holds for formats whose values are written as text.
func (f Format) isText() bool { return f == CSV || f == TSV || f == JSON || f == Text }

// Formats lists the formats by the names that ParseFormat takes.
func Formats() []Format { return []Format{CSV, TSV, JSON, Parquet, Text} }

// ParseFormat reads a format's name.
func ParseFormat(name string) (Format, error) {
	for _, f := range Formats() {
		if strings.EqualFold(name, string(f)) {
			return f, nil
		}
	}
	if f, ok := endings["."+strings.ToLower(name)]; ok {
		return f, nil
	}
	return "", fmt.Errorf("there is no format %q; write csv, tsv, jsonl, parquet or text", name)
}

// compression is how a text file's bytes are packed; "" is not at all.
type compression string

const (
	gzipped compression = ".gz"
	zstded  compression = ".zst"
)

// The flags by which a person says the format.
const (
	readFlag  = "--format"
	writeFlag = "--output-format"
)

// OutputFormat is the format that Create writes to a path, unless it is given.
func OutputFormat(path string, given Format) (Format, error) {
	format, _, err := formatOf(path, given, writeFlag)
	return format, err
}

// formatOf tells format and compression of a path. A format that is given
// leaves only the compression to the name. flag is the one that gives it.
func formatOf(path string, given Format, flag string) (Format, compression, error) {
	name := strings.ToLower(filepath.Base(path))
	var packed compression
	for _, c := range []compression{gzipped, zstded} {
		if rest, ok := strings.CutSuffix(name, string(c)); ok {
			name, packed = rest, c
		}
	}
	format := given
	switch {
	case format != "":
		if !slices.Contains(Formats(), format) {
			return "", "", fmt.Errorf("there is no format %q; write csv, tsv, jsonl, parquet or text", format)
		}
	case path == "-":
		return "", "", fmt.Errorf("standard input and output have no name that tells the format: say it by %s csv, tsv, jsonl, parquet or text", flag)
	default:
		if format = endings[filepath.Ext(name)]; format == "" {
			return "", "", fmt.Errorf("the name of %s tells no format: let it end with .csv, .tsv, .jsonl, .parquet or .txt (and .gz or .zst after that), or say the format by %s csv, tsv, jsonl, parquet or text%s", path, flag, spreadsheet(name, flag))
		}
	}
	if format == Parquet && packed != "" {
		return "", "", fmt.Errorf("%s: Parquet is compressed within; leave out %s", path, packed)
	}
	return format, packed, nil
}

// FormatOf tells the format of an output by its name.
func FormatOf(path string) (Format, error) {
	format, _, err := formatOf(path, "", writeFlag)
	return format, err
}

// spreadsheet is the advice for files of spreadsheet programs.
func spreadsheet(name, flag string) string {
	if flag == readFlag && slices.Contains([]string{".xls", ".xlsx", ".ods", ".numbers"}, filepath.Ext(name)) {
		return "; a spreadsheet has to be saved as CSV first"
	}
	return ""
}

// Reader gives a file's rows in their order.
type Reader interface {
	// Schema is that of all batches.
	Schema() *arrow.Schema
	// Next gives the next rows, which the caller releases, and io.EOF after
	// the last. A batch has at least one row.
	Next(ctx context.Context) (arrow.RecordBatch, error)
	// Progress says how many bytes of the file the rows so far take, about, of
	// how many: total is 0 where that is not known, as of standard input.
	Progress() (done, total int64)
	Close() error
}

// Bad is a row of which not all could be read.
type Bad struct {
	Row  int64 // from 0, counted over the whole file
	Line int64 // from 1, where the row begins
	// Reason names for each part that is missing the file, the line and the
	// column, and says what to do. The row has NULL there.
	Reason error
	// Columns are those in which something is missing.
	Columns []string
}

// ReadOptions adjust a Reader; the zero value suits most files.
type ReadOptions struct {
	// Format, if not empty, is the file's, whatever its name tells.
	Format Format

	// To is the format that the rows will be written as. Where it is a format of
	// text, columns of CSV and JSON whose types are inferred have a WrittenType,
	// so that values are written as they were read. Otherwise columns have the
	// inferred types.
	To Format
	// Sample: types are inferred from the first 64 MiB of a file, and not from
	// all of it, which is read twice then. What can be read once only is kept in
	// a temporary file while it is read for the first time; with Sample, and
	// where To is a format of text, its first MiB tells the types.
	Sample bool

	// Encoding is that of the text: utf-8, utf-16, utf-16le, utf-16be, or
	// another by its name at IANA, such as windows-1252. If it is empty, it is
	// UTF-16 where the first bytes say so, and UTF-8 otherwise.
	Encoding string
	// Skip is how many lines before the first row or CSV's header are left out.
	Skip int

	// Delimiter stands between the cells of CSV. If it is empty, it is a tab for
	// TSV, and for CSV a comma, semicolon, tab or bar, as the first rows tell.
	Delimiter string
	// Quote is what CSV's cells may stand in, one character, or None. If it is
	// empty, it is a double quote, unless the first rows tell otherwise.
	Quote string
	// Escape takes the meaning of a quote away within quotes, one character. If
	// it is empty, it is the quote itself, or a backslash where the rows tell so.
	Escape string
	// Comment, if not empty, is what lines of CSV begin with that are no rows.
	Comment string
	// Null are texts that mean NULL in CSV, as an empty cell does.
	Null []string
	// NoHeader: CSV's first line is a row, and columns are named _c0, _c1, ...
	NoHeader bool
	// AllText: the types of CSV and JSON are not inferred; all is text.
	AllText bool
	// Types are the types of columns of CSV and JSON, by their names; others
	// are inferred. See ParseType.
	Types map[string]arrow.DataType

	// Rows and Bytes bound a batch: it ends with the row that reaches one of
	// them. 0 is 1024 rows and 8 MiB. MaxRow bounds a row of a text format in
	// bytes; 0 is 16 MiB.
	Rows, Bytes, MaxRow int

	// Bad, if not nil, is called for each row that cannot be read whole, before
	// Next returns the batch that holds it. Without it such a row is an error of
	// Next.
	Bad func(Bad)

	// Allocator is where batches' memory comes from; nil is Arrow's default.
	Allocator memory.Allocator
	// Stdin stands for standard input, which the path "-" names.
	Stdin io.Reader
}

// Check finds mistakes in the options that need no file.
func (o ReadOptions) Check() error {
	return errors.Join(checkTypes(o.Types), checkEncoding(o.Encoding), checkDialect(o))
}

func (o ReadOptions) withDefaults() ReadOptions {
	for _, d := range []struct {
		n         *int
		otherwise int
	}{{&o.Rows, 1024}, {&o.Bytes, 8 << 20}, {&o.MaxRow, 16 << 20}} {
		if *d.n <= 0 {
			*d.n = d.otherwise
		}
	}
	if o.Allocator == nil {
		o.Allocator = memory.DefaultAllocator
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	return o
}

// Open opens a file, or standard input by the name "-". The format is told by
// the name or by the options.
func Open(ctx context.Context, path string, o ReadOptions) (Reader, error) {
	o = o.withDefaults()
	if err := Look(path); err != nil {
		return nil, err
	}
	format, packed, err := formatOf(path, o.Format, readFlag)
	if err != nil {
		return nil, err
	}
	if format == Parquet {
		return openParquet(ctx, path, o)
	}
	if format == TSV && o.Delimiter == "" {
		o.Delimiter = "\t"
	}
	return openRows(ctx, path, format, packed, o)
}

// Package files reads and writes tables as files: CSV, JSON lines, Parquet, Arrow
// and plain text, compressed or not, as a stream of Arrow batches.
//
// Reading never changes a value. Columns of CSV and JSON with inferred types keep
// the text of each value if the output is text (see WrittenType), and otherwise
// get a type that represents every value exactly. The types of Parquet and Arrow
// are kept.
// A row that cannot be parsed completely has NULL for the bad parts only.
//
// An output file gets its name only when Close has completed it.
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

// Format is the format of a table in a file.
type Format string

// The formats. Text has one column, value, and one row for each line.
const (
	CSV     Format = "csv"
	TSV     Format = "tsv"
	JSON    Format = "jsonl"
	Parquet Format = "parquet"
	Arrow   Format = "arrow"
	Text    Format = "text"
	Avro    Format = "avro" // read only
)

var endings = map[string]Format{
	".csv": CSV, ".tsv": TSV, ".tab": TSV, ".jsonl": JSON, ".ndjson": JSON, ".json": JSON,
	".parquet": Parquet, ".pq": Parquet, ".avro": Avro, ".arrow": Arrow, ".arrows": Arrow, ".feather": Arrow, ".ipc": Arrow, ".txt": Text, ".text": Text, ".log": Text,
}

// isText reports whether the format stores values as text.
func (f Format) isText() bool { return f == CSV || f == TSV || f == JSON || f == Text }

// IsBinary reports whether the format is not text, so that types are stored.
func (f Format) IsBinary() bool { return f == Parquet || f == Arrow || f == Avro }

// Formats returns all formats.
func Formats() []Format { return []Format{CSV, TSV, JSON, Parquet, Arrow, Text, Avro} }

// ParseFormat parses the name of a format.
func ParseFormat(name string) (Format, error) {
	for _, f := range Formats() {
		if strings.EqualFold(name, string(f)) {
			return f, nil
		}
	}
	if f, ok := endings["."+strings.ToLower(name)]; ok {
		return f, nil
	}
	return "", unknownFormat(name)
}

// formatNames lists the names of the formats for errors.
const formatNames = "csv, tsv, jsonl, parquet, arrow, avro or text"

func unknownFormat(name string) error {
	return fmt.Errorf("unknown format %q; write %s", name, formatNames)
}

// compression is the compression of a text file; "" means none.
type compression string

const (
	gzipped compression = ".gz"
	zstded  compression = ".zst"
	bzipped compression = ".bz2" // read only
	xzed    compression = ".xz"  // read only
)

// UnknownFormatError reports a file whose name does not show its format, where
// no format was given.
type UnknownFormatError struct {
	Path   string // "-" for standard input or output
	Output bool   // the file is an output
}

func (e *UnknownFormatError) Error() string {
	switch {
	case e.Path == "-" && e.Output:
		return "the format of standard output is not known: give one of " + formatNames
	case e.Path == "-":
		return "the format of standard input is not known: give one of " + formatNames
	case !e.Output && slices.Contains([]string{".xls", ".xlsx", ".ods", ".numbers"}, strings.ToLower(filepath.Ext(e.Path))):
		return fmt.Sprintf("%s is a spreadsheet: save it as CSV, or give another format (%s)", e.Path, formatNames)
	case strings.EqualFold(filepath.Ext(e.Path), ".orc"):
		return e.Path + " is ORC, which only Spark reads and writes: run on Spark, or convert it to Parquet"
	}
	return fmt.Sprintf("the name of %s does not show its format: use .csv, .tsv, .jsonl, .parquet, .arrow or .txt (and .gz or .zst after that), or give one of %s", e.Path, formatNames)
}

// WrongFormatError reports a file whose content is not in the format that its
// name shows.
type WrongFormatError struct {
	Path, Problem string // the problem, such as "is not a Parquet file"
}

func (e *WrongFormatError) Error() string {
	return fmt.Sprintf("%s %s; rename the file, or give its format", e.Path, e.Problem)
}

// OutputFormat returns the format that Create writes to a path: given, or the
// format of the path's name if given is empty.
func OutputFormat(path string, given Format) (Format, error) {
	format, _, err := formatOf(path, given, true)
	return format, err
}

// InputFormat returns the format that the name of an input shows.
func InputFormat(path string) (Format, error) {
	format, _, err := formatOf(path, "", false)
	return format, err
}

// FormatOf returns the format that the name of an output shows.
func FormatOf(path string) (Format, error) { return OutputFormat(path, "") }

// formatOf returns the format and compression of a path. If a format is given,
// the name of the file determines the compression only.
func formatOf(path string, given Format, output bool) (Format, compression, error) {
	name := strings.ToLower(filepath.Base(path))
	var packed compression
	for _, c := range []compression{gzipped, zstded, bzipped, xzed} {
		if rest, ok := strings.CutSuffix(name, string(c)); ok {
			name, packed = rest, c
		}
	}
	format := given
	switch {
	case format != "":
		if !slices.Contains(Formats(), format) {
			return "", "", unknownFormat(string(format))
		}
	case path == "-":
		return "", "", &UnknownFormatError{path, output}
	default:
		if format = endings[filepath.Ext(name)]; format == "" {
			return "", "", &UnknownFormatError{path, output}
		}
	}
	if output && (packed == bzipped || packed == xzed) {
		return "", "", fmt.Errorf("%s: %s files are read only; write .gz or .zst", path, map[compression]string{bzipped: "bzip2", xzed: "xz"}[packed])
	}
	if output && format == Avro {
		return "", "", fmt.Errorf("%s: Avro files are read only; write .parquet", path)
	}
	if format == Avro && packed != "" {
		return "", "", fmt.Errorf("%s: Avro files have their own compression; remove %s from the name", path, packed)
	}
	if format == Parquet && packed != "" {
		return "", "", fmt.Errorf("%s: Parquet files have their own compression; remove %s from the name", path, packed)
	}
	if format == Arrow && packed != "" {
		return "", "", fmt.Errorf("%s: Arrow files are not compressed as a whole; remove %s from the name", path, packed)
	}
	return format, packed, nil
}

// Reader returns the rows of a file in order.
type Reader interface {
	// Schema returns the schema of all batches.
	Schema() *arrow.Schema
	// Next returns the next rows, at least one, or io.EOF after the last. The
	// caller releases the batch.
	Next(ctx context.Context) (arrow.RecordBatch, error)
	// Progress returns the approximate number of bytes of the file that have been
	// read, and the size of the file, or 0 if that is unknown.
	Progress() (done, total int64)
	Close() error
}

// Bad is a row with values that could not be parsed. The row has NULL for them.
type Bad struct {
	Row  int64 // number of the row in the file, from 0
	Line int64 // line on which the row begins, from 1
	// Reason names the file, line and column of each bad value, and what to do.
	Reason error
	// Columns are the columns with bad values.
	Columns []string
}

// ReadOptions are the options of a Reader. The zero value suits most files.
type ReadOptions struct {
	// Format overrides the format shown by the file's name, if not empty.
	Format Format

	// To is the format of the output. If it is a text format, columns of CSV and
	// JSON with inferred types have a WrittenType, so that values are written as
	// they were read. Otherwise columns have the inferred types.
	To Format
	// Sample limits type inference to the first 64 MiB of a file. Without it the
	// whole file is read twice; input that can be read only once is copied to a
	// temporary file. With Sample and a text format in To, the first MiB of such
	// input determines the types.
	Sample bool

	// Encoding is the encoding of text: utf-8, utf-16, utf-16le, utf-16be, or
	// another IANA name such as windows-1252. The default is UTF-16 if the first
	// bytes show it, and UTF-8 otherwise.
	Encoding string
	// Skip is the number of lines to skip before the first row or the header.
	Skip int

	// Delimiter separates the cells of CSV. The default is a tab for TSV; for CSV
	// it is a comma, semicolon, tab or bar, detected from the first rows.
	Delimiter string
	// Quote is the quote character of CSV, or None. The default is a double quote,
	// unless the first rows show another.
	Quote string
	// Escape is the character that escapes a quote within quotes. The default is
	// the quote itself, or a backslash if the first rows show it.
	Escape string
	// Comment is the prefix of lines of CSV that are not rows; empty for none.
	Comment string
	// Null are texts that mean NULL in CSV, as an empty cell does.
	Null []string
	// NoHeader is true if the first line of CSV is a row. Columns are then named
	// _c0, _c1, ...
	NoHeader bool
	// AllText disables type inference for CSV and JSON: all columns are STRING.
	AllText bool
	// Types are the types of columns of CSV and JSON by name. The types of other
	// columns are inferred. See ParseType.
	Types map[string]arrow.DataType

	// Rows and Bytes limit a batch, which ends with the row that reaches one of
	// them. The defaults are 1024 rows and 8 MiB. MaxRow limits a row of a text
	// format in bytes; the default is 16 MiB.
	Rows, Bytes, MaxRow int

	// Bad is called for each row with values that cannot be parsed, before Next
	// returns the batch with the row. If it is nil, such a row is an error of
	// Next.
	Bad func(Bad)

	// Allocator allocates batches; nil means Arrow's default.
	Allocator memory.Allocator
	// Stdin replaces os.Stdin, which the path "-" names.
	Stdin io.Reader
}

// Check reports mistakes in the options that show without a file.
func (o ReadOptions) Check() error {
	return errors.Join(checkTypes(o.Types), checkEncoding(o.Encoding), checkDialect(o))
}

func (o ReadOptions) withDefaults() ReadOptions {
	for _, d := range []struct {
		n         *int
		byDefault int
	}{{&o.Rows, 1024}, {&o.Bytes, 8 << 20}, {&o.MaxRow, 16 << 20}} {
		if *d.n <= 0 {
			*d.n = d.byDefault
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

// Open opens a file, or standard input for the path "-". The options or the name
// of the file determine the format.
func Open(ctx context.Context, path string, o ReadOptions) (Reader, error) {
	o = o.withDefaults()
	if err := CheckExists(path); err != nil {
		return nil, err
	}
	format, packed, err := formatOf(path, o.Format, false)
	if err != nil {
		return nil, err
	}
	if format == Parquet {
		return openParquet(ctx, path, o)
	}
	if format == Arrow {
		return openArrow(ctx, path, o)
	}
	if format == Avro {
		return openAvro(ctx, path, o)
	}
	if format == TSV && o.Delimiter == "" {
		o.Delimiter = "\t"
	}
	return openRows(ctx, path, format, packed, o)
}

// Package files reads and writes tables as files: CSV, JSON lines, Parquet and
// plain text, compressed or not, as a stream of Arrow batches.
//
// Reading never changes what a file says. Types of CSV and JSON are inferred
// only where writing a value again gives the same characters ("007", "1e3" and
// "+5" stay text), and types that Parquet has are kept.
//
// An output is there whole or not at all: it is written beside its place and
// put there by Close.
package files

import (
	"context"
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

// Bad is a row that is not as its file's format or its columns' types want it.
type Bad struct {
	Row    int64 // from 0, counted over the whole file
	Line   int64 // from 1, where the row begins
	Reason error // names file, line and column, and what to do
}

// ReadOptions adjust a Reader; the zero value suits most files.
type ReadOptions struct {
	// Format, if not empty, is the file's, whatever its name tells.
	Format Format

	// Delimiter stands between the cells of CSV; 0 is a comma, and a tab for
	// TSV. It is one byte.
	Delimiter byte
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

	// Bad, if not nil, is told of rows that are wrong, before the batch is
	// given that has them as rows of NULLs. Without it they end the reading.
	Bad func(Bad)

	// Allocator is where batches' memory comes from; nil is Arrow's default.
	Allocator memory.Allocator
	// Stdin stands for standard input, which the path "-" names.
	Stdin io.Reader
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
		return openParquet(path, o)
	}
	if format == TSV && o.Delimiter == 0 {
		o.Delimiter = '\t'
	}
	return openRows(ctx, path, format, packed, o)
}

package files

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// textColumn appends the value of row i, which is not NULL.
type textColumn func(dst []byte, i int) ([]byte, error)

// textOf formats the values of a column as text, and nested values as JSON.
func textOf(a arrow.Array) textColumn {
	switch a := a.(type) {
	case *array.String:
		return func(dst []byte, i int) ([]byte, error) { return append(dst, a.Value(i)...), nil }
	case *WrittenArray:
		return func(dst []byte, i int) ([]byte, error) { return a.appendText(dst, i), nil }
	}
	if isNested(a.DataType()) {
		return func(dst []byte, i int) ([]byte, error) { return appendValue(dst, a, i) }
	}
	return func(dst []byte, i int) ([]byte, error) {
		dst, _ = appendScalar(dst, a, i)
		return dst, nil
	}
}

// lineWriter writes a column of text as lines.
type lineWriter struct{ column arrow.Array }

func (*lineWriter) head(dst []byte, _ *arrow.Schema) []byte { return dst }

func (w *lineWriter) batch(b arrow.RecordBatch) { w.column = b.Column(0) }

func (w *lineWriter) row(dst []byte, i int) ([]byte, error) {
	if isNull(w.column, i) {
		return dst, errors.New("the value is NULL, which a text file cannot represent; write .csv, .jsonl or .parquet")
	}
	from := len(dst)
	dst, _ = appendScalar(dst, w.column, i)
	if bytes.ContainsAny(dst[from:], "\r\n") {
		return dst, errors.New("the value has line breaks, but a row of a text file is one line; write .csv, .jsonl or .parquet")
	}
	return append(dst, '\n'), nil
}

// csvWriter writes CSV by RFC 4180, with "\n" at the end of lines.
type csvWriter struct {
	delimiter byte
	safe      bool // escape cells that a spreadsheet evaluates as formulas
	columns   []arrow.Array
	texts     []textColumn
	names     []string
}

func newCSVWriter(delimiter byte, safe bool) *csvWriter {
	return &csvWriter{delimiter: delimiter, safe: safe}
}

func (w *csvWriter) head(dst []byte, schema *arrow.Schema) []byte {
	for i, f := range schema.Fields() {
		if i > 0 {
			dst = append(dst, w.delimiter)
		}
		dst = w.finish(append(dst, f.Name...), len(dst))
		w.names = append(w.names, f.Name)
	}
	return append(dst, '\n')
}

func (w *csvWriter) batch(b arrow.RecordBatch) {
	w.columns, w.texts = b.Columns(), w.texts[:0]
	for _, a := range w.columns {
		w.texts = append(w.texts, textOf(a))
	}
}

func (w *csvWriter) row(dst []byte, i int) ([]byte, error) {
	for k, a := range w.columns {
		if k > 0 {
			dst = append(dst, w.delimiter)
		}
		if isNull(a, i) {
			continue
		}
		from := len(dst)
		var err error
		if dst, err = w.texts[k](dst, i); err != nil {
			return dst, fmt.Errorf("column %s: %w", w.names[k], err)
		}
		dst = w.finish(dst, from)
	}
	return append(dst, '\n'), nil
}

// finish puts the cell that begins at from into quotes if necessary. An empty text
// needs them, as it would be NULL without.
func (w *csvWriter) finish(dst []byte, from int) []byte {
	if w.safe && isFormula(dst[from:]) {
		dst = append(dst, 0)
		copy(dst[from+1:], dst[from:])
		dst[from] = '\''
	}
	cell := dst[from:]
	needed := len(cell) == 0 || bytes.HasPrefix(cell, []byte("\xef\xbb\xbf")) // not a byte order mark
	quotes := bytes.Count(cell, []byte{'"'})
	needed = needed || quotes > 0 || bytes.IndexByte(cell, w.delimiter) >= 0 || bytes.IndexByte(cell, '\n') >= 0 || bytes.IndexByte(cell, '\r') >= 0
	if !needed {
		return dst
	}
	// The cell is moved from its end, so that no byte is overwritten before it is
	// read.
	n := len(cell)
	for range quotes + 2 {
		dst = append(dst, '"')
	}
	to := len(dst) - 2
	for k := from + n - 1; k >= from; k-- {
		dst[to] = dst[k]
		if to--; dst[k] == '"' {
			dst[to] = '"'
			to--
		}
	}
	dst[from] = '"'
	return dst
}

// isFormula reports whether a spreadsheet may evaluate a cell, by its first
// character (OWASP, CSV injection). Numbers are not formulas.
func isFormula(cell []byte) bool {
	if len(cell) == 0 {
		return false
	}
	switch cell[0] {
	case '=', '@', '\t', '\r', '\n':
		return true
	case '+', '-':
		_, err := strconv.ParseFloat(string(cell), 64)
		return err != nil && !errors.Is(err, strconv.ErrRange) || bytes.ContainsAny(cell, "_xX")
	}
	r, _ := utf8.DecodeRune(cell)
	return r == '＝' || r == '＋' || r == '－' || r == '＠'
}

// jsonWriter writes an object on each line.
type jsonWriter struct {
	keys    [][]byte
	columns []arrow.Array
}

func (w *jsonWriter) head(dst []byte, schema *arrow.Schema) []byte {
	for _, f := range schema.Fields() {
		w.keys = append(w.keys, append(quoteJSON(nil, f.Name), ':'))
	}
	return dst
}

func (w *jsonWriter) batch(b arrow.RecordBatch) { w.columns = b.Columns() }

func (w *jsonWriter) row(dst []byte, i int) ([]byte, error) {
	dst = append(dst, '{')
	for k, a := range w.columns {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, w.keys[k]...)
		var err error
		if dst, err = appendValue(dst, a, i); err != nil {
			return dst, fmt.Errorf("column %s: %w", w.keys[k][:len(w.keys[k])-1], err)
		}
	}
	return append(dst, '}', '\n'), nil
}

// quoteJSON appends text in UTF-8 as a JSON string.
func quoteJSON[T string | []byte](dst []byte, text T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := range len(text) {
		c := text[i]
		if isPlain[c] || c >= utf8.RuneSelf {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, text[from:]...), '"')
}

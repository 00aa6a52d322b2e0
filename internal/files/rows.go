package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Bytes from which types are inferred if not from all: of a seekable file, and of
// other input, whose first rows wait for the inference.
const (
	sampleFile = 64 << 20
	sampleOnce = 1 << 20
)

// rowFormat parses the rows of a text format.
type rowFormat interface {
	// begin reads what precedes the rows, such as a header.
	begin() error
	// infer reads all rows and returns the columns with their types.
	infer(context.Context) ([]arrow.Field, error)
	// again returns a parser with the detected dialect for the same text from the
	// beginning.
	again(*lines) rowFormat
	// bind sets the columns and types of the rows.
	bind(fields []arrow.Field)
	// need declares that the values of a column are used; see Need.
	need(column int)
	// read parses a row. wrong holds the errors of its values. err is io.EOF after
	// the last row, or an error that ends reading. size is the approximate size of
	// the row in a batch, in bytes.
	read() (size int, wrong *flaws, err error)
	// add appends the values of the row, and NULL for bad ones.
	add(columns []array.Builder)
	// line returns the line on which the last row began, from 1.
	line() int64
}

// rows is the Reader of the text formats.
type rows struct {
	in     *input
	lines  *lines
	format rowFormat
	schema *arrow.Schema
	o      ReadOptions
	last   lastBatch
	whole  bool  // types were inferred from all rows
	row    int64 // number of the next row
	err    error // error of the next call of Next
}

func newFormat(format Format, l *lines, o ReadOptions) rowFormat {
	switch format {
	case JSON:
		return newJSON(l, o)
	case Text:
		return &textRows{l: l, o: o}
	}
	return newCSV(l, o)
}

func openRows(ctx context.Context, path string, format Format, packed compression, o ReadOptions) (Reader, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	in, err := openInput(ctx, path, packed, o.Stdin)
	if err != nil {
		return nil, err
	}
	r := &rows{in: in, o: o}
	if err := r.open(ctx, format); err != nil {
		r.in.Close()
		return nil, err
	}
	return r, nil
}

// open infers the columns and returns to the first row.
func (r *rows) open(ctx context.Context, format Format) error {
	if !r.in.seekable && !r.o.Sample && !r.o.To.isText() && format != Text {
		if err := r.in.spool(ctx); err != nil {
			return err
		}
	}
	most := int64(math.MaxInt64)
	switch {
	case !r.in.seekable:
		most = sampleOnce
	case r.o.Sample:
		most = sampleFile
	}
	first, err := r.text(most)
	if err != nil {
		return err
	}
	found := newFormat(format, first.lines, r.o)
	fields, err := inferred(ctx, found)
	if err != nil {
		return err
	}
	r.whole = !first.cut
	if c, ok := found.(*csvRows); ok && r.in.seekable && c.rejected > 0 {
		if found, fields, err = r.withBackslash(ctx, c, fields, most); err != nil {
			return err
		}
	}
	second, err := r.text(math.MaxInt64)
	if err != nil {
		return err
	}
	r.lines = second.lines
	r.format = found.again(second.lines)
	if err := r.format.begin(); err != nil {
		return err
	}
	r.schema = arrow.NewSchema(fields, nil)
	r.format.bind(fields)
	return nil
}

// withBackslash infers the columns with a backslash as the escape character, and
// uses it if no quotes are then malformed.
func (r *rows) withBackslash(ctx context.Context, c *csvRows, fields []arrow.Field, most int64) (rowFormat, []arrow.Field, error) {
	t, err := r.text(most)
	if err != nil {
		return nil, nil, err
	}
	if other := c.withBackslash(t.lines); other != nil {
		better, err := inferred(ctx, other)
		switch {
		case ctx.Err() != nil:
			return nil, nil, err
		case err == nil && other.rejected == 0:
			return other, better, nil
		}
	}
	return c, fields, nil
}

// text is the text of an input from the beginning, in UTF-8.
type text struct {
	lines *lines
	*sample
}

func (r *rows) text(most int64) (text, error) {
	from, err := r.in.begin()
	if err != nil {
		return text{}, err
	}
	s := &sample{Reader: from, left: most}
	decoded, name, err := decoded(s, r.o.Encoding)
	if err != nil {
		return text{}, err
	}
	r.o.Encoding = name
	return text{newLines(r.in.name, decoded, r.o.MaxRow), s}, nil
}

func inferred(ctx context.Context, f rowFormat) ([]arrow.Field, error) {
	if err := f.begin(); err != nil {
		if errors.Is(err, errSampled) {
			err = errors.New("the first line is too long")
		}
		return nil, err
	}
	return f.infer(ctx)
}

// errSampled ends a sample before the end of the file. The row that it truncates is
// ignored.
var errSampled = errors.New("the sample ends")

// sampled calls see, which reads a row, up to the end of the sample or the file.
func sampled(ctx context.Context, see func() error) error {
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch err := see(); {
		case err == io.EOF, errors.Is(err, errSampled):
			return nil
		case err != nil:
			return err
		}
	}
}

// sample reads the first bytes of an input.
type sample struct {
	io.Reader
	left int64
	cut  bool // the input may have more bytes
}

func (s *sample) Read(b []byte) (int, error) {
	if s.left == 0 {
		s.cut = true
		return 0, errSampled
	}
	n, err := s.Reader.Read(b[:min(int64(len(b)), s.left)])
	s.left -= int64(n)
	return n, err
}

func (r *rows) Schema() *arrow.Schema { return r.schema }

func (r *rows) Progress() (done, total int64) {
	return int64(float64(r.in.done.Load()) * r.lines.part()), r.in.total
}

func (r *rows) Close() error { return r.in.Close() }

func (r *rows) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if r.err != nil {
		return nil, r.err
	}
	b := array.NewRecordBuilder(r.o.Allocator, r.schema)
	defer b.Release()
	columns := b.Fields()
	r.last.reserve(b)
	n, bytes := 0, 0
	for n < r.o.Rows && bytes < r.o.Bytes && r.err == nil {
		if n%64 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		size, wrong, err := r.format.read()
		reason := error(nil)
		if err == nil {
			reason = wrong.error()
		}
		if reason != nil && r.o.Bad == nil {
			err = reason
		}
		if err != nil {
			r.err = err
			continue
		}
		if reason != nil {
			r.o.Bad(Bad{Row: r.row, Line: r.format.line(), Reason: reason, Columns: slices.Clone(wrong.columns)})
		}
		r.format.add(columns)
		n++
		r.row++
		bytes += size
	}
	// Rows before an error are returned first; the next call returns the error.
	if n == 0 {
		return nil, r.err
	}
	batch := b.NewRecordBatch()
	r.last.set(batch)
	return batch, nil
}

// lastBatch holds the rows of the last batch and the bytes of its columns of text.
// The next batch probably needs as many.
type lastBatch struct {
	rows int
	text []int
}

func (l *lastBatch) reserve(b *array.RecordBuilder) {
	b.Reserve(l.rows)
	for i, size := range l.text {
		if text := textBuilder(b.Field(i)); text != nil {
			text.ReserveData(size)
		}
	}
}

func (l *lastBatch) set(batch arrow.RecordBatch) {
	l.rows = int(batch.NumRows())
	l.text = l.text[:0]
	for _, c := range batch.Columns() {
		size := 0
		if e, ok := c.(array.ExtensionArray); ok {
			c = e.Storage()
		}
		if text, ok := c.(*array.String); ok {
			size = len(text.ValueBytes())
		}
		l.text = append(l.text, size)
	}
}

// textBuilder returns the builder of the texts of a column, or nil.
func textBuilder(b array.Builder) *array.BinaryBuilder {
	switch b := b.(type) {
	case *array.StringBuilder:
		return b.BinaryBuilder
	case *array.ExtensionBuilder:
		if text, ok := b.StorageBuilder().(*array.StringBuilder); ok {
			return text.BinaryBuilder
		}
	}
	return nil
}

func (r *rows) need(columns []string) {
	for _, name := range columns {
		for _, i := range r.schema.FieldIndices(name) {
			if !r.whole {
				r.format.need(i)
			}
		}
	}
}

// flaws are the errors of a row.
type flaws struct {
	errs    []error
	columns []string // columns without a valid value
}

// add adds an error and, unless it is "", the column that has no valid value.
func (f *flaws) add(err error, column string) {
	f.errs = append(f.errs, err)
	if column != "" {
		f.columns = append(f.columns, column)
	}
}

func (f *flaws) reset() { f.errs, f.columns = f.errs[:0], f.columns[:0] }

// error returns nil if there are no errors.
func (f *flaws) error() error {
	switch len(f.errs) {
	case 0:
		return nil
	case 1:
		return f.errs[0]
	}
	return joinedError(slices.Clone(f.errs))
}

// joinedError is several errors in one line.
type joinedError []error

func (j joinedError) Error() string {
	texts := make([]string, len(j))
	for i, err := range j {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (j joinedError) Unwrap() []error { return j }

// at formats a position in a file for an error.
func at(name string, line int64, column string) string {
	if column == "" {
		return fmt.Sprintf("%s, line %d", name, line)
	}
	return fmt.Sprintf("%s, line %d, column %s", name, line, column)
}

// textRows reads a text file as one column of lines.
type textRows struct {
	l      *lines
	o      ReadOptions
	number int64
	text   []byte
	bad    bool
	flaws  flaws
}

func (t *textRows) begin() error {
	err := t.l.begin()
	for i := 0; i < t.o.Skip && err == nil; i++ {
		err = t.l.skipLine()
	}
	t.l.findReturns(sniffed)
	return err
}

func (t *textRows) infer(context.Context) ([]arrow.Field, error) {
	return []arrow.Field{{Name: "value", Type: arrow.BinaryTypes.String, Nullable: true}}, nil
}

func (t *textRows) again(l *lines) rowFormat { return &textRows{l: l, o: t.o} }

func (t *textRows) bind([]arrow.Field) {}

func (t *textRows) need(int) {}

func (t *textRows) read() (size int, wrong *flaws, err error) {
	t.flaws.reset()
	t.number = t.l.number
	t.text, err = t.l.line()
	var flaw error
	switch {
	case err == errTooLong:
		flaw, err = fmt.Errorf("the line is longer than %d MiB", t.l.most>>20), t.l.skipLine()
	case err == nil:
		flaw = checkText(t.text, t.o.Encoding)
	}
	if t.bad = flaw != nil; t.bad {
		t.flaws.add(fmt.Errorf("%s: %w", at(t.l.name, t.number, ""), flaw), "value")
	}
	return len(t.text), &t.flaws, err
}

func (t *textRows) add(columns []array.Builder) {
	if t.bad {
		columns[0].AppendNull()
		return
	}
	columns[0].(*array.StringBuilder).BinaryBuilder.Append(t.text)
}

func (t *textRows) line() int64 { return t.number }

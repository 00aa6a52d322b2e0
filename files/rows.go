package files

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// How much is read to infer types: of a file, and of what can be read once
// only, whose first rows wait for it.
const (
	sampleFile = 64 << 20
	sampleOnce = 1 << 20
)

// rowFormat reads the rows of a text format.
type rowFormat interface {
	// begin reads what stands before the rows.
	begin() error
	// infer reads all rows and gives the columns they need.
	infer() ([]arrow.Field, error)
	// bind says which columns the rows are read as.
	bind(fields []arrow.Field) error
	// next reads a row and checks it: a badRow, io.EOF after the last, or what
	// ends the reading. size is about its bytes in a batch.
	next() (size int, err error)
	// add appends the row that next has checked.
	add(columns []array.Builder)
	// line is where the row of the last next began, from 1.
	line() int64
}

// badRow is a row's own error, after which others can be read.
type badRow struct{ error }

func (b badRow) Unwrap() error { return b.error }

// rows makes batches of rows.
type rows struct {
	in     *input
	lines  *lines
	format rowFormat
	schema *arrow.Schema
	o      ReadOptions
	row    int64 // of the next one
	err    error // the next Next's
}

func newFormat(format Format, l *lines, o ReadOptions) rowFormat {
	switch format {
	case JSON:
		return &jsonRows{l: l, o: o}
	case Text:
		return &textRows{l: l}
	}
	return newCSV(l, o)
}

func openRows(_ context.Context, path string, format Format, packed compression, o ReadOptions) (Reader, error) {
	if err := checkTypes(o.Types); err != nil {
		return nil, err
	}
	in, err := openInput(path, packed, o.Stdin)
	if err != nil {
		return nil, err
	}
	r := &rows{in: in, o: o}
	if err := r.open(path, format, packed); err != nil {
		r.in.Close()
		return nil, err
	}
	return r, nil
}

// open infers the columns, and goes back to the first row.
func (r *rows) open(path string, format Format, packed compression) error {
	var fields []arrow.Field
	var all io.Reader = r.in
	if r.in.again {
		var err error
		if fields, err = inferred(newFormat(format, newLines(r.in.name, &sample{r.in, sampleFile}, r.o.MaxRow), r.o)); err != nil {
			return err
		}
		fresh, err := openInput(path, packed, nil)
		if err != nil {
			return err
		}
		r.in.Close()
		r.in, all = fresh, fresh
	} else {
		kept := &keptBytes{r: r.in}
		var err error
		if fields, err = inferred(newFormat(format, newLines(r.in.name, &sample{kept, sampleOnce}, r.o.MaxRow), r.o)); err != nil {
			return err
		}
		all = io.MultiReader(kept, r.in)
		kept.again = true
	}
	r.lines = newLines(r.in.name, all, r.o.MaxRow)
	r.format = newFormat(format, r.lines, r.o)
	if err := r.format.begin(); err != nil {
		return err
	}
	r.schema = arrow.NewSchema(fields, nil)
	return r.format.bind(fields)
}

func inferred(f rowFormat) ([]arrow.Field, error) {
	if err := f.begin(); err != nil {
		if errors.Is(err, errSampled) {
			err = errors.New("its first line is too long")
		}
		return nil, err
	}
	return f.infer()
}

// errSampled ends a sample before the file's end: the row that it cuts is none.
var errSampled = errors.New("the sample ends")

// sampled has see read row after row, up to the end of the sample or the file.
// Rows that are bad teach nothing.
func sampled(see func() error) error {
	for {
		err := see()
		var bad badRow
		switch {
		case err == io.EOF, errors.Is(err, errSampled):
			return nil
		case err != nil && !errors.As(err, &bad):
			return err
		}
	}
}

// sample is the first bytes of an input.
type sample struct {
	io.Reader
	left int
}

func (s *sample) Read(b []byte) (int, error) {
	if s.left == 0 {
		return 0, errSampled
	}
	n, err := s.Reader.Read(b[:min(len(b), s.left)])
	s.left -= n
	return n, err
}

// keptBytes keeps what is read, and then gives it again.
type keptBytes struct {
	r     io.Reader
	kept  []byte
	again bool
}

func (k *keptBytes) Read(b []byte) (int, error) {
	if k.again {
		if len(k.kept) == 0 {
			return 0, io.EOF
		}
		n := copy(b, k.kept)
		k.kept = k.kept[n:]
		return n, nil
	}
	n, err := k.r.Read(b)
	k.kept = append(k.kept, b[:n]...)
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
	n, bytes := 0, 0
	for n < r.o.Rows && bytes < r.o.Bytes && r.err == nil {
		if n%64 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		size, err := r.format.next()
		var bad badRow
		switch {
		case err == nil:
			r.format.add(columns)
		case errors.As(err, &bad) && r.o.Bad != nil:
			r.o.Bad(Bad{Row: r.row, Line: r.format.line(), Reason: bad.error})
			for _, c := range columns {
				c.AppendNull()
			}
		default:
			r.err = err
			continue
		}
		n++
		r.row++
		bytes += size
	}
	// Rows before an error are good ones; it comes with the next call.
	if n == 0 {
		return nil, r.err
	}
	return b.NewRecordBatch(), nil
}

// at names a place in a file.
func at(name string, line int64, column string) string {
	if column == "" {
		return fmt.Sprintf("%s, line %d", name, line)
	}
	return fmt.Sprintf("%s, line %d, column %s", name, line, column)
}

// shown is a value in an error.
func shown(b []byte) string {
	const most = 60
	if len(b) > most {
		return fmt.Sprintf("%.*q...", most, b)
	}
	return fmt.Sprintf("%q", b)
}

// textRows is a column of lines.
type textRows struct {
	l      *lines
	number int64
	text   []byte
}

func (t *textRows) begin() error { return t.l.begin() }

func (t *textRows) infer() ([]arrow.Field, error) {
	return []arrow.Field{{Name: "value", Type: arrow.BinaryTypes.String, Nullable: true}}, nil
}

func (t *textRows) bind([]arrow.Field) error { return nil }

func (t *textRows) next() (int, error) {
	t.number = t.l.number
	var err error
	if t.text, err = t.l.line(); err == errTooLong {
		if err := t.l.skipLine(); err != nil {
			return 0, err
		}
		return 0, badRow{fmt.Errorf("%s: it is longer than %d MiB", at(t.l.name, t.number, ""), t.l.most>>20)}
	}
	if err != nil {
		return 0, err
	}
	if err := checkUTF8(t.text); err != nil {
		return 0, badRow{fmt.Errorf("%s: %w", at(t.l.name, t.number, ""), err)}
	}
	return len(t.text), nil
}

func (t *textRows) add(columns []array.Builder) {
	columns[0].(*array.StringBuilder).BinaryBuilder.Append(t.text)
}

func (t *textRows) line() int64 { return t.number }

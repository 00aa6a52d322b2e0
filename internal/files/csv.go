package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// csvRows are the rows of CSV: a record each. An empty cell is NULL and one in
// quotes is an empty text; a blank line is no row, but a row of NULL where there
// is one column only.
type csvRows struct {
	*records
	o       ReadOptions
	names   []string
	first   bool // the record that begin read is a row
	columns []csvColumn
	missing []bool // cells of the current row that cannot be read
	flaws   flaws
	// rejected counts cells whose quotes are wrong, of all that infer has seen.
	rejected int
}

// csvColumn is how a column's cells are read.
type csvColumn struct {
	scalar
	isText   bool
	inferred arrow.DataType // not given, and not text: cells that it would change cannot be read
	written  bool           // cells are kept as they are
	checked  bool           // of a written column: its values are needed, too
}

func newCSV(l *lines, o ReadOptions) *csvRows { return &csvRows{records: &records{l: l}, o: o} }

func (c *csvRows) again(l *lines) rowFormat {
	return &csvRows{records: &records{l: l, d: c.d}, o: c.o}
}

// otherwise is c with the way of writing quotes that Spark has, if that may be
// meant: quotes were wrong, and nobody said how they are written.
func (c *csvRows) otherwise(l *lines) *csvRows {
	if c.rejected == 0 || c.o.Escape != "" || c.d.quote == 0 || c.d.escape == '\\' {
		return nil
	}
	d := *c.d
	d.escape = '\\'
	return &csvRows{records: &records{l: l, d: &d}, o: c.o}
}

func (c *csvRows) line() int64 { return c.number }

func (c *csvRows) begin() error {
	if err := c.l.begin(); err != nil {
		return err
	}
	for range c.o.Skip {
		if err := c.l.skipLine(); err != nil {
			return err
		}
	}
	if c.d == nil {
		c.d = sniff(c.l, c.o)
	} else if first, ok := excelDelimiter(c.l.rest()[:min(6, c.l.peek(6))]); ok && c.d.delimiter == first {
		if err := c.l.skipLine(); err != nil {
			return err
		}
	}
	c.l.cr = c.d.returns
	err := c.next()
	for err == nil && c.isBlank() {
		err = c.next() // blank lines before the header
	}
	if err == io.EOF {
		return fmt.Errorf("%s is empty: a first line with the columns' names is needed", c.l.name)
	}
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, of := range c.cells {
		name := string(c.cell(i))
		if of.broken != nil {
			return fmt.Errorf("%s: cell %d: %w", at(c.l.name, c.number, ""), i+1, of.broken)
		}
		if c.o.NoHeader || name == "" {
			name = fmt.Sprintf("_c%d", i)
		}
		if err := checkText([]byte(name), c.o.Encoding); err != nil {
			return fmt.Errorf("%s: %w", at(c.l.name, c.number, ""), err)
		}
		if seen[name] {
			return fmt.Errorf("%s has two columns named %q: rename one in the first line", c.l.name, name)
		}
		seen[name] = true
		c.names = append(c.names, name)
	}
	for name := range c.o.Types {
		if !seen[name] {
			return fmt.Errorf("%s has no column %q to give a type to; it has %s", c.l.name, name, strings.Join(c.names, ", "))
		}
	}
	c.missing = make([]bool, len(c.names))
	c.first = c.o.NoHeader
	return nil
}

// row reads the next record that is a row. What is wrong with it is in flaws.
func (c *csvRows) row() error {
	c.flaws.reset()
	for !c.first {
		if err := c.next(); err != nil {
			return err
		}
		if len(c.names) == 1 || !c.isBlank() {
			break
		}
	}
	c.first = false
	broken := -1
	for i, of := range c.cells {
		if of.broken != nil {
			if broken < 0 {
				broken = i
			}
			c.flaw(i, of.broken)
		}
	}
	switch {
	case broken >= 0 && len(c.cells) != len(c.names):
		// Where the cells after the broken one belong is not known.
		c.cells = c.cells[:broken]
	case len(c.cells) < len(c.names):
		c.flaw(-1, fmt.Errorf("it has %s, but the first line has %d", cells(len(c.cells)), len(c.names)))
	case len(c.cells) > len(c.names):
		rest := bytes.Join(c.after(len(c.names)), []byte(c.d.delimiter))
		c.flaw(-1, sensitive.Errorf("it has %s, but the first line has %d, so that %s has no column; text that holds %q must stand in quotes",
			cells(len(c.cells)), len(c.names), sensitive.Text(rest), c.d.delimiter))
	}
	return nil
}

// after are the cells from n on.
func (c *csvRows) after(n int) (rest [][]byte) {
	for i := n; i < len(c.cells); i++ {
		rest = append(rest, c.cell(i))
	}
	return rest
}

// flaw notes what is wrong with a cell, or with the row if i is negative.
func (c *csvRows) flaw(i int, err error) {
	name := ""
	if i >= len(c.names) {
		err = fmt.Errorf("cell %d: %w", i+1, err)
	} else if i >= 0 {
		name = c.names[i]
	}
	c.flaws.add(fmt.Errorf("%s: %w", at(c.l.name, c.number, name), err), name)
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

func (c *csvRows) infer(ctx context.Context) ([]arrow.Field, error) {
	found := make([]guess, len(c.names))
	open := false // a column's type is to be inferred
	for _, name := range c.names {
		open = open || c.o.Types[name] == nil && !c.o.AllText
	}
	see := func() error {
		if err := c.row(); err != nil {
			return err
		}
		for _, flaw := range c.flaws.errs {
			var quote *quoteError
			if errors.As(flaw, &quote) {
				c.rejected++
			}
		}
		if len(c.flaws.errs) > 0 {
			return nil // which columns the cells belong to is in doubt
		}
		for i := range found {
			if !c.isNull(i, false) {
				found[i].see(c.cell(i))
			}
		}
		return nil
	}
	if open {
		if err := sampled(ctx, see); err != nil {
			return nil, err
		}
	}
	fields := make([]arrow.Field, len(c.names))
	for i, name := range c.names {
		t := c.o.Types[name]
		if t == nil {
			t = found[i].arrowType()
			if c.o.To.isText() && t.ID() != arrow.STRING {
				t = newWritten(t, false)
			}
		}
		fields[i] = arrow.Field{Name: name, Type: t, Nullable: true}
	}
	return fields, nil
}

func (c *csvRows) bind(fields []arrow.Field) {
	c.columns = make([]csvColumn, len(fields))
	for i, f := range fields {
		t := f.Type
		w, written := t.(*WrittenType)
		if written {
			t = w.Of
		}
		of := csvColumn{scalar: scalarOf(t), isText: t.ID() == arrow.STRING, written: written}
		if !of.isText && c.o.Types[f.Name] == nil {
			of.inferred = t
		}
		c.columns[i] = of
	}
}

func (c *csvRows) need(column int) { c.columns[column].checked = c.columns[column].written }

func (c *csvRows) read() (size int, wrong *flaws, err error) {
	if err := c.row(); err != nil {
		return 0, nil, err
	}
	for i, column := range c.columns {
		c.missing[i] = false
		if i >= len(c.cells) || c.cells[i].broken != nil {
			c.missing[i] = true
			c.flaws.columns = append(c.flaws.columns, c.names[i])
			continue
		}
		text := c.cell(i)
		size += len(text) + 8
		switch {
		case c.isNull(i, column.isText || column.written):
			c.missing[i] = true
			continue
		case column.written || column.isText:
			if err := checkText(text, c.o.Encoding); err != nil {
				c.missing[i] = true
				c.flaw(i, err)
			} else if column.checked && len(text) > 0 && !keeps(column.inferred, text) {
				c.flaw(i, misfit(text, column.inferred))
			}
			continue
		case column.inferred != nil && !keeps(column.inferred, text):
			c.missing[i] = true
			c.flaw(i, misfit(text, column.inferred))
			continue
		}
		if err := column.scalar(nil, text); err != nil {
			c.missing[i] = true
			c.flaw(i, err)
		}
	}
	return size, &c.flaws, nil
}

// misfit is the error of a value that came after the type was inferred.
func misfit(text []byte, t arrow.DataType) error {
	return sensitive.Errorf("%s is no %s, which this column was found to be by its first rows: give the column a type that holds both, such as STRING, or read all as text", sensitive.Text(text), typeName(t))
}

// isNull holds for empty cells, and for what means NULL by the options; but a
// text may be empty, in quotes.
func (c *csvRows) isNull(i int, text bool) bool {
	of := c.cells[i]
	if of.from == of.to {
		return !of.quoted || !text
	}
	for _, null := range c.d.null {
		if string(c.cell(i)) == null {
			return true
		}
	}
	return false
}

func (c *csvRows) add(columns []array.Builder) {
	for i, b := range columns {
		switch {
		case c.missing[i]:
			b.AppendNull()
		case c.columns[i].written:
			writtenBuilder(b).Append(c.cell(i))
		default:
			c.columns[i].scalar(b, c.cell(i)) // checked by read
		}
	}
}

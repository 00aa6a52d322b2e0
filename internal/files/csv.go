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

// csvRows reads the rows of CSV. Each record is a row. An empty cell is NULL, and
// an empty cell in quotes is an empty text. A blank line is skipped, except in a
// file with one column, where it is a row with NULL.
type csvRows struct {
	*records
	o       ReadOptions
	names   []string
	first   bool // the record that begin read is a row
	columns []csvColumn
	missing []bool // cells of the current row without a valid value
	flaws   flaws
	// rejected counts the cells with malformed quotes that infer has read.
	rejected int
}

// csvColumn says how the cells of a column are parsed.
type csvColumn struct {
	scalar
	isText   bool
	inferred arrow.DataType // inferred type other than text, which must represent every cell exactly
	written  bool           // the text of cells is kept
	checked  bool           // cells of a written column are also used as values
}

func newCSV(l *lines, o ReadOptions) *csvRows { return &csvRows{records: &records{l: l}, o: o} }

func (c *csvRows) again(l *lines) rowFormat {
	return &csvRows{records: &records{l: l, d: c.d}, o: c.o}
}

// withBackslash returns c with Spark's escape character, if quotes were malformed
// and no escape character was given. Otherwise it returns nil.
func (c *csvRows) withBackslash(l *lines) *csvRows {
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
		return fmt.Errorf("%s is empty: it must have a first line with column names", c.l.name)
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
			return fmt.Errorf("%s: duplicate column name %q; rename one in the first line", c.l.name, name)
		}
		seen[name] = true
		c.names = append(c.names, name)
	}
	for name := range c.o.Types {
		if !seen[name] {
			return fmt.Errorf("%s has no column %q, for which a type is given; its columns are %s", c.l.name, name, strings.Join(c.names, ", "))
		}
	}
	c.missing = make([]bool, len(c.names))
	c.first = c.o.NoHeader
	return nil
}

// row reads the next row and collects its errors in flaws.
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
		// The columns of the cells after the broken one are unknown.
		c.cells = c.cells[:broken]
	case len(c.cells) < len(c.names):
		c.flaw(-1, fmt.Errorf("the row has %s, but the first line has %d", cells(len(c.cells)), len(c.names)))
	case len(c.cells) > len(c.names):
		rest := bytes.Join(c.after(len(c.names)), []byte(c.d.delimiter))
		c.flaw(-1, sensitive.Errorf("the row has %s, but the first line has %d: %s has no column; put text that contains %q in quotes",
			cells(len(c.cells)), len(c.names), sensitive.Text(rest), c.d.delimiter))
	}
	return nil
}

// after returns the cells from number n on.
func (c *csvRows) after(n int) (rest [][]byte) {
	for i := n; i < len(c.cells); i++ {
		rest = append(rest, c.cell(i))
	}
	return rest
}

// flaw records an error of a cell, or of the row if i is negative.
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
	open := false // the type of some column is inferred
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
			return nil // the columns of the cells are uncertain
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

// misfit is the error of a value that the inferred type cannot represent.
func misfit(text []byte, t arrow.DataType) error {
	return sensitive.Errorf("%s is not a valid %s, the type inferred from the first rows of the column: give the column a wider type, such as STRING, or read all columns as text", sensitive.Text(text), typeName(t))
}

// isNull reports whether a cell is empty or one of the NULL texts of the options.
// An empty cell in quotes is not NULL in a text column.
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

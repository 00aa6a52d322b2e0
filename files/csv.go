package files

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// CSV is as RFC 4180 has it, with these additions: a line ends with "\n" or
// "\r\n"; a quote within a cell that does not begin with one means itself; an
// empty cell is NULL and "" in quotes is an empty text; a blank line is no row,
// but a row of NULL where there is one column only.

// cell is a part of csvRows.text.
type cell struct {
	from, to int
	quoted   bool
}

type csvRows struct {
	l         *lines
	o         ReadOptions
	delimiter byte
	names     []string
	first     bool // the record that begin read is a row
	cells     []cell
	text      []byte
	number    int64
	columns   []scalar
	texts     []bool           // the column is of text
	inferred  []arrow.DataType // and not given; nil for text
}

func newCSV(l *lines, o ReadOptions) *csvRows {
	c := &csvRows{l: l, o: o, delimiter: o.Delimiter}
	if c.delimiter == 0 {
		c.delimiter = ','
	}
	return c
}

func (c *csvRows) line() int64 { return c.number }

func (c *csvRows) cell(i int) []byte { return c.text[c.cells[i].from:c.cells[i].to] }

func (c *csvRows) begin() error {
	if d := c.delimiter; d == '"' || d == '\n' || d == '\r' || d >= 0x80 {
		return fmt.Errorf("%q cannot be the delimiter of CSV", d)
	}
	if err := c.l.begin(); err != nil {
		return err
	}
	err := c.record()
	for err == nil && len(c.cells) == 1 && len(c.text) == 0 && !c.cells[0].quoted {
		err = c.record() // blank lines before the header
	}
	if err == io.EOF {
		return fmt.Errorf("%s is empty: a first line with the columns' names is needed", c.l.name)
	}
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range c.cells {
		name := string(c.cell(i))
		if c.o.NoHeader || name == "" {
			name = fmt.Sprintf("_c%d", i)
		}
		if err := checkUTF8([]byte(name)); err != nil {
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
	c.first = c.o.NoHeader
	return nil
}

// row reads the next record that is a row.
func (c *csvRows) row() error {
	if c.first {
		c.first = false
		return nil
	}
	for {
		if err := c.record(); err != nil {
			return err
		}
		blank := len(c.cells) == 1 && len(c.text) == 0 && !c.cells[0].quoted
		if blank && len(c.names) > 1 {
			continue
		}
		if len(c.cells) != len(c.names) {
			return badRow{fmt.Errorf("%s: it has %s, but the first line has %d; text that holds %q must stand in quotes",
				at(c.l.name, c.number, ""), cells(len(c.cells)), len(c.names), c.delimiter)}
		}
		return nil
	}
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

// record reads cells up to the end of a line that is not within quotes.
func (c *csvRows) record() error {
	c.cells, c.text, c.number = c.cells[:0], c.text[:0], c.l.number
	for i := 0; ; {
		from := len(c.text)
		b, err := c.byte(i)
		if err == io.EOF && i == 0 {
			return io.EOF
		}
		if err != nil && err != io.EOF {
			return c.broken(err, false)
		}
		quoted := err == nil && b == '"'
		if quoted {
			i, err = c.quoted(i + 1)
		} else {
			i, err = c.plain(i)
		}
		if err != nil {
			return err
		}
		c.cells = append(c.cells, cell{from, len(c.text), quoted})
		b, err = c.byte(i)
		switch {
		case err == io.EOF:
			c.l.take(i)
			return nil
		case err != nil:
			return c.broken(err, false)
		case b == '\n':
			c.l.take(i + 1)
			return nil
		}
		i++ // the delimiter
	}
}

// byte gives byte i of what is not taken yet.
func (c *csvRows) byte(i int) (byte, error) {
	for i >= len(c.l.rest()) {
		if err := c.l.more(); err != nil {
			return 0, err
		}
	}
	return c.l.rest()[i], nil
}

// plain reads a cell up to its delimiter or the line's end, and says where
// that is.
func (c *csvRows) plain(i int) (int, error) {
	from := i
	for {
		rest := c.l.rest()[i:]
		end := bytes.IndexByte(rest, '\n')
		if end >= 0 {
			rest = rest[:end]
		}
		if d := bytes.IndexByte(rest, c.delimiter); d >= 0 {
			c.text = append(c.text, c.l.rest()[from:i+d]...)
			return i + d, nil
		}
		i += len(rest)
		if end < 0 {
			err := c.l.more()
			if err == nil {
				continue
			}
			if err != io.EOF {
				return 0, c.broken(err, false)
			}
		}
		c.text = append(c.text, withoutReturn(c.l.rest()[from:i])...)
		return i, nil
	}
}

// quoted reads a cell whose opening quote stands before i, and says where the
// delimiter or the line's end stands.
func (c *csvRows) quoted(i int) (int, error) {
	for {
		rest := c.l.rest()[i:]
		q := bytes.IndexByte(rest, '"')
		if q < 0 {
			c.text = append(c.text, rest...)
			i += len(rest)
			if err := c.l.more(); err != nil {
				return 0, c.broken(err, true)
			}
			continue
		}
		c.text = append(c.text, rest[:q]...)
		i += q + 1
		b, err := c.byte(i)
		if err == nil && b == '"' {
			c.text = append(c.text, '"')
			i++
			continue
		}
		if err == nil && b == '\r' {
			if b, err = c.byte(i + 1); err == io.EOF || err == nil && b == '\n' {
				return i + 1, nil
			}
			b = '\r'
		}
		switch {
		case err == io.EOF, err == nil && (b == '\n' || b == c.delimiter):
			return i, nil
		case err != nil:
			return 0, c.broken(err, false)
		}
		return 0, c.restart(fmt.Errorf("cell %d ends with a quote, but %q follows; a quote within quotes is written twice", len(c.cells)+1, b))
	}
}

// broken turns the end of what can be read into the row's error, if it is.
func (c *csvRows) broken(err error, inQuotes bool) error {
	switch {
	case inQuotes && (err == io.EOF || err == errTooLong):
		return c.restart(fmt.Errorf("the quote that opens cell %d is not closed; a quote within quotes is written twice", len(c.cells)+1))
	case err == errTooLong:
		return c.restart(fmt.Errorf("it is longer than %d MiB", c.l.most>>20))
	}
	return err
}

// restart gives up a row, and goes on with the line after its first: a quote
// that is not closed must not take the rest of the file with it.
func (c *csvRows) restart(reason error) error {
	if err := c.l.skipLine(); err != nil {
		return err
	}
	return badRow{fmt.Errorf("%s: %w", at(c.l.name, c.number, ""), reason)}
}

func (c *csvRows) infer() ([]arrow.Field, error) {
	found := make([]guess, len(c.names))
	see := func() error {
		err := c.row()
		for i := 0; err == nil && i < len(c.cells); i++ {
			if text := c.cell(i); len(text) > 0 || c.cells[i].quoted {
				found[i].see(text)
			}
		}
		return err
	}
	if !c.o.AllText {
		if err := sampled(see); err != nil {
			return nil, err
		}
	}
	fields := make([]arrow.Field, len(c.names))
	for i, name := range c.names {
		t := c.o.Types[name]
		if t == nil {
			t = found[i].arrowType()
		}
		fields[i] = arrow.Field{Name: name, Type: t, Nullable: true}
	}
	return fields, nil
}

func (c *csvRows) bind(fields []arrow.Field) error {
	for _, f := range fields {
		c.columns = append(c.columns, scalarOf(f.Type))
		isText, inferred := f.Type.ID() == arrow.STRING, f.Type
		if isText || c.o.Types[f.Name] != nil {
			inferred = nil
		}
		c.texts, c.inferred = append(c.texts, isText), append(c.inferred, inferred)
	}
	return nil
}

func (c *csvRows) next() (int, error) {
	if err := c.row(); err != nil {
		return 0, err
	}
	for i, parse := range c.columns {
		if c.null(i) {
			continue
		}
		if t := c.inferred[i]; t != nil && !keeps(t, c.cell(i)) {
			return 0, badRow{fmt.Errorf("%s: %s is no %s, but all before it are: give the column the type STRING (--type %s=STRING), or read all as text (--all-text)",
				at(c.l.name, c.number, c.names[i]), shown(c.cell(i)), typeName(t), c.names[i])}
		}
		if err := parse(nil, c.cell(i)); err != nil {
			return 0, badRow{fmt.Errorf("%s: %w", at(c.l.name, c.number, c.names[i]), err)}
		}
	}
	return len(c.text) + 8*len(c.cells), nil
}

// null holds for empty cells; but a text may be empty, in quotes.
func (c *csvRows) null(i int) bool {
	return len(c.cell(i)) == 0 && !(c.cells[i].quoted && c.texts[i])
}

func (c *csvRows) add(columns []array.Builder) {
	for i, b := range columns {
		if c.null(i) {
			b.AppendNull()
			continue
		}
		c.columns[i](b, c.cell(i)) // checked by next
	}
}

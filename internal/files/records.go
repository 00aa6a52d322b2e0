package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// cell is a cell of a record. Its text is in the bytes read or, if quotes or
// escapes were removed, in records.text.
type cell struct {
	from, to      int
	quoted, apart bool
	special       bool  // contains a delimiter or line end; set if records.looking
	broken        error // why it cannot be parsed
}

// records parses the records of CSV by RFC 4180 with the changes of a dialect. A
// quote within a cell that does not begin with a quote is an ordinary character.
type records struct {
	l       *lines
	d       *dialect
	cells   []cell
	base    []byte // the bytes that cells refer to
	text    []byte
	number  int64 // line on which the record begins
	looking bool  // set cell.special
}

func (r *records) cell(i int) []byte {
	c := r.cells[i]
	if c.apart {
		return r.text[c.from:c.to]
	}
	return r.base[c.from:c.to]
}

// isBlank reports whether the record is an empty line.
func (r *records) isBlank() bool {
	return len(r.cells) == 1 && !r.cells[0].quoted && r.cells[0].broken == nil && r.cells[0].from == r.cells[0].to
}

// next reads the next record, up to a line end outside of quotes.
func (r *records) next() error {
	for r.d.comment != "" && r.startsWith(0, r.d.comment) {
		if err := r.l.skipLine(); err != nil {
			return err
		}
	}
	r.cells, r.text, r.number = r.cells[:0], r.text[:0], r.l.number
	i, ended := 0, false
	for !ended {
		if i >= len(r.l.rest()) {
			err := r.l.more()
			if err == io.EOF && i == 0 {
				return io.EOF
			}
			if err != nil && err != io.EOF {
				return r.giveUp(i, err)
			}
		}
		var err error
		if rest := r.l.rest(); i < len(rest) && rest[i] == r.d.quote && r.d.quote != 0 {
			i, ended, err = r.quoted(i)
		} else {
			i, ended, err = r.plain(i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// end completes a record whose line ends before offset n.
func (r *records) end(n int) {
	r.base = r.l.rest()
	r.l.take(n)
}

// startsWith reports whether text is at offset i.
func (r *records) startsWith(i int, text string) bool {
	for len(r.l.rest()) < i+len(text) {
		if r.l.more() != nil {
			return false
		}
	}
	return string(r.l.rest()[i:i+len(text)]) == text
}

// plain reads an unquoted cell. It returns the offset of the next cell, or that the
// record has ended.
func (r *records) plain(from int) (next int, ended bool, err error) {
	rest, i := r.l.rest(), from
	for {
		for i < len(rest) && !r.d.ends[rest[i]] {
			i++
		}
		if i == len(rest) {
			switch err := r.l.more(); {
			case err == io.EOF:
				to := i
				if r.d.manyReturns {
					to = from + len(bytes.TrimRight(rest[from:i], "\r"))
				} else if to > from && rest[to-1] == '\r' {
					to--
				}
				r.cells = append(r.cells, cell{from: from, to: to})
				r.end(i)
				return i, true, nil
			case err != nil:
				return 0, true, r.giveUp(from, err)
			}
			rest = r.l.rest()
			continue
		}
		switch b := rest[i]; {
		case b == '\n':
			to := i
			if r.d.manyReturns {
				to = from + len(bytes.TrimRight(rest[from:i], "\r"))
			} else if to > from && rest[to-1] == '\r' {
				to--
			}
			r.cells = append(r.cells, cell{from: from, to: to})
			r.end(i + 1)
			return i + 1, true, nil
		case b == '\r' && r.d.returns:
			r.cells = append(r.cells, cell{from: from, to: i})
			width := 1
			if r.startsWith(i+1, "\n") {
				width = 2
			}
			r.end(i + width)
			return i + width, true, nil
		case len(r.d.delimiter) == 1 || r.startsWith(i, r.d.delimiter):
			r.cells = append(r.cells, cell{from: from, to: i})
			return i + len(r.d.delimiter), false, nil
		}
		rest = r.l.rest()
		i++
	}
}

// quoted reads a cell that begins with a quote at offset open.
func (r *records) quoted(open int) (next int, ended bool, err error) {
	i := open + 1
	from, copied := i, -1 // begin of the part not yet copied; begin of the copy, or -1
	for {
		rest := r.l.rest()
		q := i
		for q < len(rest) && rest[q] != r.d.quote && rest[q] != r.d.escape {
			q++
		}
		if q == len(rest) {
			i = q
			if err := r.l.more(); err == io.EOF || err == errTooLong {
				return 0, true, r.giveUp(open, &quoteError{"the opening quote is not closed", r.d})
			} else if err != nil {
				return 0, true, err
			}
			continue
		}
		// The byte after a quote or an escape decides its meaning.
		i = q + 1
		if i >= len(rest) {
			if err := r.l.more(); err != nil && err != io.EOF {
				return 0, true, r.giveUp(open, err)
			}
			rest = r.l.rest()
		}
		follows := i < len(rest)
		escaped := follows && rest[q] == r.d.escape && (rest[i] == r.d.quote || rest[i] == r.d.escape)
		if rest[q] != r.d.quote && !escaped {
			continue // an escape before another character is that escape character
		}
		if escaped {
			if copied < 0 {
				copied = len(r.text)
			}
			r.text = append(r.text, rest[from:q]...)
			from, i = i, i+1 // the escaped character begins the next part
			continue
		}
		c := cell{from: from, to: q, quoted: true}
		if copied >= 0 {
			r.text = append(r.text, rest[from:q]...)
			c = cell{from: copied, to: len(r.text), quoted: true, apart: true}
		}
		if inner := rest[open+1 : q]; r.looking && (c.apart || bytes.ContainsAny(inner, "\r\n") || bytes.Contains(inner, []byte(r.d.delimiter))) {
			c.special = true
		}
		return r.closed(open, c, i)
	}
}

// closed parses what follows the closing quote of a cell.
func (r *records) closed(open int, c cell, i int) (next int, ended bool, err error) {
	rest := r.l.rest()
	if i >= len(rest) {
		r.cells = append(r.cells, c)
		r.end(i)
		return i, true, nil
	}
	at := i
	for r.d.manyReturns && rest[at] == '\r' && r.startsWith(at+1, "\r") {
		at++
		rest = r.l.rest()
	}
	if rest[at] == '\r' && r.startsWith(at+1, "\n") {
		at++
		rest = r.l.rest()
	}
	switch {
	case rest[at] == '\n':
		r.cells = append(r.cells, c)
		r.end(at + 1)
		return at + 1, true, nil
	case rest[i] == '\r' && (r.d.returns || len(r.l.rest()) == i+1):
		r.cells = append(r.cells, c)
		r.end(i + 1)
		return i + 1, true, nil
	case r.startsWith(i, r.d.delimiter):
		r.cells = append(r.cells, c)
		return i + len(r.d.delimiter), false, nil
	}
	// The cell is broken and extends to its delimiter. If it has several lines, its
	// opening quote may be the mistake.
	broken := &quoteError{"a character other than a delimiter follows the closing quote", r.d}
	if r.l.lineEnds(r.l.rest()[open:i]) > 0 {
		return 0, true, r.giveUp(open, broken)
	}
	if next, ended, err = r.plain(i); err == nil {
		r.cells[len(r.cells)-1].broken = broken
	}
	return next, ended, err
}

// giveUp ends a record with a broken cell that begins at offset i and continues on
// the next line, so that an unclosed quote does not swallow the rest of the file.
// It returns errors that are not of this record.
func (r *records) giveUp(i int, why error) error {
	var quote *quoteError
	switch {
	case why == errTooLong:
		why = fmt.Errorf("the row is longer than %d MiB", r.l.most>>20)
	case !errors.As(why, &quote):
		return why
	}
	r.settle()
	r.l.take(i)
	r.cells = append(r.cells, cell{apart: true, broken: why})
	return r.l.skipLine()
}

// settle copies the cells so far, so that the buffer can be refilled.
func (r *records) settle() {
	r.base = r.l.rest()
	for i, c := range r.cells {
		if !c.apart {
			from := len(r.text)
			r.text = append(r.text, r.base[c.from:c.to]...)
			r.cells[i].from, r.cells[i].to, r.cells[i].apart = from, len(r.text), true
		}
	}
}

// quoteError reports malformed quotes of a cell.
type quoteError struct {
	what string
	d    *dialect
}

func (e *quoteError) Error() string {
	if e.d.escape != e.d.quote {
		return fmt.Sprintf("%s; write a quote within the text as %c%c", e.what, e.d.escape, e.d.quote)
	}
	return fmt.Sprintf("%s; write a quote within the text twice (or give the escape character)", e.what)
}

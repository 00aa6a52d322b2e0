package files

import (
	"bytes"
	"io"
)

// sniffed is how much of a file its dialect is found by.
const sniffed = 256 << 10

// delimiters are those that are looked for.
var delimiters = []string{",", ";", "\t", "|"}

// sniff finds the dialect of CSV by the beginning of it. Only what leaves no
// doubt counts; in doubt it is as RFC 4180 has it, with commas.
func sniff(l *lines, o ReadOptions) *dialect {
	l.peek(sniffed)
	head := l.rest()[:min(sniffed, len(l.rest()))]
	whole := l.end == io.EOF && len(head) == len(l.rest())
	returns, many := findReturns(head)
	given := o.Delimiter
	if first, ok := excelDelimiter(head); ok && (given == "" || given == first) {
		given = first
		end := bytes.IndexAny(head, "\r\n")
		if bytes.HasPrefix(head[end:], []byte("\r\n")) {
			end++
		}
		l.take(end + 1)
		head = head[end+1:]
	}
	look := func(d *dialect) (s sight) { return lookAt(head, whole, d.of(o, returns, many)) }
	try := delimiters
	if given != "" {
		try = []string{given}
	}
	var found sight
	for i, delimiter := range try {
		s := bestQuotes(delimiter, o, look)
		switch {
		case i == 0:
			if found = s; s.divides() && s.wrong() == 0 {
				return s.d
			}
		case found.divides():
			// The comma is right, or this would be the second of the others.
			if found.d.delimiter != "," && s.divides() {
				return bestQuotes(",", o, look).d // in doubt
			}
		case s.divides():
			found = s
		}
	}
	return found.d
}

// excelDelimiter reads a line such as "sep=;", by which Excel is told.
func excelDelimiter(head []byte) (string, bool) {
	if len(head) > 5 && bytes.EqualFold(head[:4], []byte("sep=")) && (head[5] == '\n' || head[5] == '\r') && head[4] < 0x80 {
		return string(head[4:5]), true
	}
	return "", false
}

// findReturns tells by the first line whether lines end with "\r" alone, or
// with several before a "\n".
func findReturns(head []byte) (alone, many bool) {
	inQuotes := false
	for i, b := range head {
		switch {
		case b == '"' && (inQuotes || i == 0 || bytes.IndexByte([]byte(",;\t|\r"), head[i-1]) >= 0):
			inQuotes = !inQuotes
		case inQuotes:
		case b == '\n':
			return false, i > 1 && head[i-1] == '\r' && head[i-2] == '\r'
		case b == '\r' && i+1 < len(head) && head[i+1] != '\r' && head[i+1] != '\n', b == '\r' && i+1 == len(head):
			return true, false
		}
	}
	return false, false
}

// sight is what is seen of the first records in a dialect.
type sight struct {
	d       *dialect
	columns int // of the first record
	rows    int // after it
	ragged  int // rows with another number of cells
	broken  int // cells with wrong quotes
	quoted  int // cells in quotes
	special int // of these, such as would be divided without
}

func (s sight) wrong() int { return s.ragged + s.broken }

// divides holds where a delimiter divides the first record and almost all
// others into as many cells.
func (s sight) divides() bool { return s.columns > 1 && 10*s.ragged <= s.rows }

// lookAt reads head in a dialect. Its last record counts only if it is whole.
func lookAt(head []byte, whole bool, d *dialect) sight {
	s := sight{d: d}
	r := &records{l: newLines("", bytes.NewReader(head), len(head)+1), d: d, looking: true}
	r.l.cr = d.returns
	for {
		if r.next() != nil || len(r.l.rest()) == 0 && r.l.end != nil && !whole && s.columns > 0 {
			return s // what is last may be cut
		}
		if r.isBlank() {
			continue
		}
		for _, c := range r.cells {
			switch {
			case c.broken != nil:
				s.broken++
			case c.special:
				s.special++
				s.quoted++
			case c.quoted:
				s.quoted++
			}
		}
		switch {
		case s.columns == 0:
			s.columns = len(r.cells)
			continue
		case len(r.cells) != s.columns:
			s.ragged++
		}
		s.rows++
	}
}

// bestQuotes finds how quotes are written between cells of a delimiter: as
// RFC 4180 has it, unless that is wrong where another way is not.
func bestQuotes(delimiter string, o ReadOptions, look func(*dialect) sight) sight {
	quote, escape := byte('"'), byte(0)
	switch {
	case o.Quote == None:
		return look(newDialect(delimiter, 0, 0))
	case o.Quote != "":
		quote = o.Quote[0]
	}
	if o.Escape != "" {
		escape = o.Escape[0]
	}
	if escape != 0 {
		return look(newDialect(delimiter, quote, escape))
	}
	usual := look(newDialect(delimiter, quote, quote))
	if usual.wrong() == 0 {
		return usual
	}
	if s := look(newDialect(delimiter, quote, '\\')); s.broken == 0 && s.wrong() < usual.wrong() && s.special > 0 {
		return s
	}
	if o.Quote != "" {
		return usual
	}
	if s := look(newDialect(delimiter, '\'', '\'')); s.wrong() == 0 && s.special > 0 && s.columns > 1 && usual.quoted == 0 {
		return s
	}
	// Text between tabs often has no quotes, and more than one cell must show it.
	few := usual.broken < 2 && delimiter != "\t"
	if s := look(newDialect(delimiter, 0, 0)); !few && s.wrong() == 0 && s.columns > 1 && usual.special == 0 && usual.quoted < usual.broken {
		return s
	}
	return usual
}

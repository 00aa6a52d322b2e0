package files

import (
	"bytes"
	"io"
)

// sniffed is the number of bytes from which the dialect is detected.
const sniffed = 256 << 10

// delimiters are the delimiters that are detected.
var delimiters = []string{",", ";", "\t", "|"}

// sniff detects the dialect of CSV from its beginning. If the evidence is not
// clear, the dialect is that of RFC 4180 with commas.
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
	look := func(d *dialect) (s evidence) { return lookAt(head, whole, d.of(o, returns, many)) }
	try := delimiters
	if given != "" {
		try = []string{given}
	}
	var found evidence
	for i, delimiter := range try {
		s := bestQuotes(delimiter, o, look)
		switch {
		case i == 0:
			if found = s; s.divides() && s.wrong() == 0 {
				return s.d
			}
		case found.divides():
			// A comma that divides the rows is preferred. Two other delimiters that
			// both divide them are ambiguous.
			if found.d.delimiter != "," && s.divides() {
				return bestQuotes(",", o, look).d
			}
		case s.divides():
			found = s
		}
	}
	return found.d
}

// excelDelimiter parses a first line such as "sep=;", which sets the delimiter
// for Excel.
func excelDelimiter(head []byte) (string, bool) {
	if len(head) > 5 && bytes.EqualFold(head[:4], []byte("sep=")) && (head[5] == '\n' || head[5] == '\r') && head[4] < 0x80 {
		return string(head[4:5]), true
	}
	return "", false
}

// findReturns reports whether the first line ends with "\r" alone, or with several
// "\r" before a "\n".
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

// evidence counts what the first records look like in a dialect.
type evidence struct {
	d       *dialect
	columns int // cells of the first record
	rows    int // records after it
	ragged  int // rows with another number of cells
	broken  int // cells with malformed quotes
	quoted  int // cells in quotes
	special int // quoted cells that contain a delimiter or a line end
}

func (s evidence) wrong() int { return s.ragged + s.broken }

// divides reports whether the delimiter splits the first record and at least 90 %
// of the others into the same number of cells, more than one.
func (s evidence) divides() bool { return s.columns > 1 && 10*s.ragged <= s.rows }

// lookAt parses head in a dialect. A last record that may be truncated is ignored
// unless whole is true.
func lookAt(head []byte, whole bool, d *dialect) evidence {
	s := evidence{d: d}
	r := &records{l: newLines("", bytes.NewReader(head), len(head)+1), d: d, looking: true}
	r.l.cr = d.returns
	for {
		if r.next() != nil || len(r.l.rest()) == 0 && r.l.end != nil && !whole && s.columns > 0 {
			return s // the last record may be truncated
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

// bestQuotes detects the quote and escape characters for a delimiter: those of
// RFC 4180, unless they give errors and others do not.
func bestQuotes(delimiter string, o ReadOptions, look func(*dialect) evidence) evidence {
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
	// Tab-separated text often has no quotes; otherwise two broken cells must show it.
	few := usual.broken < 2 && delimiter != "\t"
	if s := look(newDialect(delimiter, 0, 0)); !few && s.wrong() == 0 && s.columns > 1 && usual.special == 0 && usual.quoted < usual.broken {
		return s
	}
	return usual
}

package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// lines gives the bytes of an input by lines, and lets a reader look further
// than a line without taking it.
type lines struct {
	cr     bool // a "\r" ends a line, too
	name   string
	r      io.Reader
	most   int // bytes of a row
	buf    []byte
	at     int   // where the next row begins in buf
	end    error // what r gave last
	number int64 // of the line that begins at at, from 1
	// returned: the last byte that was taken is a "\r" that ended a line.
	returned bool
	taken    int64 // bytes before at, of all that were read
}

func newLines(name string, r io.Reader, most int) *lines {
	return &lines{name: name, r: r, most: most, number: 1}
}

var errTooLong = errors.New("too long")

// rest is what is read of the current row and after it.
func (l *lines) rest() []byte { return l.buf[l.at:] }

// more reads more into rest. It gives errTooLong where a row may not grow on.
func (l *lines) more() error {
	if l.end != nil {
		return l.end
	}
	if len(l.buf)-l.at > l.most {
		return errTooLong
	}
	if l.at > 0 && len(l.buf) == cap(l.buf) {
		l.buf = l.buf[:copy(l.buf, l.buf[l.at:])]
		l.at = 0
	}
	if len(l.buf) == cap(l.buf) {
		grown := make([]byte, len(l.buf), max(64<<10, 2*cap(l.buf)))
		copy(grown, l.buf)
		l.buf = grown
	}
	for range 100 {
		n, err := l.r.Read(l.buf[len(l.buf):cap(l.buf)])
		l.buf = l.buf[:len(l.buf)+n]
		if err != nil {
			l.end = err
		}
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("reading %s: %w", l.name, io.ErrNoProgress)
}

// lineEnd finds the end of the first line of b: where it is and how long, or -1.
func (l *lines) lineEnd(b []byte) (at, width int) {
	at = bytes.IndexByte(b, '\n')
	if l.cr {
		before := b
		if at >= 0 {
			before = b[:at]
		}
		if i := bytes.IndexByte(before, '\r'); i >= 0 {
			if i+1 == at {
				return i, 2
			}
			return i, 1
		}
	}
	return at, 1
}

// line gives the next line without its end, and takes it. io.EOF comes after
// the last.
func (l *lines) line() (text []byte, err error) {
	from := 0
	for {
		at, width := l.lineEnd(l.rest()[from:])
		if at >= 0 && (from+at+width < len(l.rest()) || !l.cr || l.end != nil) {
			text = l.rest()[:from+at]
			l.take(from + at + width)
			return l.withoutReturn(text), nil
		}
		if at >= 0 { // a "\r" is the last byte so far: a "\n" may follow
			from += at
		} else {
			from = len(l.rest())
		}
		if err := l.more(); err == io.EOF {
			if from == 0 && at < 0 {
				return nil, io.EOF
			}
			if at < 0 {
				text = l.rest()
				l.take(from)
				return l.withoutReturn(text), nil
			}
		} else if err != nil {
			return nil, err
		}
	}
}

// take goes on after n bytes of rest.
func (l *lines) take(n int) {
	if n == 0 {
		return
	}
	part := l.buf[l.at : l.at+n]
	l.number += l.lineEnds(part)
	if l.returned && part[0] == '\n' {
		l.number-- // the "\r" before it was counted
	}
	l.returned = l.cr && part[n-1] == '\r'
	l.skip(n)
}

// lineEnds counts the ends of lines in b.
func (l *lines) lineEnds(b []byte) int64 {
	n := bytes.Count(b, []byte{'\n'})
	if l.cr {
		n += bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n"))
	}
	return int64(n)
}

func (l *lines) skip(n int) {
	l.at += n
	l.taken += int64(n)
}

// part is how much of what was read is taken, from 0 to 1.
func (l *lines) part() float64 {
	if l.taken == 0 {
		return 0
	}
	return float64(l.taken) / float64(l.taken+int64(len(l.rest())))
}

// skipLine takes all up to the next line's begin, however long that is.
func (l *lines) skipLine() error {
	for {
		at, width := l.lineEnd(l.rest())
		if at >= 0 && (at+width < len(l.rest()) || !l.cr || l.end != nil) {
			l.take(at + width)
			return nil
		}
		if at >= 0 {
			l.skip(at)
		} else {
			l.skip(len(l.rest()))
		}
		if err := l.more(); err == io.EOF {
			if at < 0 {
				return nil
			}
		} else if err != nil {
			return err
		}
	}
}

// withoutReturn takes the "\r" of a "\r\n" away.
func (l *lines) withoutReturn(line []byte) []byte {
	if l.cr {
		return line
	}
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// begin refuses what is no text.
func (l *lines) begin() error {
	if l.peek(4) < 4 && l.end != io.EOF {
		return l.end
	}
	head := l.rest()
	if bytes.HasPrefix(head, []byte("PAR1")) {
		return fmt.Errorf("%s is a Parquet file: let its name end with .parquet, or say the format", l.name)
	}
	return nil
}

// peek reads until rest has n bytes, or what can be read ends, and says how
// many it has.
func (l *lines) peek(n int) int {
	for len(l.rest()) < n {
		if l.more() != nil {
			break
		}
	}
	return len(l.rest())
}

// findReturns tells whether lines end with "\r" alone: where the first part
// bytes of a text have no other end of a line.
func (l *lines) findReturns(part int) {
	from := 0
	for bytes.IndexByte(l.rest()[from:], '\n') < 0 {
		from = len(l.rest())
		if from >= part || l.more() != nil {
			l.cr = bytes.IndexByte(l.rest(), '\r') >= 0
			return
		}
	}
}

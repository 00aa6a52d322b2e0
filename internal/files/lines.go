package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// lines reads an input line by line. It lets a reader look beyond the current line
// without consuming it.
type lines struct {
	cr       bool // a "\r" ends a line, too
	name     string
	r        io.Reader
	most     int // largest size of a row in bytes
	buf      []byte
	at       int   // offset of the next row in buf
	end      error // last error of r
	number   int64 // number of the line at offset at, from 1
	returned bool  // the last consumed byte is a "\r" that ended a line
	taken    int64 // bytes consumed so far
}

func newLines(name string, r io.Reader, most int) *lines {
	return &lines{name: name, r: r, most: most, number: 1}
}

var errTooLong = errors.New("too long")

// rest returns the bytes that are read but not consumed.
func (l *lines) rest() []byte { return l.buf[l.at:] }

// more reads more bytes into rest. It returns errTooLong if a row exceeds the
// largest size.
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

// lineEnd returns the offset of the first line end in b, or -1, and its length.
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

// line returns the next line without its end and consumes it. After the last line
// it returns io.EOF.
func (l *lines) line() (text []byte, err error) {
	from := 0
	for {
		at, width := l.lineEnd(l.rest()[from:])
		if at >= 0 && (from+at+width < len(l.rest()) || !l.cr || l.end != nil) {
			text = l.rest()[:from+at]
			l.take(from + at + width)
			return l.withoutReturn(text), nil
		}
		if at >= 0 { // a "\n" may follow a "\r" that is the last byte so far
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

// take consumes n bytes of rest.
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

// lineEnds returns the number of line ends in b.
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

// part returns the consumed fraction of the bytes read, from 0 to 1.
func (l *lines) part() float64 {
	if l.taken == 0 {
		return 0
	}
	return float64(l.taken) / float64(l.taken+int64(len(l.rest())))
}

// skipLine consumes the rest of the line, of any length.
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

// withoutReturn removes the "\r" of "\r\n" from the end of a line.
func (l *lines) withoutReturn(line []byte) []byte {
	if l.cr {
		return line
	}
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// begin returns an error for a Parquet file.
func (l *lines) begin() error {
	if l.peek(4) < 4 && l.end != io.EOF {
		return l.end
	}
	head := l.rest()
	if bytes.HasPrefix(head, []byte("PAR1")) {
		return &WrongFormatError{l.name, "is a Parquet file, but its name does not end in .parquet"}
	}
	return nil
}

// peek reads until rest has n bytes or the input ends. It returns the length of
// rest.
func (l *lines) peek(n int) int {
	for len(l.rest()) < n {
		if l.more() != nil {
			break
		}
	}
	return len(l.rest())
}

// findReturns sets cr if the first part bytes of the text have "\r" but no "\n".
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

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
	name   string
	r      io.Reader
	most   int // bytes of a row
	buf    []byte
	at     int   // where the next row begins in buf
	end    error // what r gave last
	number int64 // of the line that begins at at, from 1
	taken  int64 // bytes before at, of all that were read
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

// line gives the next line without its end, "\n" or "\r\n", and takes it; next
// is what take wants. io.EOF comes after the last.
func (l *lines) line() (text []byte, err error) {
	from := 0
	for {
		if i := bytes.IndexByte(l.rest()[from:], '\n'); i >= 0 {
			text = l.rest()[:from+i]
			l.take(from + i + 1)
			return withoutReturn(text), nil
		}
		from = len(l.rest())
		if err := l.more(); err == io.EOF {
			if from == 0 {
				return nil, io.EOF
			}
			text = l.rest()
			l.take(from)
			return withoutReturn(text), nil
		} else if err != nil {
			return nil, err
		}
	}
}

// take goes on after n bytes of rest.
func (l *lines) take(n int) {
	l.number += int64(bytes.Count(l.buf[l.at:l.at+n], []byte{'\n'}))
	l.skip(n)
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
		if i := bytes.IndexByte(l.rest(), '\n'); i >= 0 {
			l.take(i + 1)
			return nil
		}
		l.skip(len(l.rest()))
		if err := l.more(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func withoutReturn(line []byte) []byte { return bytes.TrimSuffix(line, []byte{'\r'}) }

// begin skips a byte order mark, and refuses the texts that are not UTF-8.
func (l *lines) begin() error {
	for len(l.rest()) < 3 {
		if err := l.more(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	head := l.rest()
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		l.skip(3)
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return fmt.Errorf("%s is UTF-16 text: convert it first, with iconv -f UTF-16 -t UTF-8", l.name)
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return fmt.Errorf("%s is a gzip file: let its name end with .gz", l.name)
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f")):
		return fmt.Errorf("%s is a zstd file: let its name end with .zst", l.name)
	case bytes.HasPrefix(head, []byte("PAR")) && l.peek("PAR1"):
		return fmt.Errorf("%s is a Parquet file: let its name end with .parquet, or say the format", l.name)
	}
	return nil
}

func (l *lines) peek(want string) bool {
	for len(l.rest()) < len(want) {
		if l.more() != nil {
			return false
		}
	}
	return bytes.HasPrefix(l.rest(), []byte(want))
}

package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// jsonObjects finds the objects of a text: a sequence of objects, each on one line
// or several, or arrays of objects.
type jsonObjects struct {
	scanner
	l       *lines
	inArray bool
	opened  int64 // line on which the array begins
	number  int64 // line on which the current object begins
	indent  int   // indentation of the next byte
}

// find advances to the next value.
func (j *jsonObjects) find() error {
	for {
		if len(j.l.rest()) == 0 {
			if err := j.l.more(); err == io.EOF && j.inArray {
				return j.unclosed()
			} else if err != nil {
				return err
			}
		}
		rest, n := j.l.rest(), 0
		for n < len(rest) && isBetween(rest[n]) {
			n++
		}
		if j.take(n); n == len(rest) {
			continue
		}
		switch c := rest[n]; {
		case c == '[' && !j.inArray:
			j.inArray, j.opened = true, j.l.number
			j.take(1)
		case c == ']' && j.inArray:
			j.inArray = false
			j.take(1)
		case c == 0xef && j.l.peek(3) >= 3 && bytes.HasPrefix(j.l.rest(), []byte("\xef\xbb\xbf")):
			j.take(3) // byte order mark of a concatenated file
		default:
			return nil
		}
	}
}

// isBetween marks the bytes that may separate objects: white space, commas and the
// record separator of RFC 7464.
func isBetween(b byte) bool {
	return b == ' ' || b == '\n' || b == '\r' || b == '\t' || b == ',' || b == 0x1e
}

func (j *jsonObjects) unclosed() error {
	return fmt.Errorf("%s: the array of objects that begins here is not closed; the file is truncated, or a quote is missing", at(j.l.name, j.opened, ""))
}

// take consumes n bytes.
func (j *jsonObjects) take(n int) {
	part := j.l.rest()[:n]
	if i := bytes.LastIndexAny(part, "\r\n"); i >= 0 {
		j.indent = n - i - 1
	} else {
		j.indent += n
	}
	j.l.take(n)
}

// next reads the next object into members. wrong is an error of this object, which
// does not end reading; members then has the members before the error.
func (j *jsonObjects) next() (wrong, err error) {
	j.members = j.members[:0]
	if err := j.find(); err != nil {
		return nil, err
	}
	j.number = j.l.number
	if c := j.l.rest()[0]; c != '{' && !j.inArray {
		wrong := j.notObject(0)
		j.indent = 0
		return wrong, j.l.skipLine()
	}
	for {
		b := j.l.rest()
		end, err := j.read(b)
		switch {
		case err == nil && b[0] != '{':
			wrong := j.notObject(end)
			j.take(end)
			return wrong, nil
		case err == nil:
			return j.tail(end)
		case err != errShort:
			return j.giveUp(err)
		}
		switch err := j.grow(len(b)); err {
		case nil:
		case io.EOF:
			return j.giveUp(errors.New("the object is truncated at the end of the file"))
		case errTooLong:
			return j.giveUp(fmt.Errorf("the object is longer than %d MiB", j.l.most>>20))
		default:
			return nil, err
		}
	}
}

func (j *jsonObjects) read(b []byte) (end int, err error) {
	if b[0] == '{' {
		return j.object(b)
	}
	if end, _, err = value(b, 0, 0); err == nil && end == 0 {
		err = &syntaxError{0, sensitive.Errorf("%s is not JSON", shownAt(b, 0))}
	}
	return end, err
}

// notObject returns the error of a value that is not an object, of n bytes or up to
// the end of its line.
func (j *jsonObjects) notObject(n int) error {
	b := j.l.rest()
	if n == 0 {
		j.l.peek(100) // the text shown must not depend on the buffer
		if b = j.l.rest(); len(b) > 100 {
			b = b[:100]
		}
		if n = bytes.IndexAny(b, "\r\n"); n < 0 {
			n = len(b)
		}
	}
	return sensitive.Errorf("%s is not a JSON object; a row is an object such as {\"text\": \"...\"}", sensitive.Text(b[:n]))
}

// grow reads more bytes after had bytes were too few. It reads larger amounts for a
// longer object, so that the total work is linear.
func (j *jsonObjects) grow(had int) error {
	for {
		err := j.l.more()
		switch n := len(j.l.rest()); {
		case err == nil && had > 1<<20 && n < had+had/2:
			continue
		case err == nil, err == io.EOF && n > had:
			return nil
		}
		return err
	}
}

// tail consumes an object that ends at offset n. It skips other text on the same
// line and returns it as an error.
func (j *jsonObjects) tail(n int) (wrong, err error) {
	i, b := n, j.l.rest()
	for {
		for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
			i++
		}
		if i < len(b) || j.inArray {
			break
		}
		j.object(bytes.Clone(b[:n])) // the copy stays valid when the buffer is refilled
		if err := j.l.more(); err == io.EOF || err == errTooLong {
			break
		} else if err != nil {
			return nil, err
		}
		b = j.l.rest()
	}
	if i == len(b) || j.inArray || isBetween(b[i]) || b[i] == '{' || b[i] == '[' || b[i] == 0xef {
		j.take(n)
		return nil, nil
	}
	j.object(bytes.Clone(b[:n]))
	j.take(n)
	wrong = sensitive.Errorf("%s follows the object on its line and is not JSON", shownAt(b, i))
	j.indent = 0
	return wrong, j.l.skipLine()
}

// giveUp skips an object with an error and keeps the members before the error. The
// next object begins after it or on a later line, so that a missing quote or bracket
// does not swallow the rest of the file.
func (j *jsonObjects) giveUp(reason error) (wrong, err error) {
	wrong = reason
	onFirst := false // the error is on the first line of the object
	var syntax *syntaxError
	if errors.As(reason, &syntax) {
		wrong = fmt.Errorf("invalid JSON: %w", reason)
		lines := j.l.lineEnds(j.l.rest()[:syntax.at])
		if onFirst = lines == 0; !onFirst {
			wrong = fmt.Errorf("%w, on line %d", wrong, j.number+lines)
		}
	}
	for i, m := range j.members {
		j.members[i].key, j.members[i].value = bytes.Clone(m.key), bytes.Clone(m.value)
	}
	for {
		if n := j.resume(onFirst && !j.inArray); n >= 0 {
			for len(j.members) > 0 && j.members[len(j.members)-1].end > n {
				j.members = j.members[:len(j.members)-1]
			}
			j.take(n)
			return wrong, nil
		}
		switch err := j.l.more(); {
		case err == io.EOF && j.inArray:
			return nil, j.unclosed()
		case err == io.EOF:
			j.take(len(j.l.rest()))
			return wrong, nil
		case err == errTooLong:
			return wrong, j.skipObject()
		case err != nil:
			return nil, err
		}
	}
}

// resume returns the offset of the next object in the buffer, or -1.
func (j *jsonObjects) resume(anyLine bool) int {
	b := j.l.rest()
	n := -1
	for from := 0; n < 0; {
		at, width := j.l.lineEnd(b[from:])
		if at < 0 || from+at+width == len(b) && j.l.end == nil {
			break
		}
		from += at + width
		if anyLine || j.beginsObject(b[from:]) {
			n = from
		}
	}
	if n >= 0 {
		b = b[:n]
	}
	if end := balanced(b); end >= 0 {
		return end
	}
	return n
}

// beginsObject reports whether a line begins an object outside of the current one:
// its indentation is not larger.
func (j *jsonObjects) beginsObject(line []byte) bool {
	indent := 0
	for indent < len(line) && (line[indent] == ' ' || line[indent] == '\t') {
		indent++
	}
	return indent <= j.indent && indent < len(line) && line[indent] == '{'
}

// skipObject skips the rest of an object that is too long, line by line.
func (j *jsonObjects) skipObject() error {
	j.members = j.members[:0]
	indent := j.indent
	for {
		if err := j.l.skipLine(); err != nil {
			return err
		}
		j.l.peek(indent + 1)
		if rest := j.l.rest(); len(rest) == 0 || j.beginsObject(rest) {
			j.indent = 0
			return nil
		}
	}
}

// balanced returns the end of the bracketed text at the beginning of b, or -1.
func balanced(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end, _, err := stringAt(b, i)
			if err != nil {
				return -1
			}
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1
			}
		}
	}
	return -1
}

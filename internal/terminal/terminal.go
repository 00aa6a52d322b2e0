// Package terminal prepares text for terminals: it escapes control characters,
// measures text in columns and cuts it to a width.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// DefaultColumns is the width of a terminal that does not report its width.
const DefaultColumns = 80

// IsTerminal reports whether a stream, or the stream below a Writer, is a
// terminal.
func IsTerminal(stream any) bool {
	f, ok := raw(stream).(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Columns returns the width of a terminal, or 0 if stream is not a terminal.
func Columns(stream any) int {
	if !IsTerminal(stream) {
		return 0
	}
	columns, _, err := term.GetSize(int(raw(stream).(*os.File).Fd()))
	if err != nil || columns < 20 {
		return DefaultColumns
	}
	return columns
}

func raw(stream any) any {
	if w, ok := stream.(*Writer); ok {
		return w.to
	}
	return stream
}

// Printable replaces by Go escapes everything that a terminal would execute or
// not show: control characters (C0, DEL, C1), bidirectional controls, line and
// paragraph separators, and invalid UTF-8. Line feeds and tabs stay.
func Printable(s string) string { return escape(s, "\n\t") }

// InOneLine is like Printable, but also escapes line feeds and tabs. It is for
// cells of tables.
func InOneLine(s string) string { return escape(s, "") }

func escape(s, keep string) string {
	clean := 0
	for clean < len(s) {
		r, n := utf8.DecodeRuneInString(s[clean:])
		if unprintable(r, n) && !strings.ContainsRune(keep, r) {
			break
		}
		clean += n
	}
	if clean == len(s) {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:clean])
	for i := clean; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case !unprintable(r, n) || strings.ContainsRune(keep, r):
			b.WriteString(s[i : i+n])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && n <= 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// unprintable reports whether a terminal does not show a rune of n bytes as a
// character.
func unprintable(r rune, n int) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	case r == utf8.RuneError && n <= 1:
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c: // directions
		return true
	}
	return r == 0x2028 || r == 0x2029 || r == 0xfeff
}

// narrow gives characters of ambiguous width one column, as terminals outside
// of East Asia do.
var narrow = &runewidth.Condition{StrictEmojiNeutral: true}

// Width returns the number of columns of a text without line ends.
func Width(s string) int { return narrow.StringWidth(s) }

// Cut shortens a text to a number of columns. A text that was cut ends in "...".
func Cut(s string, columns int) string {
	if columns <= 3 {
		return narrow.Truncate(s, columns, "")
	}
	return narrow.Truncate(s, columns, "...")
}

// Writer applies Printable to everything that is written, so that text from
// outside cannot control the terminal.
type Writer struct {
	to   io.Writer
	rest []byte // the bytes of an incomplete rune
}

// NewWriter returns a Writer to a stream.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// Write writes b. An incomplete rune at its end waits for the next call.
func (w *Writer) Write(b []byte) (int, error) {
	text := b
	if len(w.rest) > 0 {
		text = append(w.rest, b...)
	}
	whole := len(text) - partial(text)
	w.rest = append([]byte(nil), text[whole:]...)
	if _, err := io.WriteString(w.to, Printable(string(text[:whole]))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// partial returns the number of bytes of an incomplete rune at the end of b.
func partial(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if last := b[len(b)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return n
			}
			return 0
		}
	}
	return 0
}

// Raw returns the stream below a Writer, for the program's own control
// sequences.
func Raw(w io.Writer) io.Writer {
	if w, ok := w.(*Writer); ok {
		return w.to
	}
	return w
}

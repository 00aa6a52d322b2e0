package terminal

import (
	"fmt"
	"io"
)

// StatusLine shows the progress of work: on a terminal in one line that is
// redrawn, elsewhere in a line each time.
type StatusLine struct {
	out      io.Writer
	terminal bool
	columns  func() int
	drawn    bool
}

// NewStatusLine makes a line of a stream.
func NewStatusLine(out io.Writer) StatusLine {
	return StatusLine{out: Raw(out), terminal: IsTerminal(out), columns: func() int { return Columns(out) }}
}

// NewTerminalLine makes a line that is redrawn, of a terminal of so many columns.
func NewTerminalLine(out io.Writer, columns func() int) StatusLine {
	return StatusLine{out: out, terminal: true, columns: columns}
}

// Redrawn reports whether the line is redrawn.
func (l *StatusLine) Redrawn() bool { return l.terminal }

// Show replaces the line. What is wider than the terminal is cut, as a line that
// wraps could not be redrawn.
func (l *StatusLine) Show(text string) {
	text = InOneLine(text)
	if !l.terminal {
		fmt.Fprintln(l.out, text)
		return
	}
	l.drawn = true
	fmt.Fprintf(l.out, "\r%s\x1b[K", Cut(text, l.columns()-1))
}

// Keep leaves the line as it is, and goes on in the next one.
func (l *StatusLine) Keep() {
	if l.drawn {
		fmt.Fprintln(l.out)
	}
	l.drawn = false
}

// Wipe removes the line.
func (l *StatusLine) Wipe() {
	if l.drawn {
		fmt.Fprint(l.out, "\r\x1b[K")
	}
	l.drawn = false
}

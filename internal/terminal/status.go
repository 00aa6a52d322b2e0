package terminal

import (
	"fmt"
	"io"
)

// StatusLine shows progress: on a terminal by redrawing one line, elsewhere by
// writing a line each time.
type StatusLine struct {
	out      io.Writer
	terminal bool
	columns  func() int
	drawn    bool
}

// NewStatusLine returns a StatusLine on a stream.
func NewStatusLine(out io.Writer) StatusLine {
	return StatusLine{out: Raw(out), terminal: IsTerminal(out), columns: func() int { return Columns(out) }}
}

// NewTerminalLine returns a StatusLine that is redrawn, on a terminal whose
// width columns returns.
func NewTerminalLine(out io.Writer, columns func() int) StatusLine {
	return StatusLine{out: out, terminal: true, columns: columns}
}

// Redrawn reports whether the line is redrawn.
func (l *StatusLine) Redrawn() bool { return l.terminal }

// Show replaces the line. It cuts text to the width of the terminal, because a
// line that wraps cannot be redrawn.
func (l *StatusLine) Show(text string) {
	text = InOneLine(text)
	if !l.terminal {
		fmt.Fprintln(l.out, text)
		return
	}
	l.drawn = true
	fmt.Fprintf(l.out, "\r%s\x1b[K", Cut(text, l.columns()-1))
}

// Keep leaves the line as it is and continues on the next line.
func (l *StatusLine) Keep() {
	if l.drawn {
		fmt.Fprintln(l.out)
	}
	l.drawn = false
}

// Print writes text on lines of its own. It wraps at the width of the terminal.
func (l *StatusLine) Print(text string) {
	l.Wipe()
	fmt.Fprintln(l.out, Printable(text))
}

// Wipe erases the line.
func (l *StatusLine) Wipe() {
	if l.drawn {
		fmt.Fprint(l.out, "\r\x1b[K")
	}
	l.drawn = false
}

package cli

import (
	"fmt"
	"io"
)

// statusLine says how work comes on: on a terminal in one line that is redrawn
// and then wiped off, elsewhere in a line each time.
type statusLine struct {
	out      io.Writer
	terminal bool
	drawn    bool
}

func newStatusLine(out io.Writer) statusLine { return statusLine{out: out, terminal: isTerminal(out)} }

func (l *statusLine) show(text string) {
	l.drawn = true
	if l.terminal {
		fmt.Fprintf(l.out, "\r%s\x1b[K", text)
	} else {
		fmt.Fprintln(l.out, text)
	}
}

func (l *statusLine) wipe() {
	if l.drawn && l.terminal {
		fmt.Fprint(l.out, "\r\x1b[K")
	}
	l.drawn = false
}

package cli

import (
	"fmt"
	"io"
	"time"
)

// rowMeter shows how rows come on: on a terminal a line that is redrawn and then
// wiped off, elsewhere a line every few seconds. Work of under two seconds is
// not shown.
type rowMeter struct {
	out          io.Writer
	terminal     bool
	name         string
	total        int
	begun, shown time.Time
	drawn        bool
}

func newRowMeter(out io.Writer, name string, total int) *rowMeter {
	return &rowMeter{out: out, terminal: isTerminal(out), name: name, total: total, begun: time.Now()}
}

func (m *rowMeter) step(done int) {
	now, pause := time.Now(), 5*time.Second
	if m.terminal {
		pause = 100 * time.Millisecond
	}
	if now.Sub(m.begun) < 2*time.Second || now.Sub(m.shown) < pause || done >= m.total {
		return
	}
	m.shown, m.drawn = now, true
	rate := float64(done) / now.Sub(m.begun).Seconds()
	left := time.Duration(float64(m.total-done) / max(rate, 1e-9) * float64(time.Second)).Round(time.Second)
	line := fmt.Sprintf("%s: %d of %d rows, %.1f rows/s, %s left", m.name, done, m.total, rate, left)
	if m.terminal {
		fmt.Fprintf(m.out, "\r%s\x1b[K", line)
	} else {
		fmt.Fprintln(m.out, line)
	}
}

func (m *rowMeter) end() {
	if m.drawn && m.terminal {
		fmt.Fprint(m.out, "\r\x1b[K")
	}
}

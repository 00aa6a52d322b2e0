package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/firesteel/firesteel/internal/terminal"
)

// pacedLine is a status line for work of more than two seconds: it is redrawn ten times
// a second on a terminal, and otherwise printed every five seconds.
type pacedLine struct {
	line         terminal.StatusLine
	begun, shown time.Time
}

func newPacedLine(out io.Writer) pacedLine {
	return pacedLine{line: terminal.NewStatusLine(out), begun: time.Now()}
}

// due reports whether a new text is to be shown.
func (p *pacedLine) due() bool {
	now, pause := time.Now(), 5*time.Second
	if p.line.Redrawn() {
		pause = 100 * time.Millisecond
	}
	if now.Sub(p.begun) < 2*time.Second || now.Sub(p.shown) < pause {
		return false
	}
	p.shown = now
	return true
}

func (p *pacedLine) end() { p.line.Wipe() }

// rowMeter shows how many rows are done.
type rowMeter struct {
	pacedLine
	name  string
	total int
}

func newRowMeter(out io.Writer, name string, total int) *rowMeter {
	return &rowMeter{pacedLine: newPacedLine(out), name: name, total: total}
}

func (m *rowMeter) step(done int) {
	if done >= m.total || !m.due() {
		return
	}
	rate := float64(done) / time.Since(m.begun).Seconds()
	left := time.Duration(float64(m.total-done) / max(rate, 1e-9) * float64(time.Second)).Round(time.Second)
	m.line.Show(fmt.Sprintf("%s: %d of %d rows, %.1f rows/s, %s left", m.name, done, m.total, rate, left))
}

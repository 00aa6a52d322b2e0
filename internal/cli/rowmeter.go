package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/firesteel/firesteel/internal/terminal"
)

// rowMeter shows how rows come on, where no line is redrawn every few seconds.
// Work of under two seconds is not shown.
type rowMeter struct {
	line         terminal.StatusLine
	name         string
	total        int
	begun, shown time.Time
}

func newRowMeter(out io.Writer, name string, total int) *rowMeter {
	return &rowMeter{line: terminal.NewStatusLine(out), name: name, total: total, begun: time.Now()}
}

func (m *rowMeter) step(done int) {
	now, pause := time.Now(), 5*time.Second
	if m.line.Redrawn() {
		pause = 100 * time.Millisecond
	}
	if now.Sub(m.begun) < 2*time.Second || now.Sub(m.shown) < pause || done >= m.total {
		return
	}
	m.shown = now
	rate := float64(done) / now.Sub(m.begun).Seconds()
	left := time.Duration(float64(m.total-done) / max(rate, 1e-9) * float64(time.Second)).Round(time.Second)
	m.line.Show(fmt.Sprintf("%s: %d of %d rows, %.1f rows/s, %s left", m.name, done, m.total, rate, left))
}

func (m *rowMeter) end() { m.line.Wipe() }

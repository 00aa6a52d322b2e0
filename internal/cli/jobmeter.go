package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/terminal"
)

// jobMeter prints the progress of a job: on a terminal one line that is redrawn,
// otherwise a line every few seconds. It prints nothing in the first two seconds.
type jobMeter struct {
	line  terminal.StatusLine
	name  string
	every time.Duration
}

func newJobMeter(out io.Writer, name string) *jobMeter {
	m := &jobMeter{line: terminal.NewStatusLine(out), name: name, every: 5 * time.Second}
	if m.line.Redrawn() {
		m.every = 200 * time.Millisecond
	}
	return m
}

func (m *jobMeter) step(s job.Snapshot) {
	if s.Elapsed < 2*time.Second {
		return
	}
	m.line.Show(m.name + ": " + jobLine(s))
}

func (m *jobMeter) end() { m.line.Wipe() }

// jobLine returns a snapshot as one line.
func jobLine(s job.Snapshot) string {
	parts := []string{fmt.Sprintf("%d rows", s.Rows)}
	if s.BytesTotal > 0 {
		parts[0] += fmt.Sprintf(" (%d %%)", 100*s.BytesRead/s.BytesTotal)
	}
	parts = append(parts, fmt.Sprintf("%.1f rows/s", s.RowsPerSecond), fmt.Sprintf("%.0f tokens/s", s.TokensPerSecond))
	for _, c := range []struct {
		n    int64
		what string
	}{{s.Asking, "being asked"}, {s.Equal + s.Kept, "not asked again"}, {s.Errors, "errors"}, {s.Skipped, "skipped"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if s.Left >= 0 && s.Rows > 0 {
		parts = append(parts, shortTime(s.Left)+" left")
	}
	return strings.Join(parts, ", ")
}

// shortTime rounds a duration for people to read.
func shortTime(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

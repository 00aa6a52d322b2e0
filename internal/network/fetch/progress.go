package fetch

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/terminal"
)

// Progress receives the progress of downloads. Its methods are called often and
// from several goroutines.
type Progress interface {
	// Step reports that done of total bytes of name are complete; total is 0 if
	// unknown.
	Step(name string, done, total int64)
	// End reports that name has finished or failed.
	End(name string)
	// Notice shows what a download is, before it begins.
	Notice(text string)
}

const (
	quiet      = 2 * time.Second // shorter work is not shown
	redraw     = 100 * time.Millisecond
	plainPause = 5 * time.Second
)

// NewProgress returns a Progress that writes to w: on a terminal it redraws one
// line, elsewhere it writes a line every five seconds. Work of less than two
// seconds is not shown.
func NewProgress(w io.Writer) Progress {
	m := &meter{line: terminal.NewStatusLine(w), every: plainPause, now: time.Now, tasks: map[string]*task{}}
	if m.line.Redrawn() {
		m.every = redraw
	}
	return m
}

type meter struct {
	mutex sync.Mutex
	line  terminal.StatusLine
	every time.Duration
	now   func() time.Time
	tasks map[string]*task
}

type task struct {
	begun, drawn time.Time
	first        int64 // bytes complete at the beginning, which the rate excludes
	done, total  int64
	shown        bool
}

func (m *meter) Step(name string, done, total int64) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	now := m.now()
	t := m.tasks[name]
	if t == nil {
		t = &task{begun: now, first: done}
		m.tasks[name] = t
	}
	t.done, t.total = done, total
	if now.Sub(t.begun) < quiet || now.Sub(t.drawn) < m.every {
		return
	}
	t.drawn = now
	t.shown = true
	m.line.Show(t.line(name, now))
}

func (m *meter) End(name string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	t := m.tasks[name]
	delete(m.tasks, name)
	if t == nil || !t.shown {
		return
	}
	m.line.Show(t.line(name, m.now()))
	m.line.Keep()
}

func (m *meter) Notice(text string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.line.Print(text)
}

func (t *task) line(name string, now time.Time) string {
	var b strings.Builder
	b.WriteString(name + "  ")
	if t.total > 0 {
		fmt.Fprintf(&b, "%3d %%  %s of %s", 100*t.done/t.total, Bytes(t.done), Bytes(t.total))
	} else {
		b.WriteString(Bytes(t.done))
	}
	rate := float64(t.done-t.first) / max(now.Sub(t.begun).Seconds(), 0.001)
	fmt.Fprintf(&b, "  %s/s", Bytes(int64(rate)))
	if left := t.total - t.done; left > 0 && rate >= 1 {
		eta := time.Duration(float64(left) / rate * float64(time.Second))
		fmt.Fprintf(&b, "  %s left", eta.Round(time.Second))
	}
	return b.String()
}

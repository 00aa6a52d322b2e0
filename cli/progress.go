package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/firesteel/firesteel/spark"
)

// queries shows how far a running query is: on a terminal as a line that is
// redrawn and then wiped off, elsewhere as a line every so often. Spark 3.5
// does not say; later ones do every two seconds.
type queries struct {
	out      io.Writer
	terminal bool

	mu           sync.Mutex
	begun, shown time.Time // zero between queries
}

// plainEvery is how often a line is written where none is redrawn.
const plainEvery = 10 * time.Second

func (q *queries) report(p spark.Progress) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if q.begun.IsZero() {
		q.begun, q.shown = now, now
	}
	var tasks, done int64
	for _, s := range p.Stages {
		tasks += s.Tasks
		done += s.Completed
	}
	if tasks == 0 || !q.terminal && now.Sub(q.shown) < plainEvery {
		return
	}
	q.shown = now
	line := fmt.Sprintf("Spark: %d of %d tasks done, %d running, %.0f s", done, tasks, p.Running, now.Sub(q.begun).Seconds())
	if q.terminal {
		fmt.Fprintf(q.out, "\r%s\x1b[K", line)
	} else {
		fmt.Fprintln(q.out, line)
	}
}

// end wipes the line off: the query is over.
func (q *queries) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.terminal && !q.begun.IsZero() {
		fmt.Fprint(q.out, "\r\x1b[K")
	}
	q.begun = time.Time{}
}

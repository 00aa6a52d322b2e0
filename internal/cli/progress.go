package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/spark"
)

// queries shows how far a running query is, where no line is redrawn every so
// often. Spark 3.5 does not say; later ones do every two seconds.
type queries struct {
	mu           sync.Mutex
	line         terminal.StatusLine
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
	if tasks == 0 || !q.line.Redrawn() && now.Sub(q.shown) < plainEvery {
		return
	}
	q.shown = now
	q.line.Show(fmt.Sprintf("Spark: %d of %d tasks done, %d running, %.0f s", done, tasks, p.RunningTasks, now.Sub(q.begun).Seconds()))
}

// end wipes the line off: the query is over.
func (q *queries) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.line.Wipe()
	q.begun = time.Time{}
}

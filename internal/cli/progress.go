package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/spark"
)

// queries prints the progress of a running query: on a terminal one line that is
// redrawn, otherwise a line every plainEvery. Spark 3.5 does not report progress;
// later versions do every two seconds.
type queries struct {
	mu           sync.Mutex
	line         terminal.StatusLine
	begun, shown time.Time // zero between queries
}

// plainEvery is the interval between lines that are not redrawn.
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

// end removes the line at the end of a query.
func (q *queries) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.line.Wipe()
	q.begun = time.Time{}
}

package worker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/panics"
)

// errGone is why a task ends that Spark no longer wants.
var errGone = errors.New("Spark closed the connection: the task was cancelled, or needs no more rows")

// connection serves Spark's tasks one after the other.
type connection struct {
	process *process
	conn    net.Conn
	r       *bufio.Reader
	w       *bufio.Writer
	beside  *pythonWorker // nil before the first task for Python
}

func (c *connection) serve() {
	defer func() {
		if c.beside != nil {
			c.beside.conn.Close() // at which it ends
		}
	}()
	if c.process.refusal != nil {
		c.refuse(c.process.refusal)
	} else {
		for c.serveTask() && c.process.getenv("SPARK_REUSE_WORKER") != "" {
		}
	}
	// As worker.py does: the connection is Spark's to close, which may still
	// have to read what we sent last.
	_, _ = io.Copy(io.Discard, c.r)
}

// refuse answers a task whose message it does not read: how that is laid out
// is not known.
func (c *connection) refuse(err error) {
	if _, gone := c.r.Peek(1); gone != nil {
		return
	}
	c.process.tasks.Add(1)
	c.tell(c.process.log, "task refused", err.Error(), (&reply{w: c.w}).fail)
}

// tell puts an error into the log and into the answer to Spark.
func (c *connection) tell(log *slog.Logger, message, err string, answer func(string) error) {
	log.Error(message, "error", err)
	if err := answer("firesteel: " + err); err != nil { // as the person at the client reads it
		log.Warn("Spark was not told", "error", err)
	}
}

// serveTask serves one task, and reports whether there may be another.
func (c *connection) serveTask() (again bool) {
	var raw bytes.Buffer
	message, err := readInit(c.r, c.process.layout, &raw)
	if err == io.EOF {
		return false
	}
	p := c.process
	p.tasks.Add(1)
	start := time.Now()
	log := p.log.With("stage", message.context.Stage, "partition", message.partition, "attempt", message.context.Attempt)
	out := &reply{w: c.w, shape: shapes[p.replyLayout(message)], mem: p.mem}
	var t *task
	if err == nil {
		t, err = p.newTask(message, log)
	}
	if p.python != nil && errors.Is(err, bundle.ErrForeign) {
		if err = c.passOn(raw.Bytes(), log); err == nil {
			return true
		}
	}
	if err != nil {
		c.tell(log, "task refused", told(err, message.logContent()), out.fail)
		return false
	}

	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	stopWatching := watch(c.conn, func() { cancel(errGone) })
	stopBeating := beat(t, out)
	init := time.Now()
	in := prefetch(ctx, c.r, framingOf(t.kind, out.shape), p.mem)
	cpus := cpusOf(message.context.CPUs)
	p.models.begin(cpus)
	err = runTask(ctx, t, in, out)
	p.models.end(cpus)
	stopBeating()
	stopWatching()
	if err == nil {
		err = out.finish(times{
			boot: start.UnixMilli(), init: init.UnixMilli(), finish: time.Now().UnixMilli(),
			processing: time.Since(init).Milliseconds(),
		})
	}
	attrs := []any{
		"functions", describe(t.columns), "batches", t.scope.stats.batches, "rows", t.scope.stats.rows,
		"nulls", t.scope.stats.nulls, "errors", t.scope.stats.errors, "cut", t.scope.stats.cut,
		"model_seconds", t.scope.stats.model.Seconds(), "wall_ms", time.Since(start).Milliseconds(),
	}
	if err == nil {
		log.Info("task done", attrs...)
		in.end()
		return c.endTask()
	}
	if errors.Is(err, errGone) || hungUp(c.conn) {
		log.Info("task cancelled", append(attrs, "cause", err)...)
	} else {
		c.tell(log.With(attrs...), "task failed", t.scope.told(err), out.abort)
	}
	in.end()
	return false
}

// passOn has Python do a task. The error is why it could not begin.
func (c *connection) passOn(message []byte, log *slog.Logger) error {
	if c.beside == nil {
		daemon, err := c.process.python.start()
		if err != nil {
			return err
		}
		if c.beside, err = daemon.connect(); err != nil {
			return fmt.Errorf("a Python worker for this task: %w", err)
		}
	}
	start := time.Now()
	err := c.beside.passOn(message, c.conn, c.r)
	log.Info("task passed on to Python", "python_worker", c.beside.pid, "wall_ms", time.Since(start).Milliseconds(), "error", err)
	if err != nil {
		// Spark itself says what it thinks of a worker that breaks off.
		c.conn.Close()
	}
	return nil
}

// runTask is t.run; a panic outside the functions, over malformed data say, is
// the task's error too.
func runTask(ctx context.Context, t *task, in source, out sink) (err error) {
	defer panics.Catch(&err, "serving a task")
	return t.run(ctx, in, out)
}

// endTask exchanges the marks that make the connection ready for another task.
func (c *connection) endTask() bool {
	d := &wireReader{r: c.r}
	mark := d.int("end of stream")
	if d.err != nil {
		return false // Spark does not reuse this worker
	}
	if mark == endOfStream {
		return c.send(appendInt(nil, endOfStream)) == nil
	}
	c.process.log.Warn("Spark did not end its stream as expected; the connection is not used again", "mark", mark)
	_ = c.send(appendInt(nil, endOfDataSection)) // any other mark says so; Spark may be gone
	return false
}

// describe lists the result columns as calls: "f, g(f)".
func describe(columns []column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		text := c.chain[0].name()
		for _, f := range c.chain[1:] {
			text = f.name() + "(" + text + ")"
		}
		all[i] = text
	}
	return strings.Join(all, ", ")
}

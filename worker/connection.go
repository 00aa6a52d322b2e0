package worker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/panics"
)

// errCancelled ends a task whose connection Spark has closed.
var errCancelled = errors.New("connection closed by Spark: the task was cancelled, or needs no more rows")

// connection serves Spark's tasks one after another.
type connection struct {
	process *process
	conn    net.Conn
	r       *bufio.Reader
	w       *bufio.Writer
	python  *pythonWorker // nil before the first task for Python
}

func newConnection(p *process, conn net.Conn) *connection {
	return &connection{process: p, conn: conn, r: bufio.NewReaderSize(quickReader(conn), 64<<10), w: bufio.NewWriterSize(conn, 64<<10)}
}

func (c *connection) send(b []byte) error {
	if _, err := c.w.Write(b); err != nil {
		return err
	}
	return c.w.Flush()
}

// handshake opens a connection that Spark made: it sends the process id and
// waits for Spark's secret or, on a Unix socket, for the first byte of a task.
func (c *connection) handshake(authenticate bool, secret string) error {
	if err := c.conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	if err := c.send(appendInt(nil, os.Getpid())); err != nil {
		return err
	}
	if authenticate {
		d := &wireReader{r: c.r}
		given := d.bytes("secret", maxSecret)
		if d.err != nil {
			return d.err
		}
		if subtle.ConstantTimeCompare(given, []byte(secret)) != 1 {
			return errors.Join(errors.New("wrong secret"), c.send(appendText(nil, "err")))
		}
		if err := c.send(appendText(nil, "ok")); err != nil {
			return err
		}
	}
	if !authenticate {
		if _, err := c.r.Peek(1); err != nil {
			return err
		}
	}
	return c.conn.SetDeadline(time.Time{})
}

// authenticate sends the secret on a connection that this worker made.
func (c *connection) authenticate(secret string) error {
	if err := c.send(appendText(nil, secret)); err != nil {
		return fmt.Errorf("sending the secret to Spark: %w", err)
	}
	d := &wireReader{r: c.r}
	if answer := d.bytes("answer to the secret", maxSecret); d.err != nil || string(answer) != "ok" {
		return errors.Join(errors.New("secret refused by Spark"), d.err)
	}
	return nil
}

func (c *connection) serve() {
	defer func() {
		if c.python != nil {
			c.python.conn.Close() // ends the Python worker
		}
	}()
	if c.process.refusal != nil {
		c.refuse(c.process.refusal)
	} else {
		for c.serveTask() && c.process.getenv("SPARK_REUSE_WORKER") != "" {
		}
	}
	// Spark closes the connection after it has read the last reply, as with
	// worker.py.
	_, _ = io.Copy(io.Discard, c.r)
}

// refuse fails a task without reading its message, whose layout may be unknown.
func (c *connection) refuse(err error) {
	if _, closed := c.r.Peek(1); closed != nil {
		return
	}
	c.process.tasks.Add(1)
	c.reportError(c.process.log, "task refused", err.Error(), (&reply{w: c.w}).fail)
}

// reportError writes an error to the log and sends it to Spark.
func (c *connection) reportError(log *slog.Logger, message, err string, send func(string) error) {
	log.Error(message, "error", err)
	if err := send("firesteel: " + err); err != nil { // the client shows this text
		log.Warn("error not sent to Spark", "error", err)
	}
}

// serveTask serves one task, and reports whether another may follow.
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
		if err = c.forward(raw.Bytes(), log); err == nil {
			return true
		}
	}
	if err != nil {
		c.reportError(log, "task refused", errorText(err, message.logContent()), out.fail)
		return false
	}

	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	stopWatching := watch(c.conn, func() { cancel(errCancelled) })
	stopHeartbeat := startHeartbeat(t, out)
	init := time.Now()
	in := prefetch(ctx, c.r, framingOf(t.kind, out.shape), p.mem)
	cpus := cpusOf(message.context.CPUs)
	p.models.begin(cpus)
	err = runTask(ctx, t, in, out)
	t.scope.ledger.end()
	p.models.end(cpus)
	stopHeartbeat()
	stopWatching()
	if err == nil {
		err = out.finish(times{
			boot: start.UnixMilli(), init: init.UnixMilli(), finish: time.Now().UnixMilli(),
			processing: time.Since(init).Milliseconds(),
		})
	}
	attrs := []any{
		"functions", describe(t.columns), "batches", t.scope.stats.batches, "rows", t.scope.stats.rows,
		"nulls", t.scope.stats.nulls, "errors", t.scope.stats.errors, "skipped", t.scope.stats.skipped, "cut", t.scope.stats.cut,
		"model_seconds", t.scope.stats.model.Seconds(), "wall_ms", time.Since(start).Milliseconds(),
	}
	if err == nil {
		log.Info("task done", attrs...)
		in.end()
		return c.endTask()
	}
	if errors.Is(err, errCancelled) || peerClosed(c.conn) {
		log.Info("task cancelled", append(attrs, "cause", err)...)
	} else {
		c.reportError(log.With(attrs...), "task failed", t.scope.errorText(err), out.abort)
	}
	in.end()
	return false
}

// forward runs a task in a Python worker. It returns an error only if the task
// could not start.
func (c *connection) forward(message []byte, log *slog.Logger) error {
	if c.python == nil {
		daemon, err := c.process.python.start()
		if err != nil {
			return err
		}
		if c.python, err = daemon.connect(); err != nil {
			return fmt.Errorf("starting a Python worker for this task: %w", err)
		}
	}
	start := time.Now()
	err := c.python.forward(message, c.conn, c.r)
	log.Info("task forwarded to Python", "python_worker", c.python.pid, "wall_ms", time.Since(start).Milliseconds(), "error", err)
	if err != nil {
		c.conn.Close() // Spark then reports that the Python worker crashed
	}
	return nil
}

// runTask calls t.run and returns a panic outside the functions, for example on
// malformed data, as the task's error.
func runTask(ctx context.Context, t *task, in source, out sink) (err error) {
	defer panics.Catch(&err, "serving a task")
	return t.run(ctx, in, out)
}

// endTask exchanges the end-of-stream marks, and reports whether the connection
// is ready for another task.
func (c *connection) endTask() bool {
	d := &wireReader{r: c.r}
	mark := d.int("end of stream")
	if d.err != nil {
		return false // Spark does not reuse the connection
	}
	if mark == endOfStream {
		return c.send(appendInt(nil, endOfStream)) == nil
	}
	c.process.log.Warn("unexpected end of the stream from Spark; the connection is not used again", "mark", mark)
	_ = c.send(appendInt(nil, endOfDataSection)) // not the expected mark, so Spark closes the connection
	return false
}

// describe returns the result columns as function calls: "f, g(f)".
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

package worker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/panics"
)

// A session of a Python client may have Python functions as well as firesteel's.
// Spark sends the tasks of both to this worker, which forwards those of Python
// functions to a Python worker. It runs one daemon of pyspark for the process,
// and one Python worker for each connection that needs it. Tasks of both kinds
// may alternate on a connection, so this worker must find the end of each task:
// python.py marks it.

//go:embed python.py
var pythonDaemon string

// python runs the session's Python functions.
type python struct {
	executable string
	log        *slog.Logger

	mu     sync.Mutex
	daemon *pythonProcess // nil before the first task
}

// pythonProcess is a running daemon of Python workers.
type pythonProcess struct {
	port   int
	secret string

	mu    sync.Mutex
	stdin io.Writer     // reads the process ids of workers to kill
	ended chan struct{} // closed when the process has ended
}

// executableOf returns the Python interpreter of the session: the configured
// one, or the default of Spark on this executor.
func executableOf(configured string, getenv func(string) string) string {
	if configured != "" {
		return configured
	}
	if e := getenv("PYSPARK_PYTHON"); e != "" {
		return e
	}
	return "python3"
}

// startTimeout bounds the time until a daemon writes its port. It imports much
// of pyspark first.
const startTimeout = 2 * time.Minute

// start returns the running daemon, or starts one.
func (p *python) start() (*pythonProcess, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.daemon != nil {
		select {
		case <-p.daemon.ended:
		default:
			return p.daemon, nil
		}
	}
	d, err := startPython(p.executable, p.log)
	if err != nil {
		return nil, fmt.Errorf("this is a Python function, and the session's Python interpreter %q "+
			"does not start Spark's Python worker on this executor: %w", p.executable, err)
	}
	p.daemon = d
	return d, nil
}

func startPython(executable string, log *slog.Logger) (*pythonProcess, error) {
	d := &pythonProcess{secret: rand.Text(), ended: make(chan struct{})}
	command := exec.Command(executable, "-c", pythonDaemon)
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "PYTHON_UNIX_DOMAIN") && !strings.HasPrefix(name, "PYTHON_WORKER_FACTORY_") {
			command.Env = append(command.Env, v)
		}
	}
	command.Env = append(command.Env, "PYTHON_WORKER_FACTORY_SECRET="+d.secret)
	stderr := &tailWriter{w: os.Stderr}
	command.Stderr = stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	d.stdin = stdin
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := command.Start(); err != nil {
		return nil, err
	}
	timeout := time.AfterFunc(startTimeout, func() {
		defer panics.Handle("ending Python", nil)
		command.Process.Kill()
	})
	var port [4]byte
	_, err = io.ReadFull(stdout, port[:])
	timeout.Stop()
	if d.port = int(binary.BigEndian.Uint32(port[:])); err == nil && (d.port <= 0 || d.port > 0xffff) {
		err = fmt.Errorf("it wrote %q instead of a port", port)
	}
	if err != nil {
		command.Process.Kill()
		command.Wait()
		return nil, errors.Join(err, errors.New(strings.TrimSpace(stderr.String())))
	}
	log.Info("Python started", "executable", executable, "python_pid", command.Process.Pid, "ms", time.Since(start).Milliseconds())
	go func() {
		defer panics.Handle("waiting for Python", nil)
		defer close(d.ended)
		err := command.Wait()
		log.Warn("Python ended", "error", err)
	}()
	return d, nil
}

// kill ends the worker of a cancelled task.
func (d *pythonProcess) kill(worker int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = d.stdin.Write(appendInt(nil, worker)) // fails if the daemon, and so its workers, have ended
}

// pythonWorker is a connection to a Python worker.
type pythonWorker struct {
	daemon *pythonProcess
	conn   net.Conn
	r      *bufio.Reader
	pid    int
}

// connect starts a Python worker.
func (d *pythonProcess) connect() (*pythonWorker, error) {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(d.port)), handshakeTimeout)
	if err != nil {
		return nil, err
	}
	w := &pythonWorker{daemon: d, conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}
	if err := w.handshake(); err != nil {
		conn.Close()
		return nil, err
	}
	return w, nil
}

// handshake does Spark's part of opening a connection; see wire.go.
func (w *pythonWorker) handshake() error {
	if err := w.conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	r := &wireReader{r: w.r}
	w.pid = r.int("process id of the Python worker")
	if r.err != nil {
		return r.err
	}
	if _, err := w.conn.Write(appendText(nil, w.daemon.secret)); err != nil {
		return err
	}
	if answer := r.bytes("answer to the secret", maxSecret); r.err != nil || string(answer) != "ok" {
		return errors.Join(errors.New("the Python worker did not accept the secret"), r.err)
	}
	return w.conn.SetDeadline(time.Time{})
}

// The errors of a forwarded task that did not end.
var (
	errSparkClosed = errors.New("connection closed by Spark: the task was cancelled")
	errPythonEnded = errors.New("the Python worker ended before the task did")
)

// forward runs the task that begins with message in the Python worker, until the
// task's end.
func (w *pythonWorker) forward(message []byte, spark net.Conn, r *bufio.Reader) error {
	if _, err := w.conn.Write(message); err != nil {
		return errPythonEnded
	}
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	input := make(chan error, 2)
	go func() {
		defer panics.Handle("forwarding a task to Python", func(err error) { input <- err })
		_, err := io.Copy(w.conn, onlyReader{r})
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			end(errSparkClosed)
			w.daemon.kill(w.pid) // a computing worker does not notice a closed connection
			w.conn.Close()       // ends copyOutput below
		}
		input <- err
	}()
	held, err := w.copyOutput(spark)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	// Stop copying the input before Spark gets the last bytes of this task,
	// because it then sends the next task.
	spark.SetReadDeadline(time.Unix(1, 0))
	<-input
	spark.SetReadDeadline(time.Time{})
	if err == nil && len(held) > 0 {
		_, err = spark.Write(held)
	}
	return err
}

// copyOutput copies the worker's output to Spark up to the end of the task. It
// returns the last int, the end-of-stream mark, without sending it.
func (w *pythonWorker) copyOutput(spark net.Conn) (held []byte, err error) {
	for {
		d := &wireReader{r: w.r}
		n := d.int("length of a piece")
		if d.err != nil || n < 0 {
			return nil, errPythonEnded
		}
		if n == 0 {
			return held, nil
		}
		piece := make([]byte, len(held)+n)
		if _, err := io.ReadFull(w.r, piece[copy(piece, held):]); err != nil {
			return nil, errPythonEnded
		}
		piece, held = splitMark(piece)
		if _, err := spark.Write(piece); err != nil {
			return nil, errSparkClosed
		}
	}
}

// splitMark splits off the end of piece if it may be the end-of-stream mark or
// the beginning of one.
func splitMark(piece []byte) (data, held []byte) {
	mark := appendInt(nil, endOfStream)
	for n := len(mark); n > 0; n-- {
		if bytes.HasSuffix(piece, mark[:n]) {
			return piece[:len(piece)-n], mark[:n]
		}
	}
	return piece, nil
}

// onlyReader hides bufio.Reader.WriteTo, which would keep the error of an
// expired deadline for later reads.
type onlyReader struct{ io.Reader }

// tailWriter writes to w and keeps the last 4 KiB.
type tailWriter struct {
	w  io.Writer
	mu sync.Mutex
	b  []byte
}

func (t *tailWriter) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const limit = 4 << 10
	if t.b = append(t.b, p...); len(t.b) > limit {
		t.b = t.b[len(t.b)-limit:]
	}
	return t.w.Write(p)
}

func (t *tailWriter) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

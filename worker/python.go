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

// A session that firesteel has been attached to may have Python functions of
// its own. Their tasks come to this worker, as all do, and are passed on to a
// Python worker: one daemon of Spark's own for this process, one worker for
// each connection that needs it. A connection may bring firesteel's and
// Python's tasks in turn, so each task's end must be seen: python.py marks it.

//go:embed python.py
var pythonDaemon string

// python is the interpreter beside this worker.
type python struct {
	executable string
	log        *slog.Logger

	mu     sync.Mutex
	daemon *pythonProcess // nil before the first task, and after its end
}

// pythonProcess is a running daemon.
type pythonProcess struct {
	port   int
	secret string

	mu    sync.Mutex
	stdin io.Writer // takes the process ids of workers to kill
	ended chan struct{}
}

// executableOf is the interpreter that a session had before firesteel came:
// what its settings named, or what Spark would take on this executor.
func executableOf(named string, getenv func(string) string) string {
	if named != "" {
		return named
	}
	if e := getenv("PYSPARK_PYTHON"); e != "" {
		return e
	}
	return "python3"
}

// startTime bounds how long a daemon may take to tell its port; it imports
// much of pyspark before.
const startTime = 2 * time.Minute

// start gives the daemon, and starts it if need be.
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
		return nil, fmt.Errorf("this is a Python function, and the interpreter %q, which this session used before firesteel was attached, "+
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
	said := &tail{w: os.Stderr}
	command.Stderr = said
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
	slow := time.AfterFunc(startTime, func() {
		defer panics.Handle("ending Python", nil)
		command.Process.Kill()
	})
	var port [4]byte
	_, err = io.ReadFull(stdout, port[:])
	slow.Stop()
	if d.port = int(binary.BigEndian.Uint32(port[:])); err == nil && (d.port <= 0 || d.port > 0xffff) {
		err = fmt.Errorf("it said %q where its port should be", port)
	}
	if err != nil {
		command.Process.Kill()
		command.Wait()
		return nil, errors.Join(err, errors.New(strings.TrimSpace(said.String())))
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

// kill ends a worker that computes for nobody.
func (d *pythonProcess) kill(worker int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = d.stdin.Write(appendInt(nil, worker)) // a daemon that is gone has no workers
}

// pythonWorker is a connection to a Python worker.
type pythonWorker struct {
	daemon *pythonProcess
	conn   net.Conn
	r      *bufio.Reader
	pid    int
}

// connect starts a worker.
func (d *pythonProcess) connect() (*pythonWorker, error) {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(d.port)), handshakeTime)
	if err != nil {
		return nil, err
	}
	w := &pythonWorker{daemon: d, conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}
	if err := w.greet(); err != nil {
		conn.Close()
		return nil, err
	}
	return w, nil
}

// greet is Spark's side of a connection's opening; see wire.go.
func (w *pythonWorker) greet() error {
	if err := w.conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
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

// errSparkGone and errPythonGone are why a task that was passed on did not end.
var (
	errSparkGone  = errors.New("Spark closed the connection: the task was cancelled")
	errPythonGone = errors.New("the Python worker ended in the midst of the task")
)

// passOn has the Python worker do the task that begins with message, and
// reports whether it came to its end.
func (w *pythonWorker) passOn(message []byte, spark net.Conn, r *bufio.Reader) error {
	if _, err := w.conn.Write(message); err != nil {
		return errPythonGone
	}
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	input := make(chan error, 2)
	go func() {
		defer panics.Handle("passing a task on to Python", func(err error) { input <- err })
		_, err := io.Copy(w.conn, onlyReader{r})
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			end(errSparkGone)
			w.daemon.kill(w.pid) // it need not look at its connection while it computes
			w.conn.Close()       // which ends the reading below
		}
		input <- err
	}()
	held, err := w.output(spark)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	// Spark sends its next task only when it has the last bytes of this one:
	// by then nothing may be reading for Python.
	spark.SetReadDeadline(time.Unix(1, 0))
	<-input
	spark.SetReadDeadline(time.Time{})
	if err == nil && len(held) > 0 {
		_, err = spark.Write(held)
	}
	return err
}

// output copies what the worker writes up to the task's end, but not the int
// that stands last: Spark's mark of that end.
func (w *pythonWorker) output(spark net.Conn) (held []byte, err error) {
	for {
		d := &wireReader{r: w.r}
		n := d.int("length of a piece")
		if d.err != nil || n < 0 {
			return nil, errPythonGone
		}
		if n == 0 {
			return held, nil
		}
		piece := make([]byte, len(held)+n)
		if _, err := io.ReadFull(w.r, piece[copy(piece, held):]); err != nil {
			return nil, errPythonGone
		}
		piece, held = holdBack(piece)
		if _, err := spark.Write(piece); err != nil {
			return nil, errSparkGone
		}
	}
}

// holdBack cuts off what may be the mark of the end, or its beginning.
func holdBack(piece []byte) (now, held []byte) {
	mark := appendInt(nil, endOfStream)
	for n := len(mark); n > 0; n-- {
		if bytes.HasSuffix(piece, mark[:n]) {
			return piece[:len(piece)-n], mark[:n]
		}
	}
	return piece, nil
}

// onlyReader hides bufio.Reader.WriteTo, after which the reader would keep the
// error of a deadline.
type onlyReader struct{ io.Reader }

// tail passes on what is written, and keeps the end of it.
type tail struct {
	w  io.Writer
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 4 << 10
	if t.b = append(t.b, p...); len(t.b) > most {
		t.b = t.b[len(t.b)-most:]
	}
	return t.w.Write(p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

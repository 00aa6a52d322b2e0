package worker

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/bundle"
)

// fakePython is a daemon of Python workers with scripted answers.
type fakePython struct {
	tasks    chan pythonTask
	received chan []byte
	kills    io.Reader
}

// pythonTask scripts the behaviour of a worker for one task.
type pythonTask struct {
	size    int      // bytes to read
	pieces  [][]byte // to write
	crashes bool     // instead of ending the task
}

const fakePID = 4711

// startFakePython starts a fakePython, to which p forwards Python tasks.
func startFakePython(t *testing.T, p *process) *fakePython {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	kills, stdin := io.Pipe()
	f := &fakePython{tasks: make(chan pythonTask, 10), received: make(chan []byte, 10), kills: kills}
	p.python = &python{executable: "python", log: p.log, daemon: &pythonProcess{
		port: l.Addr().(*net.TCPAddr).Port, secret: "s", stdin: stdin, ended: make(chan struct{}),
	}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return f
}

func (f *fakePython) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	_, _ = conn.Write(appendInt(nil, fakePID))
	d := &wireReader{r: r}
	if d.text("secret") != "s" {
		return
	}
	_, _ = conn.Write(appendText(nil, "ok"))
	for {
		if _, err := r.Peek(1); err != nil {
			return
		}
		task := <-f.tasks
		got := make([]byte, task.size)
		n, err := io.ReadFull(r, got)
		f.received <- got[:n]
		for _, piece := range task.pieces {
			_, _ = conn.Write(append(appendInt(nil, len(piece)), piece...))
		}
		if err != nil || task.crashes {
			return
		}
		_, _ = conn.Write(appendInt(nil, 0))
	}
}

// pickled is a call of a Python function.
func pickled() functionCall { return functionCall{commands: [][]byte{{0x80, 5, 0x95}}} }

// Tasks of firesteel and of Python alternate on a connection. The worker
// forwards every byte of a Python task to Python, and of its answer to Spark.
func TestForwardToPython(t *testing.T) {
	batch := textBatch("a", nil)
	stream := arrowBytes(t, batch.Schema(), batch)
	end := appendInt(nil, endOfStream)
	for _, version := range versions {
		f := serveProcess(t, version, nil, "")
		python := startFakePython(t, f.process)
		s := f.connect(t, version)
		for range 2 {
			if a := s.do(ask(hostCall(bundle.Echo), 0), stream); !reflect.DeepEqual(a.columns, [][]any{{"a", nil}}) || !a.reuse {
				t.Fatalf("Spark %s, firesteel's own: got %+v", version, a)
			}
			for _, evalType := range []int{200, 100} {
				q := request{evalType: evalType, functions: []functionCall{pickled()}}
				task := append(append(q.init(version), stream...), end...)
				// The data of the answer contains the end mark too, and the answer
				// is split inside it.
				answer := append(append([]byte("data"), end...), append([]byte("more data"), end...)...)
				python.tasks <- pythonTask{size: len(task), pieces: [][]byte{answer[:8], answer[8:19], answer[19:]}}
				s.send(task)
				back := make([]byte, len(answer))
				if _, err := io.ReadFull(s.r, back); err != nil || !bytes.Equal(back, answer) {
					t.Fatalf("Spark %s, eval type %d: Spark got %q, %v; want %q", version, evalType, back, err, answer)
				}
				if got := <-python.received; !bytes.Equal(got, task) {
					t.Fatalf("Spark %s, eval type %d: Python got %d bytes that differ from the task's %d", version, evalType, len(got), len(task))
				}
			}
		}
		s.conn.Close()
		f.served.Wait()
		if n := strings.Count(f.log.String(), "task forwarded to Python"); n != 4 {
			t.Errorf("Spark %s: %d tasks were forwarded", version, n)
		}
	}
}

// When Spark cancels a Python task, its Python worker is killed, as Spark's own
// daemon does.
func TestCancelForwardedTask(t *testing.T) {
	f := serveProcess(t, "4.3.0", nil, "")
	python := startFakePython(t, f.process)
	s := f.connect(t, "4.3.0")
	q := request{evalType: 100, functions: []functionCall{pickled()}}
	python.tasks <- pythonTask{size: 1 << 20}
	s.send(q.init("4.3.0"), []byte("some data"))
	killed := make(chan int, 1)
	go func() {
		d := &wireReader{r: python.kills}
		killed <- d.int("process id")
		_, _ = io.Copy(io.Discard, python.kills)
	}()
	s.conn.Close()
	select {
	case pid := <-killed:
		if pid != fakePID {
			t.Errorf("the killed process is %d, want %d", pid, fakePID)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the Python worker was not killed")
	}
	f.served.Wait()
}

// When a Python worker crashes, the connection to Spark is closed.
func TestPythonWorkerCrash(t *testing.T) {
	f := serveProcess(t, "4.3.0", nil, "")
	python := startFakePython(t, f.process)
	go io.Copy(io.Discard, python.kills)
	s := f.connect(t, "4.3.0")
	q := request{evalType: 100, functions: []functionCall{pickled()}}
	init := q.init("4.3.0")
	python.tasks <- pythonTask{size: len(init), pieces: [][]byte{[]byte("half an")}, crashes: true}
	s.send(init)
	if all, _ := io.ReadAll(s.r); string(all) != "half an" {
		t.Errorf("Spark got %q", all)
	}
	f.served.Wait()
	if !strings.Contains(f.log.String(), errPythonEnded.Error()) {
		t.Error("the log does not report the crash")
	}
}

func TestTasksThatCannotBeForwarded(t *testing.T) {
	batch := textBatch("a")
	stream := arrowBytes(t, batch.Schema(), batch)
	mixed := request{functions: []functionCall{call([]int{0}, hostCall(bundle.Echo)), pickled()}}
	f := serveProcess(t, "4.3.0", nil, "")
	startFakePython(t, f.process)
	if a := f.connect(t, "4.3.0").do(mixed, stream); !strings.Contains(a.failure, errMixed.Error()) {
		t.Errorf("both kinds of functions in one task: got %+v", a)
	}
	for executable, want := range map[string]string{
		"/nowhere/python": "no such file",
		"true":            "EOF",
		"python3":         "pyspark",
	} {
		if _, err := exec.LookPath(executable); err != nil && executable == "python3" {
			continue
		}
		f := serveProcess(t, "4.3.0", nil, "")
		f.python = &python{executable: executable, log: f.process.log}
		t.Setenv("PYTHONPATH", "") // so that there is no pyspark
		a := f.connect(t, "4.3.0").do(request{evalType: 100, functions: []functionCall{pickled()}}, stream)
		for _, want := range []string{want, `the session's Python interpreter "` + executable + `"`} {
			if !strings.Contains(a.failure, want) {
				t.Errorf("%s: the error %q does not contain %q", executable, a.failure, want)
			}
		}
	}
}

func TestExecutableOf(t *testing.T) {
	env := map[string]string{"PYSPARK_PYTHON": "/opt/python"}
	none := func(string) string { return "" }
	for _, c := range []struct {
		configured string
		getenv     func(string) string
		want       string
	}{
		{"env/bin/python", func(k string) string { return env[k] }, "env/bin/python"},
		{"", func(k string) string { return env[k] }, "/opt/python"},
		{"", none, "python3"},
	} {
		if got := executableOf(c.configured, c.getenv); got != c.want {
			t.Errorf("%q gives %q, want %q", c.configured, got, c.want)
		}
	}
}

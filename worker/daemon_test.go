package worker

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/bundle"
)

// daemon is a worker process, started as Spark starts it.
type daemon struct {
	t       *testing.T
	version string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	log     *syncBuffer
	network string
	address string
}

const testSecret = "a secret of the test"

// startDaemon writes an archive whose worker is the test program, and starts it.
func startDaemon(t *testing.T, version, model string, env ...string) *daemon {
	t.Helper()
	root, _ := install(t, version, model)
	return runDaemon(t, installSelf(t, root), version, []string{"-m", "pyspark.daemon", "pyspark.worker"}, env...)
}

func runDaemon(t *testing.T, exe, version string, args []string, env ...string) *daemon {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	d := &daemon{t: t, version: version, cmd: exec.CommandContext(ctx, exe, args...), log: &syncBuffer{}, network: "tcp"}
	d.cmd.Env = append(os.Environ(), append([]string{"SPARK_REUSE_WORKER=1", "PYTHON_WORKER_FACTORY_SECRET=" + testSecret}, env...)...)
	d.cmd.Stderr = d.log
	var err error
	if d.stdin, err = d.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if d.cmd.ProcessState == nil {
			_ = d.cmd.Process.Kill()
			_ = d.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the worker's log:\n%s", d.log)
		}
	})
	out := &sparkSide{t: t, r: bufio.NewReader(stdout)}
	if strings.Contains(strings.Join(env, " "), "PYTHON_UNIX_DOMAIN_ENABLED") {
		d.network, d.address = "unix", out.text()
	} else {
		d.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(out.int()))
	}
	return d
}

// connect opens a connection with a secret, and returns the worker's answer to
// it.
func (d *daemon) connect(secret string) (s *sparkSide, reply string) {
	d.t.Helper()
	conn, err := net.Dial(d.network, d.address)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	s = &sparkSide{t: d.t, version: d.version, conn: conn, r: bufio.NewReader(conn)}
	if pid := s.int(); pid != d.cmd.Process.Pid {
		d.t.Fatalf("the worker sent the process id %d, want %d", pid, d.cmd.Process.Pid)
	}
	if d.network == "unix" {
		return s, ""
	}
	var o javaOut
	o.putText(secret)
	s.send(o.Bytes())
	return s, s.text()
}

// stop closes the worker's standard input, as Spark does, and waits.
func (d *daemon) stop() {
	d.t.Helper()
	d.stdin.Close()
	if err := d.cmd.Wait(); err != nil {
		d.t.Errorf("the worker ended with %v, expected status 0", err)
	}
}

func TestDaemon(t *testing.T) {
	for _, version := range versions {
		for _, unix := range []bool{false, true} {
			t.Run(version+"/unix="+strconv.FormatBool(unix), func(t *testing.T) {
				var env []string
				dir := t.TempDir()
				if unix {
					env = []string{"PYTHON_UNIX_DOMAIN_ENABLED=True", "PYTHON_WORKER_FACTORY_SOCK_DIR=" + dir}
				}
				d := startDaemon(t, version, "fine", env...)
				batch := textBatch("first", nil, " ", "unanswerable", "last")
				stream := arrowBytes(t, batch.Schema(), batch)
				// Concurrent connections with several tasks each share one model.
				const connections, tasks = 4, 3
				failed := make(chan answer, connections*tasks)
				for range connections {
					s, reply := d.connect(testSecret)
					if !unix && reply != "ok" {
						t.Fatalf("the secret was answered %q", reply)
					}
					go func() {
						for range tasks {
							a := s.do(request{functions: []functionCall{
								call([]int{0}, bundle.Command{Kind: bundle.AI, Function: "ai_gen"}),
								call(nil, hostCall(bundle.Info)),
							}}, stream)
							failed <- a
						}
						s.conn.Close()
					}()
				}
				for range connections * tasks {
					a := <-failed
					if want := []any{"an answer", nil, nil, nil, "an answer"}; !a.reuse || !reflect.DeepEqual(a.columns[0], want) {
						t.Fatalf("got %+v", a)
					}
					var info processInfo
					if err := json.Unmarshal([]byte(a.columns[1][0].(string)), &info); err != nil {
						t.Fatal(err)
					}
					if info.PID != d.cmd.Process.Pid || info.ModelLoads != 1 || info.Spark != version || info.Partition != 5 {
						t.Errorf("got %+v", info)
					}
				}
				// A request to kill a task's worker has the id of the process that serves
				// all tasks; it must not end the process.
				var kill javaOut
				kill.putInt(d.cmd.Process.Pid)
				if _, err := d.stdin.Write(kill.Bytes()); err != nil {
					t.Fatal(err)
				}
				s, _ := d.connect(testSecret)
				if a := s.do(ask(hostCall(bundle.Echo), 0), stream); !a.reuse {
					t.Errorf("after a request to kill: got %+v", a)
				}
				d.stop()
				for want, n := range map[string]int{`msg="worker starts"`: 1, `msg="model loaded"`: 1, `msg="task done"`: 13, `msg="worker ends"`: 1, "rows=5 nulls=3 errors=1": 12} {
					if got := strings.Count(d.log.String(), want); got != n {
						t.Errorf("the log contains %s %d times, expected %d", want, got, n)
					}
				}
				if left, _ := filepath.Glob(filepath.Join(dir, ".*.sock")); len(left) > 0 {
					t.Errorf("the worker did not remove its socket: %v", left)
				}
			})
		}
	}
}

func TestWrongSecret(t *testing.T) {
	d := startDaemon(t, "4.3.0", "fine")
	for _, secret := range []string{"", "wrong", testSecret + "x", testSecret[1:]} {
		s, reply := d.connect(secret)
		if reply != "err" {
			t.Errorf("the secret %q was answered %q", secret, reply)
		}
		if n, err := s.r.ReadByte(); err != io.EOF {
			t.Errorf("after the secret %q: got byte %d, error %v; expected a closed connection", secret, n, err)
		}
	}
	// A secret with a huge length is refused at once.
	conn, err := net.Dial(d.network, d.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	var o javaOut
	o.putInt(1 << 30)
	_, _ = conn.Write(o.Bytes())
	if b, _ := io.ReadAll(conn); len(b) != 4 {
		t.Errorf("after a huge length the worker sent %d bytes, expected only its process id", len(b))
	}
	d.stop()
	if n := strings.Count(d.log.String(), "connection refused"); n != 1 {
		t.Errorf("the log has %d lines about refused connections, expected one per minute", n)
	}
}

// For a Python module other than pyspark.worker the worker sends an error after
// the first byte, because it cannot parse the message.
func TestUnsupportedModule(t *testing.T) {
	root, _ := install(t, "4.3.0", "fine")
	d := runDaemon(t, installSelf(t, root), "4.3.0", []string{"-m", "pyspark.daemon", "pyspark.sql.worker.analyze_udtf"})
	s, _ := d.connect(testSecret)
	s.send([]byte{0})
	if a := s.reply(); !strings.Contains(a.failure, "pyspark.sql.worker.analyze_udtf, which needs a Python interpreter") {
		t.Errorf("got %+v", a)
	}
	d.stop()
}

// The worker also serves if spark.python.daemon.module names a custom daemon.
func TestCustomDaemon(t *testing.T) {
	root, _ := install(t, "4.3.0", "fine")
	d := runDaemon(t, installSelf(t, root), "4.3.0", []string{"-m", "my.daemon", "pyspark.worker"})
	s, _ := d.connect(testSecret)
	batch := textBatch("a")
	if a := s.do(ask(hostCall(bundle.Echo), 0), arrowBytes(t, batch.Schema(), batch)); !reflect.DeepEqual(a.columns, [][]any{{"a"}}) {
		t.Errorf("got %+v", a)
	}
	s.conn.Close()
	d.stop()
}

func TestDamagedManifest(t *testing.T) {
	root, _ := install(t, "4.3.0", "fine")
	if err := os.WriteFile(filepath.Join(root, bundle.ManifestName), []byte(`{"spark":`), 0o644); err != nil {
		t.Fatal(err)
	}
	d := runDaemon(t, installSelf(t, root), "4.3.0", []string{"-m", "pyspark.daemon", "pyspark.worker"})
	s, _ := d.connect(testSecret)
	batch := textBatch("a")
	if a := s.do(ask(hostCall(bundle.Echo), 0), arrowBytes(t, batch.Schema(), batch)); !strings.Contains(a.failure, "manifest.json cannot be read") {
		t.Errorf("got %+v", a)
	}
	d.stop()
}

// The version of the executor's Spark takes precedence over the one in the
// archive's manifest.
func TestArchiveOfAnotherVersion(t *testing.T) {
	d := startDaemon(t, "4.1.4", "fine", "PYTHONPATH=/spark/python/lib/pyspark.zip:/spark/jars/spark-core_2.12-3.5.1.jar")
	d.version = "3.5.1"
	s, _ := d.connect(testSecret)
	batch := textBatch("a")
	if a := s.do(ask(hostCall(bundle.Echo), 0), arrowBytes(t, batch.Schema(), batch)); !reflect.DeepEqual(a.columns, [][]any{{"a"}}) {
		t.Errorf("got %+v", a)
	}
	s.conn.Close()
	d.stop()
	if want := "archive=4.1.4 executor=3.5.1"; !strings.Contains(d.log.String(), want) {
		t.Errorf("the log does not contain %q", want)
	}
}

// Without the daemon the worker connects to Spark and sends the secret.
func TestWithoutDaemon(t *testing.T) {
	t.Run("tcp", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		testWithoutDaemon(t, l, "4.0.5", "PYTHON_WORKER_FACTORY_SECRET="+testSecret,
			"PYTHON_WORKER_FACTORY_PORT="+strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	})
	t.Run("unix", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		testWithoutDaemon(t, l, "4.1.4", "PYTHON_WORKER_FACTORY_SOCK_PATH="+path)
	})
}

func testWithoutDaemon(t *testing.T, l net.Listener, version string, env ...string) {
	defer l.Close()
	root, _ := install(t, version, "fine")
	cmd := exec.Command(installSelf(t, root), "-m", "pyspark.worker")
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	_ = l.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(30 * time.Second))
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	s := &sparkSide{t: t, version: version, conn: conn, r: bufio.NewReader(conn)}
	if l.Addr().Network() == "tcp" {
		if got := s.text(); got != testSecret {
			t.Fatalf("the worker sent the secret %q", got)
		}
		var o javaOut
		o.putText("ok")
		s.send(o.Bytes())
	}
	if pid := s.int(); pid != cmd.Process.Pid {
		t.Errorf("the worker sent the process id %d, want %d", pid, cmd.Process.Pid)
	}
	batch := textBatch("a")
	if a := s.do(ask(hostCall(bundle.Echo), 0), arrowBytes(t, batch.Schema(), batch)); !reflect.DeepEqual(a.columns, [][]any{{"a"}}) {
		t.Errorf("got %+v", a)
	}
	conn.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the worker ended with %v", err)
	}
}

func TestStartedBySpark(t *testing.T) {
	for line, want := range map[string]bool{
		"-m pyspark.daemon pyspark.worker": true,
		"-m pyspark.worker":                true,
		"-m my.daemon pyspark.worker":      true,
		"-m my.daemon my.worker":           false,
		"-m model.gguf run":                false,
		"-m":                               false,
		"":                                 false,
		"demo -m pyspark.daemon":           false,
	} {
		if got := startedBySpark(strings.Fields(line)); got != want {
			t.Errorf("%q: got %v", line, got)
		}
	}
}

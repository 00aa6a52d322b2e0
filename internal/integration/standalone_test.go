//go:build linux

package integration

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/procfs"
	"github.com/firesteel/firesteel/internal/testkit"
)

// quickJava halves the time that a JVM takes to start. A cluster has many.
const quickJava = "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

// standalone is a cluster in Spark's standalone mode: a master and workers on
// loopback.
type standalone struct {
	url    string // of the master
	home   string // Spark's
	folder string // of the logs, and of the executors' working folders
	group  int    // process group of its processes
}

var masterURL = regexp.MustCompile(`Starting Spark master at (spark://\S+)\n`)

// newStandalone returns a cluster without processes. Its processes end with the test.
func newStandalone(t *testing.T) *standalone {
	t.Helper()
	testkit.Integration(t)
	installed, err := localspark.Install(t.Context(), localspark.Options{Version: testkit.SparkVersion(), Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		t.Fatal(err)
	}
	c := &standalone{home: installed.Home, folder: t.TempDir()}
	t.Cleanup(func() {
		if c.group != 0 {
			syscall.Kill(-c.group, syscall.SIGKILL)
		}
		if t.Failed() {
			c.showLogs(t)
		}
	})
	return c
}

// startStandalone starts a master and workers of two cores each.
func startStandalone(t *testing.T, workers int) *standalone {
	t.Helper()
	c := newStandalone(t)
	c.start(t, "master", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
	for begin := time.Now(); c.url == ""; time.Sleep(50 * time.Millisecond) {
		log, err := os.ReadFile(filepath.Join(c.folder, "master.log"))
		if err != nil || time.Since(begin) > patience {
			t.Fatalf("the master does not start: %v", err)
		}
		if m := masterURL.FindSubmatch(log); m != nil {
			c.url = string(m[1])
		}
	}
	for i := range workers {
		c.start(t, fmt.Sprintf("worker%d", i), "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0",
			"--cores", "2", "--memory", "2g", "--work-dir", filepath.Join(c.folder, "work"), c.url)
	}
	return c
}

// start starts a class of Spark.
func (c *standalone) start(t *testing.T, name, class string, args ...string) {
	t.Helper()
	command := exec.Command(filepath.Join(c.home, "bin", "spark-class"), append([]string{class}, args...)...)
	command.Env = append(os.Environ(), "SPARK_HOME="+c.home, "SPARK_CONF_DIR="+c.folder, "SPARK_LOCAL_IP=127.0.0.1", "SPARK_DAEMON_MEMORY=256m", quickJava)
	c.launch(t, name, command)
}

// launch starts a process of the cluster that writes the log name.log.
func (c *standalone) launch(t *testing.T, name string, command *exec.Cmd) {
	t.Helper()
	log, err := os.Create(filepath.Join(c.folder, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: c.group}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if c.group == 0 {
		c.group = command.Process.Pid
		guardGroup(t, c.group)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
}

// guardGroup kills a process group when the test process ends, even by a signal.
func guardGroup(t testing.TB, group int) {
	t.Helper()
	guard := exec.Command("/bin/sh", "-c", `cat >/dev/null; kill -s KILL -- "-$1"`, "sh", strconv.Itoa(group))
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	input, err := guard.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := guard.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // before another group gets the number
		guard.Process.Kill()
		input.Close()
		guard.Wait()
	})
}

// showLogs logs the ends of the logs of all processes of the cluster.
func (c *standalone) showLogs(t *testing.T) {
	logs, _ := filepath.Glob(filepath.Join(c.folder, "*.log"))
	executors, _ := filepath.Glob(filepath.Join(c.folder, "work", "*", "*", "stderr"))
	for _, path := range append(logs, executors...) {
		if text, err := os.ReadFile(path); err == nil {
			t.Logf("%s: ...%s", path, text[max(0, len(text)-2000):])
		}
	}
}

// workers returns the firesteel processes on the cluster's executors: the process
// id of each, and that of its executor.
func (c *standalone) workers(t testing.TB) map[int]int {
	t.Helper()
	found := map[int]int{}
	for pid, parent := range processes(t) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || !strings.Contains(string(line), "\x00pyspark.daemon\x00") {
			continue
		}
		if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil && strings.HasPrefix(cwd, c.folder) {
			found[pid] = parent
		}
	}
	return found
}

// processes returns the processes of this machine and their parents.
func processes(t testing.TB) map[int]int {
	t.Helper()
	all, err := procfs.All()
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]int{}
	for pid, p := range all {
		if !p.Zombie {
			found[pid] = p.Parent
		}
	}
	return found
}

// submission is a run of firesteel submit.
type submission struct {
	*exec.Cmd
	errs *strings.Builder
}

// submit returns a command that runs firesteel submit on the cluster.
func (c *standalone) submit(t *testing.T, options ...string) *submission {
	t.Helper()
	args := append([]string{"submit", "--master", c.url,
		"--conf", "spark.executor.cores=1", "--conf", "spark.executor.memory=512m", "--conf", "spark.ui.enabled=false",
	}, options...)
	s := &submission{exec.Command(program(t), args...), new(strings.Builder)}
	s.Env = append(os.Environ(), "SPARK_HOME="+c.home, "SPARK_CONF_DIR="+c.folder, "SPARK_LOCAL_IP=127.0.0.1", quickJava)
	s.Stderr, s.Dir, s.WaitDelay = s.errs, t.TempDir(), 10*time.Second
	t.Cleanup(func() {
		if s.Process != nil && s.ProcessState == nil { // the test has failed
			s.Process.Signal(syscall.SIGTERM)
			s.Wait()
		}
	})
	return s
}

// serve starts a Connect server on the cluster with firesteel submit, whose program
// prints the address and waits. stop ends it.
func (c *standalone) serve(t *testing.T, options ...string) (url string, stop func()) {
	t.Helper()
	s := c.submit(t, append(options, "--", "sh", "-c", `echo "$SPARK_REMOTE"; read -r end; exit 3`)...)
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		in.Close()
		if err := s.Wait(); s.ProcessState.ExitCode() != 3 {
			t.Errorf("firesteel submit does not have the exit status 3 of its program: %v\n%s", err, s.errs)
		}
	}
	t.Cleanup(stop)
	address := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		address <- strings.TrimSpace(line)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	select {
	case url = <-address:
	case <-ctx.Done():
	}
	if url == "" {
		t.Fatalf("the server does not start: %s", s.errs)
	}
	return url, stop
}

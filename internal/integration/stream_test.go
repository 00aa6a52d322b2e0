//go:build linux

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// streams holds the folders of a test.
type streams struct {
	t    testing.TB
	root string
}

func newStreams(t testing.TB) streams {
	f := streams{t, t.TempDir()}
	for _, name := range []string{"in", "installed"} {
		if err := os.Mkdir(filepath.Join(f.root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f streams) path(name string) string { return filepath.Join(f.root, name) }

// put adds a file of lines to the input, with one atomic rename.
func (f streams) put(name string, lines ...string) {
	f.t.Helper()
	hidden := f.path("in/." + name)
	if err := os.WriteFile(hidden, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(hidden, f.path("in/"+name)); err != nil {
		f.t.Fatal(err)
	}
}

// rows returns how often each value is in the sink.
func (f streams) rows(s *spark.Session, column string) map[string]int {
	f.t.Helper()
	rows, err := s.Read().JSON(f.path("out")).Select(spark.Col(column)).Collect(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[fmt.Sprint(r.At(0))]++
	}
	return counts
}

func (f streams) connect(url string) *spark.Session {
	f.t.Helper()
	return connect(f.t, url, spark.WithStreamFolder(f.path("installed")))
}

func (f streams) input(s *spark.Session) *spark.DataFrame {
	return s.ReadStream().Format("text").Schema("value STRING").Option("maxFilesPerTrigger", "1").Load(f.path("in"))
}

func (f streams) output(d *spark.DataFrame) spark.DataStreamWriter {
	return d.WriteStream().Format("json").Checkpoint(f.path("checkpoint"))
}

func TestStream(t *testing.T) {
	t.Parallel()
	for _, version := range []string{localspark.DefaultVersion, "3.5.1"} {
		t.Run(version, func(t *testing.T) {
			url := testkit.SharedSparkOf(t, version)
			t.Run("files", func(t *testing.T) {
				f := newStreams(t)
				streamFiles(t, f, f.connect(url))
			})
			t.Run("rate", func(t *testing.T) { streamRate(t, newStreams(t), url) })
		})
	}
}

// streamFiles labels the files that exist, and then a file that is added.
func streamFiles(t *testing.T, f streams, s *spark.Session) {
	t.Helper()
	ctx := t.Context()
	f.put("a.txt", "It is a good test for Spark.", "LLMs could be very slow.")
	f.put("b.txt", "Spark DataFrames are powerful.")
	labelled := f.input(s).WithColumn("mood", ai.AnalyzeSentiment(spark.Col("value")))
	run := func(files int) {
		t.Helper()
		q, err := f.output(labelled).QueryName("labels").AvailableNow().Start(ctx, f.path("out"))
		if err != nil {
			t.Fatal(err)
		}
		var followed []int64
		for p, err := range q.Follow(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			followed = append(followed, p.BatchID)
		}
		status, err := q.Status(ctx)
		if err != nil || status.Active {
			t.Errorf("at the end its status is %+v, %v", status, err)
		}
		all, err := q.RecentProgress(ctx)
		last, err2 := q.LastProgress(ctx)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		batches := 0
		for i, p := range all {
			if len(followed) != len(all) || followed[i] != p.BatchID {
				t.Fatalf("Follow returned the batches %v, and RecentProgress %+v", followed, all)
			}
			if p.NumInputRows > 0 {
				batches++
			}
			if p.ID != q.ID() || p.RunID != q.RunID() || p.Name != "labels" || p.Timestamp.IsZero() || len(p.Sources) != 1 {
				t.Errorf("a progress is %+v", p)
			}
		}
		if batches != files || last == nil || last.BatchID != all[len(all)-1].BatchID {
			t.Errorf("%d batches for %d files; the last is %+v", batches, files, last)
		}
		if err := q.Exception(ctx); err != nil {
			t.Errorf("its exception is %v", err)
		}
	}
	run(2)
	f.put("c.txt", "It is a naive statement.")
	run(1)
	if got, want := fmt.Sprint(f.rows(s, "mood")), "map[negative:2 positive:2]"; got != want {
		t.Errorf("the sink has %s, want %s", got, want)
	}
	// The session's other queries do not use the installed worker.
	if rows := query(t, s, "SELECT firesteel_echo('x')"); rows[0].At(0) != "x" {
		t.Errorf("a query after the stream: %v", rows)
	}
}

// streamRate runs a stream until it is stopped, and another until it fails.
func streamRate(t *testing.T, f streams, url string) {
	t.Helper()
	ctx := t.Context()
	s, err := spark.Connect(ctx, url, spark.WithProgram(), spark.WithStreamFolder(f.path("installed")))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.RegisterProgramFunction(ctx, "fail_at_900", spark.LongType); err != nil {
		t.Fatal(err)
	}
	rate := s.ReadStream().Format("rate").Option("rowsPerSecond", "200").Load()
	q, err := rate.Select(spark.Call("firesteel_echo", spark.Col("value")).Alias("v")).
		WriteStream().Format("json").Checkpoint(f.path("checkpoint")).ProcessingTime(500*time.Millisecond).Start(ctx, f.path("out"))
	if err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for p, err := range q.Follow(soon) {
		if err != nil {
			t.Fatalf("no batch has rows: %v", err)
		}
		if p.NumInputRows > 0 {
			break
		}
	}
	if status, err := q.Status(ctx); err != nil || !status.Active {
		t.Errorf("the status of the running query is %+v, %v", status, err)
	}
	if err := q.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if ended, err := q.AwaitTerminationFor(ctx, patience); err != nil || !ended {
		t.Errorf("after Stop: ended %v, %v", ended, err)
	}
	for value, n := range f.rows(s, "v") {
		if n != 1 {
			t.Errorf("the sink contains the value %s %d times", value, n)
		}
	}
	failing, err := rate.Select(spark.Call("fail_at_900", spark.Col("value").Plus(900)).Alias("v")).
		WriteStream().Format("noop").Checkpoint(f.path("checkpoint2")).Start(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	const want = "the value is 900 or more"
	if err := failing.AwaitTermination(ctx); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a failing stream ends with %v", err)
	}
	if err := failing.Exception(ctx); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("its exception is %v", err)
	}
}

// An executor that joins later, on a node without the worker, is reported. The test
// removes the installed worker and kills the executor, and Spark starts another.
func TestStreamOnLaterExecutor(t *testing.T) {
	t.Parallel()
	server := testkit.Spark(t, localspark.Options{Master: "local-cluster[1,2,1024]"})
	f := newStreams(t)
	ctx := t.Context()
	s, err := spark.Connect(ctx, server.URL(), spark.WithProgram(), spark.WithStreamFolder(f.path("installed")))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	start := func() *spark.StreamingQuery {
		t.Helper()
		q, err := s.ReadStream().Format("rate").Option("rowsPerSecond", "20").Load().
			Select(spark.Call("firesteel_echo", spark.Col("value")).Alias("v")).
			WriteStream().Format("json").Checkpoint(f.path("checkpoint")).ProcessingTime(time.Second).Start(ctx, f.path("out"))
		if err != nil {
			t.Fatal(err)
		}
		for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
			p, err := q.LastProgress(ctx)
			if err != nil || time.Since(begin) > patience {
				t.Fatalf("no batch has rows: %+v, %v", p, err)
			}
			if p != nil && p.NumInputRows > 0 {
				return q
			}
		}
	}
	q := start()
	executors := running(t, "CoarseGrainedExecutorBackend", server.PID())
	if len(executors) != 1 {
		t.Fatalf("the executors are %v", executors)
	}
	if err := errors.Join(os.RemoveAll(f.path("installed")), syscall.Kill(executors[0], syscall.SIGKILL)); err != nil {
		t.Fatal(err)
	}
	const want = "the executor started after the query, or the file was removed"
	if err := q.AwaitTermination(ctx); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a stream without its worker ends with %v", err)
	}
	// A new start of the query installs the worker, and the query continues.
	if err := start().Stop(ctx); err != nil {
		t.Error(err)
	}
	for value, n := range f.rows(s, "v") {
		if n != 1 {
			t.Errorf("the sink contains the value %s %d times", value, n)
		}
	}
}

// running returns the children of a process whose command lines contain a word.
func running(t testing.TB, word string, parent int) (pids []int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		text, err := os.ReadFile(line)
		if err != nil || !strings.Contains(string(text), word) {
			continue // the process may have ended
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(line), "status"))
		if err != nil || !strings.Contains(string(status), fmt.Sprintf("PPid:\t%d\n", parent)) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// If the server is killed during a batch, another server continues from the
// checkpoint. No row is lost or repeated. With a ledger, nothing is asked twice.
func TestStreamSurvivesKill(t *testing.T) {
	t.Parallel()
	testkit.Integration(t)
	f := newStreams(t)
	const files, lines = 12, 400
	for i := range files {
		all := make([]string, lines)
		for k := range all {
			all[k] = fmt.Sprintf("%d-%d", i, k)
		}
		f.put(fmt.Sprintf("%02d.txt", i), all...)
	}
	const questions = files * 100 // lines 0 to 99
	asked := newCounter(t, 5*time.Millisecond)
	start := func(url string) (*spark.Session, *spark.StreamingQuery) {
		s, err := spark.Connect(t.Context(), url, spark.WithProgram(), spark.WithStreamFolder(f.path("installed")), spark.WithModel(asked.model()), spark.WithLedger(f.path("ledger")))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		answer := spark.Expr("ai_gen(if(value RLIKE '-[0-9]{1,2}$', concat('number s', value, '.'), NULL))").Alias("answer")
		q, err := f.output(f.input(s).Select(spark.Call("slow_echo", spark.Col("value")).Alias("v"), answer)).AvailableNow().Start(t.Context(), f.path("out"))
		if err != nil {
			t.Fatal(err)
		}
		return s, q
	}
	server, err := localspark.Start(context.Background(), localspark.Options{Version: testkit.SparkVersion(), Master: "local[2]"})
	if err != nil {
		t.Fatal(err)
	}
	start(server.URL())
	// Some batches are finished, and one is running.
	await(t, "no batch runs", func() bool {
		return batches(t, f.path("checkpoint"), "commits") > 2 && underWay(t, f.path("checkpoint"))
	})
	if err := syscall.Kill(server.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = server.Stop()
	before := committed(t, f.path("out"))
	if before == 0 || before == files {
		t.Errorf("the server was killed when %d of %d batches were in the sink; want some of them", before, files)
	}
	again := testkit.Spark(t, localspark.Options{})
	s, q := start(again.URL())
	if err := q.AwaitTermination(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := f.rows(s, "v")
	if len(rows) != files*lines {
		t.Errorf("the sink contains %d different rows; want %d", len(rows), files*lines)
	}
	for value, n := range rows {
		if n != 1 {
			t.Fatalf("the sink contains %s %d times", value, n)
		}
	}
	if n := f.rows(s, "answer")["Rome"]; n != questions {
		t.Errorf("the sink contains %d answers; want %d", n, questions)
	}
	if n, repeated := asked.counts("s"); n != questions || repeated != 0 {
		t.Errorf("%d requests for %d questions, %d of which were asked again", n, questions, repeated)
	}
	used, err := s.Usage(t.Context(), q.RunID())
	if err != nil || len(used) != 1 || used[0].Query != q.RunID() || used[0].Asked+used[0].FromLedger < questions/2 {
		t.Errorf("the usage of the run is %+v, %v", used, err)
	}
	t.Logf("%d of %d batches were in the sink before; the second run: %+v", before, files, used)
}

// committed counts the batches in a sink of files.
func committed(t testing.TB, out string) int { return batches(t, out, "_spark_metadata") }

// batches counts the batches in a log of a sink or of a checkpoint: Spark writes a
// batch in the log "offsets" before it runs the batch, and in "commits" after it.
func batches(t testing.TB, folder, log string) (n int) {
	t.Helper()
	entries, err := filepath.Glob(filepath.Join(folder, log, "[0-9]*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry, ".crc") {
			n++
		}
	}
	return n
}

// underWay reports whether a batch is running. The log of ended batches is read
// first, so a batch that ends meanwhile counts as running.
func underWay(t testing.TB, checkpoint string) bool {
	t.Helper()
	ended := batches(t, checkpoint, "commits")
	return batches(t, checkpoint, "offsets") > ended
}

// await waits until a condition holds.
func await(t testing.TB, otherwise string, holds func() bool) {
	t.Helper()
	for begin := time.Now(); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatal(otherwise)
		}
	}
}

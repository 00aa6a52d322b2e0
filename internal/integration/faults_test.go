//go:build linux

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/engine"
	"github.com/firesteel/firesteel/internal/procfs"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// The job of TestCluster: each row is a different prompt for a small model with
// random weights, which generates until its context is full.
const (
	faultRows       = 300
	faultPartitions = 12
	faultPrompt     = "number %d"
)

var faultQuery = fmt.Sprintf("SELECT id, ai_gen(concat('number ', id)) AS answer FROM range(0, %d, 1, %d)", faultRows, faultPartitions)

// faultModel writes the model, and returns the answers of the engine without Spark.
func faultModel(t *testing.T) (path string, answers map[int64]any) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tiny.gguf")
	if err := os.WriteFile(path, gguftest.Llama(1).Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	model, err := engine.Open(t.Context(), path, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	gen, err := ai.Lookup("ai_gen")
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]ai.Row, faultRows)
	for i := range rows {
		rows[i] = ai.Row{fmt.Sprintf(faultPrompt, i)}
	}
	begin := time.Now()
	found, err := gen.Eval(t.Context(), func(context.Context, llm.ModelRole, string) (llm.Model, error) { return model, nil }, rows)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the engine without Spark: %.1f s", time.Since(begin).Seconds())
	answers = map[int64]any{}
	different := map[any]bool{}
	for i, a := range found { // a few answers are NULL, because the model repeats itself
		answers[int64(i)], different[a.Value] = a.Value, true
	}
	if len(different) < faultRows/2 {
		t.Fatalf("only %d different answers, so exchanged rows would not be found", len(different))
	}
	return path, answers
}

// exact compares all rows of a result with the answers of the engine.
func exact(t *testing.T, rows []spark.Row, want map[int64]any) {
	t.Helper()
	seen := map[int64]bool{}
	for _, row := range rows {
		id, err := spark.Get[int64](row, "id")
		if err != nil {
			t.Fatal(err)
		}
		if answer, found := row.Value("answer"); !found || answer != want[id] {
			t.Errorf("row %d: %q; want %q", id, answer, want[id])
		}
		seen[id] = true
	}
	if len(rows) != len(want) || len(seen) != len(want) {
		t.Errorf("%d rows, %d of them distinct, of %d", len(rows), len(seen), len(want))
	}
}

// collect runs the job. When a worker of the cluster computes, it calls harm, if not
// nil, with the process id of the worker.
func (c *standalone) collect(t *testing.T, s *spark.Session, harm func(worker int)) []spark.Row {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	var rows []spark.Row
	var failed error
	var job sync.WaitGroup
	job.Go(func() {
		df, err := s.SQL(ctx, faultQuery)
		if err == nil {
			rows, err = df.Collect(ctx)
		}
		failed = err
	})
	if harm != nil {
		harm(c.busyWorker(t))
	}
	job.Wait()
	if failed != nil {
		t.Fatal(failed)
	}
	return rows
}

// busyWorker waits until a worker of the cluster computes, and returns its process id.
func (c *standalone) busyWorker(t *testing.T) int {
	t.Helper()
	first := map[int]time.Duration{}
	for begin := time.Now(); time.Since(begin) < 3*patience; time.Sleep(20 * time.Millisecond) {
		for pid := range c.workers(t) {
			p, err := procfs.Read(pid)
			if err != nil {
				continue // the process has ended
			}
			if _, known := first[pid]; !known {
				first[pid] = p.Used
			}
			if p.Used >= first[pid]+100*time.Millisecond {
				return pid
			}
		}
	}
	t.Fatal("no worker computes")
	return 0
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// On a cluster, with firesteel submit, processes are killed during a job. Every
// result is complete, and each row is the answer of the engine without Spark.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := startStandalone(t, 2)
	model, want := faultModel(t)
	cache := filepath.Join(t.TempDir(), "cache")

	t.Run("executors", func(t *testing.T) {
		url, stop := c.serve(t, "--conf", "spark.cores.max=4", "--conf", "spark.executorEnv.FIRESTEEL_CACHE="+cache,
			"--conf", "spark.scheduler.minRegisteredResourcesRatio=1", "--conf", "spark.scheduler.maxRegisteredResourcesWaitingTime=60s")
		session := connect(t, url, spark.WithModel(model), spark.WithModelAt(spark.AtSamePath, true))
		t.Run("four", func(t *testing.T) {
			exact(t, c.collect(t, session, nil), want)
			workers := c.workers(t)
			executors := map[int]bool{}
			for _, parent := range workers {
				executors[parent] = true
			}
			if len(workers) != 4 || len(executors) != 4 {
				t.Errorf("%d workers on %d executors; want 4 on 4", len(workers), len(executors))
			}
			// All of them have opened the same copy of the model.
			copies, err := filepath.Glob(filepath.Join(cache, "shipped", "*", "*"))
			if err != nil || len(copies) != 1 || filepath.Base(copies[0]) != "tiny.gguf" {
				t.Errorf("the node's cache contains %v, %v", copies, err)
			}
		})
		t.Run("worker killed", func(t *testing.T) {
			exact(t, c.collect(t, session, func(worker int) { kill(t, worker) }), want)
		})
		t.Run("executor killed", func(t *testing.T) {
			exact(t, c.collect(t, session, func(worker int) {
				executor := c.workers(t)[worker]
				if executor == 0 {
					t.Fatal("the worker has no executor")
				}
				kill(t, executor)
				waitGone(t, worker) // the worker ends without its executor
			}), want)
		})
		session.Close()
		stop()
	})

	// The driver is killed during a job that writes. The job is then run again.
	out := filepath.Join(t.TempDir(), "out")
	script := filepath.Join(t.TempDir(), "job.sql")
	overwrite := fmt.Sprintf("INSERT OVERWRITE DIRECTORY '%s' USING parquet %s", out, faultQuery)
	if err := os.WriteFile(script, []byte(overwrite+";\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("driver killed", func(t *testing.T) {
		s := c.submit(t, "--conf", "spark.cores.max=1", "--worker", program(t), "--model", model, "--", script)
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		c.busyWorker(t)
		driver := 0
		for pid, parent := range processes(t) {
			if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && parent == s.Process.Pid && strings.Contains(string(line), "firesteel.Server") {
				driver = pid
			}
		}
		if driver == 0 {
			t.Fatal("firesteel submit has no driver process")
		}
		kill(t, driver)
		if s.Wait(); s.ProcessState.ExitCode() != 1 || !strings.Contains(s.errs.String(), "ended (signal: killed)") {
			t.Errorf("exit code %d: %s", s.ProcessState.ExitCode(), s.errs)
		}
	})
	t.Run("run again, executors that come and go, no room in the cache", func(t *testing.T) {
		full := fullFolder(t)
		url, stop := c.serve(t, "--conf", "spark.executorEnv.FIRESTEEL_CACHE="+full,
			"--conf", "spark.dynamicAllocation.enabled=true", "--conf", "spark.dynamicAllocation.shuffleTracking.enabled=true",
			"--conf", "spark.dynamicAllocation.minExecutors=0", "--conf", "spark.dynamicAllocation.maxExecutors=2",
			"--conf", "spark.dynamicAllocation.schedulerBacklogTimeout=1s", "--conf", "spark.dynamicAllocation.executorIdleTimeout=1s")
		session := connect(t, url, spark.WithModel(model), spark.WithModelAt(spark.AtSamePath, true))
		query(t, session, "SELECT ai_gen('number 0')")
		for begin := time.Now(); len(c.workers(t)) > 0; time.Sleep(50 * time.Millisecond) {
			if time.Since(begin) > patience {
				t.Fatal("the worker of a removed executor does not end")
			}
		}
		if _, err := session.SQL(t.Context(), overwrite); err != nil {
			t.Fatal(err)
		}
		exact(t, query(t, session, "SELECT * FROM parquet.`"+out+"`"), want)
		if logs := c.executorLogs(t); !strings.Contains(logs, "the model cannot be stored in the node's cache") {
			t.Error("no worker reports that the cache is full")
		}
		session.Close()
		stop()
	})
}

func waitGone(t *testing.T, pid int) {
	t.Helper()
	for begin := time.Now(); alive(pid); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatalf("process %d does not end", pid)
		}
	}
}

func (c *standalone) executorLogs(t *testing.T) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(c.folder, "work", "*", "*", "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// fullFolder returns a folder on a full disk. If the test may not mount such a disk,
// it returns a folder that cannot be created.
func fullFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=16k")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Log("the test may not mount a disk, so the path of the cache is below a file")
		file := filepath.Join(folder, "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(file, "cache")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

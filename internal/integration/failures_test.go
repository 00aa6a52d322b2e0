//go:build linux

package integration

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/spark"
)

// patience bounds each wait. On an idle machine each takes less than a tenth of it.
const patience = 2 * time.Minute

// slowQuery takes a worker longer than any test waits: n different prompts with
// long answers.
const slowQuery = "SELECT sum(length(ai_gen(concat('Tell a long story about the number ', id)))) FROM range(0, %d, 1, 2)"

// The worker is killed during a query. Spark's retry completes the result.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	// A local master does not retry a task unless the number of attempts is given.
	// On a cluster it is spark.task.maxFailures, 4 by default.
	server := testkit.Spark(t, localspark.Options{Master: "local[2,4]"})
	session := connect(t, server.URL())
	pid := workerOf(t, session)

	type answer struct {
		rows []spark.Row
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		df, err := session.SQL(t.Context(), "SELECT id, ai_classify(concat('The number is ', id), ARRAY('even', 'odd')) AS label FROM range(0, 400, 1, 4)")
		if err != nil {
			answered <- answer{err: err}
			return
		}
		rows, err := df.Collect(t.Context())
		answered <- answer{rows, err}
	}()
	waitBusy(t, pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case a := <-answered:
		if a.err != nil {
			t.Fatal(a.err)
		}
		seen := map[int64]bool{}
		for _, row := range a.rows {
			id, _ := spark.Get[int64](row, "id")
			if label, _ := row.Value("label"); label != "even" && label != "odd" {
				t.Errorf("row %d: %v", id, label)
			}
			seen[id] = true
		}
		if len(a.rows) != 400 || len(seen) != 400 {
			t.Errorf("%d rows, %d of them distinct, of 400", len(a.rows), len(seen))
		}
	case <-time.After(patience):
		t.Fatal("no result after the worker was killed")
	}
	if again := workerOf(t, session); again == pid {
		t.Error("the same process answers, so it was not killed")
	}
}

// A cancelled query stops the computation of the worker, and not the worker.
func TestCancelledQuery(t *testing.T) {
	t.Parallel()
	session := connect(t, testkit.SharedSpark(t))
	pid := workerOf(t, session)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		df, err := session.SQL(ctx, strings.Replace(slowQuery, "%d", "10000", 1))
		if err == nil {
			_, err = df.Collect(ctx)
		}
		ended <- err
	}()
	waitBusy(t, pid)
	cancel()
	begin := time.Now()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the query ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the cancelled query does not end")
	}
	client := time.Since(begin)
	// The worker is busy in an interval of 50 ms in which it uses 20 ms or more.
	busy := time.Now()
	for last := cpuTime(t, pid); time.Since(busy) < time.Second; {
		time.Sleep(50 * time.Millisecond)
		now := cpuTime(t, pid)
		if now-last >= 20*time.Millisecond {
			busy = time.Now()
		}
		last = now
		if time.Since(begin) > patience {
			t.Fatal("the worker does not stop computing")
		}
	}
	t.Logf("after the cancel the client waited %d ms, and the worker computed for %d ms", client.Milliseconds(), busy.Sub(begin).Milliseconds())
	if again := workerOf(t, session); again != pid {
		t.Errorf("process %d answers instead of %d", again, pid)
	}
}

// A damaged model file is reported before the upload.
func TestDamagedModelFile(t *testing.T) {
	t.Parallel()
	url := testkit.SharedSpark(t)
	whole, err := os.ReadFile(testkit.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"cut.gguf":   whole[:len(whole)/2],
		"head.gguf":  whole[:1000],
		"other.gguf": append([]byte("PK\x03\x04"), whole[4:1000]...),
		"empty.gguf": nil,
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, errs, err := run(t, "", "sql", "--remote", url, "--model", path, "-e", "SELECT ai_gen('x')")
		if err == nil || !strings.Contains(errs, path) || strings.Contains(errs, "goroutine ") {
			t.Errorf("%s: %v\n%s", name, err, errs)
		}
		t.Logf("%s: %s", name, errs)
	}
}

// otherModel changes the last byte of a model file in an archive.
func otherModel(t *testing.T, archive []byte, name string) []byte {
	t.Helper()
	unpacked, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	packed := gzip.NewWriter(&b)
	in, out := tar.NewReader(unpacked), tar.NewWriter(packed)
	changed := false
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, name) {
			content[len(content)-1] ^= 1
			changed = true
		}
		if err := out.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(out.Close(), packed.Close()); err != nil || !changed {
		t.Fatalf("the archive has no %s, or %v", name, err)
	}
	return b.Bytes()
}

// An archive that was damaged during the upload makes the first query fail. The
// query does not hang.
func TestDamagedArchive(t *testing.T) {
	t.Parallel()
	url := testkit.SharedSpark(t)
	dir := t.TempDir()
	model := filepath.Join(dir, "tiny.gguf")
	if err := os.WriteFile(model, gguftest.Llama(1).Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	local, err := weights.Resolve(t.Context(), model, weights.Options{})
	if err != nil {
		t.Fatal(err)
	}
	archive := func(change func(*bundle.Model)) []byte {
		m := bundle.Model{Aliases: []string{"default"}, Ref: model, Name: "tiny", File: "tiny.gguf", Size: local.Size, SHA256: local.SHA256}
		change(&m)
		var b bytes.Buffer
		_, err := bundle.Archive{
			Manifest: bundle.Manifest{Firesteel: "test", Spark: testkit.SparkVersion(), Models: []bundle.Model{m}},
			Programs: []bundle.Program{{Path: program(t)}}, ModelPaths: []string{model},
		}.WriteTo(&b)
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	whole := archive(func(*bundle.Model) {})
	for _, c := range []struct {
		name  string
		bytes []byte
		want  []string
	}{
		{"whole", whole, nil},
		{"another model", otherModel(t, whole, "tiny.gguf"), []string{"tiny.gguf", "SHA-256", "damaged"}},
		{"cut model", archive(func(m *bundle.Model) { m.Size++ }), []string{"tiny.gguf", "bytes", "damaged"}},
		{"cut archive", whole[:len(whole)/2], []string{"firesteel"}},
		{"no archive", []byte("this is no tar.gz at all"), []string{"firesteel"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			s, err := spark.Connect(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			begin := time.Now()
			_, err = s.AddArchive(ctx, spark.ArtifactFromBytes(c.bytes), "firesteel.tar.gz#firesteel", nil)
			if err == nil {
				err = s.Conf().Set(ctx, "spark.sql.execution.pyspark.python", bundle.Executable)
			}
			if err == nil {
				err = s.RegisterFunction(ctx, spark.FunctionSpec{
					Name: "ai_analyze_sentiment", Deterministic: true, ReturnType: spark.StringType, EvalType: 200, PythonVersion: "3.11",
					Command: bundle.Command{Kind: bundle.AI, Function: "ai_analyze_sentiment"}.Encode(),
				})
			}
			var rows []spark.Row
			if err == nil {
				var df *spark.DataFrame
				if df, err = s.SQL(ctx, "SELECT ai_analyze_sentiment('good')"); err == nil {
					rows, err = df.Collect(ctx)
				}
			}
			if c.want == nil {
				if err != nil || len(rows) != 1 {
					t.Errorf("%v, %v", rows, err)
				}
				return
			}
			if err == nil {
				t.Fatalf("the query succeeds: %v", rows)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not contain %q: %v", want, err)
				}
			}
			if ctx.Err() != nil {
				t.Error("the query hangs")
			}
			t.Logf("after %.1f s: %v", time.Since(begin).Seconds(), err)
		})
	}
}

// A worker refuses a client without Spark's secret.
func TestWrongSecret(t *testing.T) {
	t.Parallel()
	session := connect(t, testkit.SharedSpark(t))
	pid := workerOf(t, session)
	ports := listening(t, pid)
	if len(ports) != 1 {
		t.Fatalf("the worker listens at the ports %v", ports)
	}
	for _, port := range ports {
		if got := greetWrongly(t, port); got != "err" {
			t.Errorf("port %d answered %q to a wrong secret", port, got)
		}
	}
	if again := workerOf(t, session); again != pid {
		t.Errorf("process %d answers instead of %d", again, pid)
	}
}

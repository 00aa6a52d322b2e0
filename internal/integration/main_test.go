//go:build linux

// Package integration tests the firesteel command and the client on real Spark
// servers with the real model. FIRESTEEL_INTEGRATION=1 runs the tests.
package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/worker"
)

// Spark's executors run the test program as a worker. It registers functions of its
// own; see values_test.go.
func TestMain(m *testing.M) {
	registerTestFunctions()
	openEchoes()
	worker.Main()
	status := m.Run()
	if err := testkit.StopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	if built.folder != "" {
		os.RemoveAll(built.folder)
	}
	os.Exit(status)
}

var built struct {
	sync.Once
	folder, path string
	err          error
}

// program returns the path of the firesteel command, built from this source.
func program(t testing.TB) string {
	t.Helper()
	testkit.Integration(t)
	built.Do(func() {
		if built.folder, built.err = os.MkdirTemp("", "firesteel-test-"); built.err != nil {
			return
		}
		built.path = filepath.Join(built.folder, "firesteel")
		build := exec.Command("go", "build", "-trimpath", "-o", built.path, "github.com/firesteel/firesteel/cmd/firesteel")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, text)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// firesteel runs the command and returns its standard output. A failure fails the
// test.
func firesteel(t testing.TB, args ...string) string {
	t.Helper()
	out, errs, err := run(t, "", args...)
	if err != nil {
		t.Fatalf("firesteel %s: %v\n%s", strings.Join(args, " "), err, errs)
	}
	return out
}

// run runs the command with a standard input, and returns its standard output and
// standard error.
func run(t testing.TB, in string, args ...string) (out, errs string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), program(t), args...)
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(in), &stdout, &stderr
	command.WaitDelay = 10 * time.Second
	err = command.Run()
	return stdout.String(), stderr.String(), err
}

// connect opens a session that ships the built command and the default model. Its
// allocator reports leaks.
func connect(t testing.TB, url string, options ...spark.Option) *spark.Session {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	options = append([]spark.Option{
		spark.WithAllocator(mem), spark.WithProgram(program(t)), spark.WithModel(models.Default),
	}, options...)
	s, err := spark.Connect(t.Context(), url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		mem.AssertSize(t, 0)
	})
	return s
}

// query returns the rows of a statement.
func query(t testing.TB, s *spark.Session, statement string, args ...any) []spark.Row {
	t.Helper()
	df, err := s.SQL(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := df.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// Package worker implements the executor side: the program that Spark starts in
// place of a Python interpreter. It speaks the Python worker protocol of Spark
// 3.5 to 4.3 (wire.go), serves all tasks of an executor in one process, and
// evaluates the AI functions and the program's own functions over Arrow batches.
package worker

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/memlimit"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/secret"
)

const (
	daemonModule = "pyspark.daemon"
	workerModule = "pyspark.worker"
)

// Main makes the program usable as Spark's worker. The program's main function
// calls it first. Main returns at once unless Spark started the program as a
// worker; in that case it serves tasks until Spark closes standard input, and
// then exits the process.
func Main() {
	bundle.SetCanServe()
	if !startedBySpark(os.Args[1:]) {
		return
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// startedBySpark reports whether args are the command line of a Python worker:
// "-m pyspark.daemon pyspark.worker", or "-m pyspark.worker" if
// spark.python.use.daemon is false.
func startedBySpark(args []string) bool {
	return len(args) >= 2 && args[0] == "-m" && (strings.HasPrefix(args[1], "pyspark.") || customDaemon(args))
}

// customDaemon reports whether spark.python.daemon.module names a daemon other
// than Spark's own. This program then serves in its place.
func customDaemon(args []string) bool {
	return len(args) == 3 && args[1] != daemonModule && strings.HasPrefix(args[2], "pyspark.")
}

// run serves Spark as args say, and returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	stderr = secret.Writer(stderr) // Spark writes it to the executor's log
	log := slog.New(slog.NewTextHandler(stderr, nil)).With("pid", os.Getpid())
	slog.SetDefault(log) // used by package panics and by net/http
	p := newProcess(log, os.Getenv)
	module := args[1]
	asDaemon := module == daemonModule || customDaemon(args)
	if asDaemon {
		module = workerModule
		if len(args) > 2 {
			module = args[2]
		}
	}
	if module != workerModule && p.python != nil {
		// Spark starts another Python module, such as the analysis of a table
		// function.
		err := replaceProcess(p.python.executable, args)
		log.Error("Python not started", "executable", p.python.executable, "error", err)
		return 1
	}
	if module != workerModule {
		p.refusal = fmt.Errorf("this session's Python executable is firesteel, which runs only firesteel's functions; "+
			"Spark started it for %s, which needs a Python interpreter (unset spark.sql.execution.pyspark.python, or use another session)", module)
	}
	start := time.Now()
	if err := memlimit.Start(); err != nil && p.refusal == nil {
		p.refusal = err // each task fails with it
	}
	log.Info("worker starts", "args", strings.Join(args, " "), "spark", p.spark, "layout", p.layout.String(), "unix", p.flag("PYTHON_UNIX_DOMAIN_ENABLED"))

	leaveProcessGroup()
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	signal.Ignore(syscall.SIGHUP)

	ended := make(chan error, 1)
	go func() {
		defer panics.Handle("serving Spark", func(err error) { ended <- err })
		if asDaemon {
			ended <- p.serveDaemon(stdin, stdout)
		} else {
			ended <- p.serveWithoutDaemon()
		}
	}()
	var err error
	status := 0
	select {
	case err = <-ended:
	case s := <-terminated:
		err = fmt.Errorf("received %v", s)
	}
	p.removeSocket()
	p.ledgers.finish()
	attrs := []any{"tasks", p.tasks.Load(), "model_loads", p.models.loads(), "seconds", time.Since(start).Seconds()}
	if err != nil {
		status = 1
		attrs = append(attrs, "error", err)
	}
	log.Info("worker ends", attrs...)
	return status
}

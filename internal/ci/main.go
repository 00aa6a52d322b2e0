// Command ci runs go test several times, some of the runs at the same time, and
// reports failures, skipped tests, and the slowest packages and tests:
//
//	go run ./internal/ci [-at-once n] [-spark versions] RUN [-- RUN ...]
//
// A RUN is a list of arguments of go test. Arguments of the form NAME=VALUE in
// front of them set variables of its environment. Runs start in their order.
//
// Each version named by -spark ("default" is that of firesteel) is started once,
// and every test process of every run uses that server (testkit.SharedSpark). The
// exit status is 1 if a run fails. The report is also appended to the file that
// FIRESTEEL_TEST_REPORT names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/testkit"
)

const reportEnv = "FIRESTEEL_TEST_REPORT"

func main() {
	atOnce := flag.Int("at-once", 1, "the number of runs at the same time")
	sparks := flag.String("spark", "", "versions of Spark, separated by commas, that the runs share")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, flag.Args(), *atOnce, *sparks)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ci:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, atOnce int, sparks string) error {
	runs, err := parse(args)
	if err != nil {
		return err
	}
	servers, stop, err := start(ctx, sparks)
	if err != nil {
		return err
	}
	results := all(ctx, runs, atOnce, append(os.Environ(), servers...), os.Stdout)
	text := report(results)
	fmt.Print(text)
	errs := []error{stop(), appendReport(os.Getenv(reportEnv), text)}
	for _, r := range results {
		errs = append(errs, r.err)
	}
	return errors.Join(errs...)
}

// testRun is one run of go test.
type testRun struct {
	env, args []string
	dir       string // "" for the current folder
}

func (r testRun) String() string { return strings.Join(append(slices.Clone(r.env), r.args...), " ") }

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// parse splits the arguments of the command into runs.
func parse(args []string) ([]testRun, error) {
	var runs []testRun
	var r testRun
	for _, a := range append(slices.Clone(args), "--") {
		switch {
		case a == "--":
			if len(r.args) == 0 {
				return nil, errors.New("a run has no arguments; usage: ci [-at-once n] [-spark versions] [NAME=VALUE ...] ARGUMENT ... [-- RUN ...]")
			}
			runs, r = append(runs, r), testRun{}
		case len(r.args) == 0 && assignment.MatchString(a):
			r.env = append(r.env, a)
		default:
			r.args = append(r.args, a)
		}
	}
	return runs, nil
}

// start starts the servers that the runs share. It returns the environment that
// names them, and a function that stops them.
func start(ctx context.Context, versions string) (env []string, stop func() error, err error) {
	if versions == "" {
		return nil, func() error { return nil }, nil
	}
	names := strings.Split(versions, ",")
	for i, name := range names {
		if name == "default" {
			names[i] = localspark.DefaultVersion
		}
	}
	servers, errs := make([]*localspark.Server, len(names)), make([]error, len(names))
	var starts sync.WaitGroup
	for i, version := range names {
		starts.Go(func() {
			options := testkit.SharedOptions(version)
			options.Progress = fetch.NewProgress(os.Stderr)
			servers[i], errs[i] = localspark.Start(ctx, options)
		})
	}
	starts.Wait()
	cleaning, endCleaning := context.WithCancel(ctx)
	for _, s := range servers {
		if s != nil {
			folder := filepath.Dir(s.LogFile())
			go func() {
				defer panics.Handle("removing the files of ended sessions", nil)
				clean(cleaning, folder)
			}()
		}
	}
	stop = func() error {
		endCleaning()
		var errs []error
		for i, s := range servers {
			if s == nil {
				continue
			}
			// A server that ended by itself failed tests in ways that do not name it.
			if err := s.Failure(); err != nil && ctx.Err() == nil {
				errs = append(errs, fmt.Errorf("the shared server of Spark %s: %w", names[i], err))
			}
			errs = append(errs, s.Stop())
		}
		return errors.Join(errs...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	var urls []string
	for i, s := range servers {
		urls = append(urls, names[i]+"="+s.URL())
	}
	return []string{testkit.SparksEnv + "=" + strings.Join(urls, " ")}, stop, nil
}

// all runs the runs, at most atOnce at the same time, and returns their results
// in the order of the runs.
func all(ctx context.Context, runs []testRun, atOnce int, env []string, out io.Writer) []*result {
	results := make([]*result, len(runs))
	out = &lockedWriter{w: out}
	slots := make(chan struct{}, max(1, atOnce))
	var running sync.WaitGroup
	for i, r := range runs {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			results[i] = goTest(ctx, r, env, out)
		})
	}
	running.Wait()
	return results
}

// goTest executes one run, and writes its packages to out as they end.
func goTest(ctx context.Context, r testRun, env []string, out io.Writer) *result {
	res := newResult(r)
	if ctx.Err() != nil {
		res.err = fmt.Errorf("go test %s: not started: %w", r, context.Cause(ctx))
		return res
	}
	fmt.Fprintf(out, "go test %s\n", r)
	begin := time.Now()
	c := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, r.args...)...)
	c.Env = append(slices.Clone(env), r.env...)
	c.Stderr, c.Dir = out, r.dir
	ownGroup(c)
	c.WaitDelay = 30 * time.Second
	events, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err == nil {
		res.read(events, out)
		err = c.Wait()
		res.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}
	res.took = time.Since(begin)
	res.finish(err, out)
	return res
}

func appendReport(path, text string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// lockedWriter makes the writes of several goroutines one after the other.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}

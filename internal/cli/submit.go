package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/spark"
)

// submitFlags are the options of firesteel submit, without those of spark-submit.
type submitFlags struct {
	sql       sqlFlags // for a file of statements
	sparkHome string
	serverLog string
	wait      time.Duration
}

func (a *app) submit() *cobra.Command {
	var f submitFlags
	c := &cobra.Command{
		Use:   "submit [flags] [options of spark-submit] -- JOB.sql | PROGRAM [ARGS]",
		Short: "Run a job on a cluster, through your own spark-submit",
		Long: `Starts a Spark Connect server as an application of the cluster through your own
spark-submit, runs the job on it, stops the server, and exits with the status of
the job. Nothing needs to be installed on the cluster.

JOB.sql is a file of statements with AI functions, as for 'firesteel sql -f'.
PROGRAM is a program that connects to the address in SPARK_REMOTE, which includes
the token of the server.

All options of spark-submit may be given, mixed with the flags below. The server
runs in client mode on this machine, at a free port of its loopback address, and
accepts only clients with its token, which other users of the machine cannot see.`,
		Example: `  firesteel submit --master spark://host:7077 --executor-memory 2g -- job.sql
  firesteel submit --master yarn --num-executors 8 --conf spark.executor.memoryOverhead=1g -- job.sql
  firesteel submit --spark-home /opt/spark --master 'local[4]' -- ./reviews --limit 10`,
		// The options of spark-submit are unknown here.
		DisableFlagParsing: true,
		RunE: func(c *cobra.Command, args []string) error {
			c.InheritedFlags() // adds the flags of the root to c.Flags
			own, options, job, err := splitSubmit(c, args)
			if err != nil {
				return err
			}
			if err := c.Flags().Parse(own); err != nil {
				return c.FlagErrorFunc()(c, err)
			}
			if err := c.Root().PersistentPreRunE(c, nil); err != nil { // it ran before the flags were parsed
				return err
			}
			if err := checkMaster(options); err != nil {
				return err
			}
			if help, err := c.Flags().GetBool("help"); err != nil || help {
				return errors.Join(err, c.Help())
			}
			run, err := a.submitJob(c, f, job)
			if err != nil {
				return err
			}
			// The log is appended to an existing file.
			if err := atomicfile.CheckInputs(f.serverLog, f.sql.ship.paths(job...)); err != nil {
				return fmt.Errorf("--server-log: %w", err)
			}
			return a.runSubmit(c, f, options, run)
		},
	}
	f.sql.add(c)
	c.Flags().StringVar(&f.sparkHome, "spark-home", "", "folder of your Spark (default: SPARK_HOME, else that of spark-submit on PATH)")
	c.Flags().StringVar(&f.serverLog, "server-log", "", "file for the output of spark-submit and the server (default: shown in errors only)")
	c.Flags().DurationVar(&f.wait, "wait", 10*time.Minute, "how long to wait for the cluster to start the server")
	return c
}

// submittedJob runs a job on a running server.
type submittedJob func(ctx context.Context, server *localspark.Server) error

// submitJob checks the job before anything is started.
func (a *app) submitJob(c *cobra.Command, f submitFlags, job []string) (submittedJob, error) {
	if len(job) == 0 {
		return nil, fmt.Errorf("%w: name what to run after '--': a file of SQL, or a program; see '%s --help'", errUsage, c.CommandPath())
	}
	if strings.EqualFold(filepath.Ext(job[0]), ".sql") {
		if len(job) > 1 {
			return nil, fmt.Errorf("%w: a file of SQL takes no arguments, but got %q", errUsage, job[1:])
		}
		if err := f.sql.check(); err != nil {
			return nil, err
		}
		if _, err := a.readScript(job[0]); err != nil {
			return nil, err
		}
		return func(ctx context.Context, server *localspark.Server) error {
			f.sql.remote, f.sql.files = server.URL(), job
			c.SetContext(ctx)
			return a.runSQL(c, f.sql)
		}, nil
	}
	for _, name := range sqlOnly {
		if c.Flags().Changed(name) {
			return nil, fmt.Errorf("%w: --%s is for files of SQL (.sql); a program has options of its own", errUsage, name)
		}
	}
	path, err := exec.LookPath(job[0])
	if err != nil {
		return nil, fmt.Errorf("%w: the job %s is neither a file of SQL (.sql) nor a program: %w", errUsage, job[0], err)
	}
	return func(ctx context.Context, server *localspark.Server) error {
		return a.runProgram(ctx, path, job[1:], server)
	}, nil
}

func (a *app) runSubmit(c *cobra.Command, f submitFlags, options []string, job submittedJob) error {
	// A signal must not cancel ctx while the job runs: the job ends before the
	// server.
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	starting, stop := interruptible(c)
	defer stop()
	release := context.AfterFunc(starting, func() {
		defer panics.Handle("cancelling the start", nil)
		cancel()
	})

	submitter, err := localspark.FindSubmitter(ctx, f.sparkHome)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "starting Spark %s by %s\n", submitter.Spark.Version, submitter.Path)
	server, err := submitter.Start(ctx, localspark.SubmitOptions{
		Args: options, LogFile: f.serverLog, Timeout: f.wait, Progress: fetch.NewProgress(a.err),
	})
	if err != nil {
		return err
	}
	defer server.Stop()
	if err := greet(ctx, server, f.wait); err != nil {
		return err
	}
	if !release() {
		return context.Canceled
	}
	stop()

	running, lost := context.WithCancel(ctx)
	defer lost()
	go func() {
		defer panics.Handle("waiting for the server", nil)
		select {
		case <-server.Done():
			lost()
		case <-running.Done():
		}
	}()
	err = job(running, server)
	if failure := server.Failure(); failure != nil && err != nil {
		return failure
	}
	return err
}

// greet waits for the first answer of a server, which may come long after it
// listens. Jobs have shorter timeouts than wait.
func greet(ctx context.Context, server *localspark.Server, wait time.Duration) error {
	session, err := spark.Connect(ctx, server.URL(), spark.WithConnectTimeout(wait))
	if err != nil {
		return errors.Join(server.Failure(), err)
	}
	return session.Close()
}

// runProgram runs a program with the address of the server in its environment.
func (a *app) runProgram(ctx context.Context, path string, args []string, server *localspark.Server) error {
	program := exec.Command(path, args...)
	program.Stdin, program.Stdout, program.Stderr = a.in, a.out, a.err
	// A token for another server would take precedence.
	program.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SPARK_CONNECT_AUTHENTICATE_TOKEN=") })
	program.Env = append(program.Env, "SPARK_REMOTE="+server.URL())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := program.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		defer panics.Handle("waiting for the program", func(err error) { ended <- err })
		ended <- program.Wait()
	}()
	lost := ctx.Done()
	for {
		select {
		case err := <-ended:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return statusOf(exit)
			}
			return err
		case s := <-signals:
			// A terminal sends its interrupt to the program as well.
			if s != os.Interrupt || !terminal.IsTerminal(a.in) {
				program.Process.Signal(s)
			}
		case <-lost: // the server is gone
			program.Process.Signal(syscall.SIGTERM)
			lost = nil
		}
	}
}

// exitStatus is the exit status of a program that reported its own error.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func statusOf(exit *exec.ExitError) exitStatus {
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitStatus(128 + int(status.Signal()))
	}
	return exitStatus(exit.ExitCode())
}

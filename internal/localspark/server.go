package localspark

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/secret"
)

// Options say which Spark, and how it shall run. The zero value is Spark
// DefaultVersion on all cores, at a free port.
type Options struct {
	// Version is got and cached if need be; default DefaultVersion.
	Version string
	// Home is a Spark that is here already, as SPARK_HOME; it goes before Version.
	Home string
	// Maven is a mirror of Maven Central, asked only for Spark 3.5.
	Maven string
	// Master is Spark's master address; default "local[*]".
	Master string
	// Port on 127.0.0.1; 0 takes a free one.
	Port int
	// Conf adds to or replaces the server's settings. Other users cannot read
	// them. The token is not among them: it is made by Start.
	Conf map[string]string
	// Dir is the server's working folder, from which relative paths in
	// statements start; default: a folder that is removed by Stop.
	Dir string
	// LogFile keeps the server's log; default: a file that is removed by Stop.
	LogFile string
	// FullJIT lets the JVM compile hot code as far as it can. Starting takes
	// twice as long; long queries become faster.
	FullJIT bool
	// Detach leaves the server running when this process ends; Stop still ends it.
	Detach bool
	// Timeout bounds the start; default 2 minutes.
	Timeout time.Duration
	// Client downloads; nil for one from the environment.
	Client *fetch.Client
	// Progress is told of downloads and unpacking; nil for nobody.
	Progress fetch.Progress
}

func (o Options) client() *fetch.Client {
	c := fetch.Client{}
	if o.Client != nil {
		c = *o.Client
	}
	if c.Progress == nil {
		c.Progress = o.Progress
	}
	return &c
}

// Server is a running Spark Connect server.
type Server struct {
	spark   Distribution
	port    int // 0 until the server has told it
	token   string
	grace   time.Duration // between the request to end and force
	pid     int
	folder  string
	logFile string
	process *process
	once    sync.Once
	release func() bool // ends the tie to the context of Start
	stopErr error
}

// Start gets Spark if need be, starts its Connect server on 127.0.0.1, and
// returns when it accepts connections of who has its token. When ctx is done the server is stopped,
// unless it is detached. No server outlives a process that dies without
// calling Stop, unless it is detached.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Port < 0 || o.Port > 65535 {
		return nil, fmt.Errorf("port %d is not between 0 and 65535", o.Port)
	}
	if _, has := o.Conf[tokenSetting]; has {
		return nil, fmt.Errorf("%s cannot be set: each server gets a token of its own, which Server.Token gives", tokenSetting)
	}
	spark, err := Install(ctx, o)
	if err != nil {
		return nil, err
	}
	java, err := findJava(ctx, spark.Version)
	if err != nil {
		return nil, err
	}
	s := &Server{spark: spark, logFile: o.LogFile, grace: 5 * time.Second}
	return s.start(ctx, o.Timeout, func(folder, token string) (launch, error) {
		l, err := plan(spark, java, folder, token, o)
		l.detach = o.Detach
		return l, err
	})
}

// start runs what plan gives for the server's own folder, and waits until it
// serves. The default of timeout is 2 minutes.
func (s *Server) start(ctx context.Context, timeout time.Duration, plan func(folder, token string) (launch, error)) (*Server, error) {
	sweep()
	folder, lock, err := newFolder()
	if err != nil {
		return nil, err
	}
	s.folder = folder
	if s.logFile == "" {
		s.logFile = filepath.Join(folder, "server.log")
	}
	s.token = rand.Text()
	secret.Add(s.token)
	l, err := plan(folder, s.token)
	if err == nil {
		s.process, err = start(l, s.logFile, lock, folder)
	}
	lock.Close()
	if err != nil {
		os.RemoveAll(folder)
		return nil, fmt.Errorf("starting Spark %s: %w", s.spark.Version, err)
	}
	s.pid = s.process.pid
	if timeout == 0 {
		timeout = 2 * time.Minute
	}
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.await(waiting, ctx, timeout); err != nil {
		s.Stop()
		return nil, err
	}
	s.release = func() bool { return true }
	if !l.detach {
		s.release = context.AfterFunc(ctx, func() {
			defer panics.Handle("stopping the server", nil)
			s.Stop()
		})
	}
	return s, nil
}

// URL is the connection string for a Spark Connect client, with the token: who
// has it can run any code as this user. The token is a header, which all
// clients send as they are told. PySpark takes token=... for a demand for TLS,
// unless the host is "localhost"; and that name may lead to another program at
// the same port of ::1.
func (s *Server) URL() string { return s.Address() + "/;authorization=Bearer%20" + s.token }

// Address is the URL without the token, so it is no secret.
func (s *Server) Address() string { return "sc://127.0.0.1:" + strconv.Itoa(s.port) }

// Token is what the server demands of its clients.
func (s *Server) Token() string { return s.token }

// PID is the server's process number; it leads a process group of its own.
func (s *Server) PID() int { return s.pid }

// LogFile is where the server writes its log.
func (s *Server) LogFile() string { return s.logFile }

// Spark is the distribution that runs.
func (s *Server) Spark() Distribution { return s.spark }

// Done is closed when the server's process has ended, by itself or by Stop.
func (s *Server) Done() <-chan struct{} { return s.process.done }

// Failure says how a server ended that nobody stopped, with the end of its log;
// nil while it runs.
func (s *Server) Failure() error {
	select {
	case <-s.process.done:
		return fmt.Errorf("Spark %s ended (%v). The end of its log:\n%s", s.spark.Version, s.process.waitErr, tail(s.logFile))
	default:
		return nil
	}
}

// Stop ends the server and everything it started, and removes its folder. It
// may be called more than once.
func (s *Server) Stop() error {
	s.once.Do(func() {
		if s.release != nil {
			s.release()
		}
		s.stopErr = s.process.stop(s.grace)
		if err := os.RemoveAll(s.folder); err != nil && s.stopErr == nil {
			s.stopErr = fmt.Errorf("removing the server's folder: %w", err)
		}
	})
	return s.stopErr
}

// portFile is where the server tells its port. Only this user can read and
// write in folder, so what listens at that port is our own server, and the
// token may be sent there.
func portFile(folder string) string { return filepath.Join(folder, "port") }

// await returns when the server has told its port, at which it then listens.
func (s *Server) await(ctx, parent context.Context, timeout time.Duration) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(portFile(s.folder))
		if err == nil {
			if s.port, err = strconv.Atoi(string(text)); err != nil || s.port <= 0 || s.port > 65535 {
				return fmt.Errorf("Spark %s tells the port %q, which is no port", s.spark.Version, text)
			}
			return nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("reading the server's port: %w", err)
		}
		select {
		case <-s.process.done:
			return fmt.Errorf("Spark %s ended while it started (%v). The end of its log:\n%s", s.spark.Version, s.process.waitErr, tail(s.logFile))
		case <-ctx.Done():
			if err := context.Cause(parent); err != nil {
				return fmt.Errorf("start of Spark %s stopped: %w", s.spark.Version, err)
			}
			return fmt.Errorf("Spark %s did not answer within %s. The end of its log:\n%s", s.spark.Version, timeout, tail(s.logFile))
		case <-tick.C:
		}
	}
}

// frame is a line of a Java stack trace: where, but not what.
var frame = regexp.MustCompile(`^\s+(at |\.\.\. \d+ (more|common))`)

// tail gives a log's last lines, indented, without stack frames and secrets.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "  (" + err.Error() + ")"
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	lines = slices.DeleteFunc(lines, frame.MatchString)
	if len(lines) > 15 {
		lines = lines[len(lines)-15:]
	}
	return secret.Hide("  " + strings.Join(lines, "\n  "))
}

const folderPrefix = "firesteel-spark-"

// newFolder makes a server's own folder. Its lock is inherited by the server,
// and so tells, even after a crash, whether the folder is in use.
func newFolder() (string, *fetch.FileLock, error) {
	for try := 1; ; try++ {
		folder, err := os.MkdirTemp("", folderPrefix)
		if err != nil {
			return "", nil, fmt.Errorf("folder for the server: %w; TMPDIR names another", err)
		}
		if err := privatefile.Check(folder); err != nil {
			os.RemoveAll(folder)
			return "", nil, fmt.Errorf("folder for the server: %w; TMPDIR names another place", err)
		}
		lock, err := fetch.TryLock(filepath.Join(folder, "lock"))
		if err == nil {
			return folder, lock, nil
		}
		os.RemoveAll(folder)
		// Another process may have swept it away before it was locked.
		if try == 5 {
			return "", nil, fmt.Errorf("folder for the server: %w", err)
		}
	}
}

// sweep removes folders whose server and starter are gone.
func sweep() {
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		if privatefile.Check(folder) != nil { // another user's
			continue
		}
		// A folder without its lock file is just being made, or not ours.
		if _, err := os.Stat(filepath.Join(folder, "lock")); err != nil {
			continue
		}
		if lock, err := fetch.TryLock(filepath.Join(folder, "lock")); err == nil {
			os.RemoveAll(folder)
			lock.Close()
		}
	}
}

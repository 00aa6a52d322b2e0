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

// Options are the options of Install and Start. The zero value means Spark
// DefaultVersion on all cores, at a free port.
type Options struct {
	// Version is the version to install; default DefaultVersion.
	Version string
	// Home is the folder of an installed Spark (SPARK_HOME). If it is set, Version
	// is ignored.
	Home string
	// Maven is the URL of a mirror of Maven Central, used only for Spark 3.5.
	Maven string
	// Master is the URL of Spark's master; default "local[*]".
	Master string
	// Port is the port on 127.0.0.1; 0 selects a free one.
	Port int
	// Conf adds or replaces settings of the server. Other users cannot read
	// them. Conf must not contain the token, which Start creates.
	Conf map[string]string
	// Dir is the server's working folder, to which relative paths in statements
	// refer; default: a folder that Stop removes.
	Dir string
	// LogFile is the file of the server's log; default: a file that Stop removes.
	LogFile string
	// FullJIT enables the JVM's optimizing compiler. The start takes twice as
	// long, and long queries are faster.
	FullJIT bool
	// Detach keeps the server running when this process ends. Stop still ends it.
	Detach bool
	// Timeout bounds the time of the start; default 2 minutes.
	Timeout time.Duration
	// Client makes the downloads; nil means a client configured by the
	// environment.
	Client *fetch.Client
	// Progress receives the progress of downloads and unpacking; it may be nil.
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
	port    int // 0 until the server has written it
	token   string
	grace   time.Duration // between SIGTERM and SIGKILL
	pid     int
	folder  string
	logFile string
	process *process
	once    sync.Once
	release func() bool // stops watching the context of Start
	stopErr error
}

// Start installs Spark if necessary, starts its Connect server on 127.0.0.1, and
// returns when the server accepts connections. Clients need the server's token.
// Unless it is detached, the server ends when ctx is done, and also when this
// process dies without calling Stop.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Port < 0 || o.Port > 65535 {
		return nil, fmt.Errorf("port %d is not between 0 and 65535", o.Port)
	}
	if _, has := o.Conf[tokenSetting]; has {
		return nil, fmt.Errorf("%s must not be set: Start creates a token for each server; see Server.Token", tokenSetting)
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

// start creates the server's folder, runs the command of plan, and waits until
// the server accepts connections. A timeout of 0 means 2 minutes.
func (s *Server) start(ctx context.Context, timeout time.Duration, plan func(folder, token string) (launch, error)) (*Server, error) {
	removeStaleFolders()
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

// URL returns the connection string for a Spark Connect client, including the
// token, with which a client can run any code as this user. The token is set as
// a header, which every client sends. PySpark would use TLS with token=... unless
// the host is "localhost", and that name may lead to another program at the same
// port of ::1.
func (s *Server) URL() string { return s.Address() + "/;authorization=Bearer%20" + s.token }

// Address returns the connection string without the token.
func (s *Server) Address() string { return "sc://127.0.0.1:" + strconv.Itoa(s.port) }

// Token returns the token that clients must send.
func (s *Server) Token() string { return s.token }

// PID returns the server's process id, which is also that of its process group.
func (s *Server) PID() int { return s.pid }

// LogFile returns the path of the server's log.
func (s *Server) LogFile() string { return s.logFile }

// Spark returns the distribution of the server.
func (s *Server) Spark() Distribution { return s.spark }

// Done returns a channel that is closed when the server's process has ended.
func (s *Server) Done() <-chan struct{} { return s.process.done }

// Failure returns an error with the exit status and the end of the log if the
// server has ended, and nil while it runs.
func (s *Server) Failure() error {
	select {
	case <-s.process.done:
		return fmt.Errorf("Spark %s ended (%v). The end of its log:\n%s", s.spark.Version, s.process.waitErr, tail(s.logFile))
	default:
		return nil
	}
}

// Stop ends the server and the processes that it started, and removes its folder.
// Further calls return the same error.
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

// portFile returns the path of the file to which the server writes its port. Only
// this user can write to folder, so the port belongs to this server, and the
// token may be sent to it.
func portFile(folder string) string { return filepath.Join(folder, "port") }

// await waits until the server has written its port, on which it then listens.
func (s *Server) await(ctx, parent context.Context, timeout time.Duration) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(portFile(s.folder))
		if err == nil {
			if s.port, err = strconv.Atoi(string(text)); err != nil || s.port <= 0 || s.port > 65535 {
				return fmt.Errorf("starting Spark %s: %q is not a valid port", s.spark.Version, text)
			}
			return nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("reading the server's port: %w", err)
		}
		select {
		case <-s.process.done:
			return fmt.Errorf("Spark %s ended during its start (%v). The end of its log:\n%s", s.spark.Version, s.process.waitErr, tail(s.logFile))
		case <-ctx.Done():
			if err := context.Cause(parent); err != nil {
				return fmt.Errorf("starting Spark %s: %w", s.spark.Version, err)
			}
			return fmt.Errorf("Spark %s did not answer within %s. The end of its log:\n%s", s.spark.Version, timeout, tail(s.logFile))
		case <-tick.C:
		}
	}
}

// frame matches a stack frame of a Java stack trace.
var frame = regexp.MustCompile(`^\s+(at |\.\.\. \d+ (more|common))`)

// tail returns the last lines of a log, indented, without stack frames and
// secrets.
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

// newFolder creates the folder of a server. The server inherits its lock, so that
// the lock shows whether the folder is in use, also after a crash.
func newFolder() (string, *fetch.FileLock, error) {
	for try := 1; ; try++ {
		folder, err := os.MkdirTemp("", folderPrefix)
		if err != nil {
			return "", nil, fmt.Errorf("creating the server's folder: %w; set TMPDIR to use another parent", err)
		}
		if err := privatefile.Check(folder); err != nil {
			os.RemoveAll(folder)
			return "", nil, fmt.Errorf("creating the server's folder: %w; set TMPDIR to use another parent", err)
		}
		lock, err := fetch.TryLock(filepath.Join(folder, "lock"))
		if err == nil {
			return folder, lock, nil
		}
		os.RemoveAll(folder)
		// Another process may have removed the folder before it was locked.
		if try == 5 {
			return "", nil, fmt.Errorf("locking the server's folder: %w", err)
		}
	}
}

// removeStaleFolders removes the folders of servers that have ended and whose
// starting process has died.
func removeStaleFolders() {
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		if privatefile.Check(folder) != nil { // another user's
			continue
		}
		// A folder without a lock file is being created, or belongs to another
		// program.
		if _, err := os.Stat(filepath.Join(folder, "lock")); err != nil {
			continue
		}
		if lock, err := fetch.TryLock(filepath.Join(folder, "lock")); err == nil {
			os.RemoveAll(folder)
			lock.Close()
		}
	}
}

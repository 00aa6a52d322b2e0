package localspark

import (
	"archive/zip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/fetch"
	"github.com/firesteel/firesteel/internal/secret"
)

// Submitter is a user's own spark-submit.
type Submitter struct {
	Path  string
	Spark Distribution // Home is empty where spark-submit is a script elsewhere
}

// FindSubmitter finds spark-submit below home, below SPARK_HOME, or on PATH.
func FindSubmitter(ctx context.Context, home string) (Submitter, error) {
	if home == "" {
		home = os.Getenv("SPARK_HOME")
	}
	if home != "" {
		spark, err := inspect(home)
		if err != nil {
			return Submitter{}, err
		}
		path, err := exec.LookPath(filepath.Join(spark.Home, "bin", "spark-submit"))
		return Submitter{path, spark}, err
	}
	path, err := exec.LookPath("spark-submit")
	if err != nil {
		return Submitter{}, errors.New("no Spark is found: name its folder by --spark-home or SPARK_HOME, or have spark-submit on PATH; 'firesteel demo' gets one by itself")
	}
	if path, err = filepath.Abs(path); err != nil {
		return Submitter{}, err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		if spark, err := inspect(filepath.Dir(filepath.Dir(real))); err == nil {
			return Submitter{path, spark}, nil
		}
	}
	spark, err := askVersion(ctx, path)
	return Submitter{path, spark}, err
}

var (
	sparkVersion = regexp.MustCompile(`(?m)\bversion (\d+\.\d+\.\d+\S*)\s*$`)
	scalaVersion = regexp.MustCompile(`Using Scala version (\d+\.\d+)`)
)

// askVersion starts a JVM, so it is for a spark-submit that lies elsewhere than
// its jars: a distributor's script, or that of the Python package.
func askVersion(ctx context.Context, submit string) (Distribution, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, submit, "--version").CombinedOutput()
	version, scala := sparkVersion.FindSubmatch(out), scalaVersion.FindSubmatch(out)
	if err != nil || version == nil || scala == nil {
		return Distribution{}, fmt.Errorf("%s --version does not tell a Spark's version (%v): %q; SPARK_HOME names a Spark", submit, err, strings.TrimSpace(string(out)))
	}
	return Distribution{Version: string(version[1]), Scala: string(scala[1])}, nil
}

// SubmitOptions say how a Submitter starts a Connect server.
type SubmitOptions struct {
	// Args are options of spark-submit. Class, deploy mode, and the server's
	// address, port and token are Start's.
	Args []string
	// LogFile keeps what server and spark-submit write; default: a file that is
	// removed by Stop.
	LogFile string
	// Timeout bounds the wait for the server, and so for the cluster; default 2
	// minutes.
	Timeout time.Duration
	// Client downloads the Connect server's jar where Spark 3.5 has none.
	Client   *fetch.Client
	Progress fetch.Progress
}

// Start runs a Spark Connect server as a Spark application of this machine's
// user, in client mode, reachable from this machine only. Spark 4 also demands
// Token. It ends as the server of the function Start does.
func (s Submitter) Start(ctx context.Context, o SubmitOptions) (*Server, error) {
	if before(s.Spark.Version, 3, 5) {
		return nil, fmt.Errorf("Spark %s (of %s) is too old: 3.5 and later are supported", s.Spark.Version, s.Path)
	}
	old := before(s.Spark.Version, 4, 0)
	bringsConnect := slices.ContainsFunc(o.Args, func(a string) bool { return strings.Contains(a, "spark-connect") })
	if old && !bringsConnect {
		if err := s.Spark.addConnect(ctx, Options{Client: o.Client, Progress: o.Progress}); err != nil {
			return nil, err
		}
	}
	// A cluster's driver has the user's log settings, which need not show the
	// port that the server took: it is chosen here.
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	// The driver of a cluster has to take leave of it.
	server := &Server{spark: s.Spark, logFile: o.LogFile, port: port, grace: 30 * time.Second}
	if !old {
		server.token = rand.Text()
		secret.Add(server.token)
	}
	return server.start(ctx, o.Timeout, func(folder string) (launch, error) {
		args := append([]string{"--name", "firesteel"}, o.Args...)
		args = append(args, "--deploy-mode", "client",
			"--conf", "spark.connect.grpc.binding.address=127.0.0.1",
			"--conf", "spark.connect.grpc.binding.port="+strconv.Itoa(port))
		class, resource := serverClass, "spark-internal"
		if old {
			class = loopbackClass // Spark would run its own without our jar
			args = append(args, "--conf", "spark.connect.grpc.interceptor.classes="+loopbackClass)
			resource = filepath.Join(folder, "spark-connect-loopback.jar")
			if err := writeGuarded(resource, s.Spark.Connect); err != nil {
				return launch{}, fmt.Errorf("guard of the server: %w", err)
			}
		}
		return launch{path: s.Path, args: append(args, "--class", class, resource), env: s.environment(server.token)}, nil
	})
}

// environment hands the token over unseen: other users can read a command
// line.
func (s Submitter) environment(token string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "SPARK_REMOTE=") || strings.HasPrefix(v, "SPARK_CONNECT_") || strings.HasPrefix(v, "SPARK_API_MODE=")
	})
	if s.Spark.Home != "" {
		env = append(env, "SPARK_HOME="+s.Spark.Home)
	}
	if token != "" {
		env = append(env, "SPARK_CONNECT_AUTHENTICATE_TOKEN="+token)
	}
	return env
}

// freePort gives a port below those that systems give to connections (from
// 32768 or 49152 on). One of these could be taken before the server starts, by
// our own attempts to connect to it too: a socket can be connected with itself.
func freePort() (int, error) {
	var err error
	for range 100 {
		port := 20_000 + mathrand.IntN(12_000)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("finding a free port: %w", err)
}

// writeGuarded writes the jar of Spark 3.5's Connect server, if it is not
// Spark's already, with the guard in it. As the application's own jar it
// reaches driver and executors whatever jars and class paths the user's
// settings name.
func writeGuarded(path, connect string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := zip.NewWriter(f)
	if connect != "" {
		if err := copyJar(w, connect); err != nil {
			return err
		}
	}
	err = fs.WalkDir(loopback, "loopback", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		code, err := loopback.ReadFile(name)
		if err != nil {
			return err
		}
		out, err := w.Create(strings.TrimPrefix(name, "loopback/"))
		if err == nil {
			_, err = out.Write(code)
		}
		return err
	})
	return errors.Join(err, w.Close(), f.Close())
}

func copyJar(w *zip.Writer, path string) error {
	r, err := zip.OpenReader(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer r.Close()
	for _, entry := range r.File {
		// Java's tools pack folders too, as nothing in two bytes, which Copy
		// refuses.
		if strings.HasSuffix(entry.Name, "/") {
			_, err = w.Create(entry.Name)
		} else {
			err = w.Copy(entry)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

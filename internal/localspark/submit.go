package localspark

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/network/fetch"
)

// Submitter is an installed spark-submit.
type Submitter struct {
	Path  string
	Spark Distribution // Home is empty if spark-submit is a script outside of it
}

// ErrNoSpark reports that no installed Spark was found.
var ErrNoSpark = errors.New("no Spark found: SPARK_HOME is not set and spark-submit is not on PATH")

// FindSubmitter finds spark-submit in the Spark at home or, if home is empty, at
// SPARK_HOME or on PATH. It returns ErrNoSpark if there is none.
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
		return Submitter{}, ErrNoSpark
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

// askVersion runs spark-submit to get its version, which starts a JVM. It is
// needed only for a spark-submit that is not next to the jars: a distributor's
// script, or the one of the Python package.
func askVersion(ctx context.Context, submit string) (Distribution, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, submit, "--version").CombinedOutput()
	version, scala := sparkVersion.FindSubmatch(out), scalaVersion.FindSubmatch(out)
	if err != nil || version == nil || scala == nil {
		return Distribution{}, fmt.Errorf("%s --version does not print a Spark version (%v): %q; set SPARK_HOME to Spark's folder", submit, err, strings.TrimSpace(string(out)))
	}
	return Distribution{Version: string(version[1]), Scala: string(scala[1])}, nil
}

// SubmitOptions are the options of Submitter.Start.
type SubmitOptions struct {
	// Args are options of spark-submit. Start sets the class, the deploy mode,
	// and the server's address, port and token.
	Args []string
	// LogFile is the file for the output of the server and of spark-submit;
	// default: a file that Stop removes.
	LogFile string
	// Timeout bounds the time until the server accepts connections, including
	// the wait for the cluster; default 2 minutes.
	Timeout time.Duration
	// Client downloads the Connect server's jar for Spark 3.5.
	Client   *fetch.Client
	Progress fetch.Progress
}

// Start runs a Spark Connect server as a Spark application of the current user,
// in client mode. It accepts connections only from this machine and with its
// Token. It ends like the server of the function Start.
func (s Submitter) Start(ctx context.Context, o SubmitOptions) (*Server, error) {
	if before(s.Spark.Version, 3, 5) {
		return nil, fmt.Errorf("%s belongs to Spark %s, which is too old: Spark 3.5 and later are supported", s.Path, s.Spark.Version)
	}
	connectJar := "" // of Spark 3.5
	if before(s.Spark.Version, 4, 0) && !slices.ContainsFunc(o.Args, func(a string) bool { return strings.Contains(a, "spark-connect") }) {
		if err := s.Spark.addConnect(ctx, Options{Client: o.Client, Progress: o.Progress}); err != nil {
			return nil, err
		}
		connectJar = s.Spark.Connect
	}
	// The driver needs time to release the cluster's resources.
	server := &Server{spark: s.Spark, logFile: o.LogFile, grace: 30 * time.Second}
	return server.start(ctx, o.Timeout, func(folder, token string) (launch, error) {
		jar := filepath.Join(folder, "firesteel-server.jar")
		if err := writeJar(jar, connectJar); err != nil {
			return launch{}, err
		}
		tmp := filepath.Join(folder, "tmp")
		if err := os.Mkdir(tmp, 0o700); err != nil {
			return launch{}, err
		}
		args := append([]string{"--name", "firesteel"}, o.Args...)
		args = append(args, "--deploy-mode", "client",
			"--conf", "spark.connect.grpc.binding.address=127.0.0.1",
			"--conf", "spark.connect.grpc.binding.port=0",
			"--class", serverClass, jar, portFile(folder))
		return launch{path: s.Path, args: args, env: s.environment(token, tmp)}, nil
	})
}

// environment returns the environment of spark-submit. It holds the token, which
// other users could read on the command line, and a private folder for the
// driver's temporary files, which other users could read in /tmp.
func (s Submitter) environment(token, tmp string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "SPARK_REMOTE=") || strings.HasPrefix(v, "SPARK_CONNECT_") || strings.HasPrefix(v, "SPARK_API_MODE=") ||
			strings.HasPrefix(v, "SPARK_SUBMIT_OPTS=")
	})
	if s.Spark.Home != "" {
		env = append(env, "SPARK_HOME="+s.Spark.Home)
	}
	options := strings.TrimSpace("-Djava.io.tmpdir=" + tmp + " " + os.Getenv("SPARK_SUBMIT_OPTS"))
	return append(env, tokenVariable+"="+token, "SPARK_SUBMIT_OPTS="+options)
}

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
	// address, port and token are chosen by Start.
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
// user, in client mode, reachable from this machine only, and with its Token
// only. It ends as the server of the function Start does.
func (s Submitter) Start(ctx context.Context, o SubmitOptions) (*Server, error) {
	if before(s.Spark.Version, 3, 5) {
		return nil, fmt.Errorf("Spark %s (of %s) is too old: 3.5 and later are supported", s.Spark.Version, s.Path)
	}
	resource := "" // the jar of Spark 3.5's server
	if before(s.Spark.Version, 4, 0) && !slices.ContainsFunc(o.Args, func(a string) bool { return strings.Contains(a, "spark-connect") }) {
		if err := s.Spark.addConnect(ctx, Options{Client: o.Client, Progress: o.Progress}); err != nil {
			return nil, err
		}
		resource = s.Spark.Connect
	}
	// The driver of a cluster has to take leave of it.
	server := &Server{spark: s.Spark, logFile: o.LogFile, grace: 30 * time.Second}
	return server.start(ctx, o.Timeout, func(folder, token string) (launch, error) {
		jar := filepath.Join(folder, "firesteel-server.jar")
		if err := writeJar(jar, resource); err != nil {
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

// environment brings the token, which other users could read on a command
// line, and a folder of the driver's own for its temporary files, which other
// users could read in /tmp.
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

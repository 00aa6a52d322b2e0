package main

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/localspark"
)

//go:embed pandas_udf.py
var pandasScript string

// missingError reports that the pandas UDF cannot be measured on this machine.
type missingError string

func (e missingError) Error() string { return string(e) }

// pandas is a PySpark process that runs the query with a pandas UDF on the same
// server, once for each line of its standard input.
type pandas struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
	want    string
}

func startPandas(ctx context.Context, s settings, server *localspark.Server) (*pandas, error) {
	version := server.Spark().Version
	advice := fmt.Sprintf("pip install 'pyspark==%s' 'pandas<3' pyarrow grpcio grpcio-status googleapis-common-protos zstandard in a separate environment, and name its Python with -python", version)
	python, err := exec.LookPath(s.python)
	if err != nil {
		return nil, missingError(fmt.Sprintf("%v; %s", err, advice))
	}
	probe := exec.CommandContext(ctx, python, "-c", "import pandas, pyarrow, grpc, pyspark.sql.connect.session; print(pyspark.__version__)")
	if out, err := probe.Output(); err != nil || strings.TrimSpace(string(out)) != version {
		return nil, missingError(fmt.Sprintf("%s has no pyspark %s with the dependencies of its Connect client; %s", python, version, advice))
	}
	command := exec.CommandContext(ctx, python, "-c", pandasScript, python, s.statement("pandas_echo"))
	command.Env = append(os.Environ(), "SPARK_REMOTE="+server.URL())
	command.Stderr = os.Stderr
	p := &pandas{command: command, want: strconv.FormatInt(s.answer(), 10)}
	if p.stdin, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdout = bufio.NewReader(out)
	return p, command.Start()
}

func (p *pandas) run(context.Context) error {
	if _, err := io.WriteString(p.stdin, "run\n"); err != nil {
		return err
	}
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		return fmt.Errorf("PySpark ended: %w", err)
	}
	if got := strings.TrimSpace(line); got != p.want {
		return fmt.Errorf("the result is %q instead of %s", got, p.want)
	}
	return nil
}

func (p *pandas) stop() {
	p.stdin.Close()
	_ = p.command.Wait()
}

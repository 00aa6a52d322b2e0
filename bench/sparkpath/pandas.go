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

// errMissing says why the pandas UDF cannot be measured here.
type errMissing string

func (e errMissing) Error() string { return string(e) }

// pandas is the peer: PySpark in a process of its own, on the same server. It
// runs the query when it is told to.
type pandas struct {
	command *exec.Cmd
	tell    io.WriteCloser
	hear    *bufio.Reader
	want    string
}

func startPandas(ctx context.Context, s settings, server *localspark.Server) (*pandas, error) {
	version := server.Spark().Version
	advice := fmt.Sprintf("pip install 'pyspark==%s' 'pandas<3' pyarrow grpcio grpcio-status googleapis-common-protos zstandard in an environment of its own, and name its Python by --python", version)
	python, err := exec.LookPath(s.python)
	if err != nil {
		return nil, errMissing(fmt.Sprintf("%v; %s", err, advice))
	}
	probe := exec.CommandContext(ctx, python, "-c", "import pandas, pyarrow, grpc, pyspark.sql.connect.session; print(pyspark.__version__)")
	if out, err := probe.Output(); err != nil || strings.TrimSpace(string(out)) != version {
		return nil, errMissing(fmt.Sprintf("%s has no pyspark %s with what its Connect client needs; %s", python, version, advice))
	}
	command := exec.CommandContext(ctx, python, "-c", pandasScript, python, s.statement("pandas_echo"))
	command.Env = append(os.Environ(), "SPARK_REMOTE="+server.URL())
	command.Stderr = os.Stderr
	p := &pandas{command: command, want: strconv.FormatInt(s.answer(), 10)}
	if p.tell, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.hear = bufio.NewReader(out)
	return p, command.Start()
}

func (p *pandas) run(context.Context) error {
	if _, err := io.WriteString(p.tell, "run\n"); err != nil {
		return err
	}
	line, err := p.hear.ReadString('\n')
	if err != nil {
		return fmt.Errorf("PySpark ended: %w", err)
	}
	if got := strings.TrimSpace(line); got != p.want {
		return fmt.Errorf("it answered %q instead of %s", got, p.want)
	}
	return nil
}

func (p *pandas) stop() {
	p.tell.Close()
	_ = p.command.Wait()
}

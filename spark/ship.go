package spark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/sqlscript"
	"github.com/firesteel/firesteel/internal/version"
	"github.com/firesteel/firesteel/llm/models"
)

// pythonKey is the session's setting of the program that Spark starts as the
// worker of its functions.
const pythonKey = "spark.sql.execution.pyspark.python"

// shipment is what a session sends to the executors.
type shipment struct {
	wanted    bool
	model     string // reference of the default one; empty for none
	named     []models.Named
	precision string
	place     string
	nodeCopy  bool
	limits    EndpointLimits
	programs  []string // paths; none for this program
	beside    bool     // Python functions of the session go on
	progress  TransferProgress
	// logContent: see WithLogContent.
	logContent bool

	streamFolder string
}

// TransferProgress is told how far downloads and uploads are. Its methods may
// be called often, and from several goroutines.
type TransferProgress interface {
	// Step: done of total bytes of name are there; total is 0 if unknown.
	Step(name string, done, total int64)
	// End: name is finished, or given up.
	End(name string)
}

// WithPrecision says what the executors keep the models' weights in: auto (as
// without it), f32 or int8.
func WithPrecision(precision string) Option {
	return func(c *config) { c.ship.precision = precision }
}

// WithProgram ships the programs at paths, or this one if there are none, as the
// executors' worker; with WithModel it only says which. They must be Linux
// executables whose main calls worker.Main first, each for another processor.
func WithProgram(paths ...string) Option {
	return func(c *config) { c.ship.wanted, c.ship.programs = true, paths }
}

// WithPythonSession attaches to a session that a Python client has open: the
// functions are registered in that session, and the Python functions that it
// uses itself go on, as the worker passes them on to the interpreter that the
// session had before. The remote must name the session by session_id and
// user_id.
func WithPythonSession() Option { return func(c *config) { c.ship.wanted, c.ship.beside = true, true } }

// WithLogContent has the executors' logs, and the errors of queries, quote what
// they are about: the beginning of a row's text, of a model's answer, of an
// argument or of what a server said. Without it they name row, function and
// reason only.
func WithLogContent() Option { return func(c *config) { c.ship.logContent = true } }

// WithTransferProgress reports the download of a model and its upload.
func WithTransferProgress(p TransferProgress) Option {
	return func(c *config) { c.ship.progress = p }
}

// shipWorker uploads program and models and makes Spark use them, in this
// session only.
func (s *Session) shipWorker(ctx context.Context) error {
	programs, err := workerPrograms(s.config.ship.programs)
	if err != nil {
		return err
	}
	archive := bundle.Archive{
		Manifest: bundle.Manifest{Firesteel: version.String(), Spark: s.version},
		Programs: programs,
	}
	if err := s.shipModels(ctx, &archive); err != nil {
		return err
	}
	if s.config.ship.beside {
		if archive.Manifest.Python, err = s.findPython(ctx); err != nil {
			return err
		}
	}
	if err := s.addBundle(ctx, archive); err != nil {
		return fmt.Errorf("uploading program and models to Spark: %w", err)
	}
	if err := s.useWorker(ctx, bundle.Executable); err != nil {
		return err
	}
	return s.registerShipped(ctx, len(archive.Manifest.Models) > 0)
}

// useWorker has Spark start a program as the worker of the session's functions.
func (s *Session) useWorker(ctx context.Context, executable string) error {
	s.mu.Lock()
	s.worker = executable
	s.mu.Unlock()
	return s.Conf().set(ctx, pythonKey, executable)
}

func (s *Session) hasWorker() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.worker != ""
}

// keepWorker sets the settings of the session's functions again where they are
// not what they were.
func (s *Session) keepWorker(ctx context.Context) error {
	s.mu.Lock()
	want := map[string]string{pythonKey: s.worker}
	if s.pythonBefore != nil {
		want[pythonBeforeKey] = *s.pythonBefore
	}
	s.mu.Unlock()
	if want[pythonKey] == "" {
		return nil // there is none, or not yet
	}
	have, err := s.Conf().get(ctx, slices.Collect(maps.Keys(want))...)
	if err != nil {
		return err
	}
	for key, value := range want {
		if have[key] != value {
			if err := s.Conf().set(ctx, key, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// maySet reports whether a statement may change the session's settings, by
// itself or by statements inside.
func maySet(statement string) bool {
	words := sqlscript.Words(statement, 1)
	return len(words) > 0 && slices.Contains([]string{"SET", "RESET", "EXECUTE"}, words[0]) || sqlscript.IsBlock(statement)
}

// pythonBeforeKey keeps what pythonKey was, for who attaches a second time.
const pythonBeforeKey = "firesteel.pyspark.python"

// findPython finds the interpreter that the session's Python functions run
// in, and notes it in the session.
func (s *Session) findPython(ctx context.Context) (*bundle.Python, error) {
	if !s.named {
		return nil, errors.New("attaching needs the Python client's session: add ;session_id=... and ;user_id=... to the connection string " +
			"(in PySpark they are spark.session_id and spark.client._user_id)")
	}
	conf, err := s.Conf().get(ctx, pythonKey, pythonBeforeKey, "spark.pyspark.python")
	if err != nil {
		return nil, err
	}
	executable, attached := conf[pythonBeforeKey]
	switch now := conf[pythonKey]; {
	case now == bundle.Executable && !attached:
		return nil, errors.New("firesteel has this session for itself (it was opened without WithPythonBeside); attach to another")
	case now == bundle.Executable:
	case now != "":
		executable = now
	default:
		executable = conf["spark.pyspark.python"]
	}
	s.mu.Lock()
	s.pythonBefore = &executable
	s.mu.Unlock()
	return &bundle.Python{Executable: executable}, s.Conf().set(ctx, pythonBeforeKey, executable)
}

func (s *Session) addBundle(ctx context.Context, a bundle.Archive) error {
	digest, err := a.Digest()
	if err != nil {
		return err
	}
	size, err := a.Size() // all but free: nothing is compressed
	if err != nil {
		return err
	}
	var report func(done, total int64)
	if p := s.config.ship.progress; p != nil {
		const name = "upload to Spark"
		report = func(done, total int64) { p.Step(name, done, total) }
		defer p.End(name)
	}
	_, err = s.AddArchive(ctx, ArtifactSource{
		SHA256: digest, // of the content, which fixes the bytes
		Size:   size,
		Open: func() (io.ReadCloser, error) {
			r, w := io.Pipe()
			go func() {
				defer panics.Handle("writing the archive", func(err error) { w.CloseWithError(err) })
				_, err := a.WriteTo(w)
				w.CloseWithError(err)
			}()
			return r, nil
		},
	}, bundle.Dir+".tar.gz#"+bundle.Dir, report)
	return err
}

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
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// pythonKey is the session's setting that names the program which Spark starts
// as the worker of its functions.
const pythonKey = "spark.sql.execution.pyspark.python"

// shipment describes the worker that a session sends to the executors.
type shipment struct {
	wanted    bool
	functions bool   // see WithAIFunctions
	model     string // reference of the default one; empty for none
	named     []models.Named
	defaults  []llm.ModelRole // see WithDefaultModels
	precision string
	place     string
	nodeCopy  bool
	limits    EndpointLimits
	programs  []string // paths; none for this program
	python    bool     // see WithPythonSession
	progress  TransferProgress
	// logContent: see WithLogContent.
	logContent bool

	streamFolder string
	ledger       string // see WithLedger; empty for none
	budget       Budget
}

// TransferProgress receives the progress of downloads and uploads. Its methods
// may be called often, and by several goroutines.
type TransferProgress interface {
	// Step reports that done of total bytes of name are transferred; total is 0
	// if it is unknown.
	Step(name string, done, total int64)
	// End reports that the transfer of name has ended, also with an error.
	End(name string)
	// Notice reports what is downloaded, before a download of a model of the
	// catalogue: name, size and licence, in one or several lines.
	Notice(text string)
}

// WithPrecision sets the precision of the models' weights on the executors: auto
// (the default), f32, int8 or file. See llm.Precision.
func WithPrecision(precision string) Option {
	return func(c *config) { c.ship.precision = precision }
}

// WithProgram ships the programs at paths as the executors' worker, or this
// program without paths. With WithModel it replaces the program that is shipped.
// The programs must be Linux executables for different processors, whose main
// function calls worker.Main first.
func WithProgram(paths ...string) Option {
	return func(c *config) { c.ship.wanted, c.ship.programs = true, paths }
}

// WithPythonSession attaches to a session that a Python client has open: the
// functions are registered in that session, and its Python functions continue to
// work, because the worker forwards them to the session's Python interpreter.
// The connection string must name the session by session_id and user_id.
func WithPythonSession() Option { return func(c *config) { c.ship.wanted, c.ship.python = true, true } }

// WithLogContent lets the executors' logs and the errors of queries quote data:
// the beginning of a row's text, of a model's answer, of an argument or of a
// server's message. Without it they name only row, function and reason.
func WithLogContent() Option { return func(c *config) { c.ship.logContent = true } }

// WithTransferProgress reports the progress of the download and the upload of
// models to p.
func WithTransferProgress(p TransferProgress) Option {
	return func(c *config) { c.ship.progress = p }
}

// shipWorker uploads the program and the models, and makes Spark use them in this
// session.
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
	if s.config.ship.python {
		if archive.Manifest.Python, err = s.findPython(ctx); err != nil {
			return err
		}
	}
	if err := s.addBundle(ctx, archive, bundle.Dir); err != nil {
		return fmt.Errorf("uploading the program and the models to Spark: %w", err)
	}
	if err := s.useWorker(ctx, bundle.Executable); err != nil {
		return err
	}
	return s.registerShipped(ctx, s.config.ship.functions || len(archive.Manifest.Models) > 0)
}

// useWorker makes Spark start a program as the worker of the session's functions.
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

// restoreWorker restores the settings of the session's functions if they have
// changed.
func (s *Session) restoreWorker(ctx context.Context) error {
	s.mu.Lock()
	want := map[string]string{pythonKey: s.worker}
	if s.originalPython != nil {
		want[originalPythonKey] = *s.originalPython
	}
	s.mu.Unlock()
	if want[pythonKey] == "" {
		return nil // the session has no worker, or not yet
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

// mayChangeSettings reports whether a statement, or a statement inside it, may
// change the session's settings.
func mayChangeSettings(statement string) bool {
	words := sqlscript.Words(statement, 1)
	return len(words) > 0 && slices.Contains([]string{"SET", "RESET", "EXECUTE"}, words[0]) || sqlscript.IsBlock(statement)
}

// originalPythonKey is the setting that stores the original value of pythonKey,
// for a client that attaches later.
const originalPythonKey = "firesteel.pyspark.python"

// findPython returns the Python interpreter of the session's Python functions,
// and stores it in the session.
func (s *Session) findPython(ctx context.Context) (*bundle.Python, error) {
	if !s.joined {
		return nil, errors.New("the connection string does not name the Python client's session: add ;session_id=... and ;user_id=... to it " +
			"(in PySpark they are spark.session_id and spark.client._user_id)")
	}
	conf, err := s.Conf().get(ctx, pythonKey, originalPythonKey, "spark.pyspark.python")
	if err != nil {
		return nil, err
	}
	executable, attached := conf[originalPythonKey]
	switch now := conf[pythonKey]; {
	case now == bundle.Executable && !attached:
		return nil, errors.New("this session was opened by firesteel without WithPythonSession, not by a Python client; attach to another session")
	case now == bundle.Executable:
	case now != "":
		executable = now
	default:
		executable = conf["spark.pyspark.python"]
	}
	s.mu.Lock()
	s.originalPython = &executable
	s.mu.Unlock()
	return &bundle.Python{Executable: executable}, s.Conf().set(ctx, originalPythonKey, executable)
}

// addBundle uploads an archive, which Spark unpacks into a folder.
func (s *Session) addBundle(ctx context.Context, a bundle.Archive, folder string) error {
	digest, err := a.Digest()
	if err != nil {
		return err
	}
	size, err := a.Size() // cheap, because nothing is compressed
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
		SHA256: digest, // of the content, which determines the bytes
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
	}, folder+".tar.gz#"+folder, report)
	return err
}

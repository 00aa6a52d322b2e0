package spark

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/firesteel/firesteel/internal/version"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/weights"
	"github.com/firesteel/firesteel/worker/bundle"
)

// pythonKey is the session's setting of the program that Spark starts as the
// worker of its functions.
const pythonKey = "spark.sql.execution.pyspark.python"

// shipment is what a session sends to the executors.
type shipment struct {
	wanted    bool
	model     string // reference; empty for none
	precision string
	place     string
	nodeCopy  bool
	programs  []string // paths; none for this program
	progress  TransferProgress
}

// TransferProgress is told how far downloads and uploads are. Its methods may
// be called often, and from several goroutines.
type TransferProgress interface {
	// Step: done of total bytes of name are there; total is 0 if unknown.
	Step(name string, done, total int64)
	// End: name is finished, or given up.
	End(name string)
}

// WithModel makes the AI functions known to the session: Connect finds the
// model (see weights.Resolve; it may be downloaded), uploads its files with
// this program as the executors' worker, and registers the functions.
//
// The worker is this very program, so its main must call worker.Main first.
func WithModel(reference string) Option {
	return func(c *config) { c.ship.wanted, c.ship.model = true, reference }
}

// WithPrecision says what the executors keep the model's weights in: auto (as
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

// WithTransferProgress reports the download of a model and its upload.
func WithTransferProgress(p TransferProgress) Option {
	return func(c *config) { c.ship.progress = p }
}

// shipWorker uploads program and model and makes Spark use them, in this
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
	precision, err := llm.ParsePrecision(s.config.ship.precision)
	if err != nil {
		return err
	}
	if reference := s.config.ship.model; reference != "" {
		m, err := weights.Resolve(ctx, reference, weights.Options{Progress: s.config.ship.progress})
		if err != nil {
			return err
		}
		// A damaged file is found here, not minutes later on an executor.
		if err := m.Check(); err != nil {
			return fmt.Errorf("model %s: %w", reference, err)
		}
		archive.ModelPath = m.Path
		archive.Manifest.Model = shipped(m)
		archive.Manifest.Model.Precision = string(precision)
		if err := s.config.ship.placed(archive.Manifest.Model, m); err != nil {
			return err
		}
	}
	if err := s.addBundle(ctx, archive); err != nil {
		return fmt.Errorf("uploading program and model to Spark: %w", err)
	}
	if err := s.Conf().Set(ctx, pythonKey, bundle.Executable); err != nil {
		return err
	}
	return s.registerShipped(ctx, archive.Manifest.Model != nil)
}

// shipped is a model as the archive's manifest describes it. A folder gets the
// name of the model: in the hub's cache it has that of a commit.
func shipped(m weights.Model) *bundle.Model {
	s := &bundle.Model{Name: m.Name, File: filepath.Base(m.Path), Size: m.Size, SHA256: m.SHA256}
	if len(m.Files) > 0 {
		s.File = m.Name
	}
	for _, f := range m.Files {
		s.Files = append(s.Files, bundle.File(f))
	}
	return s
}

func (s *Session) addBundle(ctx context.Context, a bundle.Archive) error {
	digest, err := a.Digest()
	if err != nil {
		return err
	}
	size, err := a.WriteTo(io.Discard) // all but free: nothing is compressed
	if err != nil {
		return err
	}
	var report func(done, total int64)
	if p := s.config.ship.progress; p != nil {
		const name = "upload to Spark"
		report = func(done, total int64) { p.Step(name, done, total) }
		defer p.End(name)
	}
	_, err = s.AddArchive(ctx, Source{
		SHA256: digest, // of the content, which fixes the bytes
		Size:   size,
		Open: func() (io.ReadCloser, error) {
			r, w := io.Pipe()
			go func() {
				_, err := a.WriteTo(w)
				w.CloseWithError(err)
			}()
			return r, nil
		},
	}, bundle.Dir+".tar.gz#"+bundle.Dir, report)
	return err
}

package spark

import (
	"context"
	"fmt"
	"io"

	"github.com/firesteel/firesteel/internal/version"
	"github.com/firesteel/firesteel/worker/bundle"
)

// pythonKey is the session's setting of the program that Spark starts as the
// worker of its functions.
const pythonKey = "spark.sql.execution.pyspark.python"

// shipment is what a session sends to the executors.
type shipment struct {
	wanted    bool
	model     string // reference of the default one; empty for none
	named     []namedModel
	precision string
	place     string
	nodeCopy  bool
	limits    EndpointLimits
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
	if err := s.addBundle(ctx, archive); err != nil {
		return fmt.Errorf("uploading program and models to Spark: %w", err)
	}
	if err := s.Conf().Set(ctx, pythonKey, bundle.Executable); err != nil {
		return err
	}
	return s.registerShipped(ctx, len(archive.Manifest.Models) > 0)
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

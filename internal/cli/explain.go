package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) explain() *cobra.Command {
	var o jobOptions
	c := &cobra.Command{
		Use:   "explain FILE...",
		Short: "Estimate what a run takes before you start it",
		Long: `Takes the arguments of 'firesteel run' and estimates what that run takes: rows,
distinct inputs, tokens, time with its interval, memory, and what leaves this
machine. It reads the whole input and runs the job over a sample of it for about as
long as --calibrate says. It sends nothing to a server: the price of a server's
answers is estimated from the prompts that it would get.

To run the job, replace explain by run. 'firesteel run --explain' does both and
compares them.`,
		Example: `  firesteel explain reviews.csv --add "sentiment=ai_analyze_sentiment(text)" -o out.parquet`,
		Args:    someFiles,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			if err := o.findInputs(args); err != nil {
				return err
			}
			return a.explainFile(ctx, o)
		},
	}
	o.addTo(c)
	return c
}

func (a *app) explainFile(ctx context.Context, o jobOptions) error {
	j := &fileJob{app: a, options: &o}
	defer j.close()
	if err := o.check(); err != nil {
		return err
	}
	if err := j.openInput(ctx); err != nil {
		return err
	}
	if err := j.bind(o.spec()); err != nil {
		return err
	}
	if err := j.openLedger(ctx); err != nil {
		return err
	}
	begun := time.Now()
	if err := j.openModels(ctx); err != nil {
		return err
	}
	_, err := j.estimateJob(ctx, j.executor.In, estimateOptions{loading: time.Since(begun)}, a.out)
	return err
}

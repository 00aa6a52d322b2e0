package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/spark"
)

// sentence is a row of the table of the demo.
type sentence struct {
	ID       int64  `spark:"id"`
	Sentence string `spark:"sentence"`
}

var demoSentences = []sentence{
	{1, "It is a good test for Spark."},
	{2, "Spark DataFrames are powerful."},
	{3, "LLMs could be very slow."},
	{4, "It is a naive statement."},
}

func (a *app) demo() *cobra.Command {
	var ship shipFlags
	var server localspark.Options
	c := &cobra.Command{
		Use:   "demo",
		Short: "Download Spark and a model, and label four sentences with them",
		Long: `Downloads Apache Spark and the default model (once: about 550 MB, kept in the
cache), starts a Spark Connect server on the loopback address of this machine,
which other users of the machine cannot use, sends it four sentences as a
DataFrame, adds the column ai_analyze_sentiment(sentence), shows the result, and
stops the server. It needs Java 17 or later, and no Python.`,
		Example: "  firesteel demo\n  firesteel demo --keep-spark\n  firesteel demo --spark-home /opt/spark",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if server.Home != "" && c.Flags().Changed("spark-version") {
				return fmt.Errorf("%w: --spark-home has its own version; remove --spark-version", errUsage)
			}
			ctx, stop := interruptible(c)
			defer stop()
			return a.runDemo(ctx, server, ship)
		},
	}
	ship.add(c)
	c.Flags().BoolVar(&server.Detach, "keep-spark", false, "leave the Spark server running, and print its address with the token")
	c.Flags().StringVar(&server.Home, "spark-home", "", "folder of an installed Spark, 3.5 or later")
	c.Flags().StringVar(&server.Version, "spark-version", localspark.DefaultVersion, "version of Spark to download")
	c.Flags().StringVar(&server.Master, "master", "local[*]", "Spark's master address")
	return c
}

func (a *app) runDemo(ctx context.Context, o localspark.Options, ship shipFlags) error {
	o.Progress = fetch.NewProgress(a.err)
	installed, err := localspark.Install(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "starting Spark %s on this machine\n", installed.Version)
	server, err := localspark.Start(ctx, o)
	if err != nil {
		return err
	}
	if !o.Detach {
		defer server.Stop()
	}
	if err := a.labelSentences(ctx, server.URL(), ship); err != nil {
		if o.Detach {
			server.Stop()
		}
		return err
	}
	if o.Detach {
		a.printKept(a.err, server)
	}
	return nil
}

func (a *app) labelSentences(ctx context.Context, remote string, ship shipFlags) error {
	session, err := a.connect(ctx, remote, ship)
	if err != nil {
		return err
	}
	defer session.Close()
	sentences, err := session.CreateDataFrame(ctx, demoSentences)
	if err != nil {
		return err
	}
	table, err := sentences.
		WithColumn("output_column", ai.AnalyzeSentiment(spark.Col("sentence"))).
		ShowString(ctx, 20, 0, false)
	a.queries.end()
	if err != nil {
		return err
	}
	return writeTable(a.out, table)
}

func (a *app) printKept(w io.Writer, server *localspark.Server) {
	fmt.Fprintf(w, `Spark %s is still running at %s (process %d, log %s).
Anyone with this address can run any code as you. Other users can read command lines, but not your environment:
  export SPARK_REMOTE='%s'
  firesteel sql
Stop it: kill %d
`, server.Spark().Version, server.URL(), server.PID(), server.LogFile(), server.URL(), server.PID())
}

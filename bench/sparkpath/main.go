// Command sparkpath measures the overhead of the worker: the rows per second of a
// query over short texts with a function without a model (firesteel_echo),
// compared with the same query with a built-in function and, if Python has
// PySpark, with a pandas UDF.
//
// In each round the functions run one after another on the same server, and the
// ratios compare times of the same round.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/worker"
)

// settings are the options of the command line.
type settings struct {
	rows, rounds, cores int
	python              string
	server              localspark.Options
}

func main() {
	worker.Main()
	var s settings
	flag.IntVar(&s.rows, "rows", 1_000_000, "rows of a query")
	flag.IntVar(&s.rounds, "rounds", 7, "measured rounds, after one round to warm up")
	flag.IntVar(&s.cores, "cores", runtime.NumCPU(), "Spark's cores, and partitions of the table")
	flag.StringVar(&s.python, "python", "python3", "a Python with pyspark of the server's version, pandas, pyarrow and grpcio")
	flag.StringVar(&s.server.Version, "spark-version", localspark.DefaultVersion, "the Spark to measure")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "sparkpath:", err)
		os.Exit(1)
	}
}

// contestant is one function to measure. run runs the query and checks its
// result.
type contestant struct {
	name  string
	run   func(context.Context) error
	times []time.Duration
}

func measure(ctx context.Context, s settings) error {
	s.server.Master = fmt.Sprintf("local[%d]", s.cores)
	s.server.FullJIT = true // as on a long-running server
	s.server.Progress = fetch.NewProgress(os.Stderr)
	server, err := localspark.Start(ctx, s.server)
	if err != nil {
		return err
	}
	defer server.Stop()
	session, err := spark.Connect(ctx, server.URL(), spark.WithProgram())
	if err != nil {
		return err
	}
	defer session.Close()

	contestants := []*contestant{
		{name: "built-in upper", run: s.query(session, "upper")},
		{name: "firesteel_echo", run: s.query(session, "firesteel_echo")},
	}
	peer, err := startPandas(ctx, s, server)
	var missing missingError
	switch {
	case errors.As(err, &missing):
	case err != nil:
		return err
	default:
		defer peer.stop()
		contestants = append(contestants, &contestant{name: "pandas UDF", run: peer.run})
	}
	for round := range s.rounds + 1 {
		for _, c := range contestants {
			begin := time.Now()
			if err := c.run(ctx); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if took := time.Since(begin); round > 0 {
				c.times = append(c.times, took)
			}
		}
	}
	fmt.Printf("Spark %s, %d rows of about 10 bytes, %d cores, %d rounds\n\n", server.Spark().Version, s.rows, s.cores, s.rounds)
	report(os.Stdout, s.rows, contestants)
	if missing != "" {
		fmt.Printf("\nThe pandas UDF was not measured: %s\n", missing)
	}
	return nil
}

// statement returns the query with a function of one text.
func (s settings) statement(function string) string {
	return fmt.Sprintf("SELECT sum(length(%s(concat('row ', id)))) AS n FROM range(0, %d, 1, %d)", function, s.rows, s.cores)
}

// answer returns the expected result of the query.
func (s settings) answer() int64 {
	total := int64(0)
	for i := range s.rows {
		total += int64(len("row ") + len(fmt.Sprint(i)))
	}
	return total
}

func (s settings) query(session *spark.Session, function string) func(context.Context) error {
	want := s.answer()
	return func(ctx context.Context) error {
		df, err := session.SQL(ctx, s.statement(function))
		if err != nil {
			return err
		}
		row, _, err := df.First(ctx)
		if err != nil {
			return err
		}
		if got, err := spark.Get[int64](row, "n"); err != nil || got != want {
			return fmt.Errorf("the result is %d instead of %d (%v)", got, want, err)
		}
		return nil
	}
}

// report prints the rows per second, and the times relative to the first
// contestant's time of the same round.
func report(w io.Writer, rows int, contestants []*contestant) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tmin\tmedian\tmax\trows/s\ttime relative to %s: median (min to max)\t\n", contestants[0].name)
	for _, c := range contestants {
		ratios := make([]float64, len(c.times))
		for i := range c.times {
			ratios[i] = c.times[i].Seconds() / contestants[0].times[i].Seconds()
		}
		slices.Sort(ratios)
		times := slices.Sorted(slices.Values(c.times))
		median := times[len(times)/2]
		fmt.Fprintf(t, "%s\t%d ms\t%d ms\t%d ms\t%.0f\t%.2f (%.2f to %.2f)\t\n", c.name,
			times[0].Milliseconds(), median.Milliseconds(), times[len(times)-1].Milliseconds(),
			float64(rows)/median.Seconds(), ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1])
	}
	t.Flush()
}

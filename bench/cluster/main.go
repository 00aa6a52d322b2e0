// Command cluster measures the overhead of Spark for AI functions: the rows per
// second of ai_analyze_sentiment in a query, compared with the engine without
// Spark and with the same number of threads. It varies the number of executors,
// cores and tasks, the size of batches and the way to share the model.
//
// In each round Spark and the engine process the same new texts one after the
// other, so that no answer comes from a cache. The report has the elapsed time
// and the CPU time of all processes of the server and of the engine. Other
// programs on the machine affect the CPU time less.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/worker"
)

// setting is a configuration of Spark for the query.
type setting struct {
	name       string
	master     string
	threads    int // of the engine without Spark: the number of Spark's cores
	partitions int
	conf       map[string]string // of the server
	session    map[string]string
}

// oneExecutor is a cluster of one executor with two cores. Most settings use it.
const oneExecutor = "local-cluster[1,2,1024]"

const batchKey = "spark.sql.execution.arrow.maxRecordsPerBatch"

var settings = []setting{
	{name: "1 executor of 1 core", master: "local-cluster[1,1,1024]", threads: 1, partitions: 4},
	{name: "2 executors of 1 core", master: "local-cluster[2,1,1024]", threads: 2, partitions: 4},
	{name: "1 executor of 2 cores", master: oneExecutor, threads: 2, partitions: 4},
	{name: "  1 task of 2 CPUs", master: oneExecutor, threads: 2, partitions: 1, conf: map[string]string{"spark.task.cpus": "2"}},
	{name: "  2 tasks", master: oneExecutor, threads: 2, partitions: 2},
	{name: "  16 tasks", master: oneExecutor, threads: 2, partitions: 16},
	{name: "  64 tasks", master: oneExecutor, threads: 2, partitions: 64},
	{name: "  batches of 100 rows", master: oneExecutor, threads: 2, partitions: 4, session: map[string]string{batchKey: "100"}},
	{name: "  batches of 10 rows", master: oneExecutor, threads: 2, partitions: 4, session: map[string]string{batchKey: "10"}},
	{name: "  batches of 1 row", master: oneExecutor, threads: 2, partitions: 4, session: map[string]string{batchKey: "1"}},
	{name: "  a model for each task", master: oneExecutor, threads: 2, partitions: 4, conf: map[string]string{"spark.python.use.daemon": "false"}},
}

// options are the options of the command line.
type options struct {
	rows, rounds int
	model, only  string
}

func main() {
	worker.Main()
	var o options
	flag.IntVar(&o.rows, "rows", 400, "rows of a query")
	flag.IntVar(&o.rounds, "rounds", 5, "measured rounds, after one round to warm up")
	flag.StringVar(&o.model, "model", models.Default, "the model")
	flag.StringVar(&o.only, "only", "", "measure only settings whose name contains this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, o options) error {
	reference, err := models.Parse(o.model)
	if err != nil {
		return err
	}
	engine, err := models.Open(ctx, reference, models.Options{Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		return err
	}
	defer engine.Close()
	fmt.Printf("ai_analyze_sentiment of %d texts by %s, Spark %s, %d rounds in turn\n\n", o.rows, engine.Info().Name, localspark.DefaultVersion, o.rounds)
	t := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "\trows/s\tengine alone\ttime relative to it: median (min to max)\tCPU time relative to it")
	b := bench{options: o, engine: engine}
	for _, s := range settings {
		if !strings.Contains(s.name, o.only) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s\n", strings.TrimSpace(s.name))
		if err := b.measure(ctx, s, t); err != nil {
			return fmt.Errorf("%s: %w", strings.TrimSpace(s.name), err)
		}
	}
	return t.Flush()
}

type bench struct {
	options
	engine llm.Model
	texts  int // number of texts used so far
}

// cost is the elapsed time and the CPU time of a run.
type cost struct{ elapsed, cpu time.Duration }

func (b *bench) measure(ctx context.Context, s setting, out io.Writer) error {
	conf := map[string]string{"spark.driver.memory": "1g"}
	for k, v := range s.conf {
		conf[k] = v
	}
	server, err := localspark.Start(ctx, localspark.Options{Master: s.master, FullJIT: true, Conf: conf, Timeout: 10 * time.Minute, Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		return err
	}
	defer server.Stop()
	session, err := spark.Connect(ctx, server.URL(), spark.WithModel(b.model), spark.WithConnectTimeout(5*time.Minute))
	if err != nil {
		return err
	}
	defer session.Close()
	for k, v := range s.session {
		if err := session.Conf().Set(ctx, k, v); err != nil {
			return err
		}
	}
	b.engine.(interface{ SetThreads(int) }).SetThreads(s.threads)
	var sparkCosts, engineCosts []cost
	for round := range b.rounds + 1 {
		first := b.texts
		b.texts += b.rows
		sparkCost, positive, err := timed(func() (int64, error) { return b.query(ctx, session, s, first) }, func() (time.Duration, error) { return treeCPUTime(server.PID()) })
		if err != nil {
			return err
		}
		engineCost, enginePositive, err := timed(func() (int64, error) { return b.ask(ctx, first) }, ownCPUTime)
		if err != nil {
			return err
		}
		if positive != enginePositive {
			return fmt.Errorf("the query on Spark found %d positive texts, the engine %d", positive, enginePositive)
		}
		if round > 0 { // the first round loads the model
			sparkCosts, engineCosts = append(sparkCosts, sparkCost), append(engineCosts, engineCost)
		}
	}
	b.report(out, s, sparkCosts, engineCosts)
	return nil
}

// timed calls run and returns its cost and its result. cpuTime returns the CPU
// time used so far.
func timed(run func() (int64, error), cpuTime func() (time.Duration, error)) (cost, int64, error) {
	before, err := cpuTime()
	if err != nil {
		return cost{}, 0, err
	}
	begin := time.Now()
	answer, err := run()
	took := time.Since(begin)
	if err != nil {
		return cost{}, 0, err
	}
	after, err := cpuTime()
	return cost{took, after - before}, answer, err
}

// textForm is the format of the texts, which differ by a number. Spark and the
// engine create the same texts from it.
const textForm = "Parcel %d came two weeks late, but the screen is bright and sharp and I like it."

func (b *bench) query(ctx context.Context, session *spark.Session, s setting, first int) (int64, error) {
	df, err := session.SQL(ctx, fmt.Sprintf("SELECT count_if(ai_analyze_sentiment(format_string('%s', id)) = 'positive') AS n FROM range(%d, %d, 1, %d)",
		textForm, first, first+b.rows, s.partitions))
	if err != nil {
		return 0, err
	}
	row, _, err := df.First(ctx)
	if err != nil {
		return 0, err
	}
	return spark.Get[int64](row, "n")
}

func (b *bench) ask(ctx context.Context, first int) (int64, error) {
	f, err := ai.Lookup("ai_analyze_sentiment")
	if err != nil {
		return 0, err
	}
	rows := make([]ai.Row, b.rows)
	for i := range rows {
		rows[i] = ai.Row{fmt.Sprintf(textForm, first+i)}
	}
	answers, err := f.Eval(ctx, func(context.Context, llm.ModelRole, string) (llm.Model, error) { return b.engine, nil }, rows)
	if err != nil {
		return 0, err
	}
	n := int64(0)
	for _, a := range answers {
		if a.Err != nil {
			return 0, a.Err
		}
		if a.Value == "positive" {
			n++
		}
	}
	return n, nil
}

// report prints the medians and the ratios of Spark and the engine per round.
func (b *bench) report(out io.Writer, s setting, sparkCosts, engineCosts []cost) {
	var sparkTime, engineTime, ratio, cpuRatio []float64
	for i := range sparkCosts {
		sparkTime, engineTime = append(sparkTime, sparkCosts[i].elapsed.Seconds()), append(engineTime, engineCosts[i].elapsed.Seconds())
		ratio = append(ratio, sparkCosts[i].elapsed.Seconds()/engineCosts[i].elapsed.Seconds())
		cpuRatio = append(cpuRatio, sparkCosts[i].cpu.Seconds()/engineCosts[i].cpu.Seconds())
	}
	for _, values := range [][]float64{sparkTime, engineTime, ratio, cpuRatio} {
		slices.Sort(values)
	}
	last, middle := len(ratio)-1, len(ratio)/2
	fmt.Fprintf(out, "%s\t%.1f\t%.1f\t%.2f (%.2f to %.2f)\t%.2f (%.2f to %.2f)\n", s.name, float64(b.rows)/sparkTime[middle], float64(b.rows)/engineTime[middle],
		ratio[middle], ratio[0], ratio[last], cpuRatio[middle], cpuRatio[0], cpuRatio[last])
}

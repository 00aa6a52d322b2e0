// Command sembench runs the ten queries of SemBench's movie scenario (arXiv
// 2511.01716) as SQL on a stock Spark with local models, and prints the accuracy of
// each, as the benchmark computes it, beside the accuracies that its authors measured
// with other systems and Gemini 2.5 Flash.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/sqlscript"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/worker"
)

//go:embed movie.sql
var script string

func main() {
	worker.Main()
	data := flag.String("data", "", "folder with Reviews_2000.csv and Movies_2000.csv of github.com/SemBench/SemBench")
	model := flag.String("model", "", "text model (default: the catalogue's)")
	ledger := flag.String("ledger", "", "folder that keeps answers from query to query (default: an empty one for each query)")
	only := flag.String("queries", "", "numbers of the queries to run, such as 2,9 (default: all)")
	version := flag.String("spark-version", localspark.DefaultVersion, "the Spark to run on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, benchmark{*data, *model, *ledger}, *only, *version); err != nil {
		fmt.Fprintln(os.Stderr, "sembench:", err)
		os.Exit(1)
	}
}

// benchmark is what the queries run on.
type benchmark struct{ data, model, ledger string }

func run(ctx context.Context, b benchmark, only, version string) error {
	if b.data == "" {
		return errors.New("name the folder of the data by -data")
	}
	t, err := readTruth(b.data)
	if err != nil {
		return err
	}
	server, err := localspark.Start(ctx, localspark.Options{Version: version, Master: "local[2]", FullJIT: true, Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		return err
	}
	defer server.Stop()
	out := tabwriter.NewWriter(os.Stdout, 9, 0, 2, ' ', 0)
	fmt.Fprintln(out, "query\taccuracy\tseconds\tcalls\tasked\ttokens\tBigQuery\tLOTUS\tPalimpzest\tThalamusDB")
	total := 0.0
	for i, q := range queries() {
		if only != "" && !slices.Contains(strings.Split(only, ","), strconv.Itoa(i+1)) {
			continue
		}
		got, err := b.ask(ctx, server.URL(), q)
		if err != nil {
			return fmt.Errorf("Q%d: %w", i+1, err)
		}
		accuracy, err := t.accuracy(i+1, got.rows)
		if err != nil {
			return fmt.Errorf("Q%d: %w", i+1, err)
		}
		if i < 8 {
			total += accuracy
		}
		fmt.Fprintf(out, "Q%d\t%.3f\t%.1f\t%d\t%d\t%d\t%s\n", i+1, accuracy, got.took.Seconds(), got.calls, got.asked, got.tokens, strings.Join(published[i], "\t"))
		if err := out.Flush(); err != nil {
			return err
		}
	}
	if only == "" {
		fmt.Fprintf(out, "mean of Q1 to Q8\t%.3f\n", total/8)
	}
	return out.Flush()
}

// answer is the result of a query, and what it took.
type answer struct {
	rows [][]any
	took time.Duration
	// calls are the calls of AI functions, asked the distinct ones that the model
	// answered, and tokens those of the prompts and the answers.
	calls, asked, tokens int64
}

// ask runs a query in a session of its own.
func (b benchmark) ask(ctx context.Context, url, query string) (a answer, err error) {
	ledger := b.ledger
	if ledger == "" {
		if ledger, err = os.MkdirTemp("", "sembench"); err != nil {
			return a, err
		}
		defer os.RemoveAll(ledger)
	}
	options := []spark.Option{
		spark.WithAIFunctions(), spark.WithTransferProgress(fetch.NewProgress(os.Stderr)),
		spark.WithLedger(ledger), spark.WithModelAt(spark.AtSamePath, false),
	}
	if b.model != "" {
		options = append(options, spark.WithModel(b.model))
	}
	s, err := spark.Connect(ctx, url, options...)
	if err != nil {
		return a, err
	}
	defer s.Close()
	for view, file := range map[string]string{"reviews": reviewsFile, "movies": moviesFile} {
		path, err := filepath.Abs(filepath.Join(b.data, file))
		if err != nil {
			return a, err
		}
		table := s.Read().Option("header", "true").Option("multiLine", "true").Option("escape", `"`).CSV(path)
		// A CSV file with line breaks in its cells is one partition.
		if err := table.Repartition(4).CreateOrReplaceTempView(ctx, view); err != nil {
			return a, err
		}
	}
	begin := time.Now()
	if a.rows, err = collect(ctx, s, query); err != nil {
		return a, err
	}
	a.took = time.Since(begin)
	usage, err := s.Usage(ctx)
	for _, u := range usage {
		a.calls += u.Rows
		a.asked += u.Asked
		a.tokens += u.PromptTokens + u.OutputTokens
	}
	return a, err
}

// queries returns the statements of the script.
func queries() (all []string) {
	statements, _ := sqlscript.Split(script)
	for _, statement := range statements {
		all = append(all, statement.Text)
	}
	return all
}

func collect(ctx context.Context, s *spark.Session, query string) (table [][]any, err error) {
	d, err := s.SQL(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := d.Collect(ctx)
	for _, r := range rows {
		cells := make([]any, r.Len())
		for i := range cells {
			cells[i] = r.At(i)
		}
		table = append(table, cells)
	}
	return table, err
}

// published are the accuracies of BigQuery, LOTUS, Palimpzest and ThalamusDB with
// Gemini 2.5 Flash: means of five runs, published on 2025-10-01.
var published = [][]string{
	{"1.00", "1.00", "1.00", ".95"},
	{"1.00", "1.00", "1.00", ".92"},
	{".636", ".636", ".636", ".737"},
	{".636", ".636", ".737", ".737"},
	{".885", ".587", ".393", "1.00"},
	{".692", ".667", ".829", ".842"},
	{".695", ".208", ".679", ".569"},
	{".756", ".925", ".861", ".832"},
	{".776", ".748", ".780", "-"},
	{".438", ".404", ".420", "-"},
}

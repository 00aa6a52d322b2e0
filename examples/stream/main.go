// Command stream labels a stream of reviews. It reads new text files in the folder
// in/, one review per line, and writes labelled ones to out/. After a restart it
// continues from its checkpoint. SPARK_REMOTE is the address of a Spark server;
// the folders are on its file system.
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
	worker.Main() // on an executor, this call serves tasks and does not return
	if len(os.Args) != 2 {
		log.Fatal("usage: stream FOLDER, which contains in/, out/ and checkpoint/")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(folder string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	session, err := spark.Connect(ctx, os.Getenv("SPARK_REMOTE"), spark.WithModel("smollm2-135m"))
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

// Command kafka labels the messages of a Kafka topic and writes them to another
// topic, with the same key and a JSON value of text and mood. After a restart it
// continues from its checkpoint, a folder on Spark's file system. SPARK_REMOTE is
// the address of a Spark server with the package spark-sql-kafka-0-10.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/worker"
)

func main() {
	worker.Main() // on an executor, this call serves tasks and does not return
	if len(os.Args) != 5 {
		log.Fatal("usage: kafka BROKERS FROM TO CHECKPOINT, as in: kafka localhost:9092 reviews moods /data/checkpoint")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		log.Fatal(err)
	}
}

func run(brokers, from, to, checkpoint string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	session, err := spark.Connect(ctx, os.Getenv("SPARK_REMOTE"), spark.WithModel("smollm2-135m"))
	if err != nil {
		return err
	}
	defer session.Close()

	query, err := session.ReadStream().Format("kafka").Option("kafka.bootstrap.servers", brokers).
		Option("subscribe", from).Option("startingOffsets", "earliest").Option("maxOffsetsPerTrigger", "1000").Load().
		Select(spark.Col("key"), spark.Expr("CAST(value AS STRING) AS text")).
		WithColumn("mood", ai.AnalyzeSentiment(spark.Col("text"))).
		Select(spark.Col("key"), spark.Expr("if(text IS NULL, NULL, to_json(struct(text, mood))) AS value")).
		WriteStream().Format("kafka").Option("kafka.bootstrap.servers", brokers).Option("topic", to).
		Checkpoint(checkpoint).Start(ctx, "")
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
		fmt.Printf("batch %d: %d messages in %d ms\n", batch.BatchID, batch.NumInputRows, batch.BatchDuration)
	}
	return nil
}

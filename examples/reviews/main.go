// Command reviews labels a few reviews. SPARK_REMOTE is the address of a Spark
// server, such as the one that 'firesteel demo --keep-spark' leaves running.
package main

import (
	"context"
	"log"
	"os"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/worker"
)

type review struct {
	ID   int64  `spark:"id"`
	Text string `spark:"text"`
}

func main() {
	worker.Main() // on an executor, this call serves tasks and does not return

	ctx := context.Background()
	session, err := spark.Connect(ctx, os.Getenv("SPARK_REMOTE"), spark.WithModel("smollm2-135m"))
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	reviews, err := session.CreateDataFrame(ctx, []review{
		{1, "The parcel came two weeks late."},
		{2, "My card was charged twice."},
		{3, "The screen is bright and sharp, I love it."},
	})
	if err != nil {
		log.Fatal(err)
	}
	err = reviews.
		WithColumn("mood", ai.AnalyzeSentiment(spark.Col("text"))).
		WithColumn("topic", ai.Classify(spark.Col("text"), "delivery", "billing", "product")).
		Show(ctx, 20, false)
	if err != nil {
		log.Fatal(err)
	}
}

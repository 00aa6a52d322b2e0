// Command rate declares a function that asks the model how urgent a message is,
// and calls it in SQL. Spark's executors run the function in this program.
// SPARK_REMOTE is the address of a Spark server, such as the one that
// 'firesteel demo --keep-spark' leaves running.
package main

import (
	"context"
	"log"
	"os"

	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/udf"
	"github.com/firesteel/firesteel/worker"
)

var urgency = udf.Func("urgency", func(ctx context.Context, messages []string) ([]*string, error) {
	model, err := udf.Model(ctx)
	if err != nil {
		return nil, err
	}
	requests := make([]llm.Request, len(messages))
	for i, m := range messages {
		requests[i] = llm.Request{
			Prefix:     "How soon must each message to a help desk be answered?\n",
			Text:       "Message: " + m + "\nAnswer:",
			Constraint: llm.Choice{Labels: []string{" today", " this week", " never"}},
		}
	}
	results, err := model.Do(ctx, requests)
	answers := make([]*string, len(results)) // nil is NULL
	for i, r := range results {
		if r.Err == nil {
			answers[i] = &r.Text
		}
	}
	return answers, err
})

func main() {
	worker.Main() // on an executor, this call serves tasks and does not return

	ctx := context.Background()
	session, err := spark.Connect(ctx, os.Getenv("SPARK_REMOTE"), spark.WithModel("smollm2-135m"))
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	df, err := session.SQL(ctx, `SELECT message, `+urgency.Name()+`(message) AS urgency FROM VALUES
		('The building is on fire!'), ('Thank you for the nice talk.') AS t(message)`)
	if err != nil {
		log.Fatal(err)
	}
	if err := df.Show(ctx, 20, false); err != nil {
		log.Fatal(err)
	}
}

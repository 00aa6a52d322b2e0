//go:build linux

package integration

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// lakeSpark is the Spark version of tests with third-party packages, whose releases
// for a new Spark come later than Spark.
const lakeSpark = "4.2.1"

// kafkaPackage is spark-sql-kafka-0-10 and its dependencies.
var kafkaPackage = []string{
	"org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0", "org.apache.spark:spark-token-provider-kafka-0-10_2.13:4.2.0",
	"org.apache.kafka:kafka-clients:3.9.2", "org.apache.commons:commons-pool2:2.13.1",
}

// messages are the texts of messages, and the model's answers. The first text is
// NULL in the topic.
var messages = []struct{ text, mood string }{
	{"NULL", "NULL"}, {"", "NULL"},
	{"It is a good test for Spark.", "positive"}, {"Spark DataFrames are powerful.", "positive"},
	{"LLMs could be very slow.", "negative"}, {"It is a naive statement.", "negative"},
}

// Streams read messages from Kafka, label them, and write them to files and to
// Kafka. The server is killed between their batches, and another server continues
// from the checkpoints. The files contain each message once. The topic contains
// each message once, or twice if it was in the interrupted batch, with the same
// label.
func TestKafkaStream(t *testing.T) {
	t.Parallel()
	testkit.Integration(t)
	options := localspark.Options{
		Version: lakeSpark, Master: "local[2]",
		Conf: map[string]string{"spark.jars": strings.Join(jars(t, kafkaPackage...), ",")},
	}
	k := kafkaTest{newStreams(t), startKafka(t)}
	server, err := localspark.Start(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	s := k.connect(server.URL())
	k.produce(s, 0, 10)
	k.start(s, false)
	await(t, "no batch ends", func() bool {
		return batches(t, k.path("checkpoint"), "commits") > 0 && batches(t, k.path("checkpoint-topic"), "commits") > 0
	})
	// The streams have caught up, so the messages that follow are in batches that
	// are running or to come.
	k.produce(s, 10, 30)
	await(t, "no batch begins", func() bool { return underWay(t, k.path("checkpoint")) || underWay(t, k.path("checkpoint-topic")) })
	if err := syscall.Kill(server.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = server.Stop()
	before := committed(t, k.path("out"))

	s = k.connect(lakes[0].server(t).URL())
	k.produce(s, 40, 20)
	for _, q := range k.start(s, true) {
		if err := q.AwaitTermination(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if all := committed(t, k.path("out")); before == 0 || before >= 8 || all < 12 {
		t.Errorf("the server was killed when %d batches were in the sink, of %d at the end, so the kill did not interrupt the streams", before, all)
	}

	rows, err := s.Read().Schema("`partition` INT, `offset` BIGINT, id STRING, text STRING, mood STRING, echo STRING").JSON(k.path("out")).
		Select(exprs("id", "concat(partition, '-', offset) AS place", "concat_ws('|', coalesce(text, 'NULL'), coalesce(mood, 'NULL'), coalesce(echo, 'NULL')) AS answer")...).Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	places := map[any]bool{}
	k.check("files", rows, func(row spark.Row) {
		if places[row.At(1)] {
			t.Errorf("the files contain the message at %v twice", row.At(1))
		}
		places[row.At(1)] = true
	})
	if len(rows) != 60 {
		t.Errorf("%d rows are in the files", len(rows))
	}
	rows, err = s.Read().Format("kafka").Option("kafka.bootstrap.servers", k.broker).Option("subscribe", "moods").Load().
		Select(exprs("CAST(key AS STRING)", "topic", "CAST(value AS STRING)")...).Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.check("the topic", rows, func(spark.Row) {})
	t.Logf("%d batches were in the files before the kill; %d messages are in the topic for 60", before, len(rows))
}

// kafkaTest holds the folders and the broker of a test.
type kafkaTest struct {
	streams
	broker string
}

// produce sends n messages, numbered from the number from, to the topic reviews.
func (k kafkaTest) produce(s *spark.Session, from, n int) {
	k.t.Helper()
	type message struct {
		Key   string  `spark:"key"`
		Value *string `spark:"value"`
	}
	var all []message
	for i := from; i < from+n; i++ {
		m := message{Key: fmt.Sprint(i)}
		if text := messages[i%len(messages)].text; text != "NULL" {
			m.Value = &text
		}
		all = append(all, m)
	}
	rows, err := s.CreateDataFrame(k.t.Context(), all)
	if err == nil {
		err = rows.Write().Format("kafka").Mode("append").Option("kafka.bootstrap.servers", k.broker).Option("topic", "reviews").Save(k.t.Context(), "")
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

// start labels the topic reviews, five messages in each batch, in two queries: one
// writes files, the other the topic moods. They end with the messages of now, or
// wait for more.
func (k kafkaTest) start(s *spark.Session, ends bool) (queries []*spark.StreamingQuery) {
	k.t.Helper()
	labelled := s.ReadStream().Format("kafka").Option("kafka.bootstrap.servers", k.broker).Option("subscribe", "reviews").
		Option("startingOffsets", "earliest").Option("maxOffsetsPerTrigger", "5").Load().
		Select(exprs("partition", "offset", "CAST(key AS STRING) AS id", "CAST(value AS STRING) AS text")...).
		WithColumn("mood", ai.AnalyzeSentiment(spark.Col("text"))).
		WithColumn("echo", spark.Call("firesteel_echo", spark.Col("text")))
	files := k.output(labelled)
	topic := labelled.Select(exprs("id AS key", "concat_ws('|', coalesce(text, 'NULL'), coalesce(mood, 'NULL'), coalesce(echo, 'NULL')) AS value")...).
		WriteStream().Format("kafka").Option("kafka.bootstrap.servers", k.broker).Option("topic", "moods").
		Checkpoint(k.path("checkpoint-topic"))
	for _, w := range []struct {
		spark.DataStreamWriter
		path string
	}{{files, k.path("out")}, {topic, ""}} {
		if ends {
			w.DataStreamWriter = w.AvailableNow()
		}
		q, err := w.Start(k.t.Context(), w.path)
		if err != nil {
			k.t.Fatal(err)
		}
		queries = append(queries, q)
	}
	return queries
}

// check compares rows (id, any column, answer) with the messages: each message is
// in a row, with its answer.
func (k kafkaTest) check(where string, rows []spark.Row, each func(spark.Row)) {
	k.t.Helper()
	found := map[any]bool{}
	for _, row := range rows {
		each(row)
		found[row.At(0)] = true
		i := 0
		if _, err := fmt.Sscan(fmt.Sprint(row.At(0)), &i); err != nil {
			k.t.Fatalf("%s: the id %v: %v", where, row.At(0), err)
		}
		m := messages[i%len(messages)]
		if want := m.text + "|" + m.mood + "|" + m.text; row.At(2) != want {
			k.t.Errorf("%s: message %d is %v, want %s", where, i, row.At(2), want)
		}
	}
	if len(found) != 60 {
		k.t.Errorf("%s: %d of 60 messages were found", where, len(found))
	}
}

// exprs returns columns for SQL expressions.
func exprs(sql ...string) (columns []spark.Column) {
	for _, e := range sql {
		columns = append(columns, spark.Expr(e))
	}
	return columns
}

//go:build linux

package integration

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// lakeSpark is the Spark of tests with packages of others, which come for a new
// Spark later than the Spark does.
const lakeSpark = "4.2.1"

// kafkaPackage is spark-sql-kafka-0-10 with what it needs.
var kafkaPackage = []string{
	"org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0", "org.apache.spark:spark-token-provider-kafka-0-10_2.13:4.2.0",
	"org.apache.kafka:kafka-clients:3.9.2", "org.apache.commons:commons-pool2:2.13.1",
}

// said are texts of messages, and what the model says of them. The first is
// NULL in the topic.
var said = []struct{ text, mood string }{
	{"NULL", "NULL"}, {"", "NULL"},
	{"It is a good test for Spark.", "positive"}, {"Spark DataFrames are powerful.", "positive"},
	{"LLMs could be very slow.", "negative"}, {"It is a naive statement.", "negative"},
}

// A stream from Kafka, labelled, into files and into Kafka. Its server is killed
// in the midst; the next one goes on from the checkpoints. In the files each
// message is there once. In the topic it is there once or, of the batch that was
// killed, twice and the same.
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
	k.produce(s, 0, 40)
	files, topic := k.start(s)
	// In the midst: each has done batches, and has more to do.
	for begin := time.Now(); !k.inBatch(files, 1) || !k.inBatch(topic, 1); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatal("no batch ends")
		}
	}
	if err := syscall.Kill(server.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = server.Stop()
	before := committed(t, k.path("out"))

	s = k.connect(lakes[0].server(t).URL())
	k.produce(s, 40, 20)
	files, topic = k.start(s)
	for _, q := range []*spark.StreamingQuery{files, topic} {
		if err := q.AwaitTermination(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if all := committed(t, k.path("out")); before == 0 || before >= 8 || all < 12 {
		t.Errorf("the server was killed when %d batches were in the sink, of %d in the end: not in the midst", before, all)
	}

	rows, err := s.Read().Schema("`partition` INT, `offset` BIGINT, id STRING, text STRING, mood STRING, echo STRING").JSON(k.path("out")).
		Select(exprs("id", "concat(partition, '-', offset) AS place", "concat_ws('|', coalesce(text, 'NULL'), coalesce(mood, 'NULL'), coalesce(echo, 'NULL')) AS answer")...).Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	places := map[any]bool{}
	k.check("files", rows, func(row spark.Row) {
		if places[row.At(1)] {
			t.Errorf("the message at %v is in the files again", row.At(1))
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

// kafkaTest is a test's folders and broker.
type kafkaTest struct {
	streams
	broker string
}

// produce sends n messages, numbered from a number on, to the topic reviews.
func (k kafkaTest) produce(s *spark.Session, from, n int) {
	k.t.Helper()
	type message struct {
		Key   string  `spark:"key"`
		Value *string `spark:"value"`
	}
	var all []message
	for i := from; i < from+n; i++ {
		m := message{Key: fmt.Sprint(i)}
		if text := said[i%len(said)].text; text != "NULL" {
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

// start labels what is in the topic reviews, five messages a batch, in two
// queries: into files, and into the topic moods.
func (k kafkaTest) start(s *spark.Session) (files, topic *spark.StreamingQuery) {
	k.t.Helper()
	labelled := s.ReadStream().Format("kafka").Option("kafka.bootstrap.servers", k.broker).Option("subscribe", "reviews").
		Option("startingOffsets", "earliest").Option("maxOffsetsPerTrigger", "5").Load().
		Select(exprs("partition", "offset", "CAST(key AS STRING) AS id", "CAST(value AS STRING) AS text")...).
		WithColumn("mood", ai.AnalyzeSentiment(spark.Col("text"))).
		WithColumn("echo", spark.Call("firesteel_echo", spark.Col("text")))
	files, err := k.output(labelled).AvailableNow().Start(k.t.Context(), k.path("out"))
	if err != nil {
		k.t.Fatal(err)
	}
	topic, err = labelled.Select(exprs("id AS key", "concat_ws('|', coalesce(text, 'NULL'), coalesce(mood, 'NULL'), coalesce(echo, 'NULL')) AS value")...).
		WriteStream().Format("kafka").Option("kafka.bootstrap.servers", k.broker).Option("topic", "moods").
		Checkpoint(k.path("checkpoint-topic")).AvailableNow().Start(k.t.Context(), "")
	if err != nil {
		k.t.Fatal(err)
	}
	return files, topic
}

// inBatch says whether a query has ended a batch.
func (k kafkaTest) inBatch(q *spark.StreamingQuery, batch int64) bool {
	k.t.Helper()
	p, err := q.LastProgress(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	return p != nil && p.BatchID >= batch
}

// check compares rows of id, something and answer with what was sent: each
// message is there, and answered as it ought to be.
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
		m := said[i%len(said)]
		if want := m.text + "|" + m.mood + "|" + m.text; row.At(2) != want {
			k.t.Errorf("%s: message %d is %v, want %s", where, i, row.At(2), want)
		}
	}
	if len(found) != 60 {
		k.t.Errorf("%s: %d of 60 messages are there", where, len(found))
	}
}

// exprs are columns written as SQL.
func exprs(sql ...string) (columns []spark.Column) {
	for _, e := range sql {
		columns = append(columns, spark.Expr(e))
	}
	return columns
}

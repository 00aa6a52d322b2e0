//go:build linux

package integration

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// review is a row of the Amazon part of UCI's "Sentiment Labelled Sentences".
type review struct {
	ID       int64  `spark:"id"`
	Sentence string `spark:"sentence"`
	Gold     string `spark:"gold"`
}

func amazon(t *testing.T) []review {
	t.Helper()
	file, err := os.Open(testkit.Data(t, "data/uci-sentiment/amazon_cells_labelled.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	names := map[string]string{"0": "negative", "1": "positive"}
	var reviews []review
	for lines := bufio.NewScanner(file); lines.Scan(); {
		sentence, gold, _ := strings.Cut(lines.Text(), "\t")
		if names[gold] == "" {
			t.Fatalf("line %d: label %q", len(reviews)+1, gold)
		}
		reviews = append(reviews, review{int64(len(reviews)), sentence, names[gold]})
	}
	if len(reviews) != 1000 {
		t.Fatalf("%d reviews", len(reviews))
	}
	return reviews
}

// The default model is right for 900 of 1000 reviews in Spark SQL. No answer depends
// on the partitions or on the other rows.
func TestSentimentOfReviews(t *testing.T) {
	t.Parallel()
	testkit.Integration(t)
	all := amazon(t)
	var first map[int64]string
	for _, c := range []struct{ rows, partitions int }{{1000, 3}, {150, 1}, {150, 8}} {
		reviews, partitions := all[:c.rows], c.partitions
		// Each session has a worker of its own, which has no answers yet.
		session := connect(t, testkit.SharedSpark(t))
		df, err := session.CreateDataFrame(t.Context(), reviews)
		if err != nil {
			t.Fatal(err)
		}
		if err := df.Repartition(partitions).CreateOrReplaceTempView(t.Context(), "reviews"); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		rows := query(t, session, "SELECT id, gold, ai_analyze_sentiment(sentence) AS sentiment FROM reviews")
		t.Logf("%d partitions: %.1f rows/s", partitions, float64(len(rows))/time.Since(begin).Seconds())
		answers, right := map[int64]string{}, 0
		for _, row := range rows {
			id, _ := spark.Get[int64](row, "id")
			gold, _ := spark.Get[string](row, "gold")
			answer, err := spark.Get[string](row, "sentiment")
			if err != nil {
				t.Fatal(err)
			}
			answers[id] = answer
			if answer == gold {
				right++
			}
		}
		if len(answers) != len(reviews) {
			t.Fatalf("%d answers", len(answers))
		}
		if first == nil {
			first = answers
			t.Logf("accuracy %.3f", float64(right)/float64(len(reviews)))
			if right < 900 {
				t.Errorf("%d of %d answers are right; want 900", right, len(reviews))
			}
		}
		for id, answer := range answers {
			if first[id] != answer {
				t.Errorf("row %d: %s in one of 3 partitions of 1000 rows, %s in one of %d of %d rows", id, first[id], answer, partitions, c.rows)
			}
		}
	}
}

// The functions in Go give the same answers. NULL and blank texts do not reach the
// model.
func TestFunctionsOverRows(t *testing.T) {
	t.Parallel()
	session := connect(t, testkit.SharedSpark(t))
	s := func(text string) *string { return &text }
	df, err := session.CreateDataFrame(t.Context(), []struct {
		Text *string `spark:"text"`
	}{{nil}, {s("")}, {s(" \t\n")}, {s("My card was charged twice.")}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := df.Select(
		ai.AnalyzeSentiment(spark.Col("text")).Alias("sentiment"),
		ai.Classify(spark.Col("text"), "billing", "delivery", "product").Alias("topic"),
		ai.Gen(spark.Col("text")).Alias("answer"),
	).Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		for _, name := range row.Names() {
			value, _ := row.Value(name)
			if text, _ := value.(string); (i < 3) != (value == nil) || i == 3 && text == "" {
				t.Errorf("row %d, %s: %#v", i, name, value)
			}
		}
	}
	if topic, _ := rows[3].Value("topic"); topic != "billing" {
		t.Errorf("topic: %v", topic)
	}

	// With try_, invalid labels are an error of their row only. Rows may have different
	// labels.
	rows = query(t, session, `SELECT try_ai_classify(text, labels).result AS label FROM VALUES
		('My card was charged twice.', ARRAY('billing', 'delivery')),
		('My card was charged twice.', ARRAY('billing', 'billing')),
		('My card was charged twice.', ARRAY()),
		('The striker scored twice in the final.', ARRAY('sports', 'politics')),
		('anything', NULL) AS t(text, labels)`)
	for i, want := range []any{"billing", nil, nil, "sports", nil} {
		if got, _ := rows[i].Value("label"); got != want {
			t.Errorf("row %d: %v, want %v", i, got, want)
		}
	}

	// A batch with several functions, one of them on the answer of another; a text of
	// 2 MB; batches without rows.
	rows = query(t, session, `SELECT ai_analyze_sentiment(text) AS a, ai_classify(ai_analyze_sentiment(text), ARRAY('positive', 'negative')) AS b,
		length(firesteel_echo(text)) AS n FROM (SELECT repeat('I love it, it works perfectly. ', 70000) AS text)`)
	if got := rows[0].String(); len(rows) != 1 || !strings.Contains(got, "positive") || !strings.Contains(got, "2170000") {
		t.Errorf("2 MB: %s", got)
	}
	if rows := query(t, session, "SELECT ai_analyze_sentiment(CAST(id AS STRING)) FROM range(0, 100, 1, 4) WHERE id < 0"); len(rows) != 0 {
		t.Errorf("no rows: %v", rows)
	}
	if rows := query(t, session, "SELECT ai_analyze_sentiment(CAST(id AS STRING)) FROM range(0, 2, 1, 8)"); len(rows) != 2 {
		t.Errorf("8 partitions of 2 rows: %v", rows)
	}
}

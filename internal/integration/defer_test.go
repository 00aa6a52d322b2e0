//go:build linux

package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// In SQL of the client, calls in OR, CASE, IF and coalesce ask a model only about the rows that need
// them, and the values of the expressions are the same.
func TestCallsInConditions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{localspark.DefaultVersion, "3.5.1"} {
		t.Run(version, func(t *testing.T) { callsInConditions(t, version) })
	}
}

func callsInConditions(t *testing.T, version string) {
	file := randomModel(t, digestFile)
	s, err := spark.Connect(t.Context(), testkit.SharedSparkOf(t, version), spark.WithModel(file), spark.WithModelAt(spark.AtSamePath, false), spark.WithConnectTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	log := file + ".busy.log"
	for _, expression := range []string{
		"id < 90 OR ai_filter(content, 'it is a text')",
		"CASE WHEN id < 90 THEN false WHEN ai_filter(content, 'it is a text') THEN true END",
		"IF(id < 90, '', ai_summarize(content, 1)) <> 'x'",
		"coalesce(IF(id < 90, 'x', NULL), ai_summarize(content, 1)) <> 'x'",
	} {
		if err := os.WriteFile(log, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		query(t, s, "SELECT count(*) FROM (SELECT id, concat('text number ', id, ' ') AS content FROM range(0, 100, 1, 1)) WHERE "+expression)
		asked, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		for id := range 100 {
			if strings.Contains(string(asked), fmt.Sprintf("text number %d", id)+" ") != (id >= 90) && strings.Contains(string(asked), fmt.Sprintf("text number %d\n", id)) != (id >= 90) {
				t.Errorf("%s: asked about row %d: %t", expression, id, id < 90)
				break
			}
		}
	}
	callsAtJoins(t, s, log)

	// The summary of a word is the word, without a model.
	const call, plain = "ai_summarize(x, 5) = 'yes'", "x = 'yes'"
	var calls, plains []string
	for _, of := range []string{
		"a OR @", "b AND @ OR a", "@ AND b OR a AND @ OR NOT b", "NOT (a OR @)", "(a OR NOT @) IS NULL", "CASE WHEN a THEN @ WHEN @ THEN b ELSE NOT @ END",
		"CASE WHEN @ THEN a WHEN b THEN a OR @ END", "IF(a, @, b)", "IF(a OR @, b AND @, @)", "coalesce(b, @)", "coalesce(a, b, @)", "b = (a OR @)",
	} {
		calls, plains = append(calls, strings.ReplaceAll(of, "@", call)), append(plains, strings.ReplaceAll(of, "@", plain))
	}
	from := " FROM VALUES (true), (false), (NULL) AS t(a), VALUES (true), (false), (NULL) AS u(b), VALUES ('yes'), ('no'), (NULL) AS v(x)"
	rows := query(t, s, "SELECT "+strings.Join(calls, ", ")+", "+strings.Join(plains, ", ")+from)
	if len(rows) != 27 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		for i := range calls {
			if got, want := row.At(i), row.At(len(calls)+i); got != want {
				t.Errorf("%s: %v, want %v", calls[i], got, want)
			}
		}
	}
}

// callsAtJoins counts the texts that a model is asked about where a join keeps few rows of a side, and
// where it multiplies them. docs/sql.md has the numbers.
func callsAtJoins(t *testing.T, s *spark.Session, log string) {
	type row struct {
		K       int64  `spark:"k"`
		Content string `spark:"content"`
	}
	rows := make([]row, 100) // the content does not follow from k, so Spark infers nothing about it
	for i := range rows {
		rows[i] = row{int64(i), fmt.Sprintf("joined text %d.", i)}
	}
	a, err := s.CreateDataFrame(t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.CreateOrReplaceTempView(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from  string
		asked int
	}{
		{"a JOIN range(7) b ON a.k = b.id WHERE CALL", 7},
		{"a JOIN range(300) b ON a.k = b.id % 5 WHERE CALL AND b.id < 200", 5},
		{"a, range(7) b WHERE a.k = b.id AND CALL", 7},
		{"a LEFT SEMI JOIN range(7) b ON a.k = b.id WHERE CALL", 7},
		{"a LEFT ANTI JOIN range(7) b ON a.k = b.id WHERE NOT CALL OR a.k < 90", 10},
		{"a JOIN range(7) b ON a.k = b.id LEFT JOIN range(3) c ON a.k = c.id WHERE CALL", 7},
		{"a LEFT JOIN range(7) b ON a.k = b.id WHERE CALL", 100},
		{"a JOIN range(7) b ON a.k = b.id AND CALL", 100},
		{"a WHERE a.k IN (SELECT id FROM range(7)) AND CALL", 100},
		{"(SELECT * FROM a WHERE CALL) a JOIN range(7) b ON a.k = b.id", 100},
	} {
		if err := os.WriteFile(log, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		query(t, s, "SELECT count(*) FROM "+strings.ReplaceAll(c.from, "CALL", "ai_filter(a.content, 'it is a text')"))
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]bool{}
		for _, after := range strings.Split(string(b), "joined text ")[1:] {
			number, _, _ := strings.Cut(after, ".")
			texts[number] = true
		}
		if len(texts) != c.asked {
			t.Errorf("%s: asked about %d texts, want %d", c.from, len(texts), c.asked)
		}
		if c.asked == 100 { // it is as it was written
			continue
		}
		// A summary of a text that is short enough is the text.
		got := query(t, s, "SELECT count(*) FROM "+strings.ReplaceAll(c.from, "CALL", "ai_summarize(a.content, 50) LIKE '%t 1%'"))[0].At(0)
		want := query(t, s, "SELECT count(*) FROM "+strings.ReplaceAll(c.from, "CALL", "a.content LIKE '%t 1%'"))[0].At(0)
		if got != want {
			t.Errorf("%s: %v rows, want %v", c.from, got, want)
		}
	}
}

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

package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/spark"
)

const planOfTwoCalls = `== Physical Plan ==
AdaptiveSparkPlan isFinalPlan=false
+- Project [id#1L, pythonUDF0#9 AS label#4]
   +- ArrowEvalPython [ai_classify(text#2, [a,b])#8], [pythonUDF0#9], 200
      +- Project [id#1L, text#2]
         +- Filter (isnotnull(pythonUDF0#7) AND pythonUDF0#7)
            +- ArrowEvalPython [ai_filter(if (NOT coalesce((id#1L = k#3L), false)) null else text#2, it is a text)#6], [pythonUDF0#7], 200
               +- BroadcastHashJoin [id#1L], [k#3L], Inner, BuildRight, false
                  :- Filter (isnotnull(id#1L) AND (id#1L < 10))
                  :  +- FileScan parquet spark_catalog.default.reviews[id#1L,text#2]
                  +- BroadcastExchange HashedRelationBroadcastMode(List(input[0, bigint, false]),false), [plan_id=55]
                     +- Range (0, 7, step=1, splits=2)
`

func TestStepsOfPlan(t *testing.T) {
	steps := stepsOf(planOfTwoCalls)
	var got []string
	for _, s := range steps {
		got = append(got, s.text)
	}
	want := []string{"read (0, 7, step=1, splits=2)", "read parquet spark_catalog.default.reviews...", "filter (isnotnull(id) AND (id < 10))", "join", "ai_filter", "filter by the answer", "ai_classify"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if a, b := sifted(steps, "ai_classify"), sifted(steps, "ai_filter"); a != "ai_filter" || b != "" {
		t.Errorf("ai_classify is after %q, ai_filter after %q", a, b)
	}
}

// A call after a filter by an answer is estimated from the rows that the filter kept of the sample.
func TestSQLEstimate(t *testing.T) {
	rounds := [2]round{
		{uses: []spark.Usage{{Function: "ai_filter", Model: "m", Rows: 1000, Asked: 10, Skipped: 990, PromptTokens: 500, OutputTokens: 10}, {Function: "ai_classify", Model: "m", Rows: 4, Asked: 0, Skipped: 4}}, took: 9 * time.Second},
		{uses: []spark.Usage{{Function: "ai_filter", Model: "m", Rows: 1000, FromLedger: 10, Asked: 10, Skipped: 980, PromptTokens: 300, OutputTokens: 10}, {Function: "ai_classify", Model: "m", Rows: 5, Asked: 5, PromptTokens: 400, OutputTokens: 5}}, took: 3 * time.Second},
	}
	var b strings.Builder
	writeEstimate(&b, stepsOf(planOfTwoCalls), rounds, job.Price{PromptPerMillion: 100, OutputPerMillion: 1000}, true)
	want := `  ai_filter by m: 1000 rows, 980 of them without an answer; 40.0 tokens of prompt and 1.0 of answer a row, 40180 in all; price 4.9000
  ai_classify by m: about (5 of 20 rows of the sample meet ai_filter) 250 rows, 245 of them without an answer; 80.0 tokens of prompt and 1.0 of answer a row, 19845 in all; price 2.2050
  about 4m5s at the speed of the second round (15 rows in 3.0s), and a price of 7.1050; equal rows are asked once, and may make it less
`
	if b.String() != want {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	rounds[1] = round{uses: []spark.Usage{{Function: "ai_filter", Model: "m", Rows: 10, FromLedger: 10}}}
	writeEstimate(&b, nil, rounds, job.Price{}, false)
	if !strings.Contains(b.String(), "10 rows, 0 of them without an answer") || !strings.Contains(b.String(), "all answers are in the ledger now") {
		t.Error(b.String())
	}
}

func TestEstimatedStatements(t *testing.T) {
	for statement, want := range map[string]string{
		"SELECT 1": "SELECT 1", "with a as (select 1) table a": "with a as (select 1) table a",
		"INSERT INTO t (a, b) SELECT x FROM u":                         "SELECT x FROM u",
		"CREATE TABLE t USING parquet AS WITH a AS (SELECT 1) TABLE a": "WITH a AS (SELECT 1) TABLE a",
		"CREATE OR REPLACE TEMP VIEW v AS SELECT 1":                    "run",
		"SET a = 1":                 "run",
		"CREATE VIEW v AS SELECT 1": "",
		"CREATE TABLE t (a INT)":    "",
		"INSERT INTO t VALUES (1)":  "",
		"DROP TABLE t":              "",
		"MERGE INTO t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE": "",
		"BEGIN SELECT 1; END": "",
		"SHOW TABLES":         "",
	} {
		query, changes, reason := estimated(statement)
		if got := query; changes && want != "run" || !changes && got != want || (query == "" && !changes) != (reason != "") {
			t.Errorf("%s: %q, %v, %q", statement, query, changes, reason)
		}
	}
}

func TestExplainFlags(t *testing.T) {
	for _, f := range []sqlFlags{
		{estimate: sqlEstimate{on: true, sample: 32}},
		{estimate: sqlEstimate{on: true}, ledger: sparkLedgerFlags{dir: "/l"}},
		{estimate: sqlEstimate{on: true, sample: 32}, ledger: sparkLedgerFlags{dir: "/l"}, format: "csv"},
		{estimate: sqlEstimate{on: true, sample: 32}, ledger: sparkLedgerFlags{dir: "/l", budgetFlags: budgetFlags{maxTokens: new(int64)}}},
	} {
		if err := f.estimate.apply(&f); !errors.Is(err, errUsage) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	f := sqlFlags{estimate: sqlEstimate{on: true, sample: 5}, ledger: sparkLedgerFlags{dir: "/l"}}
	if err := f.estimate.apply(&f); err != nil || *f.ledger.sample != 5 {
		t.Error(err, f.ledger)
	}
}

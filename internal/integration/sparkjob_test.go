//go:build linux

package integration

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/job/onspark"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// reviewRows returns 90 rows: 30 texts, each three times. Every tenth row is NULL,
// and one text is too long for the model.
const reviewRows = `SELECT id, CAST(id % 5 AS INT) AS stars,
	CASE WHEN id = 7 THEN repeat('word ', 9000) WHEN id % 10 = 0 THEN NULL ELSE concat('This is item ', id % 30, '. It is ', if(id % 2 = 0, 'great', 'broken'), '.') END AS text
	FROM range(90)`

// A job on Spark asks the model once for each distinct input, counts every row as
// ok, NULL, error or skipped, and does not compute answers that its ledger has.
func TestSparkJob(t *testing.T) {
	t.Parallel()
	s := connect(t, testkit.SharedSpark(t))
	in, err := s.SQL(t.Context(), reviewRows)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := onspark.Schema(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	runs, ledger := 0, filepath.Join(folder, "ledger")
	do := func(spec job.Spec, ledger string) (job.Summary, []spark.Row) {
		t.Helper()
		runs++
		plan, err := spec.Bind(schema)
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(folder, "out", strings.Repeat("x", runs))
		result, err := onspark.Executor{
			Session: s, In: in, Ledger: ledger, Asked: func(asks []ai.Ask) []llm.Info {
				return slices.Repeat([]llm.Info{{Name: "default", Digest: "of the test"}}, len(asks))
			},
			Write: func(ctx context.Context, df *spark.DataFrame) error { return df.Write().Parquet(ctx, out) },
		}.Run(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := s.Read().Parquet(out).OrderBy(spark.Col("id")).Collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if result.Rows != result.OK+result.Null+result.Errors+result.Skipped || result.Rows != int64(len(rows)) {
			t.Errorf("%d rows are %d, %d, %d and %d of %d", result.Rows, result.OK, result.Null, result.Errors, result.Skipped, len(rows))
		}
		return result, rows
	}
	check := func(what string, r job.Summary, distinct, asked, ok, null, errors, skipped int64) {
		t.Helper()
		if r.Distinct() != distinct || r.Asked() != asked || r.OK != ok || r.Null != null || r.Errors != errors || r.Skipped != skipped {
			t.Errorf("%s: %d of %d inputs were asked; %d ok, %d NULL, %d errors, %d skipped; want %d of %d; %d, %d, %d, %d", what,
				r.Asked(), r.Distinct(), r.OK, r.Null, r.Errors, r.Skipped, asked, distinct, ok, null, errors, skipped)
		}
	}

	// 27 texts, NULL and the long one.
	plan := job.Spec{Add: []string{"feeling=ai_analyze_sentiment(text)", "good=ai_analyze_sentiment(text) = 'positive' AND stars > 1"}}
	first, rows := do(plan, "")
	check("no ledger", first, 29, 29, 81, 9, 0, 0)
	if names := strings.Join(rows[0].Names(), " "); names != "id stars text feeling good" {
		t.Errorf("the columns are %s", names)
	}
	if rows[2].At(3) != "positive" || rows[1].At(3) != "negative" || rows[10].At(3) != nil || rows[2].At(4) != true || rows[62].At(3) != rows[2].At(3) {
		t.Errorf("rows 1, 2, 10, 62: %v %v %v %v", rows[1], rows[2], rows[10], rows[62])
	}

	ledgerRows := func() int64 {
		t.Helper()
		n, err := s.Read().Parquet(filepath.Join(ledger, "ai_analyze_sentiment")).Count(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	result, again := do(plan, ledger)
	check("a new ledger", result, 29, 29, 81, 9, 0, 0)
	if n := ledgerRows(); n != 29 {
		t.Errorf("the ledger has %d rows", n)
	}
	for i := range rows {
		if rows[i].String() != again[i].String() {
			t.Errorf("row %d: %v, and with a ledger %v", i, rows[i], again[i])
		}
	}
	result, again = do(plan, ledger)
	check("a full ledger", result, 29, 0, 81, 9, 0, 0)
	if n := ledgerRows(); n != 29 {
		t.Errorf("after the second run the ledger has %d rows", n)
	}
	if again[2].At(3) != "positive" {
		t.Errorf("row 2 from the ledger: %v", again[2])
	}

	// The condition comes first, and its call too.
	result, rows = do(job.Spec{Where: "ai_analyze_sentiment(text) = 'positive' AND id < 30", Add: []string{"n=length(text)"}, Limit: new(int64(5))}, ledger)
	if result.Asked() != 0 || len(rows) != 5 || rows[0].At(0) != int64(2) {
		t.Errorf("with a condition %d were asked, and %d rows came: %v", result.Asked(), len(rows), rows)
	}

	// Rows that a budget does not reach are skipped; errors are reported.
	result, rows = do(job.Spec{Add: []string{"feeling=ai_analyze_sentiment(text)"}, Errors: "why", Budget: job.Budget{Rows: new(int64(20))}}, "")
	check("20 rows", result, 19, 19, 18, 2, 0, 70)
	if rows[25].At(4) != "skipped: the budget of 20 rows is used up" || rows[25].At(3) != nil || rows[2].At(4) != nil {
		t.Errorf("rows 2 and 25: %v %v", rows[2], rows[25])
	}
	failing := job.Spec{Where: "id IN (7, 10)", Add: []string{"tried=try_ai_gen(text)", "plain=ai_gen(text)"}, Errors: "why"}
	// A try_ function shares the answers of its function; an error is asked again.
	for _, asked := range []int64{2, 1} {
		result, rows = do(failing, ledger)
		check("an error", result, 4, asked, 0, 1, 1, 0)
		if why, _ := rows[0].At(5).(string); !strings.HasPrefix(why, "try_ai_gen: ") || rows[0].At(4) != nil || len(result.Examples) != 1 {
			t.Errorf("the error of row 7: %v, %v", rows[0].At(5), result.Examples)
		}
	}
	result, _ = do(job.Spec{Add: []string{"feeling=ai_analyze_sentiment(text)"}, Budget: job.Budget{Tokens: new(int64(1))}}, "")
	if result.Skipped == 0 || result.Waves != 1 || result.Reasons["the budget of 1 tokens is used up"] != result.Skipped {
		t.Errorf("with a budget of tokens: %d waves, %d skipped: %v", result.Waves, result.Skipped, result.Reasons)
	}
	for name, b := range map[string]job.Budget{
		"rows": {Rows: new(int64(0))}, "tokens": {Tokens: new(int64(0))}, "0s": {Time: new(time.Duration(0))},
	} {
		result, _ = do(job.Spec{Where: "id < 9", Add: []string{"feeling=ai_analyze_sentiment(text)"}, Budget: b}, "")
		if result.Asked() != 0 || result.Skipped != result.Rows || result.Rows != 9 {
			t.Errorf("a budget of 0 %s: %d asked, %+v", name, result.Asked(), result.Snapshot)
		}
	}
	if result, rows = do(job.Spec{Add: []string{"n=length(text)"}, Limit: new(int64(0))}, ""); len(rows) != 0 || result.Rows != 0 {
		t.Errorf("a limit of 0: %d rows", len(rows))
	}
	// Content of rows is in the column of errors, which is data, and not in the
	// errors of the summary.
	result, rows = do(job.Spec{Where: "id IN (1, 3)", Add: []string{"x=ai_translate(text, text)"}, Errors: "why"}, "")
	if len(result.Examples) == 0 || !strings.Contains(fmt.Sprint(rows), "This is item") || !strings.Contains(sensitive.Shown(result.Examples[0].Err), "This is item") {
		t.Errorf("the errors of rows 1 and 3: %v; %v", result.Examples, rows)
	}
	for _, f := range result.Examples {
		if text := f.Err.Error(); strings.Contains(text, "item") || !strings.Contains(text, "is not a known language") {
			t.Errorf("an error shows content: %s", text)
		}
	}
	tables, err := s.SQL(t.Context(), "SHOW VIEWS")
	if err != nil {
		t.Fatal(err)
	}
	if left, err := tables.Count(t.Context()); err != nil || left != 0 {
		t.Errorf("%d views are left: %v", left, err)
	}
}

//go:build linux

package integration

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/engine"
	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/job/inprocess"
	"github.com/firesteel/firesteel/internal/job/onspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
)

// typedRows are rows of every type that a sample hashes, and of a map.
const typedRows = `SELECT id, CAST(id % 100 AS TINYINT) AS small, CAST(id % 7 AS INT) AS stars,
	CASE id % 5 WHEN 0 THEN -0.0D WHEN 1 THEN double('NaN') WHEN 2 THEN NULL ELSE id / 3.0D END AS score, CAST(id AS FLOAT) / 8 AS ratio,
	CAST(id AS DECIMAL(9, 2)) / 100 AS price, CAST(id AS DECIMAL(10, 0)) * 1234567890123456.789012 AS large, id % 3 = 0 AS flag,
	date_add(DATE'1969-12-01', CAST(id AS INT)) AS day, timestamp_micros(id * 1234567891 - 99999999) AS at, CAST(timestamp_micros(id * 77777) AS TIMESTAMP_NTZ) AS local,
	CASE WHEN id = 7 THEN repeat('word ', 9000) WHEN id % 10 = 0 THEN NULL ELSE concat('Item ', id % 4, ' is ', if(id % 2 = 0, 'gréat', 'broken'), '. Write to a@b.com') END AS text,
	CAST(concat('b', id) AS BINARY) AS bytes, array(CAST(id AS INT), NULL, 3) AS list, named_struct('a', CAST(id AS SMALLINT), 'b', array(string(id))) AS info, map('k', id) AS tags
	FROM range(0, ROWS, 1, 3)`

// Both executors give the same rows and the same counts for each job.
func TestSparkJobEqualsProcess(t *testing.T) {
	t.Parallel()
	s := connect(t, testkit.SharedSpark(t))
	model, err := engine.Open(t.Context(), testkit.Model(t), engine.Options{Name: models.Default, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	folder := t.TempDir()
	table := func(rows int) string {
		df, err := s.SQL(t.Context(), strings.Replace(typedRows, "ROWS", fmt.Sprint(rows), 1))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, fmt.Sprint("in", rows))
		if err := df.Coalesce(1).Write().Parquet(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	small, large := table(40), table(2000)
	const mood = "mood=ai_analyze_sentiment(text)"
	for name, c := range map[string]struct {
		in   string
		spec job.Spec
	}{
		"sample":       {large, job.Spec{Sample: &job.Sample{Share: 0.1, Seed: 1}}},
		"another seed": {large, job.Spec{Sample: &job.Sample{Share: 0.5, Seed: 1 << 63}, Where: "flag", Add: []string{"n=length(text)"}}},
		"no row":       {small, job.Spec{Sample: &job.Sample{}}},
		"condition":    {small, job.Spec{Where: "id < 20 AND ai_analyze_sentiment(text) = 'positive'", Add: []string{mood, "long=length(text) > 5"}, Errors: "why"}},
		"rules":        {small, job.Spec{Add: []string{"masked=ai_mask(text, array('email'))"}, Errors: "why"}},
		"limit":        {small, job.Spec{Where: "id > 10", Add: []string{mood}, Limit: new(int64(9))}},
		"budget":       {small, job.Spec{Add: []string{mood, "n=length(text)"}, Errors: "why", Budget: job.Budget{Rows: new(int64(12))}}},
		// A NULL input needs no request: Spark skips it all the same once a budget is spent.
		"no tokens": {small, job.Spec{Where: "text IS NOT NULL", Add: []string{mood}, Errors: "why", Budget: job.Budget{Tokens: new(int64(0))}}},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := filepath.Join(folder, "here "+name+".parquet"), filepath.Join(folder, "spark "+name)
			a, err := runInProcess(t, c.spec, c.in, here, model)
			if err != nil {
				t.Fatal(err)
			}
			b, err := runOnSpark(t, s, c.spec, c.in, there, model.Info())
			if err != nil {
				t.Fatal(err)
			}
			if a.Rows != b.Rows || a.OK != b.OK || a.Null != b.Null || a.Errors != b.Errors || a.Skipped != b.Skipped || a.Asked() != b.Asked() && a.ByRules == 0 {
				t.Errorf("in this process %+v\non Spark %+v", a.Snapshot, b.Snapshot)
			}
			rows := func(path string) []spark.Row {
				all, err := s.Read().Parquet(path).OrderBy(spark.Col("id")).Collect(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return all
			}
			got, want := rows(there), rows(here)
			if len(got) != len(want) || len(got) != int(a.Rows) {
				t.Errorf("%d rows on Spark, %d in this process", len(got), len(want))
			}
			for i := range min(len(got), len(want)) {
				if !slices.Equal(got[i].Names(), want[i].Names()) || got[i].String() != want[i].String() {
					t.Fatalf("row %d\non Spark        %.600v\nin this process %.600v", i, got[i], want[i])
				}
			}
		})
	}
}

func runInProcess(t *testing.T, spec job.Spec, in, out string, model llm.Model) (job.Summary, error) {
	t.Helper()
	parts, _ := filepath.Glob(filepath.Join(in, "*.parquet"))
	if len(parts) != 1 {
		t.Fatalf("the table has the files %q", parts)
	}
	reader, err := files.Open(t.Context(), parts[0], files.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	plan, err := spec.Bind(reader.Schema())
	if err != nil {
		t.Fatal(err)
	}
	writer, err := files.Create(out, plan.Output, files.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Abort()
	summary, err := inprocess.Executor{In: reader, Out: writer, Models: models.Of(model), Threads: 2}.Run(t.Context(), plan)
	if err != nil {
		return summary, err
	}
	return summary, writer.Close()
}

func runOnSpark(t *testing.T, s *spark.Session, spec job.Spec, in, out string, model llm.Info) (job.Summary, error) {
	t.Helper()
	e := onspark.Executor{Session: s, In: s.Read().Parquet(in), Asked: func(asks []ai.Ask) []llm.Info { return slices.Repeat([]llm.Info{model}, len(asks)) }, Write: func(ctx context.Context, df *spark.DataFrame) error { return df.Write().Parquet(ctx, out) }}
	schema, err := onspark.Schema(t.Context(), e.In)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := spec.Bind(schema)
	if err != nil {
		t.Fatal(err)
	}
	return e.Run(t.Context(), plan)
}

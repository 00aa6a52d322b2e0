//go:build linux

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
	"github.com/firesteel/firesteel/spark"
)

// workerInfo is an answer of firesteel_worker_info.
type workerInfo struct {
	PID        int `json:"pid"`
	ModelLoads int `json:"model_loads"`
	Tasks      int `json:"tasks"` // started by the process so far
}

// workers returns the last answer of each worker process in a column of
// firesteel_worker_info, by process id.
func workers(t *testing.T, rows []spark.Row, column string) map[int]workerInfo {
	t.Helper()
	found := map[int]workerInfo{}
	for _, row := range rows {
		text, err := spark.Get[string](row, column)
		if err != nil {
			t.Fatal(err)
		}
		var w workerInfo
		if err := json.Unmarshal([]byte(text), &w); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if w.Tasks >= found[w.PID].Tasks {
			found[w.PID] = w
		}
	}
	return found
}

// Each of two executors has one worker process, which loads one model for all its
// tasks.
func TestOneModelPerExecutor(t *testing.T) {
	t.Parallel()
	server := testkit.Spark(t, localspark.Options{Master: "local-cluster[2,1,1024]"})
	session := connect(t, server.URL())
	t.Run("stranger", func(t *testing.T) { otheruser.Attack(t, server.PID()) })
	if _, err := os.Stat(filepath.Join(server.Spark().Home, "work")); !os.IsNotExist(err) {
		t.Errorf("executors work in the installed Spark's folder: %v", err)
	}
	sentences, err := session.CreateDataFrame(t.Context(), []struct {
		ID       int64  `spark:"id"`
		Sentence string `spark:"sentence"`
	}{
		{1, "It is a good test for Spark."},
		{2, "Spark DataFrames are powerful."},
		{3, "LLMs could be very slow."},
		{4, "It is a naive statement."},
	})
	if err != nil {
		t.Fatal(err)
	}
	labelled := sentences.CrossJoin(session.Range(0, 8, 1, 1).ToDF("copy")).Repartition(16).
		WithColumn("output_column", ai.AnalyzeSentiment(spark.Col("sentence")))
	want := map[int64]string{1: "positive", 2: "positive", 3: "negative", 4: "negative"}
	// The executors load the model for the first query. The second query reports it.
	for range 2 {
		rows, err := labelled.WithColumn("worker", spark.Call("firesteel_worker_info", spark.Col("output_column"))).Collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 32 {
			t.Fatalf("%d rows", len(rows))
		}
		for _, row := range rows {
			id, err := spark.Get[int64](row, "id")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := spark.Get[string](row, "output_column"); err != nil || got != want[id] {
				t.Errorf("row %d: %q, %v", id, got, err)
			}
		}
		found := workers(t, rows, "worker")
		if len(found) != 2 {
			t.Errorf("%d worker processes for 2 executors: %+v", len(found), found)
		}
		tasks := 0
		for pid, w := range found {
			if w.ModelLoads != 1 {
				t.Errorf("process %d loaded %d models", pid, w.ModelLoads)
			}
			tasks += w.Tasks
		}
		if tasks < 16 {
			t.Errorf("%d tasks in all: %+v", tasks, found)
		}
		t.Logf("workers: %+v", found)
	}
}

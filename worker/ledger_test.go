package worker

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/bundle"
)

// The query of a task is an operation of Spark Connect or a run of a stream.
func TestQueryOf(t *testing.T) {
	const session, operation = "0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e", "3f3c1c7a-1111-4a4a-8b8b-000000000001"
	for name, c := range map[string]struct {
		properties     map[string]string
		query, session string
	}{
		"4.x":            {map[string]string{"spark.job.tags": "firesteel,SparkConnect_OperationTag_User_ann_Session_" + session + "_Operation_" + operation}, operation, session},
		"3.5":            {map[string]string{"spark.job.tags": "SparkConnect_Execute_User_a_b_Session_" + session + "_Request_" + operation}, operation, session},
		"a stream":       {map[string]string{"sql.streaming.queryId": "q", "spark.jobGroup.id": "run", "spark.sql.execution.id": "3"}, "run", ""},
		"no tags":        {map[string]string{"spark.sql.execution.id": "3", "spark.app.id": "app-1"}, "", ""},
		"not of a query": {nil, "", ""},
	} {
		query, of := queryOf(c.properties)
		if name == "no tags" {
			other, _ := queryOf(map[string]string{"spark.sql.execution.id": "3", "spark.app.id": "app-2"})
			if query == "" || query == other {
				t.Errorf("%s: %q and %q", name, query, other)
			}
			continue
		}
		if query != c.query || of != c.session {
			t.Errorf("%s: %q, %q", name, query, of)
		}
	}
}

// An executor that does not see the directory answers without a ledger, and fails a
// task with a budget.
func TestLedgerNotThere(t *testing.T) {
	var out strings.Builder
	models := &archiveModels{}
	all := newLedgers(slog.New(slog.NewTextHandler(&out, nil)), models)
	f, err := ai.Lookup("ai_gen")
	if err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(t.TempDir(), "none")
	rows := []ai.Row{{nil}, {""}}
	for range 3 {
		s := all.scope(&bundle.Ledger{Dir: none, ID: "id"}, taskContext{})
		if answers, err := s.answer(t.Context(), f, nil, nil, 0, rows); len(answers) != 2 || err != nil {
			t.Fatal(answers, err)
		}
		s.end()
	}
	if n := strings.Count(out.String(), "answers are not kept"); n != 1 {
		t.Errorf("told %d times:\n%s", n, out.String())
	}
	for _, dir := range []string{none, t.TempDir()} {
		s := all.scope(&bundle.Ledger{Dir: dir, ID: "id", MaxRows: new(int64(1))}, taskContext{})
		if _, err := s.answer(t.Context(), f, nil, nil, 0, rows); err == nil || !strings.Contains(err.Error(), "a budget holds for all executors only if they share the directory") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

//go:build linux

package integration

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// Two executors give the same pseudonyms in each run, and in this process. The key is in a file of the
// executors, and in no plan.
func TestPseudonymsOnExecutors(t *testing.T) {
	t.Parallel()
	const key, n = "5f2b9c64e8a1d7034bb0c9f6713de258", 10_000
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := testkit.Spark(t, localspark.Options{Master: "local-cluster[2,1,1024]", Conf: map[string]string{"spark.executorEnv." + ai.PseudonymFileVariable: file}})
	session := connect(t, server.URL())
	const of = `ai_redact(concat('from user', id % 1000, '@example.com'), array('email'), map('replace', 'pseudonym'))`
	var runs []map[string]string
	for run, partitions := range []int{8, 5} {
		rows := query(t, session, fmt.Sprintf("SELECT id, r, firesteel_worker_info(r) AS worker FROM (SELECT id, %s AS r FROM range(0, %d, 1, %d))", of, n, partitions))
		found := map[string]string{} // by user
		for _, row := range rows {
			id, err := spark.Get[int64](row, "id")
			if err != nil {
				t.Fatal(err)
			}
			got, err := spark.Get[string](row, "r")
			if err != nil || !strings.HasPrefix(got, "from [EMAIL_") {
				t.Fatalf("%q, %v", got, err)
			}
			user := fmt.Sprint(id % 1000)
			if before, again := found[user]; again && before != got {
				t.Fatalf("run %d: user %s is %s and %s", run, user, before, got)
			}
			found[user] = got
		}
		if len(rows) != n || len(found) != 1000 {
			t.Fatalf("run %d: %d rows, %d users", run, len(rows), len(found))
		}
		if w := workers(t, rows, "worker"); len(w) != 2 {
			t.Errorf("run %d: %d workers", run, len(w))
		}
		runs = append(runs, found)
	}
	if !maps.Equal(runs[0], runs[1]) {
		t.Error("two runs give different pseudonyms")
	}
	different := map[string]bool{}
	for _, p := range runs[0] {
		different[p] = true
	}
	if len(different) != 1000 {
		t.Errorf("1000 users have %d pseudonyms", len(different))
	}
	// A join of two texts about the same persons.
	joined := query(t, session, fmt.Sprintf(`SELECT count(*) AS n FROM (SELECT id, %s AS a FROM range(500)) x JOIN (SELECT id, %s AS a FROM range(500)) y ON x.a = y.a AND x.id = y.id`, of, of))
	if joined[0].At(0) != int64(500) {
		t.Errorf("a join of pseudonyms has %v rows", joined[0].At(0))
	}
	if plan := fmt.Sprint(query(t, session, "EXPLAIN EXTENDED SELECT "+of+" FROM range(3)")); strings.Contains(plan, key) || !strings.Contains(plan, "ai_redact") {
		t.Errorf("the plan: %s", plan)
	}
	found := query(t, session, `SELECT f.category, f.start, f.end, f.text, substring(c, f.start, f.end - f.start) AS s
		FROM (SELECT c, explode(ai_detect_pii(c, array('email'))) AS f FROM VALUES ('é😀 to ann@example.com') AS t(c))`)
	if len(found) != 1 || fmt.Sprintf("%v %v %v", found[0].At(0), found[0].At(1), found[0].At(2)) != "email 7 22" || found[0].At(3) != found[0].At(4) {
		t.Errorf("%v", found)
	}
}

// Without a key on the executors the query says what to do.
func TestPseudonymsWithoutKey(t *testing.T) {
	t.Parallel()
	session := connect(t, testkit.SharedSpark(t))
	df, err := session.SQL(t.Context(), "SELECT ai_redact('a@example.com', array('email'), map('replace', 'pseudonym')) AS r")
	if err == nil {
		_, err = df.Collect(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), ai.PseudonymVariable) {
		t.Errorf("%v", err)
	}
}

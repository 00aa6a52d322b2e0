//go:build linux

package integration

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// The example labels new and changed rows of a Hive table into another table. The
// word "kept" shows that a row was not labelled again.
func TestHiveUpsert(t *testing.T) {
	t.Parallel()
	server := testkit.Spark(t, localspark.Options{Conf: map[string]string{"spark.sql.catalogImplementation": "hive"}})
	script := filepath.Join("..", "..", "examples", "hive", "upsert.sql")
	upsert := func() { firesteel(t, "sql", "--remote", server.URL(), "-f", script) }
	// Without a model, so that none is shipped.
	session, err := spark.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	rows := func() []string {
		var lines []string
		for _, row := range query(t, session, "SELECT concat_ws('|', id, text, mood, day) AS line FROM labelled ORDER BY id") {
			lines = append(lines, fmt.Sprint(row.At(0)))
		}
		return lines
	}

	upsert() // creates the tables
	if got := rows(); len(got) != 0 {
		t.Errorf("rows of an empty table: %q", got)
	}
	query(t, session, "SET hive.exec.dynamic.partition.mode = nonstrict")
	query(t, session, `INSERT INTO reviews VALUES (1, 'It arrived.', 'd1'), (2, 'It broke after two days and nobody answers.', 'd1'), (3, 'I love it, it works perfectly.', 'd2'), (4, NULL, 'd2')`)
	query(t, session, `INSERT INTO labelled VALUES (1, 'It arrived.', 'kept', 'd1'), (2, 'It arrived late.', 'old', 'd1'), (5, 'Long gone.', 'kept', 'd0')`)
	want := []string{
		"1|It arrived.|kept|d1", "2|It broke after two days and nobody answers.|negative|d1",
		"3|I love it, it works perfectly.|positive|d2", "4|d2", "5|Long gone.|kept|d0",
	}
	for range 2 { // the second time, no row is new
		upsert()
		if got := rows(); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

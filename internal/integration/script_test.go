//go:build linux

package integration

import (
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// RESET and SET in SQL do not remove the session's functions.
func TestReset(t *testing.T) {
	t.Parallel()
	s := connectEcho(t, testkit.SharedSpark(t))
	resetKeepsFunctions(t, s)
}

func connectEcho(t *testing.T, url string) *spark.Session {
	t.Helper()
	s, err := spark.Connect(t.Context(), url, spark.WithProgram(program(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func resetKeepsFunctions(t *testing.T, s *spark.Session) {
	t.Helper()
	statements := []string{"RESET", "RESET spark.sql.execution.pyspark.python", "SET spark.sql.execution.pyspark.python=python3"}
	if !strings.HasPrefix(s.Version(), "3.") {
		statements = append(statements, "EXECUTE IMMEDIATE 'RESET'", "BEGIN EXECUTE IMMEDIATE 'RESET'; END")
	}
	for _, statement := range statements {
		if _, err := s.SQL(t.Context(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
		if rows := query(t, s, "SELECT firesteel_echo('after') AS e"); len(rows) != 1 || rows[0].At(0) != "after" {
			t.Errorf("%s: %v", statement, rows)
		}
	}
}

// A column of a type that the client does not support leaves the other columns
// readable. The command shows its binary form.
func TestGeometry(t *testing.T) {
	t.Parallel()
	url := testkit.SharedSpark(t)
	s := connectEcho(t, url)
	const point = "0101000000000000000000F03F0000000000000040"
	const statement = "SELECT 7 AS id, ST_GeomFromWKB(X'" + point + "') AS g, ST_GeogFromWKB(X'" + point + "') AS h"
	df, err := s.SQL(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := df.Schema(t.Context())
	if want := "id INT NOT NULL,g GEOMETRY(0) NOT NULL,h GEOGRAPHY(4326) NOT NULL"; err != nil || schema.DDL() != want {
		t.Errorf("%s, %v; want %s", schema.DDL(), err, want)
	}
	rows, err := df.Collect(t.Context())
	if err != nil || len(rows) != 1 || rows[0].At(0) != int32(7) {
		t.Errorf("%v, %v", rows, err)
	}
	out := firesteel(t, "sql", "--remote", url, "-e", statement)
	if !strings.Contains(out, "|7  |[01 01 00 00 00 00 00 00 00 00 00 F0 3F") {
		t.Errorf("the command shows\n%s", out)
	}
}

// FOR of SQL scripting visits rows that functions compute, in their order.
func TestFor(t *testing.T) {
	t.Parallel()
	s := connectEcho(t, testkit.SharedSpark(t))
	const block = `BEGIN
  DECLARE seen STRING DEFAULT '';
  FOR r AS SELECT firesteel_echo(string(id)) e FROM range(0, 12, 1, 4) DO
    FOR q AS SELECT firesteel_echo(r.e || x) f FROM VALUES ('a'), ('b') AS v(x) ORDER BY x DESC LIMIT 1 DO
      SET seen = seen || q.f || ' ';
    END FOR;
  END FOR;
  SELECT seen;
END`
	rows := query(t, s, block)
	if want := "0b 1b 2b 3b 4b 5b 6b 7b 8b 9b 10b 11b "; len(rows) != 1 || rows[0].At(0) != want {
		t.Errorf("%v, want %s", rows, want)
	}
}

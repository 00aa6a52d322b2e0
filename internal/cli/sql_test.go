package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/spark"
)

// The error of a script names the lines of the script.
func TestFailedStatement(t *testing.T) {
	why := errors.New("no such table")
	for _, c := range []struct {
		f    sqlFlags
		all  int
		want string
	}{
		{sqlFlags{file: "job.sql"}, 3, "statement 2 of 3, from line 7 of job.sql: no such table"},
		{sqlFlags{file: "-"}, 3, "statement 2 of 3, from line 7 of standard input: no such table"},
		{sqlFlags{}, 3, "statement 2 of 3, from line 7 of standard input: no such table"},
		{sqlFlags{statements: []string{"a;b;c"}}, 3, "statement 2 of 3: no such table"},
		{sqlFlags{statements: []string{"a"}}, 1, "no such table"},
	} {
		if err := c.f.failed(why, 7, 2, c.all); err.Error() != c.want || !errors.Is(err, why) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// A byte order mark is not part of a script. A script without a statement connects
// to no server.
func TestScript(t *testing.T) {
	file := filepath.Join(t.TempDir(), "job.sql")
	if err := os.WriteFile(file, []byte("\ufeff-- nothing yet\r\n;"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := do("sql", "--remote", "sc://127.0.0.1:1", "-f", file); status != exitOK || out+errs != "" {
		t.Errorf("exit code %d: %s%s", status, out, errs)
	}
	if err := os.WriteFile(file, []byte("SELECT 'caf\xe9';"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := do("sql", "--remote", "sc://127.0.0.1:1", "-f", file); status == exitOK || !strings.Contains(errs, "is not UTF-8 text") {
		t.Errorf("exit code %d: %s", status, errs)
	}
}

func TestExplains(t *testing.T) {
	plan := spark.StructType{Fields: []spark.StructField{{Name: "plan", Type: spark.StringType}}}
	for statement, want := range map[string]bool{
		"EXPLAIN SELECT 1": true, "-- why\n/* so */ explain\nFORMATTED SELECT 1": true,
		"SELECT plan FROM tariffs": false, "SELECT 'explain ' AS plan": false, "explained": false,
	} {
		if explains(statement, plan) != want {
			t.Errorf("%q: want %v", statement, want)
		}
	}
	if explains("EXPLAIN SELECT 1", spark.StructType{}) {
		t.Error("what has no column has no plan")
	}
}

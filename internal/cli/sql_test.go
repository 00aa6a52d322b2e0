package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/sqlscript"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// The error of a script names the lines of the script.
func TestFailedStatement(t *testing.T) {
	why := errors.New("no such table")
	for _, c := range []struct {
		script string
		all    int
		want   string
	}{
		{"job.sql", 3, "statement 2 of 3, from line 7 of job.sql: no such table"},
		{"standard input", 3, "statement 2 of 3, from line 7 of standard input: no such table"},
		{"", 3, "statement 2 of 3: no such table"},
		{"", 1, "no such table"},
	} {
		if err := (sqlStatement{sqlscript.Statement{Line: 7}, c.script}).failed(why, 2, c.all); err.Error() != c.want || !errors.Is(err, why) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// A value of --param is a number only in its usual form. A statement gets the parameters that it has.
func TestSQLParams(t *testing.T) {
	for text, want := range map[string]string{
		"5": "int64 5", "-12": "int64 -12", "007": "string 007", "+5": "string +5", "1.50": "sqltypes.Decimal 1.50", "1e3": "string 1e3", ".5": "string .5", "TRUE": "bool true", "null": "<nil> <nil>",
		"'5'": "string 5", "'it''s'": "string it's", "2026-12-01": "string 2026-12-01", "": "string ", "'": "string '", "9223372036854775808": "string 9223372036854775808",
	} {
		if v := paramValue(text); fmt.Sprintf("%T %v", v, v) != want {
			t.Errorf("%s is %T %v, want %s", text, v, v, want)
		}
	}
	params, err := readParams([]string{"day=2026-12-01", "n=3", "eq=a=b"})
	if err != nil || params[2].value != "a=b" {
		t.Fatal(params, err)
	}
	for statement, want := range map[string]string{
		"SELECT :n, ':day', `:eq` -- :day": "[{n 3}]", "SELECT :day :: DATE": "[{day 2026-12-01}]", "SELECT a:n FROM t": "[{n 3}]", "SELECT 1": "[]", ":": "[]",
	} {
		if got := fmt.Sprint(arguments(statement, params)); got != want {
			t.Errorf("%s: %s, want %s", statement, got, want)
		}
	}
	for _, args := range []string{"day", "=5", "a-b=1", "a=1|a=2"} {
		given := strings.Split(args, "|")
		if _, err := readParams(given); !errors.Is(err, errUsage) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func TestIsQuery(t *testing.T) {
	for statement, want := range map[string]bool{
		"SELECT 1": true, "-- a comment\n with a AS (SELECT 1) SELECT * FROM a": true, "(SELECT 1)": true, "SHOW TABLES": true, "BEGIN SELECT 1; END": true,
		"SET a = 1": false, "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE": false, "INSERT INTO t SELECT 1": false,
	} {
		if isQuery(statement) != want {
			t.Errorf("%s: %v", statement, !want)
		}
	}
}

func TestSQLOutputFlags(t *testing.T) {
	there := file(t, "there.csv", "x")
	for args, want := range map[string]string{
		"--format|xlsx": "--format xlsx does not exist", "-o|out.xlsx": "out.xlsx", "-o|out.csv|--format|table": "-o writes data", "--param|x": "write NAME=VALUE", "-o|" + there: "--overwrite replaces it",
	} {
		status, _, errs := do(append([]string{"sql", "--remote", "sc://127.0.0.1:1", "-e", "SELECT 1"}, strings.Split(args, "|")...)...)
		if status == exitOK || !strings.Contains(errs, want) {
			t.Errorf("%s: %d, %s", args, status, errs)
		}
	}
}

// firesteel sql writes results as data, with parameters, from several files in one session.
func TestSQLResults(t *testing.T) {
	testkit.Integration(t)
	remote := testkit.SharedSpark(t)
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("setup.sql", "CREATE OR REPLACE TEMP VIEW sql_results AS SELECT id, concat('a,', id) AS s, IF(id = 1, NULL, id / 4) AS q FROM range(30);\nSET spark.sql.shuffle.partitions=2;")
	write("report.sql", "SELECT * FROM sql_results WHERE id >= :least AND s <> :not ORDER BY id;")
	run := func(want int, args ...string) (out, errs string) {
		t.Helper()
		status, out, errs := do(append([]string{"sql", "--remote", remote, "-f", "setup.sql"}, args...)...)
		if status != want {
			t.Fatalf("%q: exit code %d\n%s%s", args, status, out, errs)
		}
		return out, errs
	}
	report := []string{"-f", "report.sql", "--param", "least=28", "--param", "not='a,29'"}
	out, errs := run(exitOK, append(report, "--format", "csv", "--quiet")...)
	if !strings.HasSuffix(out, "id,s,q\n28,\"a,28\",7\n") && !strings.HasSuffix(out, "id,s,q\n28,\"a,28\",7.0\n") || errs != "" {
		t.Errorf("%q %q", out, errs)
	}
	_, errs = run(exitOK, append(report, "-o", "out.parquet", "--timing", "--verbose")...)
	if !strings.Contains(errs, "written: out.parquet, 1 rows") || strings.Count(errs, "time: ") != 3 || !strings.Contains(errs, "SELECT * FROM sql_results") {
		t.Error(errs)
	}
	status, out, errs := do("run", "out.parquet", "--add", "n=id", "-o", "out.jsonl")
	if text, err := os.ReadFile("out.jsonl"); status != exitOK || err != nil || !strings.Contains(string(text), `{"id":28,"s":"a,28","q":7`) {
		t.Error(status, out, errs)
	}
	write("two.sql", "SELECT 1 AS a; SELECT 2 AS b;")
	if _, errs := run(sqlExitOwn, "-f", "two.sql", "-o", "two.csv"); !strings.Contains(errs, "has the result of an earlier statement") {
		t.Error(errs)
	}
	// All rows are written, and without rows the header.
	if out, _ := run(exitOK, "-f", "report.sql", "--param", "least=0", "--param", "not=x", "--format", "csv", "-q"); strings.Count(out, "\n") < 31 {
		t.Error(out)
	}
	if out, _ := run(exitOK, "-f", "report.sql", "--param", "least=99", "--param", "not=x", "--format", "csv", "-q"); !strings.HasSuffix(out, "id,s,q\n") {
		t.Error(out)
	}
	if out, _ := run(exitOK, "-f", "report.sql", "--param", "least=29", "--param", "not=x", "--format", "json"); !strings.HasSuffix(out, `{"id":29,"s":"a,29","q":7.25}`+"\n") {
		t.Error(out)
	}
	if _, errs := run(sqlExitStatement, "-f", "report.sql", "--param", "least=28"); !strings.Contains(errs, "--param NAME=VALUE gives it one") {
		t.Error(errs)
	}
	write("broken.sql", "SELECT no_such_column FROM sql_results; SELECT 7 AS seven;")
	out, errs = run(sqlExitStatement, "-f", "broken.sql", "--continue-on-error", "--format", "csv")
	if !strings.Contains(out, "seven\n7\n") || !strings.Contains(errs, "statement 3 of 4, from line 1 of broken.sql") || !strings.Contains(errs, "1 of 4 statements failed") {
		t.Errorf("%s%s", out, errs)
	}
	if out, _ := run(sqlExitStatement, "-f", "broken.sql", "--format", "csv"); strings.Contains(out, "seven") {
		t.Error("a statement ran after an error")
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

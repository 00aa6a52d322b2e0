package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/firesteel/firesteel/spark"
)

func TestSplitStatements(t *testing.T) {
	for _, c := range []struct {
		script string
		want   []string
		rest   string
	}{
		{"SELECT 1", nil, "SELECT 1"},
		{"SELECT 1; SELECT 2;", []string{"SELECT 1", "SELECT 2"}, ""},
		{"SELECT ';'; SELECT \";\", `a;b`; x", []string{"SELECT ';'", "SELECT \";\", `a;b`"}, "x"},
		{`SELECT 'it\'s; one'; y`, []string{`SELECT 'it\'s; one'`}, "y"},
		{"SELECT 1 -- a; b\n; SELECT 2", []string{"SELECT 1 -- a; b"}, "SELECT 2"},
		{"/* a; /* nested; */ b; */ SELECT 1; ;;", []string{"/* a; /* nested; */ b; */ SELECT 1"}, ""},
		{"-- only a comment", nil, ""},
		{"SELECT 'open; quote", nil, "SELECT 'open; quote"},
		{"SELECT 4 / 2 - 1; SELECT 2 -1", []string{"SELECT 4 / 2 - 1"}, "SELECT 2 -1"},
		{`SELECT r'\'; SELECT R"\"; SELECT bar'\';'`, []string{`SELECT r'\'`, `SELECT R"\"`}, `SELECT bar'\';'`},
		{"-- all of it\nBEGIN SELECT 1; SELECT 2; END;", []string{"-- all of it\nBEGIN SELECT 1; SELECT 2; END"}, ""},
		{"beginning; SELECT 1;", []string{"beginning", "SELECT 1"}, ""},
		{"", nil, ""},
	} {
		statements, rest := splitStatements(c.script)
		var got []string
		for _, s := range statements {
			got = append(got, s.text)
		}
		if !slices.Equal(got, c.want) || rest.text != c.rest {
			t.Errorf("%q: got %q, rest %q; want %q, rest %q", c.script, got, rest.text, c.want, c.rest)
		}
	}
}

func TestStatementsLines(t *testing.T) {
	statements, rest := splitStatements("\r\nSELECT 1;\n\n -- why\nSELECT\n2; SELECT ';\n';\nSELECT 3\n")
	var lines []int
	for _, s := range append(statements, rest) {
		lines = append(lines, s.line)
	}
	if want := []int{2, 4, 6, 8}; !slices.Equal(lines, want) {
		t.Errorf("the statements begin in lines %v, want %v", lines, want)
	}
	if whole, _ := splitStatements("\n\nBEGIN SELECT 1; END;"); len(whole) != 1 || whole[0].line != 3 {
		t.Errorf("%+v", whole)
	}
}

// Where a script fails is told by the script's own lines.
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

// A byte order mark is no part of a script, and nobody is asked for nothing.
func TestScript(t *testing.T) {
	file := filepath.Join(t.TempDir(), "job.sql")
	if err := os.WriteFile(file, []byte("\ufeff-- nothing yet\r\n;"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := do("sql", "--remote", "sc://127.0.0.1:1", "-f", file); status != exitOK || out+errs != "" {
		t.Errorf("exit code %d: %s%s", status, out, errs)
	}
}

func FuzzSplitStatements(f *testing.F) {
	f.Add("SELECT ';' -- x\n; /* y")
	f.Fuzz(func(t *testing.T, script string) {
		splitStatements(script) // must end, and never index past the text
	})
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

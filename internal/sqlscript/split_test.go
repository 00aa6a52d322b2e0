package sqlscript

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// deviations are the scripts for which Split differs from spark-sql 4.3.0, with
// the result of Split (the last element is the rest). Spark refuses each script,
// but to run the pieces of spark-sql one by one would do harm.
var deviations = map[string][]string{
	// A quote that is not closed.
	"SELECT 'open; DROP TABLE t; SELECT 2":              {"SELECT 'open; DROP TABLE t; SELECT 2"},
	"SELECT `open; DROP TABLE t; SELECT 2":              {"SELECT `open; DROP TABLE t; SELECT 2"},
	"BEGIN SELECT 'open; DROP TABLE t; END; SELECT 2":   {"BEGIN SELECT 'open; DROP TABLE t; END; SELECT 2"},
	"BEGIN SET VAR x = 1; END; x":                       {"BEGIN SET VAR x = 1; END", "x"},
	"BEGIN SELECT $$a;b$$; END":                         {"BEGIN SELECT $$a;b$$; END"},
	"BEGIN SELECT 1; END SELECT 2; SELECT 3;":           {"BEGIN SELECT 1; END SELECT 2", "SELECT 3", ""},
	"BEGIN SELEC 1; DROP TABLE t; END; SELECT 2;":       {"BEGIN SELEC 1; DROP TABLE t; END", "SELECT 2", ""},
	"l: BEGIN SELECT 1; DROP TABLE t; END l; SELECT 2;": {"l: BEGIN SELECT 1; DROP TABLE t; END l", "SELECT 2", ""},
	"LOOP SELECT 1; DROP TABLE t; END LOOP; SELECT 2;":  {"LOOP SELECT 1; DROP TABLE t; END LOOP", "SELECT 2", ""},
	"BEGIN IF a THEN SELECT 1; DROP TABLE t; END; SELECT 2;": {
		"BEGIN IF a THEN SELECT 1; DROP TABLE t; END", "SELECT 2", ""},
	"BEGIN IF a SELECT 1; END IF; DROP TABLE t; END; SELECT 2;": {
		"BEGIN IF a SELECT 1; END IF; DROP TABLE t; END", "SELECT 2", ""},
	"BEGIN WHILE a SELECT 1; END WHILE; DROP TABLE t; END; SELECT 2;": {
		"BEGIN WHILE a SELECT 1; END WHILE; DROP TABLE t; END", "SELECT 2", ""},
	"BEGIN SELECT 1; END IF; DROP TABLE t; END; SELECT 2;": {
		"BEGIN SELECT 1; END IF; DROP TABLE t; END", "SELECT 2", ""},
	"IF false THEN SELECT 1; DROP TABLE t; END IF; SELECT 2;": {
		"IF false THEN SELECT 1; DROP TABLE t; END IF", "SELECT 2", ""},
	"WHILE false DO SELECT 1; DROP TABLE t; END WHILE; SELECT 2;": {
		"WHILE false DO SELECT 1; DROP TABLE t; END WHILE", "SELECT 2", ""},
	"CASE WHEN false THEN SELECT 1; DROP TABLE t; END CASE; SELECT 2;": {
		"CASE WHEN false THEN SELECT 1; DROP TABLE t; END CASE", "SELECT 2", ""},
	"CREATE PROCEDURE p() LANGUAGE SQL AS BEGIN SELECT 1; DROP TABLE t; END; SELECT 2;": {
		"CREATE PROCEDURE p() LANGUAGE SQL AS BEGIN SELECT 1; DROP TABLE t; END", "SELECT 2", ""},
}

// TestSplitAsSparkSQL compares Split to the results of spark-sql 4.3.0, which
// testdata/SparkSQL.java recorded. A block that Spark's parser accepts as one
// statement is one statement here, although the splitter of spark-sql divides some
// with FOR.
func TestSplitAsSparkSQL(t *testing.T) {
	var rows []struct {
		Script   string
		Commands []string
		Rest     string
		Whole    bool
	}
	text, err := os.ReadFile("testdata/spark-sql-4.3.0.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, row := range rows {
		want := row.Commands
		if row.Rest == "" {
			want = append(want, "")
		}
		if other, ok := deviations[row.Script]; ok {
			if known++; slices.Equal(want, other) {
				t.Errorf("%q does not differ from spark-sql any more", row.Script)
			}
			want = other
		} else if strings.HasPrefix(row.Script, "BEGIN") && row.Whole && len(row.Commands) > 1 {
			want = []string{row.Script}
		}
		if got := splitAll(row.Script); !slices.Equal(got, want) {
			t.Errorf("%q\n gives %q\n  want %q", row.Script, got, want)
		}
	}
	if len(rows) < 150 || known != len(deviations) {
		t.Errorf("%d scripts, %d of %d that differ", len(rows), known, len(deviations))
	}
}

// splitAll returns the statements and then the rest.
func splitAll(script string) []string {
	var all []string
	statements, rest := Split(script)
	for _, s := range append(statements, rest) {
		all = append(all, s.Text)
	}
	return all
}

// TestSplitByLines checks that a block that is entered line by line does not run
// before its end.
func TestSplitByLines(t *testing.T) {
	const script = "BEGIN\n  IF false THEN\n    DROP TABLE t;\n  END IF;\n  SELECT 'a;\n  END;';\nEND;\n"
	lines := strings.SplitAfter(script, "\n")
	for n := 1; n < len(lines)-1; n++ {
		typed := strings.Join(lines[:n], "")
		statements, rest := Split(typed)
		if len(statements) > 0 || typed[rest.Start:] != typed {
			t.Errorf("%q gives %q", typed, splitAll(typed))
		}
	}
	if got := splitAll(script); len(got) != 2 || got[1] != "" {
		t.Errorf("%q gives %q", script, got)
	}
}

func TestLines(t *testing.T) {
	statements, rest := Split("\r\nSELECT 1;\n\n -- why\nSELECT\n2; SELECT ';\n';BEGIN\nSELECT 1;\nEND;\nSELECT 3\n")
	var lines []int
	for _, s := range append(statements, rest) {
		lines = append(lines, s.Line)
	}
	if want := []int{2, 4, 6, 7, 10}; !slices.Equal(lines, want) {
		t.Errorf("the statements begin in lines %v, want %v", lines, want)
	}
}

func TestWords(t *testing.T) {
	for statement, want := range map[string]string{
		"/* a */ reset -- b\n spark.`x` ;": "RESET SPARK . `x` ;",
		"select 1":                         "SELECT 1",
		"-- nothing":                       "",
		"":                                 "",
	} {
		if got := strings.Join(Words(statement, 5), " "); got != want {
			t.Errorf("%q begins with %q, want %q", statement, got, want)
		}
	}
}

func TestMapFor(t *testing.T) {
	quoted := func(q string) string { return "<" + q + ">" }
	for statement, want := range map[string]string{
		"BEGIN FOR r AS SELECT a FROM t /* c */ DO SELECT r.a; END FOR; END":                                                                          "BEGIN FOR r AS <SELECT a FROM t> /* c */ DO SELECT r.a; END FOR; END",
		"BEGIN FOR SELECT a AS b DO FOR `x` AS (SELECT 2) DO SELECT 1; END FOR; END FOR; FOR IDENTIFIER('q') AS VALUES (1) DO SELECT 1; END FOR; END": "BEGIN FOR <SELECT a AS b> DO FOR `x` AS <(SELECT 2)> DO SELECT 1; END FOR; END FOR; FOR IDENTIFIER('q') AS <VALUES (1)> DO SELECT 1; END FOR; END",
		"SELECT 'FOR r AS SELECT 1 DO x'": "SELECT 'FOR r AS SELECT 1 DO x'",
		"BEGIN FOR r AS":                  "BEGIN FOR r AS",
	} {
		if got := MapFor(statement, quoted); got != want {
			t.Errorf("%s\n gives %s\n  want %s", statement, got, want)
		}
	}
}

func TestIsBlock(t *testing.T) {
	for statement, want := range map[string]bool{
		"-- a\nBEGIN SELECT 1; END": true, "BEGIN": true, "l: LOOP SELECT 1; END LOOP": true,
		"SELECT begin": false, "BEGIN TRANSACTION": false, "BEGIN;": false, "": false,
	} {
		if got := IsBlock(statement); got != want {
			t.Errorf("%q: %v", statement, got)
		}
	}
}

// FuzzSplit checks that the pieces and the semicolons between them are the whole
// script, that every token has bytes, and that statements are parts of the script.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"SELECT ';' -- x\n; /* y", "BEGIN IF a THEN SELECT 1; END IF; END; x", "BEGIN FOR SELECT CASE WHEN a DO", "l: LOOP UNTIL",
		"DECLARE EXIT HANDLER FOR SQLSTATE 'a' BEGIN", "SET a=\\;'b", "$a$ ; $a$ r';'", "CREATE PROCEDURE BEGIN . END", "a://b--c; \xff`"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		at := 0
		for _, p := range pieces(script) {
			if p.start != at || p.end < p.start || p.end > len(script) || p.ended && script[p.end] != ';' {
				t.Fatalf("%q: the piece %+v follows byte %d", script, p, at)
			}
			if at = p.end; p.ended {
				at++
			}
			if p.blank && strings.Trim(withoutComments(script[p.start:p.end]), " ") != "" {
				t.Fatalf("%q: the piece %+v is not blank", script, p)
			}
		}
		if at != len(script) {
			t.Fatalf("%q: the pieces end at byte %d", script, at)
		}
		statements, rest := Split(script)
		for _, s := range append(statements, rest) {
			first, _, _ := strings.Cut(s.Text, ";")
			if s.Start > len(script) || !strings.HasPrefix(script[s.Start:], first) {
				t.Fatalf("%q: %+v is not at its offset", script, s)
			}
		}
		Words(script, 3)
		if MapFor(script, func(q string) string { return q }) != script {
			t.Fatalf("%q: MapFor changes it", script)
		}
	})
}

func withoutComments(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		t := Next(s, i)
		if t.End <= i {
			return "a token without bytes"
		}
		if !t.blank() {
			b.WriteString(s[i:t.End])
		}
		i = t.End
	}
	return b.String()
}

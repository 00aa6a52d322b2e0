package cli

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

// The same rows give the same file in this process and on Spark with any number of partitions, and
// executors apply it.
func TestFitOnSpark(t *testing.T) {
	testkit.Integration(t)
	remote := testkit.SharedSpark(t)
	data, err := filepath.Abs("../../examples/fit/tickets.csv")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	run := func(args ...string) string {
		t.Helper()
		status, out, errs := do(args...)
		if status != exitOK {
			t.Fatalf("%q: exit code %d: %s", args, status, errs)
		}
		return out
	}
	// With few rows of each label, the vectors of their names are read, too; executors compute them.
	const labels = `{"billing": "invoices and payments", "refund": "wants money back"}`
	if out := run("fit", data, "--input", "text", "--label", "topic", "--labels", labels, "-o", "here.safetensors"); !strings.Contains(out, "labels without a row: 1, ") {
		t.Error(out)
	}
	want, err := os.ReadFile("here.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, row := range rows[1:] {
		values = append(values, fmt.Sprintf("('%s', '%s')", strings.ReplaceAll(row[1], "'", `\'`), row[2]))
	}
	values = append(values, "(NULL, 'billing')", "('no label', NULL)")
	for _, partitions := range []int{1, 3, 8} {
		query := fmt.Sprintf("SELECT /*+ REPARTITION(%d) */ * FROM VALUES %s AS t(text, topic)", partitions, strings.Join(values, ", "))
		out := run("fit", "--remote", remote, "--query", query, "--input", "text", "--label", "topic", "--labels", labels, "-o", "topic.safetensors", "--overwrite")
		got, err := os.ReadFile("topic.safetensors")
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d partitions give another file than this process (%v)\n%s", partitions, err, out)
		}
		if !strings.Contains(out, "rows without a label, left out: 1") || !strings.Contains(out, "rows without a text, left out: 1") {
			t.Errorf("%s", out)
		}
	}
	out := run("sql", "--remote", remote, "--model", "topic=./topic.safetensors",
		"-e", "SELECT ai_predict('The parcel is late.', 'topic').label AS a, size(ai_predict_labels('The parcel is late.', 'topic', MAP('threshold', '0'))) AS n, ai_predict(NULL, 'topic') AS none")
	if !strings.Contains(out, "delivery") || !strings.Contains(out, "4") || !strings.Contains(out, "NULL") {
		t.Errorf("%s", out)
	}
	status, _, errs := do("sql", "--remote", remote, "--model", "topic=./topic.safetensors", "--model", "embed=minilm-l6", "-e", "SELECT ai_predict('The parcel is late.', 'topic')")
	if status == exitOK || !strings.Contains(errs, "cannot read those of minilm-l6") {
		t.Errorf("another embedder: %d, %s", status, errs)
	}
}

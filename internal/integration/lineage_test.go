//go:build linux

package integration

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/telemetry/telemetrytest"
	"github.com/firesteel/firesteel/internal/testkit"
)

// openLineage is the version of the Python client that reads the events.
const openLineage = "openlineage-python==1.54.0"

// The events of run, run --remote and sql are those of the specification, as OpenLineage's own client reads them. Those of Spark name
// functions and models, and of sql no literal.
func TestLineage(t *testing.T) {
	t.Parallel()
	server := testkit.SharedSpark(t)
	testkit.Model(t)
	folder := t.TempDir()
	events, in := filepath.Join(folder, "events.jsonl"), filepath.Join(folder, "in.csv")
	if err := os.WriteFile(in, []byte("id,text\n1,It is good.\n2,It is bad.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const add = "mood=ai_analyze_sentiment(text)"
	firesteel(t, "run", in, "--add", add, "--add", "m=ai_mask(text, array('email'))", "-o", filepath.Join(folder, "local.parquet"), "--no-ledger", "--lineage", events)
	var collector telemetrytest.Collector
	collecting := httptest.NewServer(&collector)
	defer collecting.Close()
	firesteel(t, "run", in, "--remote", server, "--where", "id > 0", "--add", add, "-o", filepath.Join(folder, "remote.parquet"), "--lineage", events, "--otlp", collecting.URL)
	for _, want := range []string{"firesteel.rows firesteel.outcome=ok 2", "firesteel.calls firesteel.source=asked 2", "span firesteel job db.system.name=spark ", "span firesteel run "} {
		if !strings.Contains(collector.String(), want) {
			t.Errorf("%q is missing in\n%s", want, collector.String())
		}
	}
	const script = `CREATE TEMP VIEW t AS SELECT ai_classify('SECRET is good', array('SECRET', 'b')) AS c;
SELECT * FROM t WHERE c <> 'SECRET'; SELECT raise_error('SECRET')`
	if _, errs, err := run(t, "", "sql", "--remote", server, "-e", script, "--lineage", events, "--continue-on-error"); err == nil || !strings.Contains(errs, "1 of 3 statements failed") {
		t.Error(err, errs)
	}
	text, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for line, wants := range map[int][]string{
		1: {`"masking":true`, `"COMPLETE"`},
		3: {`"name":"Apache Spark"`, `"namespace":"file"`, `"subtype":"FILTER"`, `"description":"ai_analyze_sentiment"`, `"digest":`, `"rowCount":2`},
		5: {`"query":"CREATE TEMP VIEW t AS SELECT ai_classify('?', array('?', '?')) AS c"`, `"function":"ai_classify"`, `"digest":`, `"name":"sql.1"`},
		9: {`"FAIL"`, `"message":"Spark reports an error USER_RAISED_EXCEPTION"`, `"functions":[]`},
	} {
		for _, want := range wants {
			if line >= len(lines) || !strings.Contains(lines[line], want) {
				t.Errorf("line %d has no %s:\n%s", line, want, text)
			}
		}
	}
	if strings.Contains(string(text), "SECRET") {
		t.Error("a literal was written")
	}
	var kinds []string
	for _, line := range lines {
		var e struct {
			Type string `json:"eventType"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, e.Type)
	}
	if want := strings.Fields("START COMPLETE START COMPLETE START COMPLETE START COMPLETE START FAIL"); !slices.Equal(kinds, want) {
		t.Errorf("%v", kinds)
	}

	cache, err := cachedir.Dir()
	if err != nil {
		t.Fatal(err)
	}
	packages := filepath.Join(cache, "test-"+openLineage)
	if _, err := os.Stat(packages); err != nil {
		made := packages + ".partial"
		pip := exec.CommandContext(t.Context(), "python3", "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--target", made, openLineage)
		if text, err := pip.CombinedOutput(); err != nil {
			t.Skipf("the events were not read by OpenLineage's client, which cannot be installed: %v\n%s", err, text)
		}
		if err := os.Rename(made, packages); err != nil {
			t.Fatal(err)
		}
	}
	client := exec.CommandContext(t.Context(), "python3", filepath.Join("testdata", "openlineage_events.py"), events)
	client.Env = append(os.Environ(), "PYTHONPATH="+packages)
	if text, err := client.CombinedOutput(); err != nil || strings.TrimSpace(string(text)) != strings.Join(kinds, " ") {
		t.Errorf("%v\n%s", err, text)
	}
}

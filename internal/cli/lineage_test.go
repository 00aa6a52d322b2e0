package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/firesteel/firesteel/internal/lineage"
)

// events reads a file of events as one line for each: kind, job, and then, by column, what it is made of.
func events(t *testing.T, path string) (all []map[string]any, raw string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all, string(text)
}

// in follows the names of members and the numbers of elements.
func in(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// made describes what a column is made of, such as "text: DIRECT TRANSFORMATION ai_mask masking".
func made(of any) string {
	var all []string
	list, _ := of.([]any)
	for _, f := range list {
		text := in(f, "field").(string) + ":"
		for _, t := range in(f, "transformations").([]any) {
			text += strings.TrimRight(" "+in(t, "type").(string)+" "+in(t, "subtype").(string)+" "+in(t, "description").(string), " ")
			if in(t, "masking") == true {
				text += " masking"
			}
			text += ","
		}
		all = append(all, strings.TrimSuffix(text, ","))
	}
	return strings.Join(all, "; ")
}

// The events of a run name the columns that each column is made of, the functions and the models, and no content.
func TestLineage(t *testing.T) {
	t.Setenv("FIRESTEEL_LOCAL_ONLY", "") // the flag sets it
	t.Setenv("OPENLINEAGE_PARENT_ID", "airflow/dag.task/01a0d6c2-63d9-7e1a-8e3f-b3f0c3173d20")
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	text, err := os.ReadFile(filepath.Join("..", "lineage", "facet.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	run := func(status int, args ...string) string {
		t.Helper()
		got, _, errs := do(append([]string{"run"}, args...)...)
		if got != status {
			t.Fatalf("%q: %d, not %d\n%s", args, got, status, errs)
		}
		return errs
	}
	if err := os.WriteFile("in.csv", []byte("id,text,kind\n1,It is good SECRET,x\n2,It is bad SECRET,y\n3,,x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(exitOK, "in.csv", "--where", "id > 0", "--add", "mood=ai_analyze_sentiment(TEXT)", "--add", "m=ai_mask(text, array('email'))", "--add", "k=kind",
		"--add", "c=CASE WHEN kind = 'SECRET' THEN upper(ai_mask(text, array('email'))) ELSE text END", "--errors", "why", "-o", "out.csv", "--lineage", "ev.jsonl")
	all, raw := events(t, "ev.jsonl")
	if len(all) != 2 || in(all[0], "eventType") != lineage.Start || in(all[1], "eventType") != lineage.Complete || in(all[0], "run", "runId") != in(all[1], "run", "runId") {
		t.Fatal(raw)
	}
	if strings.Contains(raw, "SECRET") || strings.Contains(raw, "positive") {
		t.Error("content was written")
	}
	last := all[1]
	for want, got := range map[string]any{
		"run.out.csv": in(last, "job", "name"), "firesteel": in(last, "job", "namespace"), "dag.task": in(last, "run", "facets", "parent", "job", "name"),
		"file": in(last, "inputs", 0, "namespace"), "STRING": in(last, "inputs", 0, "facets", "schema", "fields", 1, "type"),
	} {
		if got != want {
			t.Errorf("%v, not %s", got, want)
		}
	}
	if rows := in(last, "outputs", 0, "outputFacets", "outputStatistics", "rowCount"); rows != 3.0 || in(all[0], "outputs", 0, "outputFacets") != nil {
		t.Error(rows)
	}
	facet := in(last, "outputs", 0, "facets", "columnLineage")
	for column, want := range map[string]string{
		"id":   "id: DIRECT IDENTITY",
		"mood": "text: DIRECT TRANSFORMATION ai_analyze_sentiment",
		"m":    "text: DIRECT TRANSFORMATION ai_mask masking",
		"k":    "kind: DIRECT IDENTITY",
		"c":    "kind: INDIRECT CONDITIONAL; text: DIRECT TRANSFORMATION ai_mask masking, DIRECT TRANSFORMATION",
		"why":  "text: DIRECT TRANSFORMATION; kind: DIRECT TRANSFORMATION",
	} {
		if got := made(in(facet, "fields", column, "inputFields")); got != want {
			t.Errorf("%s is made of %s, not of %s", column, got, want)
		}
	}
	if got := made(in(facet, "dataset")); got != "id: INDIRECT FILTER" {
		t.Error(got)
	}
	ours := in(last, "run", "facets", "firesteel_ai")
	if columns := in(ours, "functions", 1, "columns"); in(ours, "functions", 0, "models", 0, "role") != "text" || len(columns.([]any)) != 2 {
		t.Error(ours)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := resolved.Validate(ours); err != nil || schema.ID != lineage.Facet {
		t.Error(err, schema.ID)
	}

	// Groups, a folder, and a run that fails.
	os.Remove("ev.jsonl")
	run(exitOK, "in.csv", "--group-by", "kind", "--where", "id > 0", "--add", "s=ai_agg(text, 'What is it?')", "-o", "groups.csv", "--lineage", "ev.jsonl", "--lineage-job", "nightly")
	all, raw = events(t, "ev.jsonl")
	facet = in(all[len(all)-1], "outputs", 0, "facets", "columnLineage")
	if got := made(in(facet, "fields", "s", "inputFields")) + " | " + made(in(facet, "dataset")) + " | " + made(in(facet, "fields", "kind", "inputFields")); got !=
		"text: DIRECT AGGREGATION ai_agg | id: INDIRECT FILTER; kind: INDIRECT GROUP_BY | kind: DIRECT IDENTITY" || in(all[0], "job", "name") != "nightly" {
		t.Error(got, raw)
	}
	os.Remove("ev.jsonl")
	os.Mkdir("data", 0o700)
	for _, name := range []string{"a.csv", "b.csv"} {
		if err := os.Rename("in.csv", filepath.Join("data", name)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("in.csv", []byte("id,text,kind\n1,It is good,x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(exitIncomplete, "data", "--add", "mood=ai_analyze_sentiment(concat('now ', text))", "-o", "out/", "--max-rows", "2", "--lineage", "ev.jsonl")
	run(exitOK, "data/*.csv", "--add", "mood=ai_analyze_sentiment(concat('now ', text))", "-o", "out/", "--lineage", "ev.jsonl")
	all, raw = events(t, "ev.jsonl")
	if len(all) != 4 || in(all[1], "eventType") != lineage.Abort || in(all[3], "eventType") != lineage.Complete || !strings.HasSuffix(in(all[3], "outputs", 0, "name").(string), "/out") ||
		!strings.HasSuffix(in(all[3], "inputs", 0, "name").(string), "/data") {
		t.Error(raw)
	}

	// A server gets the same.
	var got []string
	status := http.StatusCreated
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(body))
		w.WriteHeader(status)
	}))
	defer server.Close()
	t.Setenv("OPENLINEAGE_API_KEY", "akeyofthetest")
	job := []string{"in.csv", "--add", "n=length(text)", "-o", "out.csv", "--overwrite"}
	if errs := run(exitOK, append(job, "--lineage", server.URL)...); len(got) != 2 || !strings.HasPrefix(got[0], "/api/v1/lineage Bearer akeyofthetest {") || strings.Contains(errs, "--lineage") {
		t.Error(got, errs)
	}
	status = http.StatusTeapot
	if errs := run(exitOK, append(job, "--lineage", server.URL+"/other")...); !strings.HasPrefix(got[2], "/other ") || !strings.Contains(errs, "the event COMPLETE was not written") {
		t.Error(got, errs)
	}
	for args, want := range map[string]string{
		"--lineage|ftp://x":                                  "has the scheme ftp",
		"--lineage|http://user@x":                            "a part that is not of an address",
		"--lineage|http://lineage.example.com":               "would get the key of OPENLINEAGE_API_KEY unencrypted",
		"--local-only|--lineage|https://lineage.example.com": "lineage.example.com",
		"--lineage|in.csv":                                   "has something else than OpenLineage events",
		"--lineage|nosuch/ev.jsonl":                          "there is no such folder",
		"--lineage-job|x":                                    "names the job in the events",
	} {
		if status, _, errs := do(append(append([]string{"run"}, job...), strings.Split(args, "|")...)...); status != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: %d, %s", args, status, errs)
		}
		t.Setenv("FIRESTEEL_LOCAL_ONLY", "")
	}
	t.Setenv("OPENLINEAGE_PARENT_ID", "airflow/task")
	if status, _, errs := do(append([]string{"run", "--lineage", "ev.jsonl"}, job...)...); status != exitUsage || !strings.Contains(errs, "NAMESPACE/JOB/RUN") {
		t.Error(status, errs)
	}
}

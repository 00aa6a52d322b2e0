package cli

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/telemetry/telemetrytest"
)

// A collector gets tokens, durations, rows, calls and a span of a run, and no content.
func TestOTLP(t *testing.T) {
	t.Setenv("FIRESTEEL_LOCAL_ONLY", "") // the flag sets it
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	var got telemetrytest.Collector
	server := httptest.NewServer(&got)
	defer server.Close()
	in := file(t, "in.csv", "id,text\n1,It is good SECRET\n2,It is bad\n3,It is bad\n4,\n")
	run := []string{"run", in, "--add", "mood=ai_analyze_sentiment(text)", "-o", in + ".jsonl", "--overwrite"}
	for _, address := range []string{server.URL, strings.TrimPrefix(server.URL, "http://")} {
		got.Reset()
		if status, _, errs := do(append(run, "--no-ledger", "--otlp", address)...); status != exitOK {
			t.Fatal(status, errs)
		}
		text := got.String()
		for _, want := range []string{
			"firesteel.rows firesteel.outcome=ok 3", "firesteel.rows firesteel.outcome=null 1", "firesteel.calls firesteel.source=equal 1",
			"gen_ai.client.token.usage gen_ai.operation.name=chat gen_ai.provider.name=firesteel gen_ai.request.model=", "gen_ai.token.type=input count=",
			"gen_ai.client.operation.duration gen_ai.operation.name=chat", "span firesteel run ", "span firesteel job ", "firesteel.rows=4", "service.name=firesteel",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is missing in\n%s", want, text)
			}
		}
		if strings.Contains(string(got.Raw), "SECRET") || strings.Contains(string(got.Raw), "positive") {
			t.Error("content was sent")
		}
	}
	// The other commands that ask models do the same.
	labelled := file(t, "labelled.csv", reviews)
	for command, args := range map[string][]string{
		"eval":      {labelled, "-f", "ai_analyze_sentiment", "-i", "text", "-l", "mood"},
		"calibrate": {labelled, "-f", "ai_classify", "-i", "text", "-l", "mood", "--args", `{"labels": ["positive", "negative"]}`, "--accuracy", "0.01"},
		"dedup":     {in, "--on", "text", "--by", "letters", "--threshold", "0.1", "--predicate", "{left} is {right}", "-o", filepath.Join(t.TempDir(), "out.csv"), "--no-ledger"},
	} {
		got.Reset()
		status, _, errs := do(append([]string{command, "--otlp", server.URL}, args...)...)
		text := got.String()
		if !strings.Contains(text, "span firesteel "+command+" ") || !strings.Contains(text, "gen_ai.client.operation.duration gen_ai.operation.name=") || !strings.Contains(text, "firesteel.command="+command) {
			t.Errorf("%s: %d\n%s\n%s", command, status, errs, text)
		}
		if strings.Contains(string(got.Raw), "SECRET") || strings.Contains(string(got.Raw), "enough") {
			t.Errorf("%s: content was sent", command)
		}
	}
	// Nothing is sent without the flag, and with --local-only to no other machine.
	got.Reset()
	if status, _, errs := do(run...); status != exitOK || got.String() != "" {
		t.Error(status, errs, got.String())
	}
	for args, want := range map[string]string{
		"--otlp|ftp://x":       "has the scheme ftp",
		"--otlp|http://user@x": "a part that is not of an address",
		"--local-only|--otlp|https://otel.example.com:4318": "otel.example.com",
	} {
		if status, _, errs := do(append(run, strings.Split(args, "|")...)...); status == exitOK || !strings.Contains(errs, want) {
			t.Errorf("%s: %d, %s", args, status, errs)
		}
	}
	// A collector that is gone does not fail the run.
	server.Close()
	if status, _, errs := do(append(run, "--no-ledger", "--otlp", server.URL)...); status != exitOK || !strings.Contains(errs, "not all metrics and traces were sent") {
		t.Error(status, errs)
	}
}

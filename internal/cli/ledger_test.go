package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/ledger"
)

func TestLedger(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("FIRESTEEL_CACHE", cache)
	if status, _, errs := do("ledger", "list"); status != exitFailed || !strings.Contains(errs, "is not a ledger") || !strings.Contains(errs, "'firesteel run' creates a ledger") {
		t.Errorf("without one: %d, %s", status, errs)
	}
	l, err := ledger.Open(t.Context(), filepath.Join(cache, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i, e := range []ledger.Entry{
		{Time: now, Function: "ai_gen", Model: "Small-135M", Answer: []byte(`{"value":"x"}`)},
		{Time: now.Add(-100 * 24 * time.Hour), Function: "ai_gen", Model: "Small-135M", Answer: []byte(`{"value":"yy"}`)},
		{Time: now, Function: "ai_classify", Model: "Large-8B", Answer: []byte(`{"value":null}`)},
	} {
		e.Key[0] = byte(i)
		if err := l.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"drop", exitUsage, "select the answers to drop"},
		{"drop --all --model x", exitUsage, "drop all by --all"},
		{"drop --older-than soon", exitUsage, "write 90d"},
		{"drop --all", exitFailed, "in use by process"},
		{"list --ledger " + t.TempDir(), exitFailed, "--ledger names another"},
		{"lost", exitUsage, "there is no command"},
	} {
		status, out, errs := do(append([]string{"ledger"}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s: exit code %d, %q", c.args, status, errs)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, out, _ := do("ledger", "list")
	for _, want := range []string{"FUNCTION", "ai_gen", "Small-135M   2", "Large-8B     1", now.UTC().Format(time.DateOnly)} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if _, out, _ := do("ledger", "export", "--function", "try_ai_classify"); !strings.HasPrefix(out, `{"key":"0200`) || !strings.Contains(out, `"function":"ai_classify","model":"Large-8B","answer":{"value":null}}`) {
		t.Errorf("exported: %s", out)
	}
	for _, c := range []struct {
		args string
		left int
	}{{"--older-than 90d", 2}, {"--model small", 1}, {"--all", 0}} {
		status, out, errs := do(append([]string{"ledger", "drop"}, strings.Fields(c.args)...)...)
		if status != exitOK || !strings.HasPrefix(out, "1 answers dropped from "+cache) {
			t.Errorf("%s: %d, %s%s", c.args, status, out, errs)
		}
		file := filepath.Join(t.TempDir(), "left.jsonl")
		do("ledger", "export", "-o", file)
		if b, _ := os.ReadFile(file); strings.Count(string(b), "\n") != c.left {
			t.Errorf("%s leaves %s", c.args, b)
		}
	}
}

//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

// A ledger in a directory that all users can write to is rejected, unless the flag
// of the error is given.
func TestTrustDirectory(t *testing.T) {
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Setenv(privatefile.TrustVariable, "") // restored after the flag has set it
	fakeModels(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("in.csv", []byte(tickets), 0o600); err != nil {
		t.Fatal(err)
	}
	shared := otheruser.Dir(t)
	run := []string{"run", "in.csv", "--add", "mood=ai_analyze_sentiment(text)", "-o", "out.csv", "--ledger", shared}
	status, _, errs := do(run...)
	for _, want := range []string{shared + " is not trusted", "run chmod o-w " + shared, "add --trust-directory " + shared, "--no-ledger keeps no answers"} {
		if status != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("exit code %d: %s\nwithout %q", status, errs, want)
		}
	}
	if status, _, errs := do("ledger", "list", "--ledger", shared); status != exitFailed || !strings.Contains(errs, "add --trust-directory") {
		t.Errorf("list: exit code %d: %s", status, errs)
	}
	if status, _, errs := do("run", "in.csv", "--trust-directory", ""); status != exitUsage {
		t.Errorf("exit code %d: %s", status, errs)
	}
	if status, _, errs := do(append(run, "--trust-directory", filepath.Dir(shared))...); status != exitIncomplete {
		t.Errorf("trusted: exit code %d: %s", status, errs)
	}
}

//go:build linux

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

// Statements and jobs on Spark whose calls rules answer download and upload no
// model: the cache is empty, and all downloads are refused.
func TestRulesShipNoModel(t *testing.T) {
	testkit.Integration(t)
	url := testkit.SharedSpark(t) // without the variables of this test
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Setenv("FIRESTEEL_LOCAL_ONLY", "1")
	out := firesteel(t, "sql", "--remote", url, "-e", "SELECT ai_mask('mail to ann@example.com', ARRAY('email')) AS ai_masked")
	if !strings.Contains(out, "mail to [MASKED]") {
		t.Error(out)
	}
	folder := t.TempDir()
	in, to := filepath.Join(folder, "in.csv"), filepath.Join(folder, "out.csv")
	if err := os.WriteFile(in, []byte("id,text\n1,call 212-555-0143\n2,\n3,mail to ann@example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Spark reads and writes ORC, which this program does not.
	between := filepath.Join(folder, "out.orc")
	firesteel(t, "run", in, "--remote", url, "--add", "m=ai_mask(text, array('email', 'phone'))", "-o", between)
	if parts, err := filepath.Glob(filepath.Join(between, "*.orc")); err != nil || len(parts) == 0 {
		t.Fatal(parts, err)
	}
	firesteel(t, "run", between, "--remote", url, "--add", "n=ai_mask(m, array('email', 'phone'))", "--select", "id,m", "-o", to)
	parts, err := filepath.Glob(filepath.Join(to, "*.csv"))
	if err != nil || len(parts) == 0 {
		t.Fatal(parts, err)
	}
	all := ""
	for _, part := range parts {
		b, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		all += string(b)
	}
	for _, want := range []string{"1,call [MASKED],call [MASKED]\n", "3,mail to [MASKED],mail to [MASKED]\n"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in %q", want, all)
		}
	}
	if _, errs, err := run(t, "", "sql", "--remote", url, "-e", "SELECT ai_gen('x')"); err == nil || !strings.Contains(errs, "smollm2") {
		t.Errorf("%v: %s", err, errs)
	}
}

//go:build linux

package integration

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

// sql --explain counts the rows that reach each call, asks a sample only, writes nothing, and says what is left.
func TestSQLExplain(t *testing.T) {
	t.Parallel()
	ledger := filepath.Join(t.TempDir(), "ledger")
	const script = `CREATE TEMPORARY VIEW t AS SELECT id, concat('text ', id) AS content FROM range(1000);
INSERT INTO nowhere SELECT id, ai_filter(content, 'it is a text') FROM t WHERE id % 10 = 0;
SELECT id, ai_classify(content, array('a', 'b')) FROM t WHERE id < 200 AND ai_filter(content, 'it is a text') IS NOT NULL;
SELECT 1;
DROP TABLE t`
	args := []string{"sql", "--remote", testkit.SharedSpark(t), "--model", randomModel(t, "tiny.gguf"), "--ledger", ledger, "--price", "1000,1000", "--sample", "8", "-e", script, "--explain"}
	out := firesteel(t, args...)
	for _, want := range []string{
		"filter ((id % 10) = 0)\n", "ai_filter\n", "filter by the answer\n",
		"100 rows, 84 of them without an answer; ", "200 rows, 1", "ai_classify by tiny: about (", " of the sample meet ai_filter) 200 rows, ", "it calls no AI function", "DROP TABLE t\n  it was not run", "; price ", "  about ", " at the speed of the second round (",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

package cli

import (
	"strings"
	"testing"

	"github.com/firesteel/firesteel/spark"
)

func TestSparkLedgerFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--max-tokens", "5"}, "a budget needs --ledger with a directory that all executors share"},
		{[]string{"--ledger", "s3://b/k"}, "--ledger: s3://b/k is not a path"},
		{[]string{"--ledger", "/x", "--max-cost", "5"}, "--max-cost needs the price"},
		{[]string{"--ledger", "/x", "--max-rows", "-1"}, "budgets must be at least 0"},
	} {
		for _, command := range [][]string{{"sql", "--remote", "sc://127.0.0.1:1", "-e", "SELECT 1"}, {"attach", "sc://127.0.0.1:1/;session_id=0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e"}} {
			var out, errs strings.Builder
			code := Do(append(command, c.args...), strings.NewReader(""), &out, &errs)
			want := exitUsage
			if command[0] == "sql" {
				want = sqlExitOwn
			}
			if code != want || !strings.Contains(errs.String(), c.want) {
				t.Errorf("%q %q: %d: %s", command[0], c.args, code, errs.String())
			}
		}
	}
}

func TestUsageLine(t *testing.T) {
	u := spark.Usage{Function: "ai_gen", Model: "m", Rows: 9, Asked: 3, FromLedger: 4, PromptTokens: 20, OutputTokens: 5, Cost: .25, Errors: 1, Skipped: 2}
	if got, want := usageLine(u, true), "ai_gen by m: 9 rows, 3 asked, 4 from the ledger, 2 skipped, 1 errors, 25 tokens, cost 0.2500"; got != want {
		t.Errorf("%q", got)
	}
	if got, want := usageLine(spark.Usage{Function: "ai_gen", Rows: 1}, false), "ai_gen: 1 rows, 0 asked, 0 from the ledger"; got != want {
		t.Errorf("%q", got)
	}
}

package sqlscript

import "testing"

func TestWithoutLiterals(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT a, 'it''s', r'\\x' FROM `t 1` WHERE b > 12.5 -- SECRET\n AND c = \"SECRET\"": "SELECT a, '?''?', '?' FROM `t 1` WHERE b > ?.?   AND c = '?'",
		"SELECT $$SECRET$$, x1, DATE'2026-01-31' /* SECRET /* */ */ FROM t2":                 "SELECT '?', x1, DATE'?'   FROM t2",
		"SELECT 'open SECRET": "SELECT '?'",
		"":                    "",
	} {
		if got := WithoutLiterals(text); got != want {
			t.Errorf("%q becomes %q, not %q", text, got, want)
		}
	}
}

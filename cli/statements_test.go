package cli

import (
	"slices"
	"testing"
)

func TestSplitStatements(t *testing.T) {
	for _, c := range []struct {
		script string
		want   []string
		rest   string
	}{
		{"SELECT 1", nil, "SELECT 1"},
		{"SELECT 1; SELECT 2;", []string{"SELECT 1", "SELECT 2"}, ""},
		{"SELECT ';'; SELECT \";\", `a;b`; x", []string{"SELECT ';'", "SELECT \";\", `a;b`"}, "x"},
		{`SELECT 'it\'s; one'; y`, []string{`SELECT 'it\'s; one'`}, "y"},
		{"SELECT 1 -- a; b\n; SELECT 2", []string{"SELECT 1 -- a; b"}, "SELECT 2"},
		{"/* a; /* nested; */ b; */ SELECT 1; ;;", []string{"/* a; /* nested; */ b; */ SELECT 1"}, ""},
		{"-- only a comment", nil, ""},
		{"SELECT 'open; quote", nil, "SELECT 'open; quote"},
		{"SELECT 4 / 2 - 1; SELECT 2 -1", []string{"SELECT 4 / 2 - 1"}, "SELECT 2 -1"},
		{`SELECT r'\'; SELECT R"\"; SELECT bar'\';'`, []string{`SELECT r'\'`, `SELECT R"\"`}, `SELECT bar'\';'`},
		{"-- all of it\nBEGIN SELECT 1; SELECT 2; END;", []string{"-- all of it\nBEGIN SELECT 1; SELECT 2; END"}, ""},
		{"beginning; SELECT 1;", []string{"beginning", "SELECT 1"}, ""},
		{"", nil, ""},
	} {
		got, rest := splitStatements(c.script)
		if !slices.Equal(got, c.want) || rest != c.rest {
			t.Errorf("%q: got %q, rest %q; want %q, rest %q", c.script, got, rest, c.want, c.rest)
		}
	}
}

func FuzzSplitStatements(f *testing.F) {
	f.Add("SELECT ';' -- x\n; /* y")
	f.Fuzz(func(t *testing.T, script string) {
		splitStatements(script) // must end, and never index past the text
	})
}

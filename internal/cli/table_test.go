package cli

import (
	"slices"
	"strings"
	"testing"
)

// Escape sequences in data are shown as text wherever the terminal shows data.
func TestEscapeSequencesOfData(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	in := file(t, "in.csv", "te\x1bxt,mood\n\"red \x1b[31m \u009b2J\r \u202e\",positive\n\"bad \x1b]0;title\a\",negative\n\"x\",\"y\",\"\x1b[2J\"\n")
	for _, args := range [][]string{
		{"run", in, "--no-ledger", "--limit", "5", "--output-format", "table", "--errors", "why"},
		{"run", in, "--no-ledger", "--add", "m=ai_analyze_sentiment(`te\x1bxx`)"},
		{"run", in + "\x1b[2J", "--limit", "5"},
		{"eval", in, "--function", "ai_analyze_sentiment", "--input", "te\x1bxt", "--label", "mood"},
		{"eval", in, "--function", "ai_analyze_sentiment", "--input", "te\x1bx", "--label", "mood"},
		{"functions", "ai_\x1b[2J"},
	} {
		_, out, errs := do(args...)
		for _, text := range []string{out, errs} {
			if strings.ContainsAny(text, "\x1b\a\u009b\u202e\r") {
				t.Errorf("%q: %q", args, text)
			}
		}
	}
	status, out, _ := do("run", in, "--no-ledger", "--limit", "5", "--output-format", "csv")
	if !strings.Contains(out, "red \x1b[31m") {
		t.Errorf("a value that passes through is changed: exit code %d, %q", status, out)
	}
}

func TestTableFitsTerminal(t *testing.T) {
	for _, c := range []struct {
		widths  []int
		columns int
		want    []int
	}{
		{[]int{3, 100, 10}, 0, []int{3, 100, 10}},
		{[]int{3, 100, 10}, 80, []int{3, 63, 10}},
		{[]int{60, 60}, 41, []int{19, 19}},
		{[]int{3, 5}, 80, []int{3, 5}},
		{[]int{9, 9, 9}, 20, []int{8, 8, 8}},
		{nil, 80, nil},
	} {
		got := slices.Clone(c.widths)
		fitWidths(got, c.columns)
		if !slices.Equal(got, c.want) {
			t.Errorf("%v in %d columns: %v, want %v", c.widths, c.columns, got, c.want)
		}
	}
}

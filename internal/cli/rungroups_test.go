package cli

import (
	"fmt"
	"strings"
	"testing"
)

const groupedReviews = "product,stars,text\nphone,1,bad battery\ncase,5,\nphone,,good\nphone,2,bad battery\n,3,fine\ncase,4,it fits\n"

func TestRunGroups(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	in := file(t, "in.csv", groupedReviews)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--group-by", "product", "--add", "a=ai_agg(text, 'What?')"}, "product,count,a\nphone,3,I think it is Positive.\ncase,2,I think it is Positive.\n,1,I think it is Positive.\n"},
		{[]string{"--group-by", "Product", "--where", "stars > 1", "--add", "a=ai_agg(text, 'What?')", "--add", "s=ai_summarize_agg(text)"},
			"product,count,a,s\ncase,2,I think it is Positive.,it fits\nphone,1,I think it is Positive.,bad battery\n,1,I think it is Positive.,fine\n"},
		{[]string{"--group-by", "", "--add", "a=ai_agg(text, 'What?')"}, "count,a\n6,I think it is Positive.\n"},
		{[]string{"--group-by", "", "--where", "stars > 9", "--add", "a=ai_agg(text, 'What?')"}, "count,a\n0,\n"},
		{[]string{"--group-by", "product", "--where", "stars > 9", "--add", "a=ai_agg(text, 'What?')"}, "product,count,a\n"},
		{[]string{"--group-by", "product,stars", "--limit", "2"}, "product,stars,count\nphone,1,1\ncase,5,1\n"},
	} {
		status, out, errs := do(append([]string{"run", in, "--no-ledger"}, c.args...)...)
		if status != exitOK || out != c.want {
			t.Errorf("%v: exit code %d: %q, want %q\n%s", c.args, status, out, c.want, errs)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--group-by", "shop"}, "--group-by: there is no column shop to group by; the columns are product, stars, text"},
		{[]string{"--add", "a=ai_agg(text, 'What?')"}, "--group-by COLUMN makes lists of the texts of groups"},
		{[]string{"--group-by", "product", "--add", "a=ai_agg(stars, 'What?')"}, "stars"},
		{[]string{"--group-by", "product", "--add", "a=ai_agg(text, ' ')"}, "argument instruction: it is blank"},
		{[]string{"--group-by", "product", "--where", "ai_filter(text, 'it is good')"}, "--where: the condition chooses rows before they are grouped"},
		{[]string{"--group-by", "product", "--where", "star > 1"}, "--where: "},
		{[]string{"--group-by", "product", "--sample", "0.5"}, "--sample takes rows"},
		{[]string{"--group-by", "product", "--remote", "sc://localhost"}, "with --remote, --group-by"},
	} {
		status, _, errs := do(append([]string{"run", in, "--no-ledger"}, c.args...)...)
		if status != exitUsage || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit code %d, %s, want %q", c.args, status, errs, c.want)
		}
	}
}

// Cells that cannot be read are left out of their group, and are told.
func TestRunGroupsOfBadRows(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	in := file(t, "in.csv", "k,text\na,good\na,bad,3\nb\n")
	status, out, errs := do("run", in, "--group-by", "k", "--add", "a=ai_agg(text, 'What?')", "--no-ledger")
	if status != exitIncomplete || out != "k,count,a\na,2,I think it is Positive.\nb,1,\n" || !strings.Contains(errs, "2 rows could not be read whole") {
		t.Errorf("exit code %d: %q\n%s", status, out, errs)
	}
	if status, _, errs := do("run", in, "--group-by", "k", "--bad-rows", "fail", "--no-ledger"); status != exitFailed {
		t.Errorf("exit code %d: %s", status, errs)
	}
}

func TestExplainGroups(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	var text strings.Builder
	text.WriteString("k,text\n")
	for i := range 2000 {
		fmt.Fprintf(&text, "%d,a text with the number %d\n", i%2, i)
	}
	in := file(t, "in.csv", text.String())
	status, out, errs := do("explain", in, "--group-by", "k", "--add", "a=ai_agg(text, 'What?')", "--no-ledger")
	if status != exitOK || !strings.Contains(out, "2 groups of at most 1000 texts") || !strings.Contains(out, "without asking") || !strings.Contains(out, "too many to calibrate with") {
		t.Errorf("exit code %d: %s\n%s", status, out, errs)
	}
	status, out, errs = do("explain", file(t, "small.csv", groupedReviews), "--group-by", "product", "--add", "a=ai_agg(text, 'What?')", "--no-ledger", "--calibrate", "10ms")
	if status != exitOK || !strings.Contains(out, "3 groups of at most 3 texts") || !strings.Contains(out, "measured on") {
		t.Errorf("exit code %d: %s\n%s", status, out, errs)
	}
}

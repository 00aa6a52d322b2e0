package cli

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

// explain estimates what a run takes. It asks no server and keeps no answers.
func TestExplain(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	var rows strings.Builder
	rows.WriteString("id,text\n")
	for i := range 300 {
		fmt.Fprintf(&rows, "%d,It is good number %d\n", i, i%200)
	}
	in := file(t, "in.csv", rows.String())
	args := []string{in, "--where", "id < 250", "--add", "mood=ai_analyze_sentiment(text)", "--price", "1,2"}
	status, out, errs := do(append([]string{"explain"}, args...)...)
	for _, want := range []string{
		"input    " + in + ": 250 of 300 rows\n", "calls    ai_analyze_sentiment(text): 250 rows, 200 distinct inputs\n",
		" of prompts, ", "time     ", "cost     0.0", "leaves   nothing: everything is computed on this machine\n",
	} {
		if status != exitOK || !strings.Contains(out, want) {
			t.Errorf("exit code %d, %q is missing in\n%s%s", status, want, out, errs)
		}
	}
	// run --explain compares the estimate with the run. The answers are in the ledger.
	status, _, errs = do(append([]string{"run", "--explain", "--calibrate", "1ns", "-o", in + ".parquet"}, args...)...)
	if status != exitOK || !regexp.MustCompile(`(?m)^estimated .* took .*%, (within|outside) the interval$`).MatchString(errs) || !strings.Contains(errs, ": 250 calls") && !strings.Contains(errs, "250 calls: 200 asked") {
		t.Errorf("exit code %d:\n%s", status, errs)
	}
	status, out, errs = do(append([]string{"explain"}, args...)...)
	if status != exitOK || !strings.Contains(out, "200 distinct inputs, 200 of them in the ledger\n") {
		t.Errorf("exit code %d:\n%s%s", status, out, errs)
	}

	// The calibration answers all of a few rows.
	status, _, errs = do("run", in, "--no-ledger", "--explain", "--limit", "3", "--where", "id < 3", "--add", "mood=ai_analyze_sentiment(text)", "-o", in+".csv")
	if status != exitOK || !strings.Contains(errs, "time     the calibration answered all inputs, in ") || strings.Contains(errs, "estimated ") {
		t.Errorf("exit code %d:\n%s", status, errs)
	}

	status, out, _ = do(append([]string{"explain", "--no-ledger", "--model", "openai:big@https://llm.example.com/v1"}, args...)...)
	for _, want := range []string{"; counted for 200 rows without asking\n", "time     unknown: it depends on the server", "leaves   https://llm.example.com/v1: the prompts, with the columns text of the rows\n"} {
		if status != exitOK || !strings.Contains(out, want) {
			t.Errorf("exit code %d, %q is missing in\n%s", status, want, out)
		}
	}
	if status, out, _ := do("explain", in, "--where", "id < 3"); status != exitOK || !strings.Contains(out, "no function needs a model") {
		t.Errorf("exit code %d: %s", status, out)
	}
	for _, c := range []struct{ args, want string }{
		{"explain", "takes files or folders"},
		{"explain " + in + " --add x=ai_gen(txt)", `there is no column "txt"; did you mean text?`},
		{"explain " + in + " --add id=length(text)", "the column id exists already"},
		{"run - --format csv --explain --add x=ai_gen(text)", "standard input can be read once only"},
		{"run " + in + " --remote sc://x --add x=ai_gen(text)", "with --remote, --output is missing"},
		{"run " + in + " --remote sc://x -o y --explain --add x=ai_gen(text)", "with --remote, --explain"},
		{"run " + in + " --remote sc://x -o y --max-cost 1 --add x=ai_gen(text)", "with --remote, --max-cost"},
		{"run " + in + " --remote sc://x -o y --add x=ai_gen(text", "expected"},
	} {
		a := strings.Fields(c.args)
		if len(a) > 2 && a[1] == "-" {
			continue // read below
		}
		if status, _, errs := do(a...); status != exitUsage || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d: %s", c.args, status, errs)
		}
	}
}

// The report describes the run and its outcome, and opens in a browser.
func TestRunReport(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	in := file(t, "in.csv", "id,text\n1,good\n2,\"bad <script>window.ran=1</script>\"\n3,good,too many\n4,\n")
	page := in + ".html"
	status, _, errs := do("run", in, "--add", "mood=ai_analyze_sentiment(text)", "--explain", "--calibrate", "50ms", "--report", page, "--report-rows", "9", "-o", in+".jsonl", "--no-ledger")
	text, err := os.ReadFile(page)
	if status != exitIncomplete || err != nil || !strings.Contains(errs, "report: "+page) {
		t.Fatalf("exit code %d: %s %v", status, errs, err)
	}
	for _, want := range []string{
		"<dt>command</dt><dd>firesteel run " + in, "<dt>functions and prompts, with their versions</dt><dd>ai_analyze_sentiment() 2, analyze_sentiment ", "<dt>rows in</dt><dd>4</dd>",
		"<dt>error</dt><dd>1</dd>", "Estimate and actual", "line 4", "positive", "bad &lt;script&gt;",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in the report", want)
		}
	}
	if strings.Contains(string(text), "<script>") {
		t.Error("a text of the rows is not escaped")
	}
	testkit.InBrowser(t, string(text), strings.Count(string(text), "<h2"))
}

func TestSparkFormat(t *testing.T) {
	for _, c := range []struct{ name, given, want, err string }{
		{"s3://bucket/reviews.parquet", "", "parquet", ""},
		{"reviews.csv.gz", "", "csv", ""},
		{"/data/in.JSONL", "", "jsonl", ""},
		{"reviews", "", "", ""},
		{"db.reviews", "", "", ""},
		{"/data/reviews.parquet/", "", "parquet", ""},
		{"/data/reviews", "parquet", "parquet", ""},
		{"/data/reviews.orc", "", "orc", ""},
		{"/data/reviews", "ORC", "orc", ""},
		{"/data/reviews.avro", "", "avro", ""},
		{"/data/reviews.csv.bz2", "", "csv", ""},
		{"/data/reviews.csv.xz", "", "", "Spark reads no xz files"},
		{"/data/reviews.xlsx", "", "", "is a spreadsheet"},
		{"/data/reviews", "", "", "does not show its format"},
		{"x", "paquet", "", "unknown format"},
	} {
		got, err := sparkFormat(c.name, c.given, false)
		if string(got) != c.want || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s %s: %q, %v", c.name, c.given, got, err)
		}
	}
}

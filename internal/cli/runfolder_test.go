package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A folder with partitions is written as a folder, continues where it stopped, and is also read as one table.
func TestRunFolder(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for day := range 3 {
		write(fmt.Sprintf("in/dt=2026-12-0%d/part.csv", day+1), fmt.Sprintf("id,text\n%d,It is good: a@b.org\n%d,It is bad\n", 10*day, 10*day+1))
	}
	write("in/_SUCCESS", "")
	run := func(want int, args ...string) string {
		t.Helper()
		status, out, errs := do(append([]string{"run"}, args...)...)
		if status != want {
			t.Fatalf("%q: exit code %d\n%s%s", args, status, out, errs)
		}
		return out + errs
	}
	job := []string{"in", "--where", "dt <> date'2026-12-02'", "--add", "m=ai_mask(text, array('email'))", "--add", "mood=ai_analyze_sentiment(text)", "-o", "out/"}
	errs := run(exitOK, job...)
	if got := read("out/dt=2026-12-03/part.csv"); !strings.HasPrefix(got, "id,m,mood\n20,It is good: [MASKED],") || strings.Contains(got, "a@b.org") {
		t.Errorf("%s", got)
	}
	if got := read("out/dt=2026-12-02/part.csv"); got != "id,m,mood\n" {
		t.Errorf("%q", got)
	}
	if !strings.Contains(errs, "4 rows in = 4 ok") || strings.Count(errs, "not written, because an added column masks it: text") != 1 {
		t.Error(errs)
	}
	// What is there is not computed again, and other files are.
	if err := os.Remove("out/dt=2026-12-01/part.csv"); err != nil {
		t.Fatal(err)
	}
	if errs = run(exitOK, job...); !strings.Contains(errs, "2 of 3 files were written before") || !strings.Contains(errs, "2 rows in = 2 ok") {
		t.Error(errs)
	}
	if errs = run(exitFailed, append(job, "--add", "n=length(text)")...); !strings.Contains(errs, "has the output of another run") {
		t.Error(errs)
	}
	if errs = run(exitOK, append(job, "--add", "n=length(text)", "--overwrite", "--output-format", "parquet")...); !strings.Contains(errs, "4 rows in") {
		t.Error(errs)
	}
	if _, err := os.Stat("out/dt=2026-12-01/part.parquet"); err != nil {
		t.Error(err)
	}
	// As one table, with the partition column.
	run(exitOK, "in/", "--add", "n=length(text)", "--select", "dt,id", "-o", "all.jsonl")
	if got := read("all.jsonl"); !strings.HasPrefix(got, `{"dt":"2026-12-01","id":0,"n":`) || strings.Count(got, "\n") != 6 {
		t.Error(got)
	}
	run(exitOK, "in/dt=2026-12-01/part.csv", "in/dt=2026-12-0[23]", "--drop", "text", "-o", "two.csv")
	if got := read("two.csv"); got != "id\n0\n1\n10\n11\n20\n21\n" {
		t.Errorf("%q", got)
	}
	// A budget that is used up stops after the last file that is whole, and the same command goes on.
	budget := []string{"in", "--add", "mood=ai_analyze_sentiment(concat(text, id))", "-o", "slow/"}
	errs = run(exitIncomplete, append(budget, "--max-rows", "3")...)
	if !strings.Contains(errs, "1 of 3 files are written") {
		t.Error(errs)
	}
	if _, err := os.Stat("slow/dt=2026-12-02/part.csv"); err == nil {
		t.Error("a file that is not whole was written")
	}
	if errs = run(exitOK, budget...); !strings.Contains(errs, "1 of 3 files were written before") {
		t.Error(errs)
	}
	// A format that cannot be written is told before the folder is made.
	write("packed/a.csv.bz2", "")
	for args, want := range map[string]string{
		"packed|--add|n=1|-o|out3/":                                                         "bzip2 files are read only; write .gz or .zst",
		"in|--add|n=length(text)|-o|in/sub/":                                                "the folder is in that of the input",
		"in|--add|n=length(text)|-o|out2/|--report|r.html":                                  "are for one output",
		"in|--add|n=length(text)|-o|out2/|--limit|1":                                        "are over all rows",
		"in/dt=2026-12-01/part.csv|in/dt=2026-12-02/part.csv|--add|n=length(text)|-o|out2/": "give their common folder",
		"in|-|--add|n=length(text)":                                                         "standard input is not one of several files",
		"in|--drop|txt|-o|x.csv":                                                            "did you mean text?",
	} {
		status, _, errs := do(append([]string{"run"}, strings.Split(args, "|")...)...)
		if status == exitOK || !strings.Contains(errs, want) {
			t.Errorf("%s: %d, %s", args, status, errs)
		}
	}
	if _, err := os.Stat("out3"); err == nil {
		t.Error("the folder was made")
	}
}

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/match"
)

const (
	customers = "id,name,city\n007,Jon Smith,Rome\n2,Mary Jones,Oslo\n3,,Oslo\n4,Arne Lind,Bonn\n"
	orders    = "name,sum\n\"SMITH, JOHN\",1.50\nMary Jnes,2.25\nKendra Vida,1E2\n,5.00\n"
)

// Values that pass through are not changed, and NULL matches nothing.
func TestMatch(t *testing.T) {
	left, right := file(t, "left.csv", customers), file(t, "right.csv", orders)
	status, out, errs := do("match", left, right, "--on", "name")
	want := "id,name,city,right_name,sum,score\n007,Jon Smith,Rome,\"SMITH, JOHN\",1.50,0.9\n2,Mary Jones,Oslo,Mary Jnes,2.25,0.9\n"
	if status != exitOK || out != want {
		t.Errorf("exit code %d: %s%s", status, out, errs)
	}
	for _, want := range []string{"3 by 3 distinct texts, 9 pairs; 3 candidates compared: 33.33 % of all", "recall of the 1 nearest: 1.000", "2 pairs of rows match"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is missing in\n%s", want, errs)
		}
	}
	to := filepath.Join(t.TempDir(), "out.parquet")
	if status, out, errs := do("match", left, right, "--on", "name", "-o", to); status != exitOK || out != "" || !strings.Contains(errs, "written: "+to) {
		t.Errorf("exit code %d: %s%s", status, out, errs)
	}
	if status, _, errs := do("match", left, right, "--on", "name", "-o", left, "--overwrite"); status != exitFailed || !strings.Contains(errs, "left.csv") {
		t.Errorf("exit code %d: %s", status, errs)
	}
}

// What is asked is kept in the ledger, and a second run asks nothing.
func TestMatchAsks(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	left, right := file(t, "left.csv", "text,film\ngood one,1\nbad one,1\ngood two,2\n"), file(t, "right.csv", "text,film\ngood cast,1\ngood song,2\n")
	args := []string{"match", left, right, "--on", "text", "--equal", "film", "--predicate", "{each} is a review", "--threshold", "0"}
	status, out, errs := do(args...)
	if status != exitOK || strings.Count(out, "\n") != 4 || !strings.Contains(errs, "questions: 5 calls: 5 asked") {
		t.Errorf("exit code %d: %s%s", status, out, errs)
	}
	status, again, errs := do(args...)
	if status != exitOK || again != out || !strings.Contains(errs, "questions: 5 calls: 0 asked, 0 equal to another row's, 5 from the ledger") {
		t.Errorf("exit code %d: %s%s", status, again, errs)
	}
	args = []string{"match", left, right, "--on", "text", "--predicate", "{left} is about {right}", "--by", "letters", "--no-ledger"}
	status, out, _ = do(append(args, "--explain")...)
	if want := "texts    3 by 2 distinct texts\npairs    6\nsample   at most 30 questions"; status != exitOK || !strings.HasPrefix(out, want) {
		t.Errorf("exit code %d: %s", status, out)
	}
	if status, _, errs := do(append(args, "--max-pairs", "1", "--nearest", "2")...); status != exitFailed || !strings.Contains(errs, "there are 6 pairs (the 2 nearest of each text), and the limit is 1: nothing was asked about them") {
		t.Errorf("exit code %d: %s", status, errs)
	}
	// A statement that is too long is the error of its pair.
	long := file(t, "long.csv", "text\ngood one\n\"good "+strings.Repeat("x", 5000)+"\"\n")
	status, out, errs = do("match", left, long, "--on", "text", "--predicate", "{left} is about {right}", "--by", "letters", "--no-ledger", "--threshold", "0", "--nearest", "2", "--errors", "problem")
	if status != exitIncomplete || strings.Count(out, "the limit is 4096") != 3 {
		t.Errorf("exit code %d: %.300s%s", status, out, errs)
	}
}

func TestDedup(t *testing.T) {
	in := file(t, "in.csv", "name,n\nJon Smith,1.0\nMary Jones,2\nJohn Smith,3\n,4\nJohn Smiht,5\n")
	john, mary := match.ClusterID("John Smiht"), match.ClusterID("Mary Jones")
	status, out, errs := do("dedup", in, "--on", "name")
	want := fmt.Sprintf("name,n,cluster\nJon Smith,1.0,%s\nMary Jones,2,%s\nJohn Smith,3,%s\n,4,\nJohn Smiht,5,%s\n", john, mary, john, john)
	if status != exitOK || out != want || !strings.Contains(errs, "4 rows are in 2 clusters, and 1 without a text in none") {
		t.Errorf("exit code %d: %s%s", status, out, errs)
	}
}

func TestMatchMistakes(t *testing.T) {
	left, right := file(t, "left.csv", customers), file(t, "right.csv", orders)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"match", left}, "takes two files"},
		{[]string{"match", left, right}, "--on names the columns"},
		{[]string{"match", left, right, "--on", "nme"}, "has no column nme; its columns are id, name, city"},
		{[]string{"match", left, right, "--on", "name", "--predicate", "the same"}, "it has no blank"},
		{[]string{"match", left, right, "--on", "name", "--predicate", "{each} is {left}"}, "{each} is for a statement about one text"},
		{[]string{"match", left, right, "--on", "name", "--predicate", "{left}" + strings.Repeat("x", 5000)}, "the limit is 4096"},
		{[]string{"match", left, right, "--on", "name", "--by", "sound"}, "--by is letters, vectors or both"},
		{[]string{"match", left, right, "--on", "name", "--by", "vectors"}, "give the least similarity"},
		{[]string{"match", left, right, "--on", "name", "--recall", "2"}, "--recall must be a number above 0"},
		{[]string{"match", left, right, "--on", "name", "--nearest", "0"}, "must be at least 1"},
		{[]string{"match", left, right, "--on", "name", "--score", "city"}, "--score: the column city exists already"},
		{[]string{"match", left, right, "--on", "name", "--equal", "="}, "--equal"},
		{[]string{"match", left, right, "--on", "name", "--remote", "sc://x"}, "with --remote, --output is missing"},
		{[]string{"match", left, right, "--on", "name", "--remote", "sc://x", "-o", "out", "--explain"}, "with --remote, --explain"},
		{[]string{"match", left, right, "--on", "name", "--remote", "sc://x", "-o", "out", "--equal", "a=b"}, "the column has one name on both sides"},
		{[]string{"dedup", left, "--on", "name", "--remote", "sc://x", "-o", "out", "--equal", "a"}, "cluster each part of the table alone"},
		{[]string{"dedup", left, "--on", "name", "--cluster", "id"}, "--cluster: the column id exists already"},
		{[]string{"match", left, right, "--on", "name", "--score", ""}, "--score is empty"},
		{[]string{"match", left, right, "--on", "name", "--score", " ", "--remote", "sc://x", "-o", "out"}, "--score is empty"},
		{[]string{"dedup", left, "--on", "name", "--cluster", ""}, "--cluster is empty"},
		{[]string{"dedup", left, "--on", "name", "--predicate", "{each} is good"}, "a cluster needs a predicate about a pair"},
	} {
		if status, out, errs := do(c.args...); status != exitUsage || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: exit code %d, %s%s, want %q", c.args[1:], status, out, errs, c.want)
		}
	}
}

// docs/join.md shows what the command prints.
func TestJoinPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/join.md")
	if err != nil {
		t.Fatal(err)
	}
	_, out, _ := do("match", file(t, "left.csv", customers), file(t, "right.csv", orders), "--on", "name")
	for _, want := range []string{customers, orders, out} {
		indented := "    " + strings.ReplaceAll(strings.TrimSuffix(want, "\n"), "\n", "\n    ")
		if !strings.Contains(string(page), indented+"\n") {
			t.Errorf("docs/join.md does not show\n%s", indented)
		}
	}
}

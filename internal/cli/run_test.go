package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

const tickets = "id,text\n1,It is good.\n2,bad\n3,\"It is good.\"\n4,good,too many\n5,\n"

func TestRun(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Chdir(t.TempDir())
	if err := os.WriteFile("in.csv", []byte(tickets), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "in.csv", "--add", "mood=ai_analyze_sentiment(text)", "--errors", "problem", "-o", "out.jsonl"}
	status, out, errs := do(args...)
	if status != exitIncomplete || out != "" {
		t.Errorf("exit code %d: %s%s", status, out, errs)
	}
	for _, want := range []string{
		"5 rows in = 3 ok + 1 null + 1 error + 0 skipped\n", "1 equal to another row's, 0 from the ledger", "row 4: in.csv, line 5",
		"written: out.jsonl", "firesteel: not all rows have an answer: of 5 rows 1 with errors",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is missing in\n%s", want, errs)
		}
	}
	written, err := os.ReadFile("out.jsonl")
	lines := strings.Split(string(written), "\n")
	if err != nil || len(lines) != 6 || lines[0] != `{"id":1,"text":"It is good.","mood":"positive","problem":null}` ||
		!strings.HasPrefix(lines[3], `{"id":4,"text":"good","mood":"positive","problem":"in.csv, line 5: the row has 3 cells, but the first line has 2: \"too many\" has no column`) {
		t.Errorf("%s, %v", written, err)
	}
	// Again: nothing is asked, and nothing is written over.
	if status, _, errs := do(args...); status != exitFailed || !strings.Contains(errs, "--overwrite") {
		t.Errorf("exit code %d: %s", status, errs)
	}
	status, _, errs = do(append(args, "--overwrite")...)
	if again, _ := os.ReadFile("out.jsonl"); status != exitIncomplete || string(again) != string(written) || !strings.Contains(errs, " 0 asked") && !strings.Contains(errs, "from the ledger; 0 requests") {
		t.Errorf("exit code %d: %s%s", status, again, errs)
	}
}

func TestRunToStandardOutput(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	in := file(t, "in.csv", "text,stars\ngood,1\n\"a\nbad one\",2\nso so,3\n")
	status, out, errs := do("run", in, "--where", "stars < 3", "--add", "mood=ai_analyze_sentiment(text)")
	if status != exitOK || out != "text,stars,mood\ngood,1,positive\n\"a\nbad one\",2,negative\n" {
		t.Errorf("exit code %d: %q %s", status, out, errs)
	}
	status, out, _ = do("run", in, "--limit", "2", "--no-ledger", "--add", "mood=ai_analyze_sentiment(text)", "--output-format", "table")
	if want := `+----------+-----+--------+
|text      |stars|mood    |
+----------+-----+--------+
|good      |1    |positive|
|a\nbad one|2    |negative|
+----------+-----+--------+
`; status != exitOK || out != want {
		t.Errorf("exit code %d:\n%s", status, out)
	}
}

func TestRunBudget(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	in := file(t, "in.csv", "text\n"+strings.Repeat("good\nbad\n", 50))
	status, out, errs := do("run", in, "--add", "mood=ai_analyze_sentiment(text)", "--max-rows", "10", "--memory", "1GB", "--threads", "1")
	if status != exitIncomplete || strings.Count(out, "\n") != 101 || !strings.Contains(errs, "100 rows in = 10 ok + 0 null + 0 error + 90 skipped") ||
		!strings.Contains(errs, "90 rows skipped: the budget of 10 rows is used up") {
		t.Errorf("exit code %d: %s", status, errs)
	}
	status, _, errs = do("run", file(t, "bad.csv", "a,b\n1\n1\n"), "--where", "a = '1'", "--max-errors", "0")
	if status != exitIncomplete {
		t.Errorf("exit code %d: %s", status, errs)
	}
}

// A limit of 0 allows nothing. Without the flag there is no limit.
func TestRunLimitsOfZero(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	in := file(t, "in.csv", "text\ngood\nbad\n")
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"--max-rows 0", exitIncomplete, "2 rows in = 0 ok + 0 null + 0 error + 2 skipped"},
		{"--max-tokens 0", exitIncomplete, "2 rows skipped: the budget of 0 tokens is used up"},
		{"--max-cost 0 --price 1,1", exitIncomplete, "2 rows skipped: the budget of 0 for tokens is used up"},
		{"--max-cost 0", exitUsage, "--max-cost needs the price"},
		{"--max-time 0s", exitIncomplete, "2 rows skipped: the budget of 0s is used up"},
		{"--limit 0", exitOK, "0 rows in = 0 ok + 0 null + 0 error + 0 skipped"},
		{"--limit 0 --output-format table", exitOK, "0 rows in"},
		{"--sample 0", exitOK, "0 rows in = 0 ok + 0 null + 0 error + 0 skipped; 2 left out"},
		{"--max-rows -1", exitUsage, "budgets must be at least 0"},
		{"--max-cost NaN --price 1,1", exitUsage, "budgets must be at least 0"},
		{"--max-rows x", exitUsage, "--max-rows"},
		{"--sample NaN", exitUsage, "--sample is a share"},
		{"", exitOK, "2 rows in = 2 ok"},
	} {
		args := append([]string{"run", in, "--no-ledger", "--add", "mood=ai_analyze_sentiment(text)"}, strings.Fields(c.args)...)
		status, _, errs := do(args...)
		if status != c.status || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, %s, want %q", c.args, status, errs, c.want)
		}
	}
	if status, _, errs := do("eval", in, "--function", "ai_analyze_sentiment", "--input", "text", "--label", "text", "--limit", "0"); status != exitUsage || !strings.Contains(errs, "--limit must be at least 1") {
		t.Errorf("eval --limit 0: exit code %d, %s", status, errs)
	}
}

// An interrupted run leaves no output, but keeps its answers in the ledger.
func TestRunInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no signal to send")
	}
	c := crashTest{rows: 20_000, distinct: 20_000, textBytes: 28, memory: 256 << 20}
	dir := t.TempDir()
	c.write(t, filepath.Join(dir, "in.csv"))
	cmd, errs := c.command(dir, "killed")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.After(time.Minute)
	for logLines(dir) < 200 {
		select {
		case <-late:
			t.Fatal(errs)
		case <-time.After(time.Millisecond):
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	left, _ := filepath.Glob(filepath.Join(dir, "*killed.csv*"))
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || left != nil ||
		!strings.Contains(errs.String(), "run the same command again to continue\nfiresteel: interrupted\n") {
		t.Errorf("exit code %d, left behind %v: %s", code, left, errs)
	}
	if status, out, _ := do("ledger", "list", "--ledger", filepath.Join(dir, "killed-ledger")); status != exitOK || !strings.Contains(out, "ai_gen") {
		t.Errorf("the ledger: %d, %s", status, out)
	}
}

// Mistakes are reported before the model is loaded, with the command to type.
func TestRunMistakes(t *testing.T) {
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Chdir(t.TempDir())
	if err := os.WriteFile("in.csv", []byte(tickets), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("full", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("full", "a.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const add = " --add m=ai_analyze_sentiment(text)"
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"", exitUsage, "takes files or folders, or - for standard input"},
		{"in.csv", exitUsage, "there is nothing to do: add a column, as in --add"},
		{"in.csv --add m=ai_analyze_sentimen(text)", exitUsage, "did you mean ai_analyze_sentiment"},
		{"in.csv --add m=ai_analyze_sentiment(txt)", exitUsage, "did you mean text"},
		{"in.csv --add m", exitUsage, "name=expression"},
		{"in.csv --add text=ai_analyze_sentiment(text)", exitUsage, "give the added column another name"},
		{"in.csv --where text", exitUsage, "but a condition is needed"},
		{"in.cvs" + add, exitFailed, "in.cvs"},
		{"none.csv" + add, exitFailed, "there is no file none.csv"},
		{"-" + add, exitFailed, "by --format"},
		{"in.csv --format excel" + add, exitUsage, "unknown format"},
		{"in.csv --type id=INTEGERS" + add, exitUsage, "--type id=INTEGERS"},
		{"in.csv --type id" + add, exitUsage, "zip=STRING"},
		{"in.csv --bad-rows maybe" + add, exitUsage, "keep or fail"},
		{"in.csv --bad-rows fail -m ./none.gguf" + add, exitFailed, "none.gguf"},
		{"in.csv -o out.xls" + add, exitFailed, "does not show its format"},
		{"in.csv -o no/such/out.csv" + add, exitFailed, "mkdir -p no/such"},
		{"in.csv -o in.csv --overwrite" + add, exitFailed, "in.csv is the input"},
		{"in.csv -o out.csv --output-format table" + add, exitUsage, "a table is for people to read"},
		{"in.csv --ledger full" + add, exitFailed, "a.txt, which is not part of a ledger"},
		{"in.csv --ledger in.csv" + add, exitFailed, "--no-ledger"},
		{"in.csv --ledger a --no-ledger" + add, exitUsage, "exclude each other"},
		{"in.csv --sample 2" + add, exitUsage, "for a number of rows use --limit"},
		{"in.csv --max-cost 3" + add, exitUsage, "--price 0.15,0.60"},
		{"in.csv --max-cost 3 --price 1" + add, exitUsage, "as in 0.15,0.60"},
		{"in.csv --max-rows -1" + add, exitUsage, "budgets must be at least 0"},
		{"in.csv --memory lots" + add, exitUsage, "write 2GB or 512MB"},
		{"in.csv --memory 1MB" + add, exitUsage, "the minimum"},
		{"in.csv --precision f16" + add, exitUsage, "--precision"},
		{"in.csv -m x.gguf -m y.gguf" + add, exitUsage, "give each its own name"},
		{"in.csv -m what:ever -o out.csv" + add, exitFailed, "what:ever"},
	} {
		status, out, errs := do(append([]string{"run"}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s: exit code %d, %q, want %d, %q", c.args, status, errs, c.status, c.want)
		}
	}
	if left, _ := filepath.Glob("*out*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "12": 12, "2GB": 2e9, "1.5 gib": 3 << 29, "512M": 512e6, "10kb": 1e4, "1KiB": 1024} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "GB", "-1", "1XB", "nan", "1e30", "1GG"} {
		if got, err := parseBytes(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
	if now, peak := memoryNow(), memoryPeak(); now > peak || peak > 0 && now < 1<<20 {
		t.Errorf("%d of memory, at most %d", now, peak)
	}
}

func TestJobLine(t *testing.T) {
	got := jobLine(job.Snapshot{
		Rows: 120, Errors: 1, Skipped: 2, Equal: 10, Kept: 20, Asking: 64, BytesRead: 25, BytesTotal: 100,
		RowsPerSecond: 10, TokensPerSecond: 2000, Left: 6 * time.Minute,
	})
	if got != "120 rows (25 %), 10.0 rows/s, 2000 tokens/s, 64 being asked, 30 not asked again, 1 errors, 2 skipped, 6m0s left" {
		t.Error(got)
	}
}

// Rows ask the model that they name. The ledger does not mix the answers of models.
func TestRunNamedModels(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	in := file(t, "in.csv", "who,text\nbig,Hello\ndefault,Hello\n")
	run := func(want string, args ...string) {
		t.Helper()
		args = append([]string{in, "--output-format", "csv", "--add", "a=ai_query(who, concat(text, ', who are you?'))"}, args...)
		status, out, errs := do(append([]string{"run", "--report", filepath.Join(t.TempDir(), "r.html")}, args...)...)
		if status != exitOK || out != want {
			t.Errorf("%q: exit code %d, %q, want %q\n%s", args, status, out, want, errs)
		}
		if status, out, errs := do(append([]string{"explain"}, args...)...); status != exitOK || !strings.Contains(out, "2 distinct inputs, 2 of them in the ledger") {
			t.Errorf("exit code %d:\n%s%s", status, out, errs)
		}
	}
	run("who,text,a\nbig,Hello,large.gguf\ndefault,Hello,small.gguf\n", "-m", "small.gguf", "-m", "big=large.gguf")
	run("who,text,a\nbig,Hello,larger.gguf\ndefault,Hello,small.gguf\n", "-m", "small.gguf", "-m", "big=larger.gguf")
	run("who,text,a\nbig,Hello,only.gguf\ndefault,Hello,only.gguf\n", "-m", "big=only.gguf")
	status, _, errs := do("run", in, "--log-content", "-m", "x.gguf", "-m", "b=y.gguf", "--add", "a=ai_query('c', text)", "-o", in+"1.csv")
	if want := `there is no model "c"; the models are default (x.gguf), b (y.gguf)`; status != exitFailed || !strings.Contains(errs, want) {
		t.Errorf("exit code %d, want %q in\n%s", status, want, errs)
	}
	if status, _, errs := do("run", in, "-m", "big=x.gguf", "-m", "cloud=openai:m@https://llm.example.com/v1", "--add", "a=ai_query('big', text)", "--explain", "-o", in+"2.csv"); status != exitOK || !strings.Contains(errs, "leaves   nothing") || !strings.Contains(errs, "model    text: big.gguf") && !strings.Contains(errs, "model    text: x.gguf") {
		t.Errorf("exit code %d:\n%s", status, errs)
	}
}

// Calls that rules answer open no model, and cause no warning about a model.
func TestRunByRules(t *testing.T) {
	real := openModel
	openModel = func(context.Context, models.Reference, models.Options) (llm.Model, error) {
		return nil, errors.New("a model was opened")
	}
	t.Cleanup(func() { openModel = real })
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	in := file(t, "in.csv", "text,label\nWrite to anna@example.com.,\"[{\"\"label\"\": \"\"email\"\", \"\"start\"\": 9, \"\"end\"\": 25}]\"\nnothing here,[]\n,\n")
	const masking = "m=ai_mask(text, array('email', 'phone'))"
	status, out, errs := do("run", in, "--local-only", "--add", masking, "--add", "t=try_ai_mask(text, '[\"iban\"]').result", "--max-tokens", "0")
	if status != exitOK || !strings.Contains(out, "Write to [MASKED].,Write to anna@example.com.\n") || !strings.Contains(errs, "6 calls: all by rules, without a model\n") || strings.Contains(errs, "weak") || strings.Contains(errs, "misses") {
		t.Errorf("exit code %d: %s%s", status, out, errs)
	}
	if status, out, errs := do("explain", in, "--add", masking); status != exitOK || !strings.Contains(out, "no function needs a model") {
		t.Errorf("explain: exit code %d: %s%s", status, out, errs)
	}
	if status, out, errs := do("eval", in, "-f", "ai_mask", "-i", "text", "-l", "label", "--args", `{"labels": ["email"]}`); status != exitOK || !strings.Contains(out, "without a model") {
		t.Errorf("eval: exit code %d: %s%s", status, out, errs)
	}
	for _, labels := range []string{"array('email', 'person')", "array(text)", "'{\"email\": \"the sender only\", \"pets\": \"\"}'"} {
		if status, _, errs := do("run", in, "--add", "m=ai_mask(text, "+labels+")"); status != exitFailed || !strings.Contains(errs, "a model was opened") {
			t.Errorf("%s: exit code %d: %s", labels, status, errs)
		}
	}
}

// --memory does not bound the footer of a Parquet file with thousands of columns.
func TestRunWarnsOfFooter(t *testing.T) {
	row := strings.TrimSuffix(strings.Repeat("x,", 4000), ",")
	var header []string
	for i := range 4000 {
		header = append(header, fmt.Sprint("c", i))
	}
	in := file(t, "wide.csv", strings.Join(header, ",")+"\n"+strings.Repeat(row+"\n", 600))
	out := filepath.Join(t.TempDir(), "out")
	const note = "--memory 96MB does not bound the footer of a Parquet file: with 4000 columns it may take"
	for ending, want := range map[string]bool{".parquet": true, ".csv": false} {
		status, _, errs := do("run", in, "--memory", "96MB", "--limit", "1", "-o", out+ending)
		if status != exitOK || strings.Contains(errs, note) != want {
			t.Errorf("%s: exit code %d: %s", ending, status, errs)
		}
	}
}

// Another program sends a table as an Arrow stream and gets one back, with the types
// of its columns.
func TestRunArrowStream(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "text", Type: dictionary, Nullable: true},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "Asia/Tokyo"}, Nullable: true},
	}, nil)
	rows, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(`[{"text": "good", "at": "2026-01-01T00:00:00.123456789Z"}, {"text": null, "at": null}, {"text": "bad"}]`))
	if err != nil {
		t.Fatal(err)
	}
	var in, out, errs bytes.Buffer
	w := ipc.NewWriter(&in, ipc.WithSchema(schema))
	if err := errors.Join(w.Write(rows), w.Close()); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "-", "--format", "arrow", "--output-format", "arrow", "--add", "mood=ai_analyze_sentiment(text)"}
	if status := Do(args, &in, &out, &errs); status != exitOK {
		t.Fatalf("exit code %d: %s", status, errs.String())
	}
	r, err := ipc.NewReader(&out)
	if err != nil || !r.Next() {
		t.Fatal(err)
	}
	got := r.RecordBatch()
	moods := fmt.Sprint(got.Column(2))
	if !array.Equal(got.Column(0), rows.Column(0)) || !array.Equal(got.Column(1), rows.Column(1)) || moods != `["positive" (null) "negative"]` || r.Next() {
		t.Errorf("%v", got)
	}
}

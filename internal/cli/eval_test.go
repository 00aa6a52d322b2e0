package cli

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/worker"
)

// evalModel scores texts with "good" as positive and texts with "bad" or "not at
// all" as negative, and the reverse if its name is contrary. It answers other
// prompts with "Positive", or with its name.
type evalModel struct {
	name string
	llm.Unsupported
}

func (m evalModel) Info() llm.Info {
	return llm.Info{Name: m.name, Digest: m.name, Context: 4096, Roles: []llm.ModelRole{llm.Text, llm.Embed}}
}
func (evalModel) CountTokens(s string) int               { return len(strings.Fields(s)) }
func (evalModel) Cut(s string, limit int) (string, bool) { return s, false }
func (evalModel) Close() error                           { return nil }

func (m evalModel) Do(_ context.Context, requests []llm.Request) ([]llm.Result, error) {
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		choice, ok := r.Constraint.(llm.Choice)
		text := r.Text
		for _, message := range r.Messages {
			text = message.Text // the last one asks
		}
		if !ok {
			if results[i].Text = "I think it is Positive."; strings.HasSuffix(text, "who are you?") {
				results[i].Text = m.name
			}
			continue
		}
		mood := 0.0
		switch text = strings.ToLower(text); {
		case strings.Contains(text, "good"):
			mood = 4
		case strings.Contains(text, "bad") || strings.Contains(text, "not at all"):
			mood = -4
		}
		if m.name == "contrary" {
			mood = -mood
		}
		for _, label := range choice.Labels {
			score := -9.0
			switch strings.TrimSpace(label) {
			case "positive", "good", "great":
				score += mood
			case "negative", "bad", "terrible":
				score -= mood
			}
			results[i].Scores = append(results[i].Scores, score)
		}
	}
	return results, nil
}

// fakeModels opens an evalModel for each reference, which is its name.
func fakeModels(t *testing.T) {
	replaceModels(t, func(r models.Reference) (llm.Model, error) { return evalModel{name: r.String()}, nil })
}

// replaceModels makes open open all models.
func replaceModels(t *testing.T, open func(models.Reference) (llm.Model, error)) {
	real, size := openModel, modelSize
	openModel = func(_ context.Context, r models.Reference, _ models.Options) (llm.Model, error) { return open(r) }
	modelSize = func(context.Context, models.Reference, models.Options) int64 { return 12 << 20 }
	t.Cleanup(func() { openModel, modelSize = real, size })
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const reviews = "text,mood\nIt is good.,positive\n\"Bad, <script>alert(1)</script>\",negative\ngood enough,positive\nnot at all,positive\n,negative\nno label,\n"

func TestEval(t *testing.T) {
	fakeModels(t)
	data := file(t, "reviews.csv", reviews)
	page := filepath.Join(t.TempDir(), "out.html")
	args := []string{"eval", data, "-f", "ai_analyze_sentiment", "-i", "text", "-l", "mood", "--baseline", "plain",
		"--model", "other=contrary", "--model", "fake", "--compare-model", "other", "--compare-prompt", "Feel {content}", "--report", page, "--errors", "9", "--seed", "3"}
	status, out, errs := do(args...)
	if status != exitOK {
		t.Fatalf("exit code %d: %s", status, errs)
	}
	for _, want := range []string{
		"rows with a label: 5", "rows without a label, left out: 1", "4 answers, 1 rows without an answer",
		"accuracy", "0.600", "(A) against plain prompt (B)", "against own prompt (B)", "by other (B)",
		"ai_analyze_sentiment: 2 of 5 answers are wrong; the 2 worst:", "row 4: not at all", "label:  positive", "answer: negative", "row 5: (NULL)", "(none)",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "&lt;script&gt;alert(1)", "plain prompt", "ai_analyze_sentiment by other"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("%q is missing in the report", want)
		}
	}
	if strings.Contains(string(html), "<script") {
		t.Error("the report has a script")
	}
	testkit.InBrowser(t, string(html), strings.Count(string(html), "<h2"))
	_, again, _ := do(append(args, "--overwrite")...)
	if figuresOf(out) != figuresOf(again) {
		t.Error("equal seeds give different figures")
	}
}

// figuresOf removes the lines with times.
func figuresOf(out string) string {
	var kept []string
	for _, line := range strings.Split(out, "\n") {
		if !strings.Contains(line, "rows/s") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// Without labels in --args, the labels are those of the data. A function with a
// variant that returns probabilities is measured by that variant.
func TestEvalOfClasses(t *testing.T) {
	fakeModels(t)
	data := file(t, "data.jsonl", `{"a": {"text": "good"}, "class": "positive"}
{"a": {"text": ["a", "bad one"]}, "class": 0}
`)
	status, out, errs := do("eval", data, "-f", "ai_classify", "-i", "a.text", "-l", "class", "--map", "0=negative")
	for _, want := range []string{"labels: the 2 labels of the data", "asked by ai_classify_score", "calibration error", "all answers are correct"} {
		if status != exitOK || !strings.Contains(out, want) {
			t.Errorf("%q is missing: exit code %d\n%s%s", want, status, out, errs)
		}
	}
}

func TestEvalMistakes(t *testing.T) {
	fakeModels(t)
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{
		"a.csv": reviews, "empty.csv": "", "bad.csv": "text,mood\na,\"b\n", "a.dat": "x", "cut.json": `[{"text": "a", "mood": "positive"}`,
		"bad.jsonl": "{\"text\": \"a\", \"mood\": \"positive\"}\n{\"text\": }", "odd.csv": "text,mood\na,angry\n", "none.csv": "text,mood\na,\n", "short.tsv": "text\tmood\na\n",
		"spans.csv": "text,spans\nAnn,\"[{\"\"label\"\": \"\"x\"\", \"\"start\"\": 0, \"\"end\"\": 9}]\"\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const sentiment = " -f ai_analyze_sentiment -i text -l mood"
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"eval a.csv", exitUsage, "--function ai_analyze_sentiment"},
		{"eval a.csv b.csv", exitUsage, "takes one file"},
		{"eval a.csv -f ai_nothing", exitUsage, "'firesteel functions' lists them"},
		{"eval -f ai_analyze_sentiment", exitUsage, "one of FILE, --table and --query"},
		{"eval -f ai_analyze_sentiment --table x -i a -l b", exitUsage, "--remote sc://host:port"},
		{"eval a.csv -f ai_analyze_sentiment", exitUsage, "--input and --label"},
		{"eval a.csv -f ai_count_tokens -i text -l mood", exitUsage, "--metrics labels, text, extract, mask or scores"},
		{"eval a.csv -f ai_similarity -i text -l mood", exitUsage, "name the column of the other one by --second"},
		{"eval a.csv -f ai_similarity -i text --second x -l mood", exitUsage, `there is no column "x"`},
		{"eval a.csv -f ai_gen -i text -l mood --second mood", exitUsage, "--second is for ai_similarity, ai_embed and ai_rank"},
		{"eval a.csv -f ai_query -i text -l mood", exitUsage, "measure ai_gen"},
		{"eval a.csv --metrics x" + sentiment, exitUsage, "write labels, text, extract, mask or scores"},
		{"eval a.csv --baseline x" + sentiment, exitUsage, "write --baseline plain"},
		{"eval a.csv --compare-prompt x" + sentiment, exitUsage, "{content}"},
		{"eval a.csv --compare-prompt @none" + sentiment, exitFailed, "none"},
		{"eval a.csv --limit -1" + sentiment, exitUsage, "at least 1"},
		{"eval a.csv --args x" + sentiment, exitUsage, "--args is a JSON object"},
		{`eval a.csv --args {"x":1}` + sentiment, exitUsage, "it has no parameter x"},
		{"eval a.csv -f ai_translate -i text -l mood", exitUsage, `--args '{"to_lang": ...}'`},
		{`eval a.csv -f ai_summarize -i text -l mood --args {"max_words":"x"}`, exitUsage, "--args: max_words of ai_summarize is STRING, but must be INT"},
		{"eval nothere.csv" + sentiment, exitFailed, "nothere.csv"},
		{"eval a.dat" + sentiment, exitFailed, "the name of a.dat does not show its format"},
		{"eval a.csv --format x" + sentiment, exitUsage, `unknown format "x"`},
		{"eval empty.csv" + sentiment, exitFailed, "empty.csv is empty"},
		{"eval bad.csv" + sentiment, exitFailed, "bad.csv, line 2, column mood: the opening quote is not closed"},
		{"eval short.tsv" + sentiment, exitFailed, "short.tsv, line 2: the row has 1 cell, but the first line has 2"},
		{"eval bad.jsonl" + sentiment, exitFailed, `bad.jsonl, line 2, column text: "" is not a JSON value`},
		{"eval cut.json" + sentiment, exitFailed, "cut.json, line 1: the array of objects that begins here is not closed"},
		{"eval a.csv -f ai_analyze_sentiment -i txt -l mood", exitUsage, `--input: there is no column "txt" for the input; the columns are text, mood`},
		{"eval bad.jsonl -f ai_analyze_sentiment -i text -l x", exitUsage, `--label: there is no column "x" for the label; the columns are text, mood`},
		{"eval odd.csv" + sentiment, exitFailed, `row 1: ai_analyze_sentiment does not return the label [5 characters hidden], only`},
		{"eval odd.csv --log-content" + sentiment, exitFailed, `row 1: ai_analyze_sentiment does not return the label "angry", only "positive, negative, neutral, mixed"; --map LABEL=... maps it to one of them`},
		{"eval none.csv" + sentiment, exitFailed, "none of the 1 rows has a label"},
		{`eval spans.csv -f ai_extract -i text -l spans --args {"labels":["x"]}`, exitFailed, "row 1: the label: span 1: start [1 character hidden] and end [1 character hidden]"},
		{"eval a.csv --report no/such/folder.html" + sentiment, exitFailed, "--report: no/such/folder.html cannot be written"},
		{"eval a.csv --model=" + sentiment, exitUsage, "--model is empty"},
		{"eval a.csv --model=x --model=y" + sentiment, exitUsage, `two models are named "default"`},
	} {
		status, out, errs := do(strings.Fields(c.args)...)
		if status != c.status || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s: exit code %d, %q, want %d, %q", c.args, status, errs, c.status, c.want)
		}
	}
}

// A real model over real data answers equally in this process and on Spark.
func TestEvalOfReviews(t *testing.T) {
	testkit.Integration(t)
	data := testkit.Data(t, "data/uci-sentiment/amazon_cells_labelled.txt")
	args := []string{"eval", data, "--format", "tsv", "--no-header", "-i", "1", "-l", "2", "--map", "0=negative,1=positive",
		"-f", "ai_analyze_sentiment", "--limit", "60", "--errors", "0"}
	status, here, errs := do(args...)
	if status != exitOK || !strings.Contains(here, "accuracy") {
		t.Fatalf("exit code %d: %s", status, errs)
	}
	status, there, errs := do(append(args, "--remote", testkit.SharedSpark(t))...)
	if status != exitOK {
		t.Fatalf("on Spark: exit code %d: %s", status, errs)
	}
	if got, want := figuresOf(there), figuresOf(here); got != want {
		t.Errorf("on Spark\n%s\nwant\n%s", got, want)
	}
}

// Maps and lists of a query are read as JSON.
func TestEvalOfQuery(t *testing.T) {
	remote := testkit.SharedSpark(t)
	status, out, errs := do("eval", "--remote", remote, "-f", "ai_extract", "-i", "Text", "-l", "names", "--args", `{"labels":["person"]}`,
		"--query", "SELECT 'Ann lives in Rome.' AS text, map('person', 'Ann') AS names UNION ALL SELECT NULL, map('person', 'Bo') UNION ALL SELECT 'x', NULL")
	for _, want := range []string{"rows with a label: 2", "rows without a label, left out: 1", "1 answers, 1 rows without an answer", "exact F1 of person"} {
		if status != exitOK || !strings.Contains(out, want) {
			t.Errorf("%q is missing: exit code %d\n%s%s", want, status, out, errs)
		}
	}
	status, _, errs = do("eval", "--remote", remote, "-f", "ai_gen", "-i", "x", "-l", "id", "--table", "range(3)")
	if status != exitUsage || !strings.Contains(errs, `--input: there is no column "x" for the input; the columns are id`) {
		t.Errorf("exit code %d: %s", status, errs)
	}
}

func TestMain(m *testing.M) {
	if log := os.Getenv(crashLog); log != "" {
		os.Exit(runCounted(log))
	}
	worker.Main() // Spark starts this program on executors
	flag.Parse()
	status := m.Run()
	if err := testkit.StopShared(); err != nil && status == 0 {
		status = 1
	}
	os.Exit(status)
}

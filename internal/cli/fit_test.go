package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// wordVectors is an embedder: the vector of a text counts its words, in places by their hashes.
type wordVectors struct {
	llm.Unsupported
	name  string
	texts *atomic.Int64 // that were embedded
}

func (m wordVectors) Info() llm.Info {
	return llm.Info{Name: m.name, Digest: "digest of " + m.name, Context: 512, Roles: []llm.ModelRole{llm.Embed}, Precision: llm.Int8}
}
func (wordVectors) CountTokens(s string) int               { return len(strings.Fields(s)) }
func (wordVectors) Cut(s string, limit int) (string, bool) { return s, false }
func (wordVectors) Close() error                           { return nil }

func (m wordVectors) Embed(_ context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	m.texts.Add(int64(len(requests)))
	all := make([]llm.Embedding, len(requests))
	for i, r := range requests {
		v := make([]float32, 64)
		for _, w := range strings.Fields(r.Text) {
			h := fnv.New32a()
			h.Write([]byte(w))
			v[h.Sum32()%64]++
		}
		length := 0.0
		for _, x := range v {
			length += float64(x * x)
		}
		for k := range v {
			v[k] /= float32(math.Sqrt(length))
		}
		all[i] = llm.Embedding{Vector: v, Tokens: 1, Cut: len(r.Text) > 1000}
	}
	return all, nil
}

// fakeEmbedders opens a wordVectors for each reference but the files of fits.
func fakeEmbedders(t *testing.T) *atomic.Int64 {
	var texts atomic.Int64
	replaceModels(t, func(r models.Reference) (llm.Model, error) {
		if strings.HasSuffix(r.String(), ".safetensors") {
			return models.Open(t.Context(), r, models.Options{})
		}
		return wordVectors{name: r.String(), texts: &texts}, nil
	})
	return &texts
}

// labelledCSV has rows of two labels, rows without a label or a text, a double and a long text.
func labelledCSV() string {
	var b strings.Builder
	b.WriteString("text,topic,size,tags\n")
	for i := range 40 {
		fmt.Fprintf(&b, "the invoice number %d is wrong,billing,%d,\"[\"\"money\"\", \"\"late\"\"]\"\nthe parcel number %d is late,delivery,%d,late\n", i, 10+i%3, i, 90+i%3)
	}
	b.WriteString("no label,,,\n,billing,10,money\nthe parcel number 3 is late,delivery,90,late\n" + strings.Repeat("the parcel is late ", 100) + ",delivery,90,late\n")
	return b.String()
}

func TestFit(t *testing.T) {
	texts := fakeEmbedders(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("in.csv", []byte(labelledCSV()), 0o600); err != nil {
		t.Fatal(err)
	}
	fit := []string{"fit", "in.csv", "--input", "text", "--label", "topic", "-o", "topic.safetensors", "--report", "fit.html", "--suspects", "3"}
	status, out, errs := do(fit...)
	if status != exitOK {
		t.Fatalf("exit code %d: %s", status, errs)
	}
	for _, want := range []string{"in.csv: a model that predicts one label", "rows: 82, of which 13 were held out", "labels: 2", "rows without a label, left out: 1", "rows without a text, left out: 1",
		"their start was read: 1", "accuracy", "calibration error", "learning curve"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if !strings.Contains(errs, "--model topic=./topic.safetensors and ai_predict(text, 'topic')") {
		t.Errorf("no hint: %s", errs)
	}
	if n := texts.Load(); n != 81 {
		t.Errorf("%d texts were embedded; equal ones count once", n)
	}
	first, err := os.ReadFile("topic.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if status, _, errs = do(fit...); status == exitOK || !strings.Contains(errs, "--overwrite") {
		t.Errorf("a file was replaced: %s", errs)
	}
	if status, _, errs = do(append(fit, "--overwrite")...); status != exitOK {
		t.Fatal(errs)
	}
	if again, _ := os.ReadFile("topic.safetensors"); !bytes.Equal(first, again) {
		t.Error("the same rows give another file")
	}
	for _, c := range []struct{ args, want string }{
		{"run|in.csv|--model|./topic.safetensors|--add|p=ai_predict(text, 'topic')|--limit|2|--no-ledger|--output-format|jsonl", `"p":{"label":"billing","probability":0.9`},
		{"eval|in.csv|--model|topic=./topic.safetensors|-f|ai_predict|--args|{\"model\": \"topic\"}|-i|text|-l|topic", "accuracy        0.976"},
		{"models|show|./topic.safetensors", "2: billing, delivery"},
		{"models|show|./topic.safetensors|--json", `"predicts": "label"`},
	} {
		status, out, errs := do(strings.Split(c.args, "|")...)
		if status != exitOK || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit code %d, no %q in\n%s%s", c.args, status, c.want, out, errs)
		}
	}
	// Another embedder.
	status, _, errs = do("run", "in.csv", "--model", "./topic.safetensors", "--model", "embed=minilm-l6", "--add", "p=ai_predict(text, 'topic')", "--no-ledger", "-o", "out.csv")
	if status == exitOK || !strings.Contains(errs, "topic was fitted on vectors of bge-small-en") {
		t.Errorf("another embedder: %d, %s", status, errs)
	}
}

func TestFitOtherKinds(t *testing.T) {
	fakeEmbedders(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("in.csv", []byte(labelledCSV()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ fit, add, want string }{
		{"--label|tags|--predicts|labels", "p=ai_predict_labels(text, 'm')", `"p":[{"label":"`},
		{"--label|size|--predicts|number", "p=ai_predict_number(text, 'm')", `"p":1`},
		{"--label|topic|--features|embed,minilm-l6", "p=ai_predict(text, 'm')", `"p":{"label":"billing"`},
		{"--label|topic|--none|delivery|--model|embed=bge-small-en", "p=ai_predict(text, 'm')", `is the same label`},
	} {
		status, out, errs := do(append([]string{"fit", "in.csv", "--input", "text", "-o", "m.safetensors", "--overwrite"}, strings.Split(c.fit, "|")...)...)
		if strings.Contains(c.fit, "--none") {
			if status == exitOK || !strings.Contains(errs, "have the same label") {
				t.Errorf("%s: %s", c.fit, errs)
			}
			continue
		}
		if status != exitOK {
			t.Errorf("%s: %s", c.fit, errs)
			continue
		}
		if strings.Contains(c.fit, "features") && !strings.Contains(out, "by the loss in cross-validation: bge-small-en") {
			t.Errorf("%s", out)
		}
		status, out, errs = do("run", "in.csv", "--model", "./m.safetensors", "--add", c.add, "--limit", "1", "--no-ledger", "--output-format", "jsonl")
		if status != exitOK || !strings.Contains(out, c.want) {
			t.Errorf("%s: %d\n%s%s", c.add, status, out, errs)
		}
	}
}

func TestFitMistakes(t *testing.T) {
	fakeEmbedders(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("in.csv", []byte(labelledCSV()), 0o600); err != nil {
		t.Fatal(err)
	}
	many := "text,topic\n"
	for i := range 2100 {
		many += fmt.Sprintf("text %d,label %d\n", i, i)
	}
	for name, content := range map[string]string{"three.csv": "text,topic\na,x\nb,y\nc,x\n", "none.csv": "text,topic\na,\nb,\n", "many.csv": many} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const columns = " --input text --label topic -o x.safetensors"
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"fit" + columns, exitUsage, "name the labelled data"},
		{"fit in.csv --input text -o x.safetensors", exitUsage, "--input and --label"},
		{"fit in.csv --input text --label topic", exitUsage, "-o topic.safetensors"},
		{"fit in.csv --input text --label topic -o x.gguf", exitUsage, "must end in .safetensors"},
		{"fit in.csv --input body --label topic -o x.safetensors", exitUsage, `there is no column "body"`},
		{"fit in.csv --predicts stars" + columns, exitUsage, "write label, labels or number"},
		{"fit in.csv --predicts number" + columns, exitFailed, "is not a number"},
		{"fit in.csv --threshold 2" + columns, exitUsage, "from 0 to 1"},
		{"fit in.csv --none x --predicts labels" + columns, exitUsage, "--none is for"},
		{"fit in.csv --date tomorrow" + columns, exitUsage, "2026-12-01"},
		{"fit in.csv --remote sc://localhost" + columns, exitUsage, "Spark reads the data"},
		{"fit --table t" + columns, exitUsage, "--remote sc://host:port"},
		{"fit in.csv --report nowhere/r.html" + columns, exitFailed, "--report"},
		{"fit three.csv" + columns, exitFailed, "3 rows have a label; at least 10 are needed"},
		{"fit none.csv" + columns, exitFailed, "none of the 2 rows has a label"},
		{"fit many.csv" + columns, exitFailed, "--predicts number"},
	} {
		status, _, errs := do(strings.Fields(c.args)...)
		if status != c.status || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d: %s; want %d and %q", c.args, status, errs, c.status, c.want)
		}
		if _, err := os.Stat("x.safetensors"); err == nil {
			t.Fatalf("%s wrote a file", c.args)
		}
	}
}

// labeller is a text model that answers with the label whose name is in the text, and the embedder.
type labeller struct{ wordVectors }

func (m labeller) Info() llm.Info {
	info := m.wordVectors.Info()
	info.Roles = []llm.ModelRole{llm.Text, llm.Embed}
	return info
}

func (labeller) Do(_ context.Context, requests []llm.Request) ([]llm.Result, error) {
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		for _, label := range r.Constraint.(llm.Choice).Labels {
			score := 0.0
			if strings.Contains(r.Text+fmt.Sprint(r.Messages), "the "+strings.TrimSpace(label)+" number") {
				score = 9
			}
			results[i].Scores = append(results[i].Scores, score)
		}
	}
	return results, nil
}

// A sample is labelled by another model; below an agreement no file is written.
func TestFitFromAnotherModel(t *testing.T) {
	var texts atomic.Int64
	replaceModels(t, func(r models.Reference) (llm.Model, error) {
		return labeller{wordVectors{name: r.String(), texts: &texts}}, nil
	})
	t.Chdir(t.TempDir())
	if err := os.WriteFile("in.csv", []byte(labelledCSV()), 0o600); err != nil {
		t.Fatal(err)
	}
	fit := []string{"fit", "in.csv", "--input", "text", "--label-with", "ai_classify(text, array('invoice', 'parcel'))", "--model", "big=big", "--sample", "60", "--no-ledger", "-o", "m.safetensors"}
	status, out, errs := do(append(fit, "--min-agreement", "0.9")...)
	if status != exitOK || !strings.Contains(out, "rows: 60") || !strings.Contains(out, "labels: 2") || !strings.Contains(errs, "60 rows in = 60 ok") {
		t.Fatalf("exit code %d\n%s%s", status, out, errs)
	}
	if _, out, _ = do("models", "show", "./m.safetensors"); !strings.Contains(out, "labelled by") || !strings.Contains(out, "big") || strings.Contains(out, "array('invoice'") {
		t.Errorf("%s", out)
	}
	first, err := os.ReadFile("m.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(labelledCSV(), "\n")
	reversed := lines[0]
	for i := len(lines) - 2; i > 0; i-- {
		reversed += lines[i]
	}
	if err := os.WriteFile("in.csv", []byte(reversed), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, errs = do(append(fit, "--overwrite")...); status != exitOK {
		t.Fatal(errs)
	}
	if again, _ := os.ReadFile("m.safetensors"); !bytes.Equal(first, again) {
		t.Error("the rows in another order give another file")
	}
	if status, _, errs = do(append(fit, "--overwrite", "--min-agreement", "1.1")...); status == exitOK || !strings.Contains(errs, "below --min-agreement 1.1: no file is written") {
		t.Errorf("%d, %s", status, errs)
	}
	if again, _ := os.ReadFile("m.safetensors"); !bytes.Equal(first, again) {
		t.Error("a file was written in spite of a low agreement")
	}
	for args, want := range map[string]string{
		"--label|topic":                "exclude each other",
		"--max-cost|1":                 "--price",
		"--labels|[":                   "--labels: argument labels: write labels as",
		"--labels|a,a":                 "--labels: argument labels: ",
		"--labels|a|--predicts|labels": "--labels is for --predicts label",
		"--suggest|5":                  "--suggest is for labels",
		"--remote|sc://x|--table|t|":   "",
	} {
		if status, _, errs := do(append(append([]string{}, fit...), strings.Split(strings.TrimSuffix(args, "|"), "|")...)...); status != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: %d, %s", args, status, errs)
		}
	}
}

// firesteel calibrate finds the probability from which answers keep an accuracy, and eval asks with it.
func TestCalibrate(t *testing.T) {
	fakeEmbedders(t)
	t.Chdir(t.TempDir())
	data := labelledCSV()
	for i := range 120 {
		data += fmt.Sprintf("the parcel number %d and the invoice number %d,%s,1,x\n", i, i, []string{"billing", "delivery"}[i%2])
	}
	for i := range 300 {
		data += fmt.Sprintf("the invoice number %d is wrong,billing,1,x\nthe parcel number %d is late,delivery,1,x\n", 50+i, 50+i)
	}
	if err := errors.Join(os.WriteFile("in.csv", []byte(labelledCSV()), 0o600), os.WriteFile("checked.csv", []byte(data), 0o600)); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := do("fit", "in.csv", "--input", "text", "--label", "topic", "-o", "topic.safetensors"); status != exitOK {
		t.Fatal(errs)
	}
	calibrate := []string{"calibrate", "checked.csv", "--function", "ai_predict", "--args", `{"model": "topic"}`, "--model", "topic=./topic.safetensors", "--input", "text", "--label", "topic", "--to", "big"}
	status, out, errs := do(append(calibrate, "--accuracy", "0.95", "-o", "cascade.json")...)
	if status != exitOK || !strings.Contains(out, "options: MAP('escalate_below', '0.") || !strings.Contains(out, "sent on: ") {
		t.Fatalf("exit code %d\n%s%s", status, out, errs)
	}
	text, err := os.ReadFile("cascade.json")
	var c cascade
	if err := errors.Join(err, json.Unmarshal(text, &c)); err != nil {
		t.Fatal(err)
	}
	if len(c.Promises) != 1 || c.Promises[0].Bound < 0.95 || c.Kept < 500 || c.Kept == c.Rows || c.Options["escalate_to"] != "big" || float64(c.Right)/float64(c.Kept) < c.Promises[0].Bound {
		t.Errorf("%+v", c)
	}
	// Of the rows of a label, a share is kept with it or sent on; of the answers with it, a share is right.
	status, out, errs = do(append(calibrate, "--recall", "0.97", "--precision", "0.9", "--of", "delivery", "-o", "cascade.json", "--overwrite")...)
	text, err = os.ReadFile("cascade.json")
	if err := errors.Join(err, json.Unmarshal(text, &c)); err != nil || status != exitOK || !strings.Contains(out, "a recall of delivery of at least 0.9") || !strings.Contains(out, "a precision of delivery of at least 0.9") {
		t.Fatalf("exit code %d, %v\n%s%s", status, err, out, errs)
	}
	if r, p := c.Promises[0], c.Promises[1]; r.Bound < 0.97 || p.Bound < 0.9 || p.Right > p.Rows || c.Kept == 0 {
		t.Errorf("%+v", c)
	}
	for args, want := range map[string]string{
		"--accuracy|0.9999":                            "no probability keeps an accuracy of 0.9999",
		"--accuracy|1.5":                               "between 0 and 1",
		"--precision|0.9":                              "name it by --of",
		"--of|billing":                                 "give one of them",
		"--recall|0.9999|--of|delivery":                "no probability keeps a recall of delivery of 0.9999",
		"--accuracy|0.9|--precision|0.9|--of|delivery": "exclude each other",
		"--function|ai_extract":                        "ai_predict, ai_classify or ai_filter",
	} {
		if status, _, errs := do(append(append([]string{}, calibrate...), strings.Split(args, "|")...)...); status == exitOK || !strings.Contains(errs, want) {
			t.Errorf("%s: %d, %s", args, status, errs)
		}
	}
}

// Rows without a label are suggested, the most doubtful first.
func TestFitSuggests(t *testing.T) {
	fakeEmbedders(t)
	t.Chdir(t.TempDir())
	data := labelledCSV() + "the parcel and the invoice,,,\nthe parcel number 90 is late,,,\nthe invoice number 91 is wrong,,,\n"
	if err := os.WriteFile("in.csv", []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	status, _, errs := do("fit", "in.csv", "--input", "text", "--label", "topic", "--suggest", "2", "-o", "label.csv")
	if status != exitOK {
		t.Fatal(errs)
	}
	got, err := os.ReadFile("label.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(got), "\n")
	if lines[0] != "row,text,topic,predicted,probability" || len(lines) != 4 || !strings.Contains(string(got), "the parcel and the invoice,,") || !strings.Contains(errs, "2 rows: fill in the column topic") {
		t.Errorf("%s%s", got, errs)
	}
}

// The commands of docs/fit.md run as they are.
func TestFitPage(t *testing.T) {
	testkit.Integration(t)
	text, err := os.ReadFile("../../docs/fit.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if out, err := exec.Command("cp", "-r", examples, "examples").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	_, block, _ := strings.Cut(string(text), "```sh\n")
	block, _, _ = strings.Cut(block, "```")
	for line := range strings.Lines(block) {
		status, out, errs := do(shellWords(strings.TrimPrefix(strings.TrimSpace(line), "./firesteel "))...)
		if status != exitOK {
			t.Fatalf("%s: exit code %d: %s%s", line, status, out, errs)
		}
	}
	_, want, _ := strings.Cut(string(text), "```\n{")
	want, _, _ = strings.Cut(want, "\n```")
	got, err := os.ReadFile("predicted.jsonl")
	if err != nil || !strings.Contains(string(got), "{"+want+"\n") {
		t.Errorf("%v: the page shows\n{%s\nand the command gives\n%s", err, want, got)
	}
}

// shellWords divides a command at spaces that are not quoted.
func shellWords(line string) (words []string) {
	quoted := false
	var word strings.Builder
	for _, r := range line + " " {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			if word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
		default:
			word.WriteRune(r)
		}
	}
	return words
}

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/engine"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
)

// answersFile holds answers of small models with seeded weights, and the versions
// that produced them. A ledger reuses an answer while these versions are equal, so
// an answer may change only together with one of them.
const answersFile = "testdata/answers.json"

type goldenAnswers struct {
	Engine string `json:"engine"`
	// Functions are the versions of each function and its prompts.
	Functions map[string][]string `json:"functions"`
	// Requests are the engine's own answers, by model and request.
	Requests map[string]string `json:"requests"`
	// Answers are the functions', by function, model and row.
	Answers map[string]map[string]string `json:"answers"`
}

func TestAnswersChangeWithTheirVersions(t *testing.T) {
	got := answersToday(t)
	var want goldenAnswers
	b, err := os.ReadFile(answersFile)
	if err == nil {
		err = json.Unmarshal(b, &want)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	told := staleVersions(want, got)
	for _, what := range told {
		t.Error(what)
	}
	if len(told) > 0 || reflect.DeepEqual(got, want) {
		return
	}
	if !*update {
		t.Fatalf("versions or answers are new: write %s again by go test ./internal/cli -run %s -update", answersFile, t.Name())
	}
	text, err := json.MarshalIndent(got, "", " ")
	if err == nil {
		err = os.WriteFile(answersFile, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// staleVersions returns the versions that must be raised, because an answer has
// changed.
func staleVersions(was, is goldenAnswers) (told []string) {
	if was.Engine == is.Engine {
		for key, before := range was.Requests {
			if now, there := is.Requests[key]; there && now != before {
				told = append(told, fmt.Sprintf("the engine answers otherwise, and its version is still %q: raise Version in internal/engine/engine.go\n%s\n was %s\n is  %s", is.Engine, key, before, now))
			}
		}
		if told != nil { // what functions make of it follows
			return told[:1]
		}
	}
	for name, before := range was.Answers {
		if was.Engine != is.Engine || !slices.Equal(was.Functions[name], is.Functions[name]) {
			continue
		}
		for key, before := range before {
			if now, there := is.Answers[name][key]; there && now != before {
				told = append(told, fmt.Sprintf("%s answers otherwise, and its versions are still %q: raise the version in the first line of the prompt that has changed (ai/prompts), or else Version of the function (ai)\n%s\n was %s\n is  %s", name, is.Functions[name], key, before, now))
				break
			}
		}
	}
	slices.Sort(told)
	return told
}

func TestStaleVersions(t *testing.T) {
	was := goldenAnswers{Engine: "local 1", Functions: map[string][]string{"f": {"f() 1"}}, Requests: map[string]string{"m": "a"}, Answers: map[string]map[string]string{"f": {"m": "a"}}}
	is := func(engine, function, request, answer string) goldenAnswers {
		return goldenAnswers{Engine: engine, Functions: map[string][]string{"f": {function}}, Requests: map[string]string{"m": request}, Answers: map[string]map[string]string{"f": {"m": answer}}}
	}
	for _, c := range []struct {
		is   goldenAnswers
		want string
	}{
		{was, ""},
		{is("local 1", "f() 1", "b", "b"), "raise Version in internal/engine"},
		{is("local 2", "f() 1", "b", "b"), ""},
		{is("local 1", "f() 1", "a", "b"), "or else Version of the function"},
		{is("local 1", "f() 2", "a", "b"), ""},
		{is("local 2", "f() 1", "a", "b"), ""},
	} {
		if told := strings.Join(staleVersions(was, c.is), "\n"); (told == "") != (c.want == "") || !strings.Contains(told, c.want) {
			t.Errorf("%+v: %q; want %q", c.is, told, c.want)
		}
	}
}

// answersToday asks every function of every architecture.
func answersToday(t *testing.T) goldenAnswers {
	t.Helper()
	all := goldenAnswers{engine.Version, map[string][]string{}, map[string]string{}, map[string]map[string]string{}}
	for _, f := range ai.All() {
		if f.Of == nil {
			all.Functions[f.Name] = f.Versions()
			all.Answers[f.Name] = map[string]string{}
		}
	}
	for name, path := range seededModels(t) {
		for _, precision := range []llm.Precision{llm.Float32, llm.Int8} {
			e, err := engine.Open(t.Context(), path, engine.Options{Precision: precision, Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			key := name + " " + string(precision)
			askEngine(t, e, key, all.Requests)
			if precision == llm.Int8 && name != shortContext {
				askFunctions(t, e, key, all.Answers)
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	return all
}

// shortContext is a model whose context is too short for the prompts.
const shortContext = "gguf-llama"

// seededModels writes models of all architectures and returns their paths.
func seededModels(t *testing.T) map[string]string {
	t.Helper()
	models := map[string]string{shortContext: gguftest.Llama(7).Write(t)}
	folder := func(name, tokenizer string, write func(folder string) error) string {
		models[name] = filepath.Join(t.TempDir(), name)
		text, err := os.ReadFile(filepath.Join("..", "tokenizer", "testdata", tokenizer))
		if err == nil {
			err = os.Mkdir(models[name], 0o700)
		}
		if err := errors.Join(err, write(models[name]), os.WriteFile(filepath.Join(models[name], "tokenizer.json"), text, 0o600)); err != nil {
			t.Fatal(err)
		}
		return models[name]
	}
	t5 := safetensorstest.TinyFlanT5()
	t5.VocabSize = 416
	folder("tiny-flan-t5", "unigram.json", func(folder string) error { return safetensorstest.WriteT5(folder, t5) })
	const template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
	for _, d := range safetensorstest.Decoders() {
		d.VocabSize = 452
		d.More = maps.Clone(d.More)
		d.More["max_position_embeddings"] = 1536
		path := folder(d.Name, "llama3.json", func(folder string) error { return safetensorstest.WriteDecoder(folder, d) })
		if err := os.WriteFile(filepath.Join(path, "chat_template.jinja"), []byte(template), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return models
}

func askEngine(t *testing.T, e llm.Model, key string, into map[string]string) {
	t.Helper()
	chat := []llm.Message{{Role: llm.System, Text: "You are brief."}, {Role: llm.User, Text: "Is this a test?"}}
	requests := map[string]llm.Request{
		"text":    {Prefix: "Some words\n", Text: "and more of them", MaxTokens: 12},
		"chat":    {Messages: chat, MaxTokens: 12},
		"choice":  {Text: "It is", Constraint: llm.Choice{Labels: []string{" good", " bad", " not good"}}},
		"pattern": {Text: "The number is", Constraint: llm.Pattern{Expr: `[0-9]{2}-[a-c]+`}, MaxTokens: 12},
		"json":    {Text: "As JSON:", Constraint: llm.JSON{Schema: `{"type":"object","properties":{"a":{"type":"integer"},"b":{"enum":["x","y"]}},"required":["a","b"]}`}, MaxTokens: 40},
	}
	for name, r := range requests {
		results, err := e.Do(t.Context(), []llm.Request{r})
		if err != nil {
			t.Fatal(err)
		}
		into[key+", "+name] = exactly(results[0].Err, results[0].Text, results[0].Scores, results[0].Finish)
	}
	vectors, err := e.Embed(t.Context(), testkit.EmbedRequests("Some words and more of them."))
	if err == nil {
		err = vectors[0].Err
	}
	var vector []float32
	if err == nil {
		vector = vectors[0].Vector[:8]
	}
	into[key+", vector"] = exactly(err, vector)
	into[key+", tokens"] = exactly(nil, e.CountTokens("Ünïcode, numbers 12345 and  spaces"))
}

// capitalsTagger is a model that takes words with a capital for persons.
type capitalsTagger struct{ llm.Model }

func (capitalsTagger) Info() llm.Info {
	return llm.Info{Name: "capitals", Roles: []llm.ModelRole{llm.Tag}, Labels: []string{"O", "B-PER"}}
}

func (capitalsTagger) Tag(_ context.Context, texts []string) ([]llm.Tagging, error) {
	all := make([]llm.Tagging, len(texts))
	for i, text := range texts {
		for _, at := range regexp.MustCompile(`\w+`).FindAllStringIndex(text, -1) {
			p := []float32{0.9, 0.1}
			if c := text[at[0]]; 'A' <= c && c <= 'Z' {
				p = []float32{0.25, 0.75}
			}
			all[i].Tokens = append(all[i].Tokens, llm.TagToken{Start: at[0], End: at[1], Probabilities: p})
		}
	}
	return all, nil
}

func askFunctions(t *testing.T, e llm.Model, key string, into map[string]map[string]string) {
	t.Helper()
	source := func(_ context.Context, role llm.ModelRole, _ string) (llm.Model, error) {
		if role == llm.Tag {
			return capitalsTagger{e}, nil
		}
		return e, nil
	}
	for _, f := range ai.All() {
		if f.Of != nil {
			continue
		}
		for what, row := range goldenRows(f) {
			if what == "long" && key != "tiny-llama int8" && key != "tiny-flan-t5 int8" {
				continue // the function's way is the same, and takes long
			}
			answers, err := f.Eval(t.Context(), source, []ai.Row{row})
			var answer ai.Answer
			if err == nil {
				answer, err = answers[0], answers[0].Err
			}
			if v, ok := answer.Value.([]float32); ok && len(v) > 8 {
				answer.Value = v[:8]
			}
			into[f.Name][key+", "+what] = exactly(err, answer.Value, answer.Raw, answer.Note, answer.Cut)
		}
	}
}

// goldenRows are rows for the branches of a function: its example with all arguments
// and with the required ones, an empty text, and a text that must be cut or divided.
func goldenRows(f *ai.Function) map[string]ai.Row {
	const text = "Anna Meier lives in Bern since 3 May 2024; call +41 44 668 18 00. It is a good day."
	with := func(content string, optional bool) ai.Row {
		row := slices.Clone(f.Sample)
		for i := range row {
			switch name := f.Params[i].Name; {
			case !optional && f.Params[i].Optional:
				row[i] = nil
			case name == "content" && f.Params[i].Type == ai.StringArray: // a group
				row[i] = strings.SplitAfter(content, ". ")
			case name == "content" || name == "text" || name == "request" || name == "prompt" || name == "expr1":
				row[i] = content
			}
		}
		return row
	}
	rows := map[string]ai.Row{
		"example": f.Sample, "other text": with(text, true), "needed arguments": with(text, false), "blank": with(" ", true),
		"long": with(strings.Repeat(text+" And more\nof it, número 7. ", 30), false),
	}
	for i, p := range f.Params {
		if p.Type == ai.Options && strings.HasPrefix(f.Name, "ai_classify") {
			row := with(text, true)
			for len(row) <= i {
				row = append(row, nil)
			}
			row[i] = map[string]string{"multilabel": "true"}
			rows["options"] = row
		}
	}
	return rows
}

// exactly formats an answer with all bits of its numbers.
func exactly(err error, values ...any) string {
	if err != nil {
		return "error" // which no ledger keeps
	}
	text := make([]string, len(values))
	for i, v := range values {
		text[i] = fmt.Sprintf("%v", v)
	}
	return strings.ToValidUTF8(strings.Join(text, " | "), "?")
}

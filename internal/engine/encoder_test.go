package engine

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
)

// bertFolder writes a model of testdata/encoders/tiny-bert.json with a tokenizer of letters and a
// few words, and additional files.
func bertFolder(t testing.TB, architecture string, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	data, err := os.ReadFile("testdata/encoders/tiny-bert.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Models []struct {
			Config  map[string]any
			Tensors map[string][]int
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, m := range file.Models {
		if m.Config["architectures"].([]any)[0] == architecture {
			if err := safetensorstest.WriteEncoder(folder, m.Config, m.Tensors); err != nil {
				t.Fatal(err)
			}
		}
	}
	vocab := map[string]int{}
	for _, token := range []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]"} {
		vocab[token] = len(vocab)
	}
	for _, word := range strings.Fields("the a cat dog sat on mat in rome anna smith lives . , ! ?") {
		vocab[word] = len(vocab)
	}
	for letter := 'a'; letter <= 'z'; letter++ {
		for _, token := range []string{string(letter), "##" + string(letter)} {
			if _, ok := vocab[token]; !ok {
				vocab[token] = len(vocab)
			}
		}
	}
	special := func(id string, kind int) any {
		return map[string]any{"SpecialToken": map[string]any{"id": id, "type_id": kind}}
	}
	text := func(id string, kind int) any {
		return map[string]any{"Sequence": map[string]any{"id": id, "type_id": kind}}
	}
	cls, sep := special("[CLS]", 0), special("[SEP]", 0)
	defined := func(name string) any {
		return map[string]any{"id": name, "ids": []int{vocab[name]}, "tokens": []string{name}}
	}
	tokenizer := map[string]any{
		"normalizer":    map[string]any{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil, "lowercase": true},
		"pre_tokenizer": map[string]any{"type": "BertPreTokenizer"},
		"post_processor": map[string]any{
			"type": "TemplateProcessing", "single": []any{cls, text("A", 0), sep},
			"pair":           []any{cls, text("A", 0), sep, text("B", 1), special("[SEP]", 1)},
			"special_tokens": map[string]any{"[CLS]": defined("[CLS]"), "[SEP]": defined("[SEP]")},
		},
		"decoder": map[string]any{"type": "WordPiece", "prefix": "##", "cleanup": true},
		"model": map[string]any{
			"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab,
		},
	}
	encoded, err := json.Marshal(tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, data []byte) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	put("tokenizer.json", encoded)
	for name, text := range files {
		put(name, []byte(text))
	}
	return folder
}

func openBert(t testing.TB, architecture string, files map[string]string, o Options) *Encoder {
	t.Helper()
	m, err := Open(context.Background(), bertFolder(t, architecture, files), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m.(*Encoder)
}

var encoderTexts = []string{
	"The cat sat on the mat.", "Anna Smith lives in Rome", "", "?", "a", strings.Repeat("A cat, a dog ! ", 60), "Anna", "the dog",
	"The cat sat on the mat.", "x\u00a0y\u0301z 東京", strings.Repeat("zebra ", 11),
}

// outcome is what a model of any head returns for texts, without errors.
func outcome(t *testing.T, e *Encoder, texts []string) []any {
	t.Helper()
	var all []any
	add := func(v any, failed, err error) {
		if err != nil || failed != nil {
			t.Fatal(failed, err)
		}
		all = append(all, v)
	}
	switch e.network.Head() {
	case model.HiddenStates:
		got, err := e.Embed(t.Context(), testkit.EmbedRequests(texts...))
		for _, r := range got {
			add(r, r.Err, err)
		}
	case model.TokenLogits:
		got, err := e.Tag(t.Context(), texts)
		for _, r := range got {
			add(r, r.Err, err)
		}
	case model.SequenceLogits:
		var pairs []llm.Pair
		for _, text := range texts {
			pairs = append(pairs, llm.Pair{A: text, B: texts[0]})
		}
		got, err := e.Rank(t.Context(), pairs)
		for _, r := range got {
			add(r, r.Err, err)
		}
	}
	if len(all) != len(texts) {
		t.Fatalf("%d results for %d texts", len(all), len(texts))
	}
	return all
}

// The result of a text depends neither on the other texts nor on the number of threads.
func TestEncoderResultsAreIndependent(t *testing.T) {
	for _, architecture := range []string{"BertModel", "BertForTokenClassification", "BertForSequenceClassification"} {
		for _, precision := range []llm.Precision{llm.Float32, llm.Int8} {
			e := openBert(t, architecture, nil, Options{Threads: 3, Precision: precision})
			want := outcome(t, e, encoderTexts)
			for i := range encoderTexts {
				if e.network.Head() == model.SequenceLogits {
					continue // the second text is the first one of all
				}
				if got := outcome(t, e, encoderTexts[i:i+1])[0]; !reflect.DeepEqual(got, want[i]) {
					t.Fatalf("%s, %s: %q separately has another result", architecture, precision, encoderTexts[i])
				}
			}
			for _, threads := range []int{1, 2, 5} {
				e.SetThreads(threads)
				many := slices.Repeat(encoderTexts, 3)
				if got := outcome(t, e, many); !reflect.DeepEqual(got, slices.Repeat(want, 3)) {
					t.Fatalf("%s, %s: other results with %d threads", architecture, precision, threads)
				}
			}
		}
	}
}

func TestEncoderInfo(t *testing.T) {
	pooling := map[string]string{"1_Pooling/config.json": `{"pooling_mode_cls_token": true}`}
	for _, c := range []struct {
		architecture string
		files        map[string]string
		want         llm.Info
	}{
		{"BertModel", nil, llm.Info{Roles: []llm.ModelRole{llm.Embed}, Dimensions: 64, Pooling: "mean"}},
		{"BertModel", pooling, llm.Info{Roles: []llm.ModelRole{llm.Embed}, Dimensions: 64, Pooling: "cls"}},
		{"BertForTokenClassification", nil, llm.Info{Roles: []llm.ModelRole{llm.Tag}, Labels: []string{"O", "B-X", "I-X"}}},
		{"BertForSequenceClassification", nil, llm.Info{Roles: []llm.ModelRole{llm.Rank}, Labels: []string{"O", "B-X", "I-X"}}},
	} {
		e := openBert(t, c.architecture, c.files, Options{Threads: 1, Name: "tiny", Digest: "d"})
		got := e.Info()
		c.want.Name, c.want.Digest, c.want.Context, c.want.Engine, c.want.Precision = "tiny", "d", 128, Version, llm.Int8
		c.want.Architecture, c.want.Parameters = c.architecture, got.Parameters
		if got.Parameters < 100000 || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v, want %+v", got, c.want)
		}
		// The other roles are errors.
		_, do := e.Do(t.Context(), []llm.Request{{Text: "a"}})
		_, embed := e.Embed(t.Context(), testkit.EmbedRequests("a"))
		_, tag := e.Tag(t.Context(), []string{"a"})
		_, rank := e.Rank(t.Context(), []llm.Pair{{A: "a"}})
		for role, err := range map[llm.ModelRole]error{llm.Text: do, llm.Embed: embed, llm.Tag: tag, llm.Rank: rank} {
			if got.Has(role) && err != nil || !got.Has(role) && !errors.Is(err, llm.ErrRole) {
				t.Errorf("%s: %s: %v", c.architecture, role, err)
			}
		}
		if n := e.CountTokens("the cats"); n != 3 && n != 5 {
			t.Errorf("%d tokens", n)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if err := e.scheduler.run(t.Context(), nil); !errors.Is(err, llm.ErrModel) {
			t.Errorf("a closed model: %v", err)
		}
	}
}

// Prompts, dense layers and limits of the model's files apply.
func TestEncoderEmbeddingFiles(t *testing.T) {
	plain := openBert(t, "BertModel", nil, Options{Threads: 1, Precision: llm.Float32})
	vector := func(e *Encoder, r llm.EmbedRequest) llm.Embedding {
		v, err := e.Embed(t.Context(), []llm.EmbedRequest{r})
		if err != nil || v[0].Err != nil {
			t.Fatal(err, v)
		}
		return v[0]
	}
	e := openBert(t, "BertModel", map[string]string{
		"config_sentence_transformers.json": `{"prompts": {"query": "the dog ", "document": "a cat "}, "default_prompt_name": "document"}`,
		"sentence_bert_config.json":         `{"max_seq_length": 12, "do_lower_case": false}`,
	}, Options{Threads: 1, Precision: llm.Float32})
	for _, c := range []struct{ prompt, text string }{{"query", "the dog sat on a mat"}, {"document", "a cat sat on a mat"}, {"", "a cat sat on a mat"}, {"other", "sat on a mat"}} {
		if got, want := vector(e, llm.EmbedRequest{Text: "sat on a mat", Prompt: c.prompt}), vector(plain, llm.EmbedRequest{Text: c.text}); !reflect.DeepEqual(got, want) {
			t.Errorf("prompt %q: %v, want %v", c.prompt, got, want)
		}
	}
	long := vector(e, llm.EmbedRequest{Text: strings.Repeat("dog ", 50), Prompt: "other"})
	if want := vector(plain, llm.EmbedRequest{Text: strings.Repeat("dog ", 10)}); !long.Cut || long.Tokens != 12 || !slices.Equal(long.Vector, want.Vector) {
		t.Errorf("a text of 50 tokens: %+v", long)
	}
	if long := vector(plain, llm.EmbedRequest{Text: strings.Repeat("dog ", 500)}); !long.Cut || long.Tokens != 128 {
		t.Errorf("%d tokens, cut: %v", long.Tokens, long.Cut)
	}
}

// A dense layer between pooling and normalization.
func TestEncoderDense(t *testing.T) {
	const modules = `[{"path": "", "type": "sentence_transformers.models.Transformer"}, {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
		{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}, {"path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}]`
	files := func(activation string) map[string]string {
		// Output i is input i + 1, doubled.
		weights := make([]float32, 16*64)
		for i := range 16 {
			weights[i*64+i+1] = 2
		}
		header := `{"linear.weight":{"dtype":"F32","shape":[16,64],"data_offsets":[0,4096]}}`
		file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		file = append(file, header...)
		for _, w := range weights {
			file = binary.LittleEndian.AppendUint32(file, math.Float32bits(w))
		}
		return map[string]string{
			"modules.json": modules, "2_Dense/model.safetensors": string(file), "1_Pooling/config.json": `{"pooling_mode": "mean"}`,
			"2_Dense/config.json": `{"in_features": 64, "out_features": 16, "bias": false, "activation_function": "torch.nn.modules.` + activation + `"}`,
		}
	}
	request := testkit.EmbedRequests("anna lives in rome")
	plain := openBert(t, "BertModel", nil, Options{Threads: 1, Precision: llm.Float32})
	ids, _, err := embeddingTokens(plain.tokens, plain.embedding, 128, request[0].Text)
	if err != nil {
		t.Fatal(err)
	}
	states := make([]float64, 64)
	err = plain.network.NewState(nil).Run([]model.EncoderInput{{Tokens: ids}}, func() bool { return false }, func(_ int, rows model.Rows) {
		for i := range rows.N {
			for j, x := range rows.Row(i) {
				states[j] += float64(x) / float64(rows.N)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for activation, f := range map[string]func(float64) float64{"linear.Identity": func(x float64) float64 { return x }, "activation.Tanh": math.Tanh} {
		e := openBert(t, "BertModel", files(activation), Options{Threads: 1, Precision: llm.Float32})
		got, err := e.Embed(t.Context(), request)
		if err != nil || got[0].Err != nil || len(got[0].Vector) != 16 || e.Info().Dimensions != 16 {
			t.Fatalf("%s: %v, %v, %d dimensions", activation, got, err, e.Info().Dimensions)
		}
		length := 0.0
		for i := range 16 {
			length += f(2*states[i+1]) * f(2*states[i+1])
		}
		for i, x := range got[0].Vector {
			if want := f(2*states[i+1]) / math.Sqrt(length); math.Abs(float64(x)-want) > 1e-5 {
				t.Errorf("%s: number %d is %g, want %g", activation, i, x, want)
			}
		}
	}
	bad := files("activation.ReLU")
	e := openBert(t, "BertModel", bad, Options{Threads: 1})
	if _, err := e.Embed(t.Context(), request); !errors.Is(err, llm.ErrModel) || !strings.Contains(err.Error(), "activation_function") {
		t.Error(err)
	}
}

// Texts of a pair have their own types, and a pair that is too long is cut.
func TestRankPairs(t *testing.T) {
	e := openBert(t, "BertForSequenceClassification", nil, Options{Threads: 2, Precision: llm.Float32})
	long := strings.Repeat("dog ", 200)
	r, err := e.Rank(t.Context(), []llm.Pair{{A: "the cat", B: "a dog"}, {A: "a dog", B: "the cat"}, {A: "the cat a dog"}, {A: "a cat", B: long}, {A: long}, {A: strings.Repeat("dog ", 126)}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		tokens int
		cut    bool
	}{{7, false}, {7, false}, {6, false}, {128, true}, {128, true}, {128, false}} {
		if r[i].Err != nil || len(r[i].Logits) != 3 || r[i].Tokens != want.tokens || r[i].Cut != want.cut {
			t.Errorf("pair %d: %+v", i, r[i])
		}
	}
	if slices.Equal(r[0].Logits, r[1].Logits) || slices.Equal(r[0].Logits, r[2].Logits) || !slices.Equal(r[4].Logits, r[5].Logits) {
		t.Error("the order or the types of the texts have no effect, or a cut text differs from its beginning")
	}
}

// A tagger returns all tokens of a text that is longer than the context. Tokens in the middle of a
// window have nearly the probabilities that they have in the middle of another one.
func TestTagLongTexts(t *testing.T) {
	e := openBert(t, "BertForTokenClassification", nil, Options{Threads: 2, Precision: llm.Float32})
	text := strings.Repeat("Anna Smith lives in Rome . ", 100)
	tags, err := e.Tag(t.Context(), []string{text, "Anna\tSmith"})
	if err != nil || tags[0].Err != nil || len(tags[0].Tokens) != 600 {
		t.Fatalf("%d tokens, %v, %v", len(tags[0].Tokens), tags[0].Err, err)
	}
	for i, token := range tags[0].Tokens {
		word := strings.Fields(text)[i]
		if got := text[token.Start:token.End]; got != word {
			t.Fatalf("token %d is %q, want %q", i, got, word)
		}
		sum := 0.0
		for _, p := range token.Probabilities {
			sum += float64(p)
		}
		if len(token.Probabilities) != 3 || math.Abs(sum-1) > 1e-5 {
			t.Fatalf("token %d has the probabilities %v", i, token.Probabilities)
		}
	}
	// The first window is the first 126 tokens.
	first, err := e.Tag(t.Context(), []string{strings.Join(strings.Fields(text)[:126], " ")})
	if err != nil || !reflect.DeepEqual(first[0].Tokens[50].Probabilities, tags[0].Tokens[50].Probabilities) {
		t.Error("token 50 is not from the first window", err)
	}
	if got := tags[1].Tokens; len(got) != 2 || got[1].Start != 5 || got[1].End != 10 {
		t.Errorf("tokens %v", got)
	}
}

// poisonedEncoder panics for texts with one token, and leaves wrong data in memory.
type poisonedEncoder struct {
	model.Encoder
	token int32
}

type poisonedEncoderState struct {
	model.EncoderState
	token int32
}

func (n poisonedEncoder) NewState(team *nn.Team) model.EncoderState {
	return poisonedEncoderState{n.Encoder.NewState(team), n.token}
}

func (s poisonedEncoderState) Run(texts []model.EncoderInput, stop func() bool, emit func(int, model.Rows)) error {
	for _, text := range texts {
		if slices.Contains(text.Tokens, s.token) {
			_ = s.EncoderState.Run(texts, func() bool { panic("poisoned") }, emit)
		}
	}
	return s.EncoderState.Run(texts, stop, emit)
}

// A panic is the error of the text that causes it, and of no other one.
func TestEncoderPanics(t *testing.T) {
	captureLog(t)
	e := openBert(t, "BertModel", nil, Options{Threads: 2})
	want := outcome(t, e, encoderTexts)
	e.scheduler.close()
	id, ok := e.tokens.Lookup("?")
	if !ok {
		t.Fatal("no token")
	}
	e.scheduler = newEncoderScheduler(poisonedEncoder{e.network, id}, 2)
	got, err := e.Embed(t.Context(), testkit.EmbedRequests(encoderTexts...))
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range encoderTexts {
		if text == "?" {
			if !errors.Is(got[i].Err, llm.ErrModel) || got[i].Vector != nil {
				t.Errorf("%q: %v", text, got[i])
			}
		} else if !reflect.DeepEqual(any(got[i]), want[i]) {
			t.Errorf("%q: another result, or %v", text, got[i].Err)
		}
	}
}

// A call ends when its context is cancelled, and the model goes on.
func TestEncoderCancel(t *testing.T) {
	e := openBert(t, "BertModel", nil, Options{Threads: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Embed(ctx, testkit.EmbedRequests("a")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	calls := 0
	e.scheduler.close()
	e.scheduler = newEncoderScheduler(stoppingEncoder{e.network, func() {
		if calls++; calls == 2 {
			cancel()
		}
	}}, 1)
	if _, err := e.Embed(ctx, testkit.EmbedRequests(slices.Repeat(encoderTexts, 100)...)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	outcome(t, e, encoderTexts[:2])
}

// stoppingEncoder calls a function in each layer.
type stoppingEncoder struct {
	model.Encoder
	layer func()
}

type stoppingState struct {
	model.EncoderState
	layer func()
}

func (n stoppingEncoder) NewState(team *nn.Team) model.EncoderState {
	return stoppingState{n.Encoder.NewState(team), n.layer}
}

func (s stoppingState) Run(texts []model.EncoderInput, stop func() bool, emit func(int, model.Rows)) error {
	return s.EncoderState.Run(texts, func() bool { s.layer(); return stop() }, emit)
}

// A pooling that the files do not state is that of the options; one that they state stays.
func TestPoolingOption(t *testing.T) {
	vector := func(files map[string]string, pooling string) ([]float32, string) {
		e := openBert(t, "BertModel", files, Options{Pooling: pooling})
		v, err := e.Embed(context.Background(), []llm.EmbedRequest{{Text: "The cat sat on the mat."}})
		if err != nil {
			t.Fatal(err)
		}
		return v[0].Vector, e.Info().Pooling
	}
	stated := func(kind string) map[string]string {
		return map[string]string{"1_Pooling/config.json": `{"pooling_mode_` + kind + `": true}`}
	}
	for _, c := range []struct {
		files       map[string]string
		option      string
		like        map[string]string
		wantPooling string
	}{
		{nil, "", stated("mean_tokens"), "mean"},
		{nil, "cls", stated("cls_token"), "cls"},
		{stated("mean_tokens"), "cls", stated("mean_tokens"), "mean"},
	} {
		got, pooling := vector(c.files, c.option)
		want, _ := vector(c.like, "")
		if !slices.Equal(got, want) || pooling != c.wantPooling {
			t.Errorf("%v, %q: %s", c.files, c.option, pooling)
		}
	}
	if _, err := Open(context.Background(), bertFolder(t, "BertModel", nil), Options{Pooling: "median"}); err == nil || !strings.Contains(err.Error(), `the pooling "median" is unknown`) {
		t.Error(err)
	}
}

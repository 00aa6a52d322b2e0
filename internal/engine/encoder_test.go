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
	"github.com/firesteel/firesteel/llm"
)

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
		{"BertModel", nil, llm.Info{Roles: []llm.ModelRole{llm.Embed}, Dimensions: 64, Pooling: "mean", TextTokens: 126}},
		{"BertModel", pooling, llm.Info{Roles: []llm.ModelRole{llm.Embed}, Dimensions: 64, Pooling: "cls", TextTokens: 126}},
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
		if n := c.want.TextTokens; n > 0 {
			text := strings.Repeat("a ", n) // each word is a token
			fits, err := e.Embed(t.Context(), testkit.EmbedRequests(text, text+"a"))
			if err != nil || e.CountTokens(text) != n || fits[0].Cut || !fits[1].Cut {
				t.Errorf("%d tokens, which count %d: %+v %v", n, e.CountTokens(text), fits, err)
			}
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

// A weight that is not finite is the error of the texts that use it.
func TestEncoderNotFinite(t *testing.T) {
	for _, architecture := range []string{"BertModel", "BertForTokenClassification", "BertForSequenceClassification"} {
		for _, precision := range []llm.Precision{llm.Float32, llm.Int8} {
			folder := bertFolder(t, architecture, nil)
			path := filepath.Join(folder, "model.safetensors")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			size := binary.LittleEndian.Uint64(data)
			var header map[string]struct {
				Offsets [2]int `json:"data_offsets"`
			}
			if err := json.Unmarshal(data[8:8+size], &header); err != nil {
				t.Fatal(err)
			}
			m, err := Open(t.Context(), folder, Options{Threads: 1, Precision: precision})
			if err != nil {
				t.Fatal(err)
			}
			id, ok := m.(*Encoder).tokens.Lookup("rome")
			if err := m.Close(); !ok || err != nil {
				t.Fatal(ok, err)
			}
			for name, tensor := range header {
				if strings.HasSuffix(name, "word_embeddings.weight") {
					at := 8 + int(size) + tensor.Offsets[0] + int(id)*64*4 + 20
					binary.LittleEndian.PutUint32(data[at:], math.Float32bits(float32(math.NaN())))
				}
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			if m, err = Open(t.Context(), folder, Options{Threads: 1, Precision: precision}); err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			var errs []error
			texts := []string{"anna lives in rome", "the cat sat"}
			switch m.(*Encoder).network.Head() {
			case model.HiddenStates:
				v, err := m.Embed(t.Context(), testkit.EmbedRequests(texts...))
				errs = []error{err, v[0].Err, v[1].Err}
			case model.TokenLogits:
				v, err := m.Tag(t.Context(), texts)
				errs = []error{err, v[0].Err, v[1].Err}
			default:
				v, err := m.Rank(t.Context(), []llm.Pair{{A: texts[0]}, {A: texts[1]}})
				errs = []error{err, v[0].Err, v[1].Err}
			}
			if errs[0] != nil || !errors.Is(errs[1], llm.ErrModel) || errs[2] != nil {
				t.Errorf("%s, %s: %v", architecture, precision, errs)
			}
		}
	}
}

// A limit that special tokens exceed is an error.
func TestEncoderLimits(t *testing.T) {
	for limit, ok := range map[string]bool{"3": false, "4": true} {
		folder := bertFolder(t, "BertForTokenClassification", map[string]string{"sentence_bert_config.json": `{"max_seq_length": ` + limit + `}`})
		m, err := Open(t.Context(), folder, Options{Threads: 1})
		if err == nil {
			err = m.Close()
		}
		if (err == nil) != ok || err != nil && !errors.Is(err, llm.ErrModel) {
			t.Errorf("%s: %v", limit, err)
		}
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
	e := openBert(t, "BertModel", nil, Options{Threads: 2, AnswerBytes: -1})
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

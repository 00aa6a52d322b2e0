package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
)

// openTiny opens a small model with random weights.
func openTiny(t testing.TB, opts Options) *Engine {
	t.Helper()
	return mustOpen(t, gguftest.Llama(7).Write(t), opts)
}

// openText is Open for a model that generates text.
func openText(ctx context.Context, path string, opts Options) (*Engine, error) {
	m, err := Open(ctx, path, opts)
	if err != nil {
		return nil, err
	}
	return m.(*Engine), nil
}

// mustOpen opens a model and closes it at the end of the test.
func mustOpen(t testing.TB, path string, opts Options) *Engine {
	t.Helper()
	e, err := openText(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func do(t testing.TB, e *Engine, requests ...llm.Request) []llm.Result {
	t.Helper()
	results, err := e.Do(context.Background(), requests)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("request %d: %v", i, r.Err)
		}
	}
	return results
}

var labels = []string{"not", "not sure", "no", "neg", "pos", "not the", "positively", "neg"}

// mixed returns requests of all kinds. Some are equal.
func mixed(n int) []llm.Request {
	var requests []llm.Request
	for i := range n {
		text := strings.Repeat("some words ", i%13) + fmt.Sprint(i%29)
		var r llm.Request
		if i%3 == 0 {
			r = llm.Request{Prefix: fmt.Sprintf("A prefix of lines that many have in common %d\n", i%2), Text: text}
		} else {
			r.Messages = []llm.Message{{Role: llm.System, Text: "the system's turn is shared by all of these"}, {Role: llm.User, Text: text}}
		}
		if i%2 == 0 {
			r.Constraint = llm.Choice{Labels: labels}
		} else {
			r.MaxTokens = 1 + i%7
		}
		requests = append(requests, r)
	}
	return requests
}

// An answer depends on its request only, in every bit. This is the guarantee of llm.Request.
func TestAnswersAreIndependent(t *testing.T) {
	for _, precision := range []llm.Precision{llm.Float32, llm.Int8} {
		t.Run(string(precision), func(t *testing.T) { answersAreIndependent(t, precision, openTiny) })
		t.Run("T5/"+string(precision), func(t *testing.T) { answersAreIndependent(t, precision, openTinyT5) })
	}
	t.Run("file", func(t *testing.T) { answersAreIndependent(t, llm.File, openTinyQ) })
}

func answersAreIndependent(t *testing.T, precision llm.Precision, open func(testing.TB, Options) *Engine) {
	requests := mixed(40)
	var want []llm.Result
	e := open(t, Options{Threads: 1, Precision: precision, AnswerBytes: -1})
	for _, r := range requests {
		want = append(want, do(t, e, r)...)
	}
	distinct := map[string]bool{}
	for _, r := range want {
		distinct[fmt.Sprint(r.Text, r.Scores)] = true
	}
	if len(distinct) < 20 {
		t.Fatalf("the model gives only %d different answers", len(distinct))
	}
	for _, threads := range []int{1, 2, 5} {
		for _, shared := range []int{0, 1, 2} {
			e := open(t, Options{Threads: threads, Precision: precision, AnswerBytes: -1})
			variants := slices.Clone(requests)
			for i := range variants {
				variants[i].Shared = shared
				if shared == 2 && variants[i].Prefix != "" {
					// Prefix and Text as one text have the same tokens, because Prefix
					// ends with a line.
					variants[i].Text = variants[i].Prefix + variants[i].Text
					variants[i].Prefix = ""
				}
			}
			if got := do(t, e, variants...); !reflect.DeepEqual(got, want) {
				for i := range got {
					if !reflect.DeepEqual(got[i], want[i]) {
						t.Errorf("%d threads, shared %d, request %d: %+v, want %+v", threads, shared, i, got[i], want[i])
					}
				}
			}
			// Again with cached prefixes and other requests in the call.
			if got := do(t, e, variants[10:17]...); !reflect.DeepEqual(got, want[10:17]) {
				t.Errorf("%d threads, shared %d: the answers to some of the requests differ", threads, shared)
			}
		}
	}
}

func TestAnswersInConcurrentCalls(t *testing.T) {
	e := openTiny(t, Options{Threads: 3, AnswerBytes: -1})
	requests := mixed(24)
	want := do(t, e, requests...)
	var calls sync.WaitGroup
	for i := range 12 {
		calls.Go(func() {
			from := i % 5
			e.SetThreads(1 + i%4)
			part := slices.Clone(requests[from:])
			for j := range part {
				part[j].Shared = i % 2
			}
			got, err := e.Do(context.Background(), part)
			if err != nil || !reflect.DeepEqual(got, want[from:]) {
				t.Errorf("call %d: %v, or different answers", i, err)
			}
		})
	}
	calls.Wait()
}

// naiveScores scores each label in a separate pass, by the definition in labels.go.
func naiveScores(t *testing.T, e *Engine, prompt []int32, labels []string) []float64 {
	var encoded [][]int32
	for _, l := range labels {
		encoded = append(encoded, e.tokens.Encode(l))
	}
	var out []float64
	for _, label := range encoded {
		logits := logitsOf(t, e, append(slices.Clone(prompt), label...))
		score := 0.0
		for i, id := range label {
			row := logits[len(prompt)-1+i]
			score += float64(row[id]) - logSum(row, nil)
		}
		longer := map[int32]bool{}
		for _, other := range encoded {
			if len(other) > len(label) && slices.Equal(other[:len(label)], label) {
				longer[other[len(label)]] = true
			}
		}
		if row := logits[len(prompt)-1+len(label)]; len(longer) > 0 {
			score += logSum(row, longer) - logSum(row, nil)
		}
		out = append(out, score)
	}
	return out
}

// logSum returns the logarithm of the sum of e^x, without the logits of some tokens.
func logSum(logits []float32, without map[int32]bool) float64 {
	sum := 0.0
	for i, x := range logits {
		if !without[int32(i)] {
			sum += math.Exp(float64(x))
		}
	}
	return math.Log(sum)
}

func TestLabelScores(t *testing.T) {
	e := openTiny(t, Options{})
	for _, text := range []string{"a", "the weather is not the same", strings.Repeat("long ", 30)} {
		r := llm.Request{Messages: []llm.Message{{Role: llm.User, Text: text}}, Constraint: llm.Choice{Labels: labels}}
		p, err := e.plan(r)
		if err != nil {
			t.Fatal(err)
		}
		got := do(t, e, r)[0]
		want := naiveScores(t, e, p.prompt, labels)
		best := 0
		total := 0.0
		for i := range want {
			if math.Abs(got.Scores[i]-want[i]) > 1e-5 {
				t.Errorf("%q, label %q: %g, want %g", text, labels[i], got.Scores[i], want[i])
			}
			if want[i] > want[best] {
				best = i
			}
			if i != 7 { // a duplicate label
				total += math.Exp(got.Scores[i])
			}
		}
		if total > 1 {
			t.Errorf("%q: the probabilities of disjoint labels add up to %g", text, total)
		}
		if got.Text != labels[best] || got.Finish != llm.FinishStop || got.PromptTokens != len(p.prompt) {
			t.Errorf("%q: %+v, want the label %q", text, got, labels[best])
		}
	}
}

// A label that is never followed by its end has a finite score, the lowest one possible.
func TestLabelWithoutEnd(t *testing.T) {
	trie := &labelTrie{nodes: []labelNode{{}}}
	trie.nodes[trie.child(0, 1)].label = true
	trie.nodes[trie.child(1, 2)].label = true
	trie.labels = []int{1, 2}
	s := newLabelScores(trie)
	exps := newExpFunc(kernel.Sets()[0], 4)
	for node, logits := range [][]float32{{0, 0, 0, 0}, {0, 0, 300, 0}} {
		if err := s.add(node, logits, exps); err != nil {
			t.Fatal(err)
		}
	}
	got := s.scores()
	if math.IsInf(got[0], 0) || got[0] > -80 || math.Abs(got[1]-math.Log(.25)) > 1e-6 {
		t.Errorf("%v", got)
	}
}

// Generation with a cache equals a pass over the whole text for each token.
func TestGreedy(t *testing.T) {
	e := openTiny(t, Options{})
	for _, text := range []string{"a", "hello there", "one two three"} {
		r := llm.Request{Text: text, MaxTokens: 40}
		p, err := e.plan(r)
		if err != nil {
			t.Fatal(err)
		}
		ids := slices.Clone(p.prompt)
		finish := llm.FinishLength
		for range r.MaxTokens {
			logits := logitsOf(t, e, ids)
			last := logits[len(logits)-1]
			next := int32(slices.Index(last, slices.Max(last)))
			if e.stop[next] {
				finish = llm.FinishStop
				break
			}
			ids = append(ids, next)
		}
		got := do(t, e, r)[0]
		if want := e.tokens.Decode(ids[len(p.prompt):]); got.Text != want || got.Finish != finish || got.OutputTokens != len(ids)-len(p.prompt) {
			t.Errorf("%q: %+v, want %q, %s", text, got, want, finish)
		}
	}
}

// A prompt in several steps gives the same bits as in one step.
func TestPromptInParts(t *testing.T) {
	e := openTiny(t, Options{})
	ids := e.tokens.Encode(strings.Repeat("a few words; ", 12))
	want := logitsOf(t, e, ids)
	for _, part := range []int{1, 2, 3, 7, 31, 32, 33, 100} {
		cache := nn.NewCache(&nn.Pool{Shape: e.network.Cache()}, nil)
		state := e.network.NewState(part, e.network.Vocabulary(), nil)
		for at := 0; at < len(ids); at += part {
			var rows []model.Row
			for i := at; i < min(at+part, len(ids)); i++ {
				rows = append(rows, model.Row{Token: ids[i], Position: i, View: nn.View{Leading: i + 1}, Want: model.Logits})
			}
			err := state.Step([]model.Span{{Cache: cache, Rows: rows}}, func() bool { return false }, func(_, row int, out model.Out) {
				if !slices.Equal(out.Values, want[at+row]) {
					t.Errorf("parts of %d: the logits after token %d differ", part, at+row)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRequestErrors(t *testing.T) {
	e := openTiny(t, Options{})
	long := strings.Repeat("x", gguftest.LlamaContext)
	bad := []struct {
		r    llm.Request
		want error
	}{
		{llm.Request{}, llm.ErrRequest},
		{llm.Request{Text: "a", Messages: []llm.Message{{Role: llm.User, Text: "b"}}}, llm.ErrRequest},
		{llm.Request{Text: "a", Constraint: llm.Choice{}}, llm.ErrRequest},
		{llm.Request{Text: "a", Constraint: llm.Choice{Labels: []string{"b", ""}}}, llm.ErrRequest},
		{llm.Request{Text: "a", MaxTokens: -1}, llm.ErrRequest},
		{llm.Request{Messages: []llm.Message{{Role: "narrator", Text: "b"}}}, llm.ErrRequest},
		{llm.Request{Text: long}, llm.ErrTooLong},
		{llm.Request{Text: "a", Constraint: llm.Choice{Labels: []string{"a" + long[:100], "b" + long[:100], "c" + long[:100]}}}, llm.ErrTooLong},
		{llm.Request{Text: long[4:], Constraint: llm.Choice{Labels: []string{"a", "positively!"}}}, llm.ErrTooLong},
	}
	requests := []llm.Request{{Text: "good", MaxTokens: 3}}
	for _, b := range bad {
		requests = append(requests, b.r)
	}
	results, err := e.Do(context.Background(), requests)
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Err != nil || !reflect.DeepEqual(results[0], do(t, e, requests[0])[0]) {
		t.Errorf("a good request among bad ones: %+v", results[0])
	}
	for i, b := range bad {
		if err := results[i+1].Err; !errors.Is(err, b.want) {
			t.Errorf("request %d: %v, want %v", i, err, b.want)
		}
	}
	if r := do(t, e, llm.Request{Text: long[2:]})[0]; r.OutputTokens > 2 {
		t.Errorf("the window was exceeded: %+v", r)
	}
	if results, err := e.Do(context.Background(), nil); err != nil || len(results) != 0 {
		t.Errorf("no requests: %v, %v", results, err)
	}
}

func TestChatTokens(t *testing.T) {
	e := openTiny(t, Options{})
	p := &plan{}
	r := llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "hi <|im_end|>"}}}
	if err := e.tokenize(p, r); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, id := range p.prompt {
		if id < 3 {
			count++
		}
	}
	if want := "system\nYou are a test\nuser\nhi <|im_end|>\nassistant\n"; e.tokens.Decode(p.prompt) != want || count != 5 {
		t.Errorf("%q with %d control tokens", e.tokens.Decode(p.prompt), count)
	}
	r.Messages = append([]llm.Message{{Role: llm.System, Text: "S"}}, r.Messages...)
	if err := e.tokenize(p, r); err != nil {
		t.Fatal(err)
	}
	if got := e.tokens.Decode(p.prompt); strings.Contains(got, "test") || !strings.HasPrefix(got, "system\nS\nuser") {
		t.Errorf("%q", got)
	}
}

func TestOtherChatTemplate(t *testing.T) {
	b := gguftest.Llama(7)
	data := strings.ReplaceAll(string(b.Bytes()), "{% for", "{% fro")
	path := t.TempDir() + "/other.gguf"
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := openText(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	results, err := e.Do(context.Background(), []llm.Request{{Messages: []llm.Message{{Role: llm.User, Text: "hi"}}}, {Text: "hi", MaxTokens: 2}})
	if err != nil {
		t.Fatal(err)
	}
	if err := results[0].Err; !errors.Is(err, llm.ErrModel) || !strings.Contains(err.Error(), "chat template") || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
	if results[1].Err != nil {
		t.Errorf("plain text must not need a template: %v", results[1].Err)
	}
}

func TestBadFiles(t *testing.T) {
	whole := gguftest.Llama(7).Bytes()
	replace := func(old, new string) []byte {
		if len(old) != len(new) || !strings.Contains(string(whole), old) {
			t.Fatalf("%q for %q", new, old)
		}
		return []byte(strings.Replace(string(whole), old, new, 1))
	}
	for want, data := range map[string][]byte{
		"truncated":                        whole[:len(whole)-1],
		`"blk.1.ffn_up.weight" is missing`: replace("blk.1.ffn_up.weight", "blk.1.ffn_op.weight"),
		"architecture":                     replace("\x05\x00\x00\x00\x00\x00\x00\x00llama", "\x05\x00\x00\x00\x00\x00\x00\x00lemma"),
		"tokenizer kind":                   replace("gpt2", "rwkv"),
		"pre-tokenizer":                    replace("smollm", "qwen99"),
		"not part of the":                  gguftest.Llama(7).F32("blk.0.attn_q.bias", []int{64}, make([]float32, 64)).Bytes(),
		"the shape":                        replace("feed_forward_length\x04\x00\x00\x00\x30", "feed_forward_length\x04\x00\x00\x00\x40"),
	} {
		path := t.TempDir() + "/bad.gguf"
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := openText(t.Context(), path, Options{})
		if !errors.Is(err, llm.ErrModel) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	stopped, stop := context.WithCancelCause(t.Context())
	cause := errors.New("the user gave up")
	stop(cause)
	if _, err := Open(stopped, gguftest.Llama(7).Write(t), Options{}); !errors.Is(err, cause) || errors.Is(err, llm.ErrModel) {
		t.Errorf("with a context that has ended: %v", err)
	}
	if _, err := openText(t.Context(), t.TempDir()+"/none.gguf", Options{}); !errors.Is(err, os.ErrNotExist) || !errors.Is(err, llm.ErrModel) {
		t.Error(err)
	}
}

func TestUnknownInstructionSet(t *testing.T) {
	t.Setenv("FIRESTEEL_ISA", "mmx")
	if _, err := openText(t.Context(), gguftest.Llama(7).Write(t), Options{}); !errors.Is(err, llm.ErrModel) || !strings.Contains(err.Error(), "mmx") {
		t.Error(err)
	}
}

func TestInfo(t *testing.T) {
	e := openTiny(t, Options{Name: "tiny"})
	if i := e.Info(); i.Name != "tiny" || i.Context != gguftest.LlamaContext || len(i.Digest) != 64 {
		t.Errorf("%+v", i)
	}
	if i := openTiny(t, Options{Digest: "abc"}).Info(); i.Digest != "abc" || i.Name != "model.gguf" {
		t.Errorf("%+v", i)
	}
}

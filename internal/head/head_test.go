package head

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
	"github.com/firesteel/firesteel/llm"
)

func example() *Head {
	return &Head{
		Description: Description{
			Predicts: llm.PredictsLabel, Labels: []string{"a", "b <é>"}, Temperature: 0.5, Threshold: 0.25, C: 10,
			Embedder: Embedder{Role: llm.Embed, Name: "e", Digest: "d1", Dimensions: 3}, Versions: []string{"firesteel"},
		},
		Weights: []float32{1, 0, 0, 0, 2, 0}, Bias: []float32{0.5, -0.5},
	}
}

func written(t testing.TB, h *Head) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := h.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPredict(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topic.safetensors")
	text := written(t, example())
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, written(t, example())) || !Is(path) {
		t.Error("equal heads give other bytes, or the file is not recognized")
	}
	m, err := Open(path, "topic", "d2")
	if err != nil {
		t.Fatal(err)
	}
	info := m.Info()
	if !info.Has(llm.Predict) || info.Threshold != 0.25 || strings.Join(info.Labels, "|") != "a|b <é>" || info.Predicts != llm.PredictsLabel {
		t.Errorf("%+v", info)
	}
	all, err := m.Predict(t.Context(), llm.Info{Digest: "d1"}, [][]float32{{1, 0, 0}, {0, 1, 0}, {1}})
	if err != nil {
		t.Fatal(err)
	}
	// By hand: the scores are 1.5 and -0.5, so the logits differ by 4.
	if want := 1 / (1 + math.Exp(-4)); math.Abs(all[0].Scores[0]-want) > 1e-7 || math.Abs(all[0].Scores[1]-(1-want)) > 1e-7 {
		t.Errorf("%v, want %g", all[0].Scores, want)
	}
	if all[2].Err == nil {
		t.Error("a vector of another length has scores")
	}
	var other *llm.EmbedderError
	if _, err := m.Predict(t.Context(), llm.Info{Name: "minilm", Digest: "d9"}, nil); !errors.As(err, &other) || !strings.Contains(err.Error(), "minilm") {
		t.Errorf("another embedder: %v", err)
	}
}

func TestKinds(t *testing.T) {
	h := example()
	h.Predicts, h.Temperature = llm.PredictsLabels, 2
	if got, want := h.Apply([]float32{0, 1, 0})[1], 1/(1+math.Exp(-0.75)); math.Abs(got-want) > 1e-7 {
		t.Errorf("%g, want %g", got, want)
	}
	h.Predicts, h.Labels, h.Bias, h.Weights = llm.PredictsNumber, nil, []float32{3}, []float32{1, 2, 3}
	if got := h.Apply([]float32{1, 1, 1}); len(got) != 1 || got[0] != 9 {
		t.Errorf("%v", got)
	}
}

func TestMalformed(t *testing.T) {
	for want, change := range map[string]func(*Head){
		"predicts is":        func(h *Head) { h.Predicts = "x" },
		"temperature is":     func(h *Head) { h.Temperature = 0 },
		"threshold is":       func(h *Head) { h.Threshold = 2 },
		"labels, expected":   func(h *Head) { h.Labels = nil },
		"repeated":           func(h *Head) { h.Labels = []string{"a", "a"} },
		"dimensions":         func(h *Head) { h.Embedder.Dimensions = 0 },
		"digest of the":      func(h *Head) { h.Embedder.Digest = "" },
		"not finite":         func(h *Head) { h.Bias[0] = float32(math.NaN()) },
		"do not fit the des": func(h *Head) { h.Weights = h.Weights[1:] },
	} {
		h := example()
		change(h)
		if err := h.Write(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	text := string(written(t, example()))
	for want, changed := range map[string]string{
		"description says":     strings.Replace(text, `[2,3]`, `[3,2]`, 1),
		"is not a head":        strings.Replace(text, "firesteel.head", "firesteel.hand", 1),
		"format 7":             strings.Replace(text, `format\":1`, `format\":7`, 1),
		"no tensor \"weight\"": strings.Replace(text, `"weight"`, `"height"`, 1),
		"truncated":            text[:len(text)-1],
		"finite":               text[:len(text)-8] + "\x00\x00\x80\x7f" + text[len(text)-4:],
	} {
		f, err := safetensors.Read("x", []byte(changed))
		if err == nil {
			_, err = read(f)
		}
		if !errors.Is(err, malformed.ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A file from outside is an error or a head whose scores are numbers.
func FuzzRead(f *testing.F) {
	f.Add(written(f, example()))
	number := example()
	number.Predicts, number.Labels, number.Bias, number.Weights = llm.PredictsNumber, nil, []float32{3}, []float32{1, 2, 3}
	f.Add(written(f, number))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := safetensors.Read("fuzz", text)
		if err != nil {
			return
		}
		h, err := read(file)
		if err != nil {
			if !errors.Is(err, malformed.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		scores := h.Apply(make([]float32, h.Embedder.Dimensions))
		if len(scores) != h.Outputs() {
			t.Fatalf("%d scores", len(scores))
		}
		for _, s := range scores {
			if s != s && h.Predicts != llm.PredictsNumber {
				t.Fatalf("a score is not a number: %v", h.Description)
			}
		}
	})
}

package model

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

// onnxFixtures is the folder of small ONNX files.
const onnxFixtures = "../../weights/onnx/testdata"

func openEncoderFile(t *testing.T, path string, p llm.Precision) Encoder {
	t.Helper()
	source, err := OpenSource(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	kernels, err := kernel.Select("")
	if err != nil {
		t.Fatal(err)
	}
	e, err := LoadEncoder(t.Context(), source, p, kernels, 2)
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

func listOf(t *testing.T, text string) []float64 {
	t.Helper()
	var all []float64
	for _, s := range strings.Split(text, ",") {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}

// The logits of ONNX files without a config.json equal those of ONNX Runtime.
func TestONNXEqualsRuntime(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(onnxFixtures, "logits.txt"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]Encoder{}
	worst := 0.0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		f := strings.Fields(line)
		e := files[f[0]]
		if e == nil {
			e = openEncoderFile(t, filepath.Join(onnxFixtures, f[0]), llm.Float32)
			files[f[0]] = e
			if e.Head() != TokenLogits || len(e.Labels()) != 3 || e.Context() != 16 || e.Vocabulary() != 24 || e.Size() != 32 {
				t.Errorf("%s: %v, %v, %d, %d, %d", f[0], e.Head(), e.Labels(), e.Context(), e.Vocabulary(), e.Size())
			}
		}
		in := EncoderInput{}
		for _, id := range listOf(t, f[1]) {
			in.Tokens = append(in.Tokens, int32(id))
		}
		want := listOf(t, f[2])
		rows := runEncoder(t, e, []EncoderInput{in})[0]
		for i, x := range want {
			off := math.Abs(float64(rows[i/3][i%3]) - x)
			if worst = max(worst, off); !(off < 1e-4) {
				t.Fatalf("%s: %s: logit %d is %g, want %g", f[0], f[1], i, rows[i/3][i%3], x)
			}
		}
	}
	if len(files) < 10 {
		t.Errorf("%d files", len(files))
	}
	t.Logf("largest difference %.2g", worst)
}

// The real models, if they are in shared/models, have the outputs of ONNX Runtime. See
// testdata/onnx/make.py.
func TestRealONNXEqualsRuntime(t *testing.T) {
	text, err := os.ReadFile("../testdata/onnx/real.txt")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(os.Getenv(testkit.SharedEnv), "models")
	models := map[string]Encoder{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		f := strings.Fields(line)
		path := filepath.Join(folder, f[0])
		if _, err := os.Stat(path); err != nil {
			t.Skipf("%s is not there; shared/models/fetch.sh makes it", path)
		}
		if models[f[0]] == nil {
			models[f[0]] = openEncoderFile(t, path, llm.Float32)
		}
		in := EncoderInput{}
		for _, id := range listOf(t, f[1]) {
			in.Tokens = append(in.Tokens, int32(id))
		}
		rows := runEncoder(t, models[f[0]], []EncoderInput{in})[0]
		for i, best := range listOf(t, f[2]) {
			if row := rows[i]; row[int(best)] != slices.Max(row) {
				t.Errorf("%s: row %d: the best number is not number %g", f[0], i, best)
			}
		}
		for i, x := range listOf(t, f[3]) {
			if got := float64(rows[1][i]); !(math.Abs(got-x) < 1e-4) {
				t.Errorf("%s: number %d is %g, want %g", f[0], i, got, x)
			}
		}
	}
	e := models["gector-distilbert"]
	if labels := e.Labels(); len(labels) != 213 || labels[0] != "$KEEP" || labels[1] != "$DELETE" {
		t.Errorf("%q", labels)
	}
}

// onnxFolder makes a folder with an ONNX file and other files.
func onnxFolder(t *testing.T, file string, files map[string]string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(onnxFixtures, file))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	files["onnx/model.onnx"] = string(data)
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// A config.json goes before what the graph states. Labels come from it, or from tag_vocab.json.
func TestONNXConfig(t *testing.T) {
	labels := func(files map[string]string) []string {
		return openEncoderFile(t, onnxFolder(t, "q4.onnx", files), llm.Int8).Labels()
	}
	if got := labels(map[string]string{"tokenizer.json": "{}", "config.json": `{"architectures":["BertForTokenClassification"],"id2label":{"1":"B-X"}}`}); !slices.Equal(got, []string{"LABEL_0", "B-X", "LABEL_2"}) {
		t.Error(got)
	}
	if got := labels(map[string]string{"tokenizer.json": "{}", "tag_vocab.json": `{"tags":["$KEEP","$DELETE","$REPLACE_a"]}`}); !slices.Equal(got, []string{"$KEEP", "$DELETE", "$REPLACE_a"}) {
		t.Error(got)
	}
	for config, want := range map[string]string{
		`{"architectures":["BertForTokenClassification"],"num_attention_heads":3}`: "is not a multiple of the 3 heads",
		`{"architectures":["Qwen2ForCausalLM"]}`:                                   `an ONNX file of the architecture "Qwen2ForCausalLM" is not supported, only those of encoders`,
		`{"architectures":["BertForTokenClassification"],"hidden_size":64}`:        "the shape is [24 32]",
	} {
		s, err := OpenSource(onnxFolder(t, "float.onnx", map[string]string{"config.json": config}))
		if err == nil {
			kernels, _ := kernel.Select("")
			_, err = LoadEncoder(t.Context(), s, llm.Float32, kernels, 1)
			if closed := s.Close(); closed != nil {
				t.Error(closed)
			}
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", config, err)
		}
	}
	if _, err := OpenSource(onnxFolder(t, "float.onnx", map[string]string{"tag_vocab.json": `{"tags":1}`})); err == nil || !strings.Contains(err.Error(), `"tags" is not a list of labels`) {
		t.Error(err)
	}
}

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

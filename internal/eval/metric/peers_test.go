package metric

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// peers holds results of rouge-score, sacreBLEU, scikit-learn, seqeval, SciPy and
// NumPy. testdata/peers.py computes them and lists the versions.
type peers struct {
	Texts, Foreign []struct {
		Reference, Predicted string
		Rouge                []float64
		ChrF                 float64
	}
	CorpusChrF float64 `json:"corpus_chrf"`
	Labels     struct {
		Gold, Predicted       []string
		Accuracy              float64
		MacroF1               float64 `json:"macro_f1"`
		Precision, Recall, F1 []float64
		Confusion             [][]int
	}
	Calibration struct {
		Right                []bool
		Probability          []float64
		Accuracy, Confidence []float64
		Brier, Error         float64
	}
	Spans struct {
		Rows    []struct{ Gold, Predicted []Span }
		ExactF1 float64 `json:"exact_f1"`
		PerF1   float64 `json:"per_f1"`
		Partial []float64
	}
	McNemar []struct {
		A, B int
		P    float64
	}
	Quantiles []struct{ Q, Value float64 }
}

func readPeers(t *testing.T) (p peers) {
	t.Helper()
	b, err := os.ReadFile("testdata/peers.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9) {
		t.Errorf("%s: %.12f, want %.12f", what, got, want)
	}
}

// valueOf returns the figure with the given name.
func valueOf(t *testing.T, s *Statistics, name string) float64 {
	t.Helper()
	i := slices.Index(s.names, name)
	if i < 0 {
		t.Fatalf("there is no figure %q among %q", name, s.names)
	}
	return s.values()[i]
}

func TestTextsAgainstPeers(t *testing.T) {
	p := readPeers(t)
	var predicted []string
	var references [][]string
	means := make([]float64, 3)
	for _, c := range p.Texts {
		r := RougeOf(c.Predicted, c.Reference)
		for k, got := range []float64{r.One, r.Two, r.L} {
			near(t, "ROUGE of "+c.Predicted, got, c.Rouge[k])
			means[k] += c.Rouge[k] / float64(len(p.Texts))
		}
		predicted, references = append(predicted, c.Predicted), append(references, []string{c.Reference})
	}
	s := Texts(predicted, references)
	for k, name := range []string{"ROUGE-1", "ROUGE-2", "ROUGE-L"} {
		near(t, "mean "+name, valueOf(t, s, name), means[k])
	}
	for _, c := range p.Foreign {
		predicted, references = append(predicted, c.Predicted), append(references, []string{c.Reference})
	}
	for _, c := range append(p.Texts, p.Foreign...) {
		near(t, "chrF of "+c.Predicted, ChrF(c.Predicted, c.Reference), c.ChrF)
	}
	near(t, "chrF of all", valueOf(t, Texts(predicted, references), "chrF"), p.CorpusChrF)
}

func TestLabelsAgainstPeers(t *testing.T) {
	p := readPeers(t).Labels
	s := Labels(p.Gold, p.Predicted)
	near(t, "accuracy", valueOf(t, s, "accuracy"), p.Accuracy)
	near(t, "macro-F1", valueOf(t, s, "macro-F1"), p.MacroF1)
	c := Confuse(p.Gold, p.Predicted)
	for i, label := range c.Gold {
		near(t, "precision", valueOf(t, s, "precision of "+label), p.Precision[i])
		near(t, "recall", valueOf(t, s, "recall of "+label), p.Recall[i])
		near(t, "F1", valueOf(t, s, "F1 of "+label), p.F1[i])
		for j, n := range c.Counts[i] {
			if n != p.Confusion[i][j] {
				t.Errorf("%s answered %s: %d, want %d", label, c.Answers[j], n, p.Confusion[i][j])
			}
		}
	}
}

func TestCalibrationAgainstPeers(t *testing.T) {
	p := readPeers(t).Calibration
	for i, b := range Reliability(p.Right, p.Probability, 10) {
		near(t, "accuracy of a bin", b.Accuracy, p.Accuracy[i])
		near(t, "confidence of a bin", b.Confidence, p.Confidence[i])
	}
	s := Calibration(p.Right, p.Probability, 10)
	near(t, "Brier score", valueOf(t, s, "Brier score"), p.Brier)
	near(t, "calibration error", valueOf(t, s, "calibration error"), p.Error)
}

func TestSpansAgainstPeers(t *testing.T) {
	p := readPeers(t).Spans
	var gold, predicted [][]Span
	for _, row := range p.Rows {
		gold, predicted = append(gold, row.Gold), append(predicted, row.Predicted)
	}
	s := Spans(gold, predicted)
	near(t, "exact F1", valueOf(t, s, "exact F1"), p.ExactF1)
	near(t, "exact F1 of PER", valueOf(t, s, "exact F1 of PER"), p.PerF1)
	for k, name := range []string{"partial precision", "partial recall", "partial F1"} {
		near(t, name, valueOf(t, s, name), p.Partial[k])
	}
}

func TestTestsAgainstPeers(t *testing.T) {
	p := readPeers(t)
	for _, c := range p.McNemar {
		near(t, "McNemar", McNemar(c.A, c.B), c.P)
	}
	for _, c := range p.Quantiles {
		near(t, "quantile", quantile([]float64{1, 2, 4, 8, 16, 32.5}, c.Q), c.Value)
	}
}

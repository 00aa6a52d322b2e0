package linear

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// golden is testdata/sklearn.json.
type golden struct {
	X       [][]float32 `json:"x"`
	Y       []int32     `json:"y"`
	Number  []float64   `json:"number"`
	Several [][]int32   `json:"several"`
	Fits    []struct {
		C             float64
		Kind          string
		Probabilities [][]float64
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/sklearn.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g golden) logistic(t *testing.T, kind string, threads int) *Logistic {
	t.Helper()
	rows, err := NewRows(g.X, threads)
	if err != nil {
		t.Fatal(err)
	}
	l := &Logistic{Rows: rows, Labels: 5, Several: kind == "several", Of: g.Several}
	if kind != "several" {
		l.Of = nil
		for _, y := range g.Y {
			l.Of = append(l.Of, []int32{y})
		}
	}
	if kind == "weights" {
		sum := 0.0
		for _, y := range g.Y {
			w := 1.0
			if y == 0 {
				w = 3
			}
			l.Weights = append(l.Weights, w)
			sum += w
		}
		for i := range l.Weights { // so that C means the same
			l.Weights[i] *= float64(len(g.Y)) / sum
		}
	}
	return l
}

func TestEqualsScikitLearn(t *testing.T) {
	g := readGolden(t)
	if len(g.Fits) != 8 {
		t.Fatalf("%d fits", len(g.Fits))
	}
	for _, f := range g.Fits {
		var theta []float64
		l := g.logistic(t, f.Kind, 0)
		outputs := l.Labels
		if f.Kind == "number" {
			outputs = 1
			r := &Ridge{Rows: l.Rows, Of: g.Number}
			m, err := r.Moments(t.Context(), Range{0, 70})
			if err != nil {
				t.Fatal(err)
			}
			rest, err := r.Moments(t.Context(), Range{70, len(g.X)})
			if err != nil {
				t.Fatal(err)
			}
			m.Add(rest)
			if theta, err = m.Fit(1 / f.C); err != nil {
				t.Fatal(err)
			}
		} else {
			theta = make([]float64, l.Params())
			if _, err := l.Fit(t.Context(), []Range{{0, 50}, {50, len(g.X)}}, f.C, theta); err != nil {
				t.Fatal(err)
			}
		}
		scores := make([][]float32, 20)
		if err := l.Rows.Scores(t.Context(), theta, outputs, Range{0, 20}, scores); err != nil {
			t.Fatal(err)
		}
		weights, bias := l.Rows.Uncentred(theta, outputs)
		for i, row := range scores {
			for k, s := range row {
				plain := float64(bias[k])
				for d, x := range g.X[i] {
					plain += float64(x) * float64(weights[k*len(g.X[i])+d])
				}
				if math.Abs(plain-float64(s)) > 1e-4 {
					t.Fatalf("%s: the score with the mean is %g, and %g without", f.Kind, plain, s)
				}
			}
		}
		if f.Kind != "number" {
			l.Probabilities(scores, 1)
		}
		worst := 0.0
		for i, row := range f.Probabilities {
			for k, want := range row {
				worst = max(worst, math.Abs(want-float64(scores[i][k])))
			}
		}
		t.Logf("%s, C=%g: at most %.1e from scikit-learn", f.Kind, f.C, worst)
		if worst > 1e-3 {
			t.Errorf("%s, C=%g: a probability differs by %g from that of scikit-learn", f.Kind, f.C, worst)
		}
	}
}

// The same bits come from any number of threads and any instruction set.
func TestSameBits(t *testing.T) {
	g := readGolden(t)
	var first []byte
	for _, isa := range []string{"", "generic"} {
		t.Setenv("FIRESTEEL_ISA", isa)
		for _, threads := range []int{1, 2, 7} {
			l := g.logistic(t, "label", threads)
			theta := make([]float64, l.Params())
			if _, err := l.Fit(t.Context(), []Range{{0, len(g.X)}}, 3, theta); err != nil {
				t.Fatal(err)
			}
			r := &Ridge{Rows: l.Rows, Of: g.Number}
			m, err := r.Moments(t.Context(), Range{0, len(g.X)})
			if err != nil {
				t.Fatal(err)
			}
			number, err := m.Fit(0.1)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := binary.Write(&b, binary.LittleEndian, append(theta, number...)); err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = b.Bytes()
			}
			if !bytes.Equal(first, b.Bytes()) {
				t.Errorf("%q with %d threads gives other parameters", isa, threads)
			}
		}
	}
}

// The gradient is that of the loss.
func TestGradient(t *testing.T) {
	g := readGolden(t)
	for _, kind := range []string{"label", "several", "weights", "prior"} {
		l := g.logistic(t, kind, 2)
		if kind == "prior" {
			l.Prior = make([]float64, l.Params())
			for i := range l.Prior {
				l.Prior[i] = math.Cos(float64(i))
			}
		}
		e := l.evaluation([]Range{{3, 40}, {60, 130}}, 2)
		theta, gradient, scratch := make([]float64, l.Params()), make([]float64, l.Params()), make([]float64, l.Params())
		for i := range theta {
			theta[i] = math.Sin(float64(i))
		}
		if _, err := e.loss(t.Context(), theta, gradient); err != nil {
			t.Fatal(err)
		}
		for i := range theta {
			if kind == "prior" && i%(l.Rows.D+1) == l.Rows.D {
				if gradient[i] != 0 {
					t.Fatalf("the bias %d moves", i)
				}
				continue
			}
			const step = 1e-2
			at := theta[i]
			theta[i] = at + step
			above, _ := e.loss(t.Context(), theta, scratch)
			theta[i] = at - step
			below, _ := e.loss(t.Context(), theta, scratch)
			theta[i] = at
			if slope := (above - below) / (2 * step); math.Abs(slope-gradient[i]) > 1e-4 {
				t.Fatalf("%s: parameter %d: the gradient is %g, and the slope %g", kind, i, gradient[i], slope)
			}
		}
	}
}

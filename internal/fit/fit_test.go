package fit

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/head"
	"github.com/firesteel/firesteel/llm"
)

// synthetic returns rows of classes around random centres, of length 1. The class of a row is the index
// of its centre.
func synthetic(rows, classes int, noise float64) []Row {
	const d = 24
	random := rand.New(rand.NewPCG(3, 4))
	centres := make([][]float64, classes)
	for k := range centres {
		for range d {
			centres[k] = append(centres[k], random.NormFloat64())
		}
	}
	all := make([]Row, rows)
	for i := range all {
		k := i % classes
		v, length := make([]float32, d), 0.0
		for j := range v {
			x := centres[k][j] + noise*random.NormFloat64()
			v[j] = float32(x)
			length += x * x
		}
		for j := range v {
			v[j] /= float32(math.Sqrt(length))
		}
		all[i] = Row{Number: i + 1, Vector: v, Labels: []string{fmt.Sprintf("class %d", k)}}
	}
	return all
}

func fitted(t *testing.T, rows []Row, o Options) *Result {
	t.Helper()
	r, err := Fit(t.Context(), rows, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// file is the file of a fit.
func file(t *testing.T, r *Result) []byte {
	t.Helper()
	r.Head.Embedder.Digest = "e"
	var b bytes.Buffer
	if err := r.Head.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func figureOf(t *testing.T, r *Result, name string) float64 {
	t.Helper()
	for _, f := range r.Figures {
		if f.Name == name {
			return f.Value
		}
	}
	t.Fatalf("no figure %q in %v", name, r.Figures)
	return 0
}

func TestFit(t *testing.T) {
	rows := synthetic(1000, 5, 1.2)
	rows[10].Labels = []string{"class 3"} // its vector is of class 0
	r := fitted(t, rows, Options{Predicts: llm.PredictsLabel, Seed: 1})
	if a := figureOf(t, r, "accuracy"); a < 0.9 {
		t.Errorf("accuracy %g", a)
	}
	if e := figureOf(t, r, "calibration error"); e > 0.06 {
		t.Errorf("calibration error %g", e)
	}
	if len(r.Suspects) == 0 || r.Suspects[0].Row.Number != 11 || r.Suspects[0].Suggested != "class 0" {
		t.Errorf("%+v", r.Suspects)
	}
	if n := len(r.Curve); n < 4 || r.Curve[n-1].Rows != 1000-r.Head.Data.HeldOut || r.Curve[0].Score.Value > r.Curve[n-1].Score.Value {
		t.Errorf("%+v", r.Curve)
	}
	// The file predicts what the fit measured.
	right := 0
	for _, row := range rows {
		scores := r.Head.Apply(row.Vector)
		best := slices.Index(scores, slices.Max(scores))
		if r.Head.Labels[best] == row.Labels[0] {
			right++
		}
	}
	if right < 900 {
		t.Errorf("%d of 1000 rows are right", right)
	}
}

// The file does not depend on the order of the rows or on threads.
func TestSameFile(t *testing.T) {
	for _, o := range []Options{{Predicts: llm.PredictsLabel, None: "class 3"}, {Predicts: llm.PredictsLabels, Balanced: true}, {Predicts: llm.PredictsNumber}} {
		rows := synthetic(300, 4, 1.5)
		for i := range rows {
			if rows[i].Value = float64(i % 7); o.Predicts == llm.PredictsNumber {
				rows[i].Labels = nil
			} else if o.Predicts == llm.PredictsLabels && i%3 == 0 {
				rows[i].Labels = append(rows[i].Labels, "third")
			}
		}
		rows = append(rows, rows[5], rows[6]) // equal rows
		o.Threads = 1
		want := file(t, fitted(t, slices.Clone(rows), o))
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(rows), func(i, k int) { rows[i], rows[k] = rows[k], rows[i] })
		for i := range rows {
			rows[i].Number = 0
		}
		o.Threads = 3
		if !bytes.Equal(want, file(t, fitted(t, rows, o))) {
			t.Errorf("%s: another order and threads give another file", o.Predicts)
		}
	}
}

func TestNoneOfTheLabels(t *testing.T) {
	r := fitted(t, synthetic(900, 6, 1), Options{Predicts: llm.PredictsLabel, None: "class 5"})
	if len(r.Head.Labels) != 5 || r.NoneRows != 150 || r.Head.Threshold <= 0 || r.Head.None != "class 5" {
		t.Errorf("%+v", r.Head.Description)
	}
	if v := figureOf(t, r, "recall of class 5"); v < 0.7 {
		t.Errorf("recall of none %g", v)
	}
	if v := figureOf(t, r, "accuracy of rows with one of the labels"); v < 0.8 {
		t.Errorf("accuracy %g", v)
	}
	given := 0.25
	if r := fitted(t, synthetic(100, 2, 1), Options{Predicts: llm.PredictsLabel, Threshold: &given}); r.Head.Threshold != 0.25 {
		t.Errorf("threshold %g", r.Head.Threshold)
	}
}

func TestSeveralLabelsAndNumbers(t *testing.T) {
	rows := synthetic(600, 6, 0.8)
	for i := range rows {
		switch k := i % 6; k {
		case 0:
			rows[i].Labels = nil
		case 1, 2, 3:
			rows[i].Labels = []string{"low", fmt.Sprint(k)}
		default:
			rows[i].Labels = []string{"high"}
		}
		rows[i].Value = float64(i%6) * 10
	}
	r := fitted(t, slices.Clone(rows), Options{Predicts: llm.PredictsLabels})
	if v := figureOf(t, r, "micro-F1"); v < 0.9 || strings.Join(r.Head.Labels, " ") != "1 2 3 high low" {
		t.Errorf("micro-F1 %g, %v", v, r.Head.Labels)
	}
	for i := range rows {
		rows[i].Labels = nil
	}
	r = fitted(t, rows, Options{Predicts: llm.PredictsNumber})
	if v := figureOf(t, r, "R²"); v < 0.8 || r.Head.Predicts != llm.PredictsNumber || r.Head.Outputs() != 1 {
		t.Errorf("R² %g, %+v", v, r.Head.Description)
	}
	if got := r.Head.Apply(rows[5].Vector)[0]; math.Abs(got-50) > 20 {
		t.Errorf("%g, want about 50", got)
	}
}

// Rare labels weigh more if labels count equally.
func TestBalanced(t *testing.T) {
	rows := synthetic(1200, 2, 4)
	rare := slices.DeleteFunc(rows, func(r Row) bool { return r.Labels[0] == "class 1" && r.Number%20 != 0 })
	recall := func(balanced bool) float64 {
		r := fitted(t, slices.Clone(rare), Options{Predicts: llm.PredictsLabel, Balanced: balanced})
		return figureOf(t, r, "macro-F1")
	}
	if plain, balanced := recall(false), recall(true); balanced <= plain {
		t.Errorf("macro-F1 %g, with balanced labels %g", plain, balanced)
	}
}

func TestTooFew(t *testing.T) {
	many := synthetic(60, 2, 1)
	for i := range many {
		many[i].Labels = []string{fmt.Sprint("label ", i)}
	}
	lots := make([]Row, 10000)
	for i := range lots {
		lots[i] = Row{Vector: []float32{1, 0}, Labels: []string{fmt.Sprint(i)}}
	}
	for _, c := range []struct {
		rows []Row
		want string
	}{
		{synthetic(3, 2, 1), "3 rows have a label; at least 10"},
		{synthetic(50, 1, 1), "all 50 rows have the same label"},
		{many, "60 rows have 60 different labels, of which 0 have more than one row"},
		{lots, "10000 different labels, and at most 2000"},
	} {
		_, err := Fit(t.Context(), c.rows, Options{Predicts: llm.PredictsLabel})
		var few *TooFewError
		if !errors.As(err, &few) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	// A label with one row is fitted, and not measured.
	rows := synthetic(60, 3, 1)
	rows[7].Labels = []string{"once"}
	r := fitted(t, rows, Options{Predicts: llm.PredictsLabel})
	if !slices.Contains(r.Head.Labels, "once") || r.Rare != 1 {
		t.Errorf("%v, %d rare", r.Head.Labels, r.Rare)
	}
	// Too few rows to hold some out.
	rows = synthetic(16, 4, 0.5)
	if r := fitted(t, rows, Options{Predicts: llm.PredictsLabel}); !r.CrossValidated || len(r.Curve) != 0 {
		t.Errorf("%+v", r)
	}
}

// Rows with equal vectors are never both fitted and held out.
func TestEqualVectorsStayTogether(t *testing.T) {
	rows := synthetic(200, 2, 1)
	for i, r := range slices.Clone(rows) {
		r.Labels = []string{[]string{"class 0", "class 1"}[(i/3)%2]}
		rows = append(rows, r)
	}
	d, err := arrange(t.Context(), rows, Options{Predicts: llm.PredictsLabel})
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]int{}
	for s, r := range d.slices {
		for _, row := range d.rows[r.First:r.Last] {
			key := fmt.Sprint(row.Vector)
			if before, seen := of[key]; seen && before != s {
				t.Fatalf("equal vectors are in the slices %d and %d", before, s)
			}
			of[key] = s
		}
	}
}

func TestReadLabel(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		kind llm.PredictionKind
		text *string
		want string
	}{
		{llm.PredictsLabel, nil, "[] 0 false <nil>"},
		{llm.PredictsLabel, text("  "), "[] 0 false <nil>"},
		{llm.PredictsLabel, text(" a b "), "[a b] 0 true <nil>"},
		{llm.PredictsLabels, text("b, a,,b"), "[a b] 0 true <nil>"},
		{llm.PredictsLabels, text(`["x,y", "a"]`), "[a x,y] 0 true <nil>"},
		{llm.PredictsLabels, text(""), "[] 0 true <nil>"},
		{llm.PredictsNumber, text("2.5"), "[] 2.5 true <nil>"},
		{llm.PredictsNumber, text("NaN"), "is not a number"},
		{llm.PredictsNumber, text("many"), "is not a number"},
		{llm.PredictsLabels, text("[1]"), "no JSON list"},
		{llm.PredictsLabel, text(strings.Repeat("long ", 100)), "the limit is 256"},
	} {
		var r Row
		ok, err := r.ReadLabel(c.kind, c.text, ",")
		if got := fmt.Sprint(r.Labels, r.Value, ok, err); !strings.Contains(got, c.want) {
			t.Errorf("%s %q: %s, want %s", c.kind, *c.text, got, c.want)
		}
	}
}

func TestSummary(t *testing.T) {
	r := fitted(t, synthetic(400, 3, 2), Options{Predicts: llm.PredictsLabel})
	r.Head.Embedder = head.Embedder{Name: "an embedder", Dimensions: 24}
	s := &Summary{Result: r, Data: "data.csv", Suspects: 2, Text: func(Row) string { return "the <text>" }}
	var b, page bytes.Buffer
	if err := s.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if err := s.Page().Write(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"data.csv: a model that predicts one label", "accuracy", "calibration error", "learning curve", "More labels", "most confused", "labels may be wrong", "the <text>"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text has no %q:\n%s", want, &b)
		}
	}
	for _, want := range []string{"Would more labels help?", "Reliability", "Most confused", "the &lt;text&gt;"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

package join

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/match"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/testkit/misspelled"
)

// asker answers that a statement is true if the text and the statement have a word in
// common, and counts what it is asked. A text with "poison" is an error.
type asker struct{ asked map[Question]int }

func (a *asker) Vectors(_ context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		if text != "poison" {
			vectors[i] = make([]float32, 26)
			vectors[i][strings.ToLower(text)[0]-'a'] = 1
		}
	}
	return vectors, nil
}

func (a *asker) Ask(_ context.Context, questions []Question) ([]Answer, error) {
	answers := make([]Answer, len(questions))
	for i, q := range questions {
		if a.asked == nil {
			a.asked = map[Question]int{}
		}
		a.asked[q]++
		if strings.Contains(q.Text, "poison") {
			answers[i].Err = errors.New("it is poison")
			continue
		}
		for _, w := range strings.Fields(q.Text) {
			if slices.Contains(strings.Fields(q.Statement), w) {
				answers[i].Probability = 0.9
			}
		}
	}
	return answers, nil
}

func rowsOf(texts ...string) (rows []Row) {
	for _, text := range texts {
		rows = append(rows, Row{Text: text, OK: text != ""})
	}
	return rows
}

func predicate(t testing.TB, text string) match.Predicate {
	t.Helper()
	p, err := match.ParsePredicate(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A predicate about a pair is asked once for each candidate, however many rows have the
// texts. NULL is never asked.
func TestPairs(t *testing.T) {
	var a asker
	left := rowsOf("red apple", "", "green pear", "red apple", "poison apple")
	right := rowsOf("apple", "pear", "", "apple")
	o := Options{Predicates: []match.Predicate{predicate(t, "{left} is about {right}")}, By: Letters, Threshold: 0.5, Nearest: 2, MaxPairs: 100}
	got, facts, err := Join(t.Context(), &a, left, right, o)
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, m := range got {
		text = append(text, fmt.Sprint(m.Left, m.Right, m.Score, m.Err))
	}
	want := []string{"0 0 0.9 <nil>", "0 3 0.9 <nil>", "2 1 0.9 <nil>", "3 0 0.9 <nil>", "3 3 0.9 <nil>", "4 0 0 it is poison", "4 1 0 it is poison", "4 3 0 it is poison"}
	if !slices.Equal(text, want) {
		t.Errorf("%q, want %q", text, want)
	}
	if facts.Left != 3 || facts.Right != 2 || facts.Pairs != 6 || facts.Candidates != len(a.asked) || facts.Errors != 2 {
		t.Errorf("%+v after %d questions", facts, len(a.asked))
	}
	for q, n := range a.asked {
		if n != 1 {
			t.Errorf("%v was asked %d times", q, n)
		}
	}
	o.MaxPairs, a.asked = 2, nil
	var many *TooManyError
	if _, _, err := Join(t.Context(), &a, left, right, o); !errors.As(err, &many) || len(a.asked) > 0 {
		t.Errorf("%v after %d questions", err, len(a.asked))
	}
}

// A predicate about one side is asked once for each text and never for a pair.
func TestSides(t *testing.T) {
	var a asker
	left := []Row{{"good film", "1", true}, {"bad film", "1", true}, {"good film", "2", true}, {"good end", "", false}}
	right := []Row{{"good cast", "1", true}, {"good cast", "2", true}, {"good song", "3", true}}
	o := Options{Predicates: []match.Predicate{predicate(t, "{each} is good")}, Threshold: 0.5, MaxPairs: 100}
	got, _, err := Join(t.Context(), &a, left, right, o)
	if err != nil || fmt.Sprint(got) != "[{0 0 0.9 <nil>} {2 1 0.9 <nil>}]" {
		t.Errorf("%v, %v", got, err)
	}
	if len(a.asked) != 3 { // good film, bad film, good cast
		t.Errorf("%v", a.asked)
	}
}

// The pairs do not depend on the order of the rows.
func TestOrder(t *testing.T) {
	tables := names(t, 3, 300, 200)
	pairs := func(left, right []string, o Options) string {
		found, _, err := Join(t.Context(), &asker{}, rowsOf(left...), rowsOf(right...), o)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, m := range found {
			all = append(all, fmt.Sprintln(left[m.Left], right[m.Right], m.Score))
		}
		slices.Sort(all)
		return strings.Join(all, "")
	}
	for _, o := range []Options{
		{By: Letters, Threshold: 0.8, Recall: 0.95, MaxPairs: 1e6, Sample: 20, Seed: 1, OneToOne: true},
		{By: Both, Threshold: 0.5, Recall: 0.9, MaxPairs: 1e6, Sample: 20, Seed: 1, Predicates: []match.Predicate{predicate(t, "{left} and {right} are one")}},
	} {
		want := pairs(tables.Left, tables.Right, o)
		left, right := slices.Clone(tables.Left), slices.Clone(tables.Right)
		r := rand.New(rand.NewPCG(1, 2))
		r.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
		r.Shuffle(len(right), func(i, j int) { right[i], right[j] = right[j], right[i] })
		if got := pairs(left, right, o); got != want || want == "" {
			t.Errorf("%+v:\n%s\nwant\n%s", o, got, want)
		}
	}
}

func TestDedup(t *testing.T) {
	rows := rowsOf("Jon Smith", "Mary Jones", "John Smith", "", "Mary Jnes", "John Smiht", "Jon Smith", "Arne Lind")
	o := Options{By: Letters, Threshold: 0.8, Nearest: 2, MaxPairs: 100}
	got, facts, err := Dedup(t.Context(), &asker{}, rows, o)
	john, mary, arne := match.ClusterID("John Smiht"), match.ClusterID("Mary Jnes"), match.ClusterID("Arne Lind")
	if want := []string{john, mary, john, "", mary, john, john, arne}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if facts.Pairs != 15 {
		t.Errorf("%+v", facts)
	}
	if _, _, err := Dedup(t.Context(), &asker{}, rows, Options{Predicates: []match.Predicate{predicate(t, "{each} is good")}}); !errors.Is(err, ErrPredicate) {
		t.Error(err)
	}
}

func names(t *testing.T, seed uint64, n, both int) misspelled.Tables {
	t.Helper()
	spans, err := os.ReadFile(testkit.Data(t, "data/presidio-synth/generated_small.json"))
	if err != nil {
		t.Fatal(err)
	}
	tables, err := misspelled.Names(spans, seed, n, both)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

// The figures of docs/join.md: 2,000 by 2,000 names with typing errors. Nothing was chosen on
// this seed.
func TestMisspelledNames(t *testing.T) {
	tables := names(t, 2026, 2000, 1500)
	for _, c := range []struct {
		o                 Options
		recall, precision float64
	}{
		{Options{By: Letters, Threshold: 0.8, Recall: 0.95}, 0.95, 0.7},
		{Options{By: Letters, Threshold: 0.8, Recall: 0.95, OneToOne: true}, 0.95, 0.95},
	} {
		c.o.Sample, c.o.Seed, c.o.MaxPairs = 50, 1, 120_000
		got, facts, err := Join(t.Context(), &asker{}, rowsOf(tables.Left...), rowsOf(tables.Right...), c.o)
		if err != nil {
			t.Fatal(err)
		}
		var pairs [][2]string
		for _, m := range got {
			pairs = append(pairs, [2]string{tables.Left[m.Left], tables.Right[m.Right]})
		}
		recall, precision := tables.Measure(pairs)
		t.Logf("%+v: recall %.3f, precision %.3f, candidates %.2f %%, estimate %+v", c.o, recall, precision, 100*float64(facts.Candidates)/float64(facts.Pairs), facts.Estimate)
		if recall < c.recall || precision < c.precision || float64(facts.Candidates) > 0.03*float64(facts.Pairs) {
			t.Errorf("recall %.3f, precision %.3f, %d candidates", recall, precision, facts.Candidates)
		}
	}
}

// The share of the true pairs among the nearest texts, as docs/join.md has it.
func TestMisspelledNamesAmongTheNearest(t *testing.T) {
	tables := names(t, 2026, 2000, 1500)
	nearest := match.NearestByLetters(tables.Left, tables.Right, 50)
	for _, c := range []struct {
		k     int
		least float64
	}{{1, 0}, {2, 0.95}, {5, 0.98}, {10, 0.99}, {20, 0.99}, {50, 0.995}} {
		found := 0
		for i, pairs := range nearest {
			for _, p := range pairs[:min(c.k, len(pairs))] {
				if tables.Gold[tables.Right[p.Right]] == tables.Left[i] {
					found++
				}
			}
		}
		share := float64(found) / float64(len(tables.Gold))
		if t.Logf("%d nearest: %.3f", c.k, share); share < c.least {
			t.Errorf("the %d nearest have %.3f of the pairs", c.k, share)
		}
	}
}

// Pairs within a table have no order, and a text is no pair of its own.
func TestCountWithin(t *testing.T) {
	var rows []Row
	for _, text := range []string{"a", "b", "c", "d", "a"} {
		rows = append(rows, Row{Text: text, OK: true})
	}
	c := CountWithin(rows, Options{})
	if c.Left != 4 || c.Pairs != 6 || c.PairsOf(1, Options{}) != 4 || c.PairsOf(3, Options{}) != 6 {
		t.Errorf("%d texts, %d pairs, %d and %d of the nearest", c.Left, c.Pairs, c.PairsOf(1, Options{}), c.PairsOf(3, Options{}))
	}
}

//go:build linux

package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/cli"
	"github.com/firesteel/firesteel/internal/join"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/match"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/testkit/misspelled"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
)

// joinAsker asks a model in this process.
type joinAsker struct{ model llm.Model }

func (a joinAsker) Vectors(ctx context.Context, texts []string) ([][]float32, error) {
	requests := make([]llm.EmbedRequest, len(texts))
	for i, text := range texts {
		requests[i].Text = text
	}
	found, err := a.model.Embed(ctx, requests)
	vectors := make([][]float32, len(texts))
	for i, e := range found {
		vectors[i] = e.Vector
	}
	return vectors, err
}

func (a joinAsker) Ask(ctx context.Context, questions []join.Question) ([]join.Answer, error) {
	f, err := ai.Lookup("ai_filter_score")
	if err != nil {
		return nil, err
	}
	rows := make([]ai.Row, len(questions))
	for i, q := range questions {
		rows[i] = ai.Row{q.Text, q.Statement}
	}
	found, err := f.Eval(ctx, func(context.Context, llm.ModelRole, string) (llm.Model, error) { return a.model, nil }, rows)
	answers := make([]join.Answer, len(questions))
	for i, r := range found {
		if answers[i].Err = r.Err; r.Err == nil {
			answers[i].Probability = r.Value.(float64)
		}
	}
	return answers, err
}

// A join by meaning finds the same pairs on each Spark, with any number of blocks and
// partitions, and in this process. So does the search for clusters.
func TestSparkJoinsByMeaning(t *testing.T) {
	t.Parallel()
	file := randomModel(t, "tiny.gguf")
	reference, err := models.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	model, err := models.Open(t.Context(), reference, models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { model.Close() })
	spans, err := os.ReadFile(testkit.Data(t, "data/presidio-synth/generated_small.json"))
	if err != nil {
		t.Fatal(err)
	}
	tables, err := misspelled.Names(spans, 9, 60, 40)
	if err != nil {
		t.Fatal(err)
	}
	tables.Left, tables.Right = append(tables.Left, "", " \t", tables.Left[0]), append(tables.Right, "", "\u00a0")
	for _, version := range []string{localspark.DefaultVersion, "3.5.1"} {
		t.Run(version, func(t *testing.T) { joinsByMeaning(t, version, file, joinAsker{model}, tables) })
	}
}

func joinsByMeaning(t *testing.T, version, file string, asker joinAsker, tables misspelled.Tables) {
	s, err := spark.Connect(t.Context(), testkit.SharedSparkOf(t, version), spark.WithModel(file), spark.WithModelFor(llm.Embed, file), spark.WithConnectTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Conf().Set(t.Context(), "spark.sql.shuffle.partitions", "2"); err != nil {
		t.Fatal(err)
	}
	table := func(names []string, partitions int) *spark.DataFrame {
		values := make([]string, len(names))
		for i, name := range names {
			values[i] = fmt.Sprintf("(%d, '%s', '%d')", i, name, i%2)
		}
		d, err := s.SQL(t.Context(), "SELECT id, if(name = '', NULL, name) AS name, k FROM VALUES "+strings.Join(values, ", ")+" AS t(id, name, k)")
		if err != nil {
			t.Fatal(err)
		}
		return d.Repartition(partitions)
	}
	rows := func(names []string, keyed bool) (all []join.Row) {
		for i, name := range names {
			r := join.Row{Text: name, OK: strings.TrimSpace(name) != ""}
			if keyed {
				r.Key = fmt.Sprint(i % 2)
			}
			all = append(all, r)
		}
		return all
	}
	for _, c := range []struct {
		name       string
		o          spark.MeaningOptions
		by         join.By
		partitions int
	}{
		{"letters", spark.MeaningOptions{Nearest: 3, Blocks: 3}, join.Letters, 3},
		{"one to one", spark.MeaningOptions{Nearest: 3, OneToOne: true, Blocks: 1}, join.Letters, 1},
		{"a pair", spark.MeaningOptions{Nearest: 2, Predicates: []string{"{left} and {right} are one"}, Threshold: 0.3, Blocks: 2, Equal: []string{"k"}}, join.Both, 5},
		{"each", spark.MeaningOptions{Predicates: []string{"{each} is a name"}, Threshold: 0.45, Equal: []string{"k"}}, join.Letters, 2},
		{"vectors", spark.MeaningOptions{Nearest: 2, By: "vectors", Threshold: 0.5, Blocks: 2}, join.Vectors, 4},
	} {
		keyed := len(c.o.Equal) > 0
		o := join.Options{By: c.by, Threshold: c.o.Threshold, Nearest: c.o.Nearest, OneToOne: c.o.OneToOne, MaxPairs: 1e6}
		if o.Threshold == 0 {
			o.Threshold = 0.8
		}
		for _, text := range c.o.Predicates {
			p, err := match.ParsePredicate(text)
			if err != nil {
				t.Fatal(err)
			}
			o.Predicates = append(o.Predicates, p)
		}
		matches, _, err := join.Join(t.Context(), asker, rows(tables.Left, keyed), rows(tables.Right, keyed), o)
		if err != nil {
			t.Fatal(c.name, err)
		}
		var want []string
		for _, m := range matches {
			want = append(want, fmt.Sprintf("%d %d %.17g", m.Left, m.Right, m.Score))
		}
		found, err := table(tables.Left, c.partitions).JoinByMeaning(table(tables.Right, c.partitions+1), spark.Col("name"), spark.Col("name"), c.o).
			Select(spark.Col("left.id"), spark.Col("right.id"), spark.Col("score")).Collect(t.Context())
		if err != nil {
			t.Fatal(c.name, err)
		}
		var got []string
		for _, r := range found {
			got = append(got, fmt.Sprintf("%d %d %.17g", r.At(0), r.At(1), r.At(2)))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) || len(want) == 0 || len(want) == (len(tables.Left)-2)*(len(tables.Right)-2) {
			t.Errorf("%s: %d pairs, want %d:\n%s\nwant\n%s", c.name, len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	near := table(tables.Left, 2).WithColumn("vector", ai.Embed(spark.Col("name"))).Alias("a").
		NearestJoin(table(tables.Right, 2).WithColumn("vector", ai.Embed(spark.Col("name"))).Alias("b"), spark.Call("vector_cosine_similarity", spark.Col("a.vector"), spark.Col("b.vector")), 2, "inner").
		Select(spark.Col("a.id"), spark.Col("b.id"))
	if version == "3.5.1" {
		if _, err := near.Collect(t.Context()); err == nil || !strings.Contains(err.Error(), "it needs 4.3") {
			t.Error(err)
		}
	} else {
		nearestBySpark(t, near, asker, tables)
	}
	all := append(slices.Clone(tables.Left), tables.Right...)
	want, _, err := join.Dedup(t.Context(), asker, rows(all, false), join.Options{By: join.Letters, Threshold: 0.8, Nearest: 3, MaxPairs: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	found, err := table(all, 3).Clusters(spark.Col("name"), spark.MeaningOptions{Nearest: 3, Blocks: 2}).OrderBy(spark.Col("id")).Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range found {
		if id, _ := r.At(3).(string); id != want[i] {
			t.Errorf("row %d: cluster %q, want %q", i, id, want[i])
		}
	}
	if len(found) != len(all) {
		t.Errorf("%d rows, want %d", len(found), len(all))
	}
	recall, err := table(tables.Left, 2).JoinRecall(table(tables.Right, 2), spark.Col("name"), spark.Col("name"), spark.MeaningOptions{Blocks: 1}, 20, 5, 1).Collect(t.Context())
	if err != nil || len(recall) != 5 {
		t.Fatal(recall, err)
	}
	_, facts, err := join.Join(t.Context(), asker, rows(tables.Left, false), rows(tables.Right, false), join.Options{By: join.Letters, Threshold: 0.8, Recall: 0.9, Sample: 20, Seed: 1, MaxPairs: 1e6})
	if last := recall[4]; err != nil || fmt.Sprint(last.At(1)) != fmt.Sprint(facts.Estimate.Matches) {
		t.Errorf("%v, %v, want %+v", last, err, facts.Estimate)
	}
}

// nearestBySpark checks pairs of two nearest texts, whose similarity Spark computes in
// FLOAT.
func nearestBySpark(t *testing.T, near *spark.DataFrame, asker joinAsker, tables misspelled.Tables) {
	pairs, err := near.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var vectors [2][][]float32
	for side, names := range [][]string{tables.Left, tables.Right} {
		if vectors[side], err = asker.Vectors(t.Context(), names); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			if strings.TrimSpace(name) == "" {
				vectors[side][i] = nil
			}
		}
	}
	nearest := match.NearestByVectors(vectors[0], vectors[1], tables.Right, 2)
	if want := 2 * (len(tables.Left) - 2); len(pairs) != want {
		t.Errorf("%d pairs, want %d", len(pairs), want)
	}
	for _, p := range pairs {
		left, right := p.At(0).(int32), p.At(1).(int32)
		if s := match.Product(vectors[0][left], vectors[1][right]); s < nearest[left][1].Score-1e-5 {
			t.Errorf("%d and %d have %v, but the second nearest %v", left, right, s, nearest[left][1].Score)
		}
	}
}

// firesteel match and dedup write the same rows with and without --remote.
func TestMatchOnSparkAndHere(t *testing.T) {
	t.Parallel()
	spans, err := os.ReadFile(testkit.Data(t, "data/presidio-synth/generated_small.json"))
	if err != nil {
		t.Fatal(err)
	}
	tables, err := misspelled.Names(spans, 5, 50, 40)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, header string, names []string) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(header+"\n\""+strings.Join(names, "\"\n\"")+"\"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	left, right := write("left.csv", "name", tables.Left), write("right.csv", "other name", tables.Right)
	remote := testkit.SharedSparkOf(t, localspark.DefaultVersion)
	for name, args := range map[string][]string{
		"match": {"match", left, right, "--on", "name=other name", "--nearest", "3", "--one-to-one"},
		"dedup": {"dedup", right, "--on", "other name", "--nearest", "3", "--threshold", "0.6"},
	} {
		var rows [2]string
		for i, more := range [][]string{{"-o", filepath.Join(folder, name+".csv")}, {"-o", filepath.Join(folder, name+"-spark"), "--output-format", "csv", "--remote", remote}} {
			var out, errs bytes.Buffer
			if status := cli.Do(append(slices.Clone(args), more...), strings.NewReader(""), &out, &errs); status != 0 {
				t.Fatalf("%s: exit code %d: %s", name, status, errs.String())
			}
			files, _ := filepath.Glob(filepath.Join(more[1], "*.csv"))
			if i == 0 {
				files = []string{more[1]}
			}
			var lines []string
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(string(text)) {
					lines = append(lines, strings.TrimSuffix(strings.TrimSpace(line), ".0")) // as Spark writes a DOUBLE
				}
			}
			slices.Sort(lines)
			rows[i] = strings.Join(slices.Compact(lines), "\n") // each file of Spark has the header
		}
		if rows[0] != rows[1] || strings.Count(rows[0], "\n") < 20 {
			t.Errorf("%s on Spark:\n%s\nhere:\n%s", name, rows[1], rows[0])
		}
	}
}

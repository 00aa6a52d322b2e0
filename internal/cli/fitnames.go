package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/fit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// givenLabels reads --labels.
func (f *fitFlags) givenLabels() (names []string, texts [][]string, err error) {
	if strings.TrimSpace(f.labels) == "" {
		return nil, nil, nil
	}
	var value any = f.labels
	if first := strings.TrimSpace(f.labels)[0]; first != '[' && first != '{' {
		value = slices.DeleteFunc(strings.Split(f.labels, ","), func(l string) bool { return strings.TrimSpace(l) == "" })
	}
	if names, texts, err = ai.LabelTexts(value); err != nil {
		return nil, nil, usagef("--labels: %w", err)
	}
	return names, texts, nil
}

// names returns the vectors of the names of the labels that rows have and that are given, or nil if a fit would not
// read them.
func (s *fitSource) names(ctx context.Context, rows []fit.Row) (map[string][]float32, error) {
	kind := llm.PredictionKind(s.flags.predicts)
	if kind != llm.PredictsLabel {
		return nil, nil
	}
	names, texts, err := s.flags.givenLabels()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, r := range rows {
		for _, l := range r.Labels {
			if l != s.flags.none && !slices.Contains(names, l) {
				found = append(found, l)
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	if given := len(names); given == 0 && !fit.ReadsNames(kind, len(rows), len(found)) {
		return nil, nil
	}
	if len(found) > 0 {
		n, t, err := ai.LabelTexts(found)
		if err != nil {
			return nil, err
		}
		names, texts = append(names, n...), append(texts, t...)
	}
	vectors, err := s.vectors(ctx, slices.Concat(texts...))
	if err != nil {
		return nil, fmt.Errorf("the vectors of the labels' names: %w", err)
	}
	all := map[string][]float32{}
	for i, name := range names {
		all[name] = vectorSum(texts[i], vectors)
	}
	return all, nil
}

// vectorSum is the sum of the vectors of texts, or nil if one has none.
func vectorSum(texts []string, vectors map[string][]float32) []float32 {
	var sum []float32
	for _, text := range texts {
		v := vectors[text]
		if sum == nil {
			sum = make([]float32, len(v))
		}
		if len(v) != len(sum) {
			return nil
		}
		for i, x := range v {
			sum[i] += x
		}
	}
	return sum
}

// vectors returns the vectors of a few texts by the embedder of the latest rows.
func (s *fitSource) vectors(ctx context.Context, texts []string) (map[string][]float32, error) {
	if s.session == nil {
		return s.embed(ctx, s.model, texts)
	}
	type text struct {
		Text string `spark:"text"`
	}
	type embedded struct {
		Text   string    `spark:"text"`
		Vector []float32 `spark:"vector"`
	}
	rows := make([]text, len(texts))
	for i, t := range texts {
		rows[i].Text = t
	}
	df, err := s.session.CreateDataFrame(ctx, rows)
	if err != nil {
		return nil, err
	}
	defer s.queries.end()
	found, err := spark.CollectAs[embedded](ctx, df.Select(spark.Col("text"), spark.Call("ai_embed", spark.Col("text")).Alias("vector")))
	if err != nil {
		return nil, err
	}
	vectors := map[string][]float32{}
	for _, r := range found {
		vectors[r.Text] = r.Vector
	}
	return vectors, nil
}

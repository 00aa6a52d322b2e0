package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestAccuracy(t *testing.T) {
	folder := t.TempDir()
	reviews := "id,reviewId,originalScore,reviewText,scoreSentiment\n" +
		"taken_3,1,,a,POSITIVE\ntaken_3,2,,b,NEGATIVE\ntaken_3,3,,c,NEGATIVE\ntaken_3,4,,d,NEGATIVE\n" +
		"ant_man_and_the_wasp_quantumania,5,4/5,e,POSITIVE\nant_man_and_the_wasp_quantumania,6,2/5,f,NEGATIVE\nant_man_and_the_wasp_quantumania,7,1/5,g,NEGATIVE\n"
	movies := "id,audienceScore\ntaken_3,40\nant_man_and_the_wasp_quantumania,60\n"
	for name, text := range map[string]string{reviewsFile: reviews, moviesFile: movies} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	truth, err := readTruth(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		query int
		rows  [][]any
		want  float64
	}{
		{1, [][]any{{"1"}, {"5"}}, 1},
		{1, [][]any{{"1"}, {"2"}}, 0.5},
		{2, [][]any{{"1"}, {"5"}}, 2.0 / 3},
		{3, [][]any{{int64(2)}}, 0.5},
		{4, [][]any{{0.25}}, 1},
		{5, [][]any{{"6", "7"}}, 1},
		{6, [][]any{{"6", "5"}, {"6", "7"}}, 0.5},
		{7, [][]any{{"5", "6"}, {"5", "6"}}, 2.0 / 3},
		{7, nil, 0},
		{8, [][]any{{"POSITIVE", int64(2)}, {"NEGATIVE", int64(3)}}, 1 / 1.5},
		{9, [][]any{{"5", 0.9}, {"6", 0.5}, {"7", 0.1}, {"1", 0.3}}, 1},
		{10, [][]any{{"taken_3", 0.9}, {"ant_man_and_the_wasp_quantumania", 0.5}}, -1},
	} {
		if got, err := truth.accuracy(c.query, c.rows); err != nil || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("Q%d of %v: %v, %v; want %v", c.query, c.rows, got, err, c.want)
		}
	}
}

func TestQueries(t *testing.T) {
	if all := queries(); len(all) != len(published) {
		t.Errorf("%d queries: %q", len(all), all)
	}
}

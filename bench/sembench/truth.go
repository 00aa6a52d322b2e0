package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/eval/metric"
)

const (
	reviewsFile, moviesFile = "Reviews_2000.csv", "Movies_2000.csv"
	// The movies of Q2 to Q4 and Q8, and of Q5 to Q7 and Q9.
	first, second = "taken_3", "ant_man_and_the_wasp_quantumania"
	positive      = "POSITIVE"
)

// truth is what the queries should find. Some reviews are in the data twice.
type truth struct {
	positive map[string]bool    // sentiment of reviews
	of       map[string]string  // movie of reviews
	counts   map[string]float64 // reviews of the first movie by sentiment
	scores   map[string]float64 // reviewers' scores of the second movie
	audience map[string]float64 // audience's scores of movies
	// pairs are the numbers of pairs of reviews of the second movie: of opposite
	// and of the same sentiment.
	opposite, same float64
}

func readTruth(folder string) (*truth, error) {
	t := &truth{map[string]bool{}, map[string]string{}, map[string]float64{}, map[string]float64{}, map[string]float64{}, 0, 0}
	err := readCSV(filepath.Join(folder, reviewsFile), func(row map[string]string) {
		id, movie := row["reviewId"], row["id"]
		t.positive[id], t.of[id] = row["scoreSentiment"] == positive, movie
		if movie == first {
			t.counts[row["scoreSentiment"]]++
		}
		score, _, _ := strings.Cut(row["originalScore"], "/")
		if v, err := strconv.ParseFloat(score, 64); err == nil && movie == second {
			t.scores[id] = v
		}
	})
	if err != nil {
		return nil, err
	}
	n := map[bool]float64{}
	for id, movie := range t.of {
		if movie == second {
			n[t.positive[id]]++
		}
	}
	t.opposite = n[true] * n[false]
	t.same = n[true]*(n[true]-1)/2 + n[false]*(n[false]-1)/2
	return t, readCSV(filepath.Join(folder, moviesFile), func(row map[string]string) {
		if v, err := strconv.ParseFloat(row["audienceScore"], 64); err == nil {
			t.audience[row["id"]] = v
		}
	})
}

// readCSV calls row for each row of a file with a header.
func readCSV(path string, row func(map[string]string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for i, cells := range rows {
		if i == 0 {
			continue
		}
		named := map[string]string{}
		for k, cell := range cells {
			named[rows[0][k]] = cell
		}
		row(named)
	}
	return nil
}

// accuracy is that of SemBench's evaluator for the rows of a query's result.
func (t *truth) accuracy(query int, rows [][]any) (float64, error) {
	switch query {
	case 1, 2:
		possible := 0.0
		for id, is := range t.positive {
			if is && (query == 1 || t.of[id] == first) {
				possible++
			}
		}
		return f1(rows, min(5, possible), func(r []any) bool {
			id := fmt.Sprint(r[0])
			return t.positive[id] && (query == 1 || t.of[id] == first)
		}), nil
	case 3, 4:
		if len(rows) != 1 {
			return 0, fmt.Errorf("%d rows instead of one", len(rows))
		}
		got, err := number(rows[0][0])
		want := t.counts[positive]
		if query == 4 {
			want /= want + t.counts["NEGATIVE"]
		}
		return 1 / (1 + math.Abs(got-want)/want), err
	case 5, 6, 7:
		wanted := map[int]float64{5: min(10, t.same), 6: min(10, t.opposite), 7: t.opposite}[query]
		return f1(rows, wanted, func(r []any) bool {
			a, b := fmt.Sprint(r[0]), fmt.Sprint(r[1])
			return t.of[a] == second && t.of[b] == second && (t.positive[a] == t.positive[b]) == (query == 5)
		}), nil
	case 8:
		got := map[string]float64{}
		for _, r := range rows {
			n, err := number(r[1])
			if err != nil {
				return 0, err
			}
			got[fmt.Sprint(r[0])] = n
		}
		wrong := 0.0
		for sentiment, n := range t.counts {
			wrong += math.Abs(got[sentiment]-n) / n
		}
		return 1 / (1 + wrong/float64(len(t.counts))), nil
	case 9:
		return spearman(rows, t.scores)
	default:
		return spearman(rows, t.audience)
	}
}

// f1 is the F1 of distinct rows, of which wanted could be right.
func f1(rows [][]any, wanted float64, right func([]any) bool) float64 {
	n, good := 0.0, 0.0
	seen := map[string]bool{}
	for _, r := range rows {
		key := fmt.Sprint(r...)
		if seen[key] {
			continue
		}
		seen[key] = true
		n++
		if right(r) {
			good++
		}
	}
	if good == 0 {
		return 0
	}
	return 2 * good / (n + wanted)
}

// spearman is the rank correlation of the rows (name, number) that have a truth.
func spearman(rows [][]any, truth map[string]float64) (float64, error) {
	var got, want []float64
	seen := map[string]bool{}
	for _, r := range rows {
		name := fmt.Sprint(r[0])
		score, ok := truth[name]
		if !ok || seen[name] || r[1] == nil {
			continue
		}
		seen[name] = true
		v, err := number(r[1])
		if err != nil {
			return 0, err
		}
		got, want = append(got, v), append(want, score)
	}
	return metric.Ranks(got, want).Scores(metric.Resampling{Samples: 1})[0].Value, nil
}

func number(v any) (float64, error) { return strconv.ParseFloat(fmt.Sprint(v), 64) }

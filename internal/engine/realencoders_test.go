package engine

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

// openRealEncoder opens a model of shared/models. The test is skipped if it is not there.
func openRealEncoder(t *testing.T, name string, precision llm.Precision) *Encoder {
	t.Helper()
	m, err := Open(t.Context(), testkit.Data(t, "models/"+name), Options{Precision: precision})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m.(*Encoder)
}

// goldenLines returns the lines of a file of testdata/encoders without comments.
func goldenLines(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "encoders", name))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), func(line string) bool { return strings.HasPrefix(line, "#") })
}

// similarTexts returns the pairs of texts of stsb-dev: the first texts, then the second ones, and
// their similarity.
func similarTexts(t *testing.T) (texts []string, similarity []float64) {
	t.Helper()
	f, err := os.Open(testkit.Data(t, "data/stsb-dev/stsb-en-dev.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for column := range 2 {
		for _, row := range rows {
			texts = append(texts, row[column])
		}
	}
	for _, row := range rows {
		x, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		similarity = append(similarity, x)
	}
	return texts, similarity
}

// The vectors of real models equal those of sentence-transformers, and so does Spearman's
// correlation on stsb-dev, which is computed for the small model only.
func TestRealEmbedders(t *testing.T) {
	for _, c := range []struct {
		name, golden string
		all          bool
	}{{"all-MiniLM-L6-v2", "minilm.txt", true}, {"all-mpnet-base-v2/all-mpnet-base-v2", "mpnet.txt", false}} {
		texts, similarity := similarTexts(t)
		if !c.all {
			texts = texts[:50]
		}
		golden := goldenLines(t, c.golden)
		for precision, limits := range map[llm.Precision]struct{ number, spearman float64 }{llm.Float32: {2e-5, .001}, llm.Int8: {.03, .005}} {
			e := openRealEncoder(t, c.name, precision)
			v, err := e.Embed(t.Context(), testkit.EmbedRequests(texts...))
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for i, line := range golden[1:min(len(golden), 1+len(texts))] {
				for j, field := range strings.Fields(line) {
					x, err := strconv.ParseFloat(field, 64)
					if err != nil || v[i].Err != nil {
						t.Fatal(err, v[i].Err)
					}
					worst = max(worst, math.Abs(float64(v[i].Vector[j])-x))
				}
			}
			if !(worst <= limits.number) {
				t.Errorf("%s, %s: numbers differ by up to %.2g", c.name, precision, worst)
			}
			t.Logf("%s, %s: numbers differ by up to %.2g", c.name, precision, worst)
			if !c.all {
				continue
			}
			n := len(similarity)
			cosines := make([]float64, n)
			for i := range cosines {
				for j, x := range v[i].Vector {
					cosines[i] += float64(x) * float64(v[n+i].Vector[j])
				}
			}
			want, err := strconv.ParseFloat(strings.TrimPrefix(golden[0], "spearman "), 64)
			got := correlation(ranks(cosines), ranks(similarity))
			if err != nil || !(math.Abs(got-want) <= limits.spearman) {
				t.Errorf("%s, %s: Spearman's correlation is %.4f, want %.4f", c.name, precision, got, want)
			}
			t.Logf("%s, %s: Spearman's correlation is %.6f, that of sentence-transformers %.6f", c.name, precision, got, want)
		}
	}
}

// ranks returns the rank of each number. Equal numbers have the mean of their ranks.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	ranks := make([]float64, len(x))
	for i := 0; i < len(order); {
		end := i
		for end < len(order) && x[order[end]] == x[order[i]] {
			end++
		}
		for _, n := range order[i:end] {
			ranks[n] = float64(i+end-1) / 2
		}
		i = end
	}
	return ranks
}

// correlation returns Pearson's correlation.
func correlation(a, b []float64) float64 {
	mean := func(x []float64) (sum float64) {
		for _, v := range x {
			sum += v / float64(len(x))
		}
		return sum
	}
	ma, mb := mean(a), mean(b)
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	return ab / math.Sqrt(aa*bb)
}

// taggedTexts returns the texts of real.py.
func taggedTexts(t *testing.T) (texts []string) {
	t.Helper()
	read := func(name string) []byte {
		data, err := os.ReadFile(testkit.Data(t, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var rows []struct {
		Text string `json:"full_text"`
	}
	if err := json.Unmarshal(read("data/presidio-synth/generated_small.json"), &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		texts = append(texts, row.Text)
	}
	reviews := 0
	for line := range strings.SplitSeq(strings.ReplaceAll(string(read("data/uci-sentiment/amazon_cells_labelled.txt")), "\r", "\n"), "\n") {
		if text, _, ok := strings.Cut(line, "\t"); ok && reviews < 200 {
			texts, reviews = append(texts, strings.TrimSpace(text)), reviews+1
		}
	}
	for _, post := range strings.Split(string(read("data/wnut17/emerging.dev.conll")), "\n\n") {
		var words []string
		for _, line := range strings.Split(post, "\n") {
			if word, _, ok := strings.Cut(line, "\t"); ok {
				words = append(words, word)
			}
		}
		if len(words) > 0 && len(texts) < 500 {
			texts = append(texts, strings.Join(words, " "))
		}
	}
	return texts
}

// The most probable labels of a real tagger equal those of ONNX Runtime in float. In 8 bits at most
// 2 of 1,000 differ.
func TestRealTagger(t *testing.T) {
	texts, golden := taggedTexts(t), goldenLines(t, "rampart.txt")
	if len(texts) != 500 || len(golden) != 500 {
		t.Fatalf("%d texts, %d lines", len(texts), len(golden))
	}
	for precision, allowed := range map[llm.Precision]int{llm.Float32: 0, llm.Int8: 2} {
		tags, err := openRealEncoder(t, "rampart-pii", precision).Tag(t.Context(), texts)
		if err != nil {
			t.Fatal(err)
		}
		tokens, differ := 0, 0
		for i, line := range golden {
			var want []int
			for _, field := range strings.Fields(line) {
				label, count, _ := strings.Cut(field, "x")
				n, err := strconv.Atoi(label)
				times := 1
				if count != "" && err == nil {
					times, err = strconv.Atoi(count)
				}
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, slices.Repeat([]int{n}, times)...)
			}
			if tags[i].Err != nil || len(tags[i].Tokens) != len(want) {
				t.Fatalf("text %d has %d tokens, want %d; %v", i, len(tags[i].Tokens), len(want), tags[i].Err)
			}
			for j, token := range tags[i].Tokens {
				tokens++
				if token.Probabilities[want[j]] != slices.Max(token.Probabilities) {
					differ++
				}
			}
		}
		if differ*1000 > allowed*tokens {
			t.Errorf("%s: %d of %d labels differ", precision, differ, tokens)
		}
		t.Logf("%s: %d of %d labels differ", precision, differ, tokens)
	}
}

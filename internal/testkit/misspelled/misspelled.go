// Package misspelled makes two tables of names with typing errors, and knows which names
// belong together.
package misspelled

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
)

// Tables are two tables of distinct names.
type Tables struct {
	Left, Right []string
	Gold        map[string]string // the left name of each right name that has one
}

// Names makes tables of n names each, of which some are in both: spelled with errors in
// the right one. spans is the file generated_small.json of presidio-research, whose words
// of persons, 77, are the first and last names. No two names of the left table have the same words.
//
// A right name has one error, and one of five has two (Damerau, 1964, finds a single
// error in 80 % of misspelled words). An error is with equal probability a letter that is missing, added,
// wrong or doubled, or two neighbours that are swapped. One right name of ten is written
// as "Last, First", and one of ten in capitals.
func Names(spans []byte, seed uint64, n, both int) (Tables, error) {
	words, err := wordsOf(spans)
	if err != nil {
		return Tables{}, err
	}
	r := rand.New(rand.NewPCG(seed, 1))
	t := Tables{Gold: map[string]string{}}
	taken := map[string]bool{}
	name := func() string {
		for {
			first, last := words[r.IntN(len(words))], words[r.IntN(len(words))]
			if one, other := first+" "+last, last+" "+first; first != last && !taken[one] && !taken[other] {
				taken[one] = true
				return one
			}
		}
	}
	for i := range n {
		l := name()
		t.Left = append(t.Left, l)
		of := l
		if i >= both {
			of = name()
		}
		m := misspell(r, of)
		for taken[m] {
			m = misspell(r, of)
		}
		taken[m] = true
		t.Right = append(t.Right, m)
		if i < both {
			t.Gold[m] = l
		}
	}
	r.Shuffle(n, func(i, j int) { t.Right[i], t.Right[j] = t.Right[j], t.Right[i] })
	return t, nil
}

// Measure returns the recall and precision of pairs of names, left and right.
func (t Tables) Measure(pairs [][2]string) (recall, precision float64) {
	right := 0
	for _, p := range pairs {
		if of, ok := t.Gold[p[1]]; ok && of == p[0] {
			right++
		}
	}
	return float64(right) / float64(len(t.Gold)), float64(right) / float64(max(1, len(pairs)))
}

func wordsOf(spans []byte) ([]string, error) {
	var rows []struct {
		Spans []struct {
			Type  string `json:"entity_type"`
			Value string `json:"entity_value"`
		}
	}
	if err := json.Unmarshal(spans, &rows); err != nil {
		return nil, err
	}
	var words []string
	for _, row := range rows {
		for _, s := range row.Spans {
			if s.Type == "PERSON" {
				words = append(words, strings.Fields(s.Value)...)
			}
		}
	}
	slices.Sort(words)
	return slices.Compact(words), nil
}

func misspell(r *rand.Rand, name string) string {
	letters := []rune(name)
	errors := 1
	if r.IntN(5) == 0 {
		errors = 2
	}
	for range errors {
		i, wrong := r.IntN(len(letters)), 'a'+rune(r.IntN(26))
		switch r.IntN(5) {
		case 0:
			letters = slices.Delete(letters, i, i+1)
		case 1:
			letters = slices.Insert(letters, i, wrong)
		case 2:
			letters[i] = wrong
		case 3:
			letters = slices.Insert(letters, i, letters[i])
		default:
			if i+1 < len(letters) {
				letters[i], letters[i+1] = letters[i+1], letters[i]
			}
		}
	}
	name = string(letters)
	if first, last, ok := strings.Cut(name, " "); ok && r.IntN(10) == 0 {
		name = last + ", " + first
	}
	if r.IntN(10) == 0 {
		name = strings.ToUpper(name)
	}
	return name
}

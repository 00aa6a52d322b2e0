package join

import (
	"cmp"
	"context"
	"slices"

	"github.com/firesteel/firesteel/internal/match"
)

// decide returns the candidates that match, and those of which this is unknown.
func (j *joiner) decide(ctx context.Context, pairs []candidate) ([]found, error) {
	var questions []Question
	for _, c := range pairs {
		for _, p := range j.Predicates {
			if p.OfPair() {
				questions = append(questions, question(p, c))
			}
		}
	}
	if err := j.askAll(ctx, questions); err != nil {
		return nil, err
	}
	var all []found
	for _, c := range pairs {
		f := found{c, 1, cmp.Or(c.left.err, c.right.err)}
		if !j.OfPair() {
			f.score = j.similarity(c)
		}
		for _, p := range j.Predicates {
			if p.OfPair() {
				a := j.answers[question(p, c)]
				f.score, f.err = min(f.score, a.Probability), cmp.Or(f.err, a.Err)
			}
		}
		if f.err != nil || f.score >= j.Threshold {
			all = append(all, f)
		}
	}
	return all, nil
}

func question(p match.Predicate, c candidate) Question {
	return Question{c.left.text, p.Statement(c.right.text)}
}

// similarity returns the similarity of a pair: by letters or by vectors, and the greater
// one for Both.
func (j *joiner) similarity(c candidate) float64 {
	s := -1.0
	if j.By != Vectors {
		s = match.Letters(c.left.text, c.right.text)
	}
	if x, y := j.vectors[c.left.text], j.vectors[c.right.text]; x != nil && y != nil {
		s = max(s, match.Product(x, y))
	}
	return s
}

// askAll asks the questions that were not asked before.
func (j *joiner) askAll(ctx context.Context, questions []Question) error {
	var new []Question
	for _, q := range questions {
		if _, known := j.answers[q]; !known {
			j.answers[q] = Answer{}
			new = append(new, q)
		}
	}
	if len(new) == 0 {
		return nil
	}
	answers, err := j.ask.Ask(ctx, new)
	if err != nil {
		return err
	}
	for i, a := range answers {
		j.answers[new[i]] = a
	}
	return nil
}

// oneToOne keeps the best match of each text. Pairs without an answer stay.
func oneToOne(all []found) []found {
	left, right := map[*item]int{}, map[*item]int{}
	var leftTexts, rightTexts []string
	index := func(of map[*item]int, texts *[]string, it *item) int {
		i, known := of[it]
		if !known {
			i = len(*texts)
			of[it] = i
			*texts = append(*texts, it.text)
		}
		return i
	}
	var pairs []match.Pair
	at := map[match.Pair]bool{}
	pair := func(f found) match.Pair {
		return match.Pair{Left: index(left, &leftTexts, f.left), Right: index(right, &rightTexts, f.right), Score: f.score}
	}
	for _, f := range all {
		if f.err == nil {
			pairs = append(pairs, pair(f))
		}
	}
	for _, p := range match.OneToOne(leftTexts, rightTexts, pairs) {
		at[p] = true
	}
	return slices.DeleteFunc(all, func(f found) bool { return f.err == nil && !at[pair(f)] })
}

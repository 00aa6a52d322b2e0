package join

import (
	"cmp"
	"context"
	"slices"

	"github.com/firesteel/firesteel/internal/match"
)

// joiner finds the pairs of items that match.
type joiner struct {
	Options
	ask     Asker
	groups  []*group
	self    bool // left and right are the same table, and a pair has no order
	vectors map[string][]float32
	answers map[Question]Answer
	found   []found
	facts   Facts
}

// found is a pair of items that match, or of which this is unknown.
type found struct {
	candidate
	score float64
	err   error
}

// candidate is a pair of items of one group that may match.
type candidate struct {
	left, right *item
	rank        int // among the nearest of one of them, from 1; 0 if it is unknown
}

// The largest numbers of candidates of a text that are asked, and compared, to estimate
// the recall.
const mostAsked, mostCompared = 10, 1000

func (j *joiner) run(ctx context.Context) error {
	j.answers = map[Question]Answer{}
	if err := j.sides(ctx); err != nil {
		return err
	}
	j.facts.Left, j.facts.Right = len(distinct(j.groups, leftOf)), len(distinct(j.groups, rightOf))
	for _, g := range j.groups {
		n := len(g.left) * len(g.right)
		if j.self {
			n = unordered(len(g.left))
		}
		j.facts.Pairs += n
	}
	if !j.needsCandidates() {
		return j.product()
	}
	if j.UsesVectors() {
		if err := j.embed(ctx); err != nil {
			return err
		}
	}
	k, err := j.nearest(ctx)
	if err != nil {
		return err
	}
	pairs := j.candidates(nil, k)
	j.facts.Candidates = len(pairs)
	if len(pairs) > j.MaxPairs {
		return &TooManyError{len(pairs), j.MaxPairs, k}
	}
	if j.found, err = j.decide(ctx, pairs); err != nil {
		return err
	}
	for _, f := range j.found {
		if f.err != nil {
			j.facts.Errors++
		}
	}
	if j.OneToOne {
		j.found = oneToOne(j.found)
	}
	return nil
}

// sides asks the predicates about one side, once for each distinct text, and drops the
// texts of which one is false. A text without an answer stays, with its error.
func (j *joiner) sides(ctx context.Context) error {
	for _, p := range j.Predicates {
		if p.OfPair() {
			continue
		}
		var both []string
		if p.Left() {
			both = append(both, distinct(j.groups, leftOf)...)
		}
		if p.Right() {
			both = append(both, distinct(j.groups, rightOf)...)
		}
		var questions []Question
		for _, text := range both {
			questions = append(questions, Question{text, p.Alone()})
		}
		if err := j.askAll(ctx, questions); err != nil {
			return err
		}
		keep := func(items []*item) []*item {
			return slices.DeleteFunc(items, func(it *item) bool {
				a := j.answers[Question{it.text, p.Alone()}]
				it.err = cmp.Or(it.err, a.Err)
				return a.Err == nil && a.Probability < j.Threshold
			})
		}
		for _, g := range j.groups {
			if p.Left() {
				g.left = keep(g.left)
			}
			if p.Right() {
				g.right = keep(g.right)
			}
		}
	}
	j.groups = slices.DeleteFunc(j.groups, func(g *group) bool { return len(g.left) == 0 || len(g.right) == 0 })
	return nil
}

// product matches all pairs of the groups.
func (j *joiner) product() error {
	rows := 0
	for _, g := range j.groups {
		for _, l := range g.left {
			for _, r := range g.right {
				rows += len(l.rows) * len(r.rows)
			}
		}
	}
	if rows > j.MaxPairs {
		return &TooManyError{Pairs: rows, Most: j.MaxPairs}
	}
	for _, g := range j.groups {
		for _, l := range g.left {
			for _, r := range g.right {
				f := found{candidate{left: l, right: r}, 1, cmp.Or(l.err, r.err)}
				for _, p := range j.Predicates {
					if p.Left() {
						f.score = min(f.score, j.answers[Question{l.text, p.Alone()}].Probability)
					}
					if p.Right() {
						f.score = min(f.score, j.answers[Question{r.text, p.Alone()}].Probability)
					}
				}
				j.found = append(j.found, f)
			}
		}
	}
	j.facts.Candidates = len(j.found)
	return nil
}

// embed computes the vectors of all texts.
func (j *joiner) embed(ctx context.Context) error {
	all := append(distinct(j.groups, leftOf), distinct(j.groups, rightOf)...)
	slices.Sort(all)
	all = slices.Compact(all)
	vectors, err := j.ask.Vectors(ctx, all)
	if err != nil {
		return err
	}
	j.vectors = map[string][]float32{}
	for i, v := range vectors {
		j.vectors[all[i]] = v
		if v == nil {
			j.facts.Errors++
		}
	}
	return nil
}

// candidates returns the pairs whose rank is at most k, of the left texts of only, or of
// all if only is nil.
func (j *joiner) candidates(only map[string]bool, k int) (all []candidate) {
	for _, g := range j.groups {
		left := g.left
		if only != nil {
			left = slices.DeleteFunc(slices.Clone(left), func(it *item) bool { return !only[it.text] })
		}
		leftTexts, rightTexts := texts(left), texts(g.right)
		n := k
		if j.self {
			n++ // a text is its own nearest
		}
		var lists [][][]match.Pair
		if j.By != Vectors {
			lists = append(lists, match.NearestByLetters(leftTexts, rightTexts, n))
		}
		if j.UsesVectors() {
			lists = append(lists, match.NearestByVectors(j.vectorsOf(leftTexts), j.vectorsOf(rightTexts), rightTexts, n))
		}
		if j.self {
			dropSame(leftTexts, rightTexts, lists)
		}
		once := map[[2]*item]bool{}
		for _, c := range match.Within(match.Merge(rightTexts, lists...), k) {
			l, r := left[c.Left], g.right[c.Right]
			if j.self && l.text > r.text {
				l, r = r, l
			}
			if pair := [2]*item{l, r}; j.self && only == nil {
				if once[pair] {
					continue
				}
				once[pair] = true
			}
			all = append(all, candidate{l, r, c.Rank})
		}
	}
	return all
}

// dropSame removes the pairs of a text with itself.
func dropSame(left, right []string, lists [][][]match.Pair) {
	for _, list := range lists {
		for i := range list {
			list[i] = slices.DeleteFunc(list[i], func(p match.Pair) bool { return left[p.Left] == right[p.Right] })
		}
	}
}

func (j *joiner) vectorsOf(texts []string) [][]float32 {
	all := make([][]float32, len(texts))
	for i, text := range texts {
		all[i] = j.vectors[text]
	}
	return all
}

// nearest returns the number of candidates of a text. If a recall is asked for, it is
// estimated on a sample of left texts: by a similarity all their pairs are compared, and
// by a predicate their nearest ones are asked.
func (j *joiner) nearest(ctx context.Context) (int, error) {
	if j.Nearest > 0 {
		return j.Nearest, nil
	}
	left := distinct(j.groups, leftOf)
	only := map[string]bool{}
	for _, i := range match.Sample(left, j.Sample, j.Seed) {
		only[left[i]] = true
	}
	most := 0
	for _, g := range j.groups {
		most = max(most, len(g.right))
	}
	depth := min(most, mostCompared)
	if j.OfPair() {
		depth = min(depth, mostAsked)
	}
	pairs := j.candidates(only, depth)
	if j.OfPair() {
		if j.facts.SamplePairs = len(pairs); len(pairs) > j.MaxPairs {
			return 0, &TooManyError{len(pairs), j.MaxPairs, depth}
		}
	}
	matches, err := j.decide(ctx, pairs)
	if err != nil {
		return 0, err
	}
	var ranks []int
	for _, f := range matches {
		if f.err == nil {
			ranks = append(ranks, f.rank)
		}
	}
	j.facts.Estimated, j.facts.Estimate = true, match.Depth(ranks, j.Recall, max(1, depth))
	return j.facts.Estimate.K, nil
}

package spark

import (
	"errors"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/match"
)

// MeaningOptions configure DataFrame.JoinByMeaning and DataFrame.Clusters. A zero value has
// the default of its comment.
type MeaningOptions struct {
	// Equal are columns that both DataFrames have and that must be equal. NULL equals nothing.
	Equal []string
	// Predicates must all be true of a pair. The blanks {left} and {right} stand for its texts: a
	// predicate with both is asked once for each candidate pair, and one with {left}, {right} or
	// {each} once for each text of one side, or of both. Without one about a pair, the
	// similarity decides.
	Predicates []string
	// By is the measure that finds candidates: "letters", "vectors" or "both". The default is both if
	// a predicate is about a pair, and otherwise letters.
	By string
	// Nearest is the number of candidates of each text; the default is 10. JoinRecall estimates which
	// share of the matches they have.
	Nearest int
	// Threshold is the least probability of a predicate (default 0.5) or, without a predicate about a
	// pair, the least similarity (default 0.8 by letters; there is none by vectors).
	Threshold float64
	// OneToOne keeps the pairs of which each text is the best match of the other.
	OneToOne bool
	// Blocks is the number of parts into which the distinct texts of each side are divided; every
	// part of the left side is compared with every part of the right side, by one task. The default is
	// 8. It makes no difference to the result.
	Blocks int
}

// meaningPlan is MeaningOptions, read.
type meaningPlan struct {
	MeaningOptions
	predicates []match.Predicate
	self       bool
}

// The names of columns of the plan.
const (
	leftText, rightText, keyColumn, scoreColumn = "firesteel_left", "firesteel_right", "firesteel_key", "score"
	rankColumn                                  = "firesteel_rank"
)

func (o MeaningOptions) read() (p meaningPlan, err error) {
	p.MeaningOptions = o
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, text := range o.Predicates {
		one, err := match.ParsePredicate(text)
		if err != nil {
			problem("predicate: %w", err)
		}
		p.predicates = append(p.predicates, one)
	}
	if p.By == "" {
		if p.By = "letters"; p.ofPair() {
			p.By = "both"
		}
	}
	if p.By != "letters" && p.By != "vectors" && p.By != "both" {
		problem("the option By is letters, vectors or both, not %q", p.By)
	}
	if p.Threshold == 0 {
		switch {
		case len(p.predicates) > 0:
			p.Threshold = match.TrueFrom
		case p.By == "letters":
			p.Threshold = match.LettersFrom
		default:
			problem("the scale of similarities by vectors depends on the model, so Threshold must be given")
		}
	}
	if !(p.Threshold >= 0 && p.Threshold <= 1) {
		problem("the option Threshold is %v; it must be from 0 to 1", p.Threshold)
	}
	if p.Nearest == 0 {
		p.Nearest = 10
	}
	if p.Blocks == 0 {
		p.Blocks = 8
	}
	if p.Nearest < 1 || p.Blocks < 1 {
		problem("the options Nearest and Blocks must be at least 1")
	}
	return p, errors.Join(problems...)
}

func (p meaningPlan) ofPair() bool {
	for _, one := range p.predicates {
		if one.OfPair() {
			return true
		}
	}
	return false
}

// needsCandidates reports whether pairs are chosen by their texts.
func (p meaningPlan) needsCandidates() bool { return p.ofPair() || len(p.predicates) == 0 }

// JoinByMeaning joins the rows of d and other whose texts match, by the rules of
// docs/join.md. left and right are the columns of texts. The result has the columns left
// and right, STRUCTs of the columns of d and of other, and score: the probability of the
// predicates, or the similarity. NULL and blank texts match nothing, and are not asked; a
// pair without an answer is left out, and the log counts it.
//
// The distinct texts of both sides are compared in blocks by ai_nearest, and candidates are
// asked once. The pairs do not depend on partitions, on blocks or on the version of Spark.
func (d *DataFrame) JoinByMeaning(other *DataFrame, left, right Column, o MeaningOptions) *DataFrame {
	p, err := o.read()
	if err = errors.Join(err, left.err, right.err, other.checkOther(d)); err != nil {
		return d.derive(d.relation, fmt.Errorf("join by meaning: %w", err))
	}
	l, r := p.side(d, left, leftText, "left"), p.side(other, right, rightText, "right")
	return p.matches(p.texts(l, leftText), p.texts(r, rightText)).
		JoinUsing(l, "inner", leftText, keyColumn).
		JoinUsing(r, "inner", rightText, keyColumn).
		Select(Col("left"), Col("right"), Col(scoreColumn))
}

// side returns the rows of a DataFrame that may match, as a STRUCT, with text and key.
func (p meaningPlan) side(d *DataFrame, text Column, name, row string) *DataFrame {
	key := Lit("")
	for _, c := range p.Equal {
		value := Col(quoteIfNeeded(c)).Cast("string")
		key = Call("concat", key, Call("octet_length", value).Cast("string"), ":", value)
	}
	return d.Select(Call("struct", Col("*")).Alias(row), text.Cast("string").Alias(name), key.Alias(keyColumn)).
		Where(Col(name).RLike(`(?U)\S`).And(Col(keyColumn).IsNotNull()))
}

// texts returns the distinct texts of a side of which the predicates about that side are
// true.
func (p meaningPlan) texts(side *DataFrame, name string) *DataFrame {
	d := side.Select(Col(name), Col(keyColumn)).Distinct()
	score := "firesteel_score_of_" + name
	d = d.WithColumn(score, Lit(1.0))
	for _, one := range p.predicates {
		if about := name == leftText && one.Left() || name == rightText && one.Right(); one.OfPair() || !about {
			continue
		}
		d = atLeast(d, score, p.Threshold, ai.FilterScore(Col(name), one.Alone(), ai.FilterOptions{}))
	}
	return d
}

// atLeast keeps the rows whose probability is at least the threshold, and the least
// probability of the row in the column score. The model is asked before the rows are
// chosen, and only once.
func atLeast(d *DataFrame, score string, threshold float64, probability Column) *DataFrame {
	return d.WithColumn(score, Call("least", Col(score), Call("coalesce", probability, Lit(-1.0)))).Where(Col(score).Ge(threshold))
}

// matches returns the pairs of texts that match: left text, right text, key and score.
func (p meaningPlan) matches(left, right *DataFrame) *DataFrame {
	scores := []any{Col("firesteel_score_of_" + leftText), Col("firesteel_score_of_" + rightText)}
	var d *DataFrame
	switch {
	case !p.needsCandidates():
		return left.JoinUsing(right, "inner", keyColumn).
			Select(Col(leftText), Col(rightText), Col(keyColumn), Call("least", scores...).Alias(scoreColumn))
	case p.ofPair():
		d = p.candidates(left, right).WithColumn(scoreColumn, Lit(1.0))
		for _, one := range p.predicates {
			if one.OfPair() {
				d = atLeast(d, scoreColumn, p.Threshold, p.ask(one))
			}
		}
	default:
		d = p.candidates(left, right).WithColumn(scoreColumn, Col("similarity")).Where(Col(scoreColumn).Ge(p.Threshold))
	}
	if p.OneToOne {
		best := func(of string, order ...Column) Column {
			return Call("row_number").Over(PartitionBy(Col(of), Col(keyColumn)).OrderBy(append([]Column{Col(scoreColumn).Desc()}, order...)...))
		}
		d = d.WithColumn("firesteel_of_left", best(leftText, Col(rightText))).WithColumn("firesteel_of_right", best(rightText, Col(leftText))).
			Where(Col("firesteel_of_left").Eq(1).And(Col("firesteel_of_right").Eq(1)))
	}
	return d.Select(Col(leftText), Col(rightText), Col(keyColumn), Col(scoreColumn))
}

// ask returns the probability of a predicate about a pair.
func (p meaningPlan) ask(one match.Predicate) Column {
	// As Predicate.Statement writes it.
	text := Call("trim", Call("regexp_replace", Col(rightText), `(?U)\s+`, " "))
	return Col(leftText).Call("ai_filter_score", Call("replace", one.Statement(match.OfRight), match.OfRight, text))
}

// candidates returns the nearest right texts of each left text, with their similarity and
// their rank from 1.
func (p meaningPlan) candidates(left, right *DataFrame) *DataFrame {
	var all *DataFrame
	for _, by := range []string{"letters", "vectors"} {
		if p.By != by && p.By != "both" {
			continue
		}
		d := p.nearestOf(left, right, by == "vectors")
		if all == nil {
			all = d
			continue
		}
		all = all.Union(d)
	}
	if p.self { // a pair has no order, and is asked once
		all = all.Select(Call("least", Col(leftText), Col(rightText)).Alias(leftText), Call("greatest", Col(leftText), Col(rightText)).Alias(rightText),
			Col(keyColumn), Col("similarity"), Col(rankColumn))
	}
	return all.GroupBy(Col(leftText), Col(rightText), Col(keyColumn)).
		Agg(Max(Col("similarity")).Alias("similarity"), Min(Col(rankColumn)).Alias(rankColumn))
}

// nearestOf compares all blocks of both sides.
func (p meaningPlan) nearestOf(left, right *DataFrame, vectors bool) *DataFrame {
	block := func(d *DataFrame, name, to string) *DataFrame {
		item := []any{Col(name).Alias("text")}
		if vectors {
			d = d.WithColumn("vector", ai.Embed(Col(name)))
			item = append(item, Col("vector"))
		}
		return d.GroupBy(Col(keyColumn), Call("pmod", Call("xxhash64", Col(name)), p.Blocks).Alias(to+"_block")).
			Agg(Call("collect_list", Call("struct", item...)).Alias(to))
	}
	d := block(left, leftText, "a").JoinUsing(block(right, rightText, "b"), "inner", keyColumn).
		Repartition(p.Blocks * p.Blocks)
	n := p.Nearest
	if p.self {
		n++ // a text is its own nearest
	}
	args := []any{Col("a").GetItem("text"), Col("b").GetItem("text"), Call("map", "nearest", fmt.Sprint(n))}
	if vectors {
		args = append(args, Col("a").GetItem("vector"), Col("b").GetItem("vector"))
	}
	found := d.Select(Col(keyColumn), Call("ai_nearest", args...).Alias("found")).
		Select(Col(keyColumn), Call("explode", Col("found")).Alias("found")).
		Select(Col(keyColumn), Col("found.text").Alias(leftText), Col("found.nearest").Alias(rightText), Col("found.rank").Alias("near"), Col("found.similarity").Alias("similarity"))
	if p.self {
		found = found.Where(Col(leftText).Ne(Col(rightText)))
	}
	rank := Call("row_number").Over(PartitionBy(Col(leftText), Col(keyColumn)).OrderBy(Col("near").Desc(), Col(rightText)))
	return found.WithColumn(rankColumn, rank).Where(Col(rankColumn).Le(p.Nearest)).
		Select(Col(leftText), Col(rightText), Col(keyColumn), Col("similarity"), Col(rankColumn))
}

// Clusters adds the column cluster to the rows of d: the same id for rows whose texts
// match, and for rows that a chain of matches connects, as firesteel dedup does. The id
// depends on the texts of the cluster alone. It is NULL for NULL and blank texts. All
// matches are collected in one task; Predicates are about pairs.
func (d *DataFrame) Clusters(text Column, o MeaningOptions) *DataFrame {
	p, err := o.read()
	p.self = true
	for _, one := range p.predicates {
		if !one.OfPair() {
			err = errors.Join(err, errors.New("a cluster needs a predicate about a pair, with {left} and {right}"))
		}
	}
	if len(o.Equal) > 0 || o.OneToOne {
		err = errors.Join(err, errors.New("the options Equal and OneToOne are not for clusters; cluster each part of the table alone"))
	}
	if err = errors.Join(err, text.err); err != nil {
		return d.derive(d.relation, fmt.Errorf("clusters: %w", err))
	}
	left := p.texts(p.side(d, text, leftText, "row"), leftText)
	right := p.texts(p.side(d, text, rightText, "row"), rightText)
	pairs := p.matches(left, right)
	// A text without a match is a cluster of its own.
	all := pairs.Select(Col(leftText), Col(rightText)).Union(left.Select(Col(leftText), Col(leftText).Alias(rightText)))
	ids := all.GroupBy().Agg(Call("collect_list", Call("struct", Col(leftText), Col(rightText))).Alias("pairs")).
		Select(Call("explode", Call("ai_clusters", Col("pairs").GetItem(leftText), Col("pairs").GetItem(rightText))).Alias("c")).
		Select(Col("c.text").Alias(leftText), Col("c.cluster").Alias("cluster"))
	return d.WithColumn(leftText, text.Cast("string")).JoinUsing(ids, "left", leftText).Drop(leftText)
}

// JoinRecall estimates how many candidates of a text JoinByMeaning needs: sample of the
// left texts, chosen by a hash of their content and of seed, are matched with their
// deepest nearest texts. Its rows are nearest, from 1 to deepest, matches (of the sample),
// found (of these, among the nearest) and recall.
func (d *DataFrame) JoinRecall(other *DataFrame, left, right Column, o MeaningOptions, sample, deepest int, seed uint64) *DataFrame {
	o.OneToOne, o.Nearest = false, deepest
	p, err := o.read()
	if sample < 1 || deepest < 1 {
		err = errors.Join(err, errors.New("sample and deepest must be at least 1"))
	}
	if !p.needsCandidates() {
		err = errors.Join(err, errors.New("no predicate is about a pair, so there are no candidates"))
	}
	if err = errors.Join(err, left.err, right.err, other.checkOther(d)); err != nil {
		return d.derive(d.relation, fmt.Errorf("recall of a join: %w", err))
	}
	texts := p.texts(p.side(d, left, leftText, "left"), leftText)
	var prefix strings.Builder
	for i := range 8 {
		fmt.Fprintf(&prefix, "%02x", byte(seed>>(8*i)))
	}
	chosen := texts.Select(Col(leftText)).Distinct().
		OrderBy(Call("sha2", Call("concat", Call("unhex", prefix.String()), Call("encode", Col(leftText), "UTF-8")), 256), Col(leftText)).Limit(sample)
	return p.recall(texts.JoinUsing(chosen, "semi", leftText), p.texts(p.side(other, right, rightText, "right"), rightText))
}

// recall counts the matches by rank.
func (p meaningPlan) recall(left, right *DataFrame) *DataFrame {
	ranks := p.candidates(left, right).Select(Col(leftText), Col(rightText), Col(keyColumn), Col(rankColumn))
	matches := p.matches(left, right).JoinUsing(ranks, "inner", leftText, rightText, keyColumn)
	n := Call("explode", Call("sequence", 1, p.Nearest)).Alias("nearest")
	within := Call("count_if", Col(rankColumn).Le(Col("nearest")))
	return matches.Select(n, Col(rankColumn)).GroupBy(Col("nearest")).
		Agg(Count(Col("*")).Alias("matches"), within.Alias("found"), within.Divide(Count(Col("*"))).Alias("recall")).OrderBy(Col("nearest"))
}

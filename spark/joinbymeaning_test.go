package spark

import (
	"strings"
	"testing"
)

// Mistakes in options are errors of the first action, before anything is sent.
func TestJoinByMeaningMistakes(t *testing.T) {
	s := &Session{}
	left, right := s.Table("a"), s.Table("b")
	text := Col("text")
	for want, d := range map[string]*DataFrame{
		"it has no blank":                            left.JoinByMeaning(right, text, text, MeaningOptions{Predicates: []string{"the same"}}),
		"By is letters, vectors or both":             left.JoinByMeaning(right, text, text, MeaningOptions{By: "sound"}),
		"so Threshold must be given":                 left.JoinByMeaning(right, text, text, MeaningOptions{By: "vectors"}),
		"Threshold is 1.5":                           left.JoinByMeaning(right, text, text, MeaningOptions{Threshold: 1.5}),
		"Nearest and Blocks must be at least 1":      left.JoinByMeaning(right, text, text, MeaningOptions{Blocks: -1}),
		"a cluster needs a predicate about a pair":   left.Clusters(text, MeaningOptions{Predicates: []string{"{each} is good"}}),
		"Equal and OneToOne are not for clusters":    left.Clusters(text, MeaningOptions{Equal: []string{"k"}}),
		"sample and deepest must be at least 1":      left.JoinRecall(right, text, text, MeaningOptions{}, 0, 5, 1),
		"so there are no candidates":                 left.JoinRecall(right, text, text, MeaningOptions{Predicates: []string{"{left} is good"}}, 10, 5, 1),
		"join by meaning":                            left.JoinByMeaning(nil, text, text, MeaningOptions{}),
		"clusters: ":                                 left.Clusters(Lit(struct{}{}), MeaningOptions{}),
		"nearest join: the number of rows":           left.NearestJoin(right, text, 0, "inner"),
		"nearest join: \"outer\" is not a join type": left.NearestJoin(right, text, 1, "outer"),
	} {
		if d.err == nil || !strings.Contains(d.err.Error(), want) {
			t.Errorf("%v, want %s", d.err, want)
		}
	}
	if d := left.JoinByMeaning(right, text, text, MeaningOptions{}); d.err != nil {
		t.Error(d.err)
	}
}

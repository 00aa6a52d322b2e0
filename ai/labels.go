package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// maxLabelledTokens bounds how much of a text is read to label it; a longer
// one is cut, and its answer says so.
const maxLabelledTokens = 1024

// oneLine keeps a text from posing as the lines of the prompt that follow it.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// labelled is one text to label, and how.
type labelled struct {
	content string
	labels  []label
	// several: all labels that fit are asked for, not the best one.
	several      bool
	instructions string
	examples     []Example
	context      string // where the content stands, if it is a part of a text
}

// question is one choice to make of a text. Its answers are labels; a label's
// score is the mean of those of its words, and its prior.
type question struct {
	about func(content string) llm.Request
	// words are, for each label, the places of its words among the request's;
	// none where the question says nothing of a label.
	words [][]int
	prior []float64 // nil for none
}

// plainly asks for the labels themselves.
func plainly(labels int) [][]int {
	all := make([][]int, labels)
	for i := range all {
		all[i] = []int{i}
	}
	return all
}

// labeller chooses among labels by their scores after prompts, less their
// bias: see calibrate.go.
type labeller struct {
	known biases
	// questions are what has to be asked for a text: several with the same
	// labels, or for several labels one question each.
	questions func(labelled) []question
}

// fit is how well labels fit a text: their scores, by question.
type fit [][]float64

// score asks what fits the texts; answer is called for each that could be
// asked about.
func (l *labeller) score(ctx context.Context, m llm.Model, need []asked[labelled], answer func(asked[labelled], fit)) error {
	var requests []llm.Request
	c := calibration{known: &l.known, model: m.Info(), asked: map[string]*bias{}}
	type pending struct {
		question
		bias *bias
	}
	all := make([][]pending, len(need))
	for i, a := range need {
		content, cut := m.Cut(oneLine.Replace(strings.TrimSpace(a.in.content)), maxLabelledTokens)
		if a.Cut = cut; cut {
			a.Note = fmt.Sprintf("the text is long: its first %d tokens were read", maxLabelledTokens)
		}
		for _, q := range l.questions(a.in) {
			requests = append(requests, q.about(content))
			all[i] = append(all[i], pending{q, c.bias(q.about)})
		}
	}
	results, err := do(ctx, m, append(requests, c.requests...))
	if err != nil {
		return err
	}
	c.read(results[len(requests):])
	for i, a := range need {
		var f fit
		for k, q := range all[i] {
			logs, err := q.read(results[k], words(requests[k]), q.bias)
			if err != nil {
				a.Err = err
				break
			}
			f = append(f, logs)
		}
		results, requests = results[len(all[i]):], requests[len(all[i]):]
		if a.Err == nil {
			answer(a, f)
		}
	}
	return nil
}

// unchosen is the score of what a model did not choose that gives no scores.
const unchosen = -20

// read gives the score of each label.
func (q question) read(r llm.Result, words []string, b *bias) ([]float64, error) {
	scores := make([]float64, len(words))
	switch {
	case r.Err != nil:
		return nil, r.Err
	case len(r.Scores) == 0:
		chosen := slices.IndexFunc(words, func(w string) bool { return strings.TrimSpace(w) == strings.TrimSpace(r.Text) })
		if chosen < 0 {
			return nil, sensitive.Errorf("%w: it answered %s, which is none of the labels", llm.ErrModel, sensitive.Text(r.Text))
		}
		for _, places := range q.words {
			of := float64(unchosen)
			if slices.Contains(places, chosen) {
				of = 0
			}
			for _, p := range places {
				scores[p] = of
			}
		}
	case len(r.Scores) != len(words):
		return nil, wrongScores(r, len(words))
	case b.err != nil:
		return nil, b.err
	default:
		for i, s := range r.Scores {
			scores[i] = s - b.mean[i]
		}
	}
	labels := make([]float64, len(q.words))
	sum, known := 0.0, 0
	for i, places := range q.words {
		for _, p := range places {
			labels[i] += scores[p] / float64(len(places))
		}
		if len(places) > 0 {
			sum += labels[i]
			known++
		}
	}
	for i, places := range q.words {
		if len(places) == 0 {
			labels[i] = sum / float64(known)
		}
		if q.prior != nil {
			labels[i] += q.prior[i]
		}
	}
	return labels, nil
}

func wrongScores(r llm.Result, labels int) error {
	return fmt.Errorf("%w: it gave %d scores for %d labels", llm.ErrModel, len(r.Scores), labels)
}

// best is the label that fits best, by the mean of all questions, and the
// probabilities of all labels. Of equals it is the first.
func (f fit) best() (int, []float64) {
	p := make([]float64, len(f[0]))
	for _, scores := range f {
		for i, s := range scores {
			p[i] += s / float64(len(f))
		}
	}
	best := 0
	for i, s := range p {
		if s > p[best] {
			best = i
		}
	}
	top, total := p[best], 0.0
	for i, s := range p {
		p[i] = math.Exp(s - top)
		total += p[i]
	}
	for i := range p {
		p[i] /= total
	}
	return best, p
}

// probabilities shows them as JSON, in the order of the labels.
func probabilities(labels []label, p []float64) string {
	var b strings.Builder
	for i, name := range names(labels) {
		if i > 0 {
			b.WriteString(", ")
		}
		quoted, _ := json.Marshal(name) // a string always can
		fmt.Fprintf(&b, "%s: %.4f", quoted, p[i])
	}
	return "{" + b.String() + "}"
}

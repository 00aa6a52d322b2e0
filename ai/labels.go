package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// maxLabelledTokens bounds the tokens of a text that are read. A longer text is
// cut, and its answer has a note.
const maxLabelledTokens = 1024

// oneLine replaces line ends by spaces, so that a text cannot imitate the lines of
// the prompt that follow it.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// labelInput is a text to label, and the labels.
type labelInput struct {
	content string
	labels  []label
	// multiLabel requests all labels that fit, not the best one.
	multiLabel   bool
	instructions string
	examples     []Example
	context      string // the text around the content, if it is part of a text
	// predicate is what may be true of the content, for ai_filter, which returns true
	// from a probability of threshold on.
	predicate string
	threshold float64
	scale     scale // of ai_score
	escalation
}

// question is a choice about a text. Its answers are labels. The score of a label
// is the mean of the scores of its words, plus its prior.
type question struct {
	about func(content string) llm.Request
	// words holds, for each label, the indexes of its words in the request. It
	// is empty for a label about which the question says nothing.
	words [][]int
	prior []float64 // nil means none
	// even means that the bias is also measured with the neutral texts.
	even bool
	// keep is the share of the bias that is not subtracted.
	keep float64
	// scored means that a model that only chooses a word, and scores none, cannot answer.
	scored bool
}

// oneWordEach returns the indexes for labels that are their own only word.
func oneWordEach(labels int) [][]int {
	all := make([][]int, labels)
	for i := range all {
		all[i] = []int{i}
	}
	return all
}

// labeller chooses among labels by their scores after prompts, minus their bias:
// see calibrate.go.
type labeller struct {
	known biases
	// questions returns the questions for a text to a model: several with the same
	// labels, or with multiLabel one for each label.
	questions func(labelInput, llm.Info) []question
}

// fit holds the scores of the labels for a text, by question.
type fit [][]float64

// score scores the labels of the texts and calls answer for each text without an
// error.
func (l *labeller) score(ctx context.Context, m llm.Model, need []task[labelInput], answer func(task[labelInput], fit)) error {
	var requests []llm.Request
	c := calibration{known: &l.known, model: m.Info(), byKey: map[string]*bias{}}
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
		for _, q := range l.questions(a.in, c.model) {
			requests = append(requests, q.about(content))
			all[i] = append(all[i], pending{q, c.bias(q)})
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

// unchosen is the score of the labels that a model without scores did not choose.
const unchosen = -20

// read returns the score of each label.
func (q question) read(r llm.Result, words []string, b *bias) ([]float64, error) {
	scores := make([]float64, len(words))
	switch {
	case r.Err != nil:
		return nil, r.Err
	case len(r.Scores) == 0 && q.scored:
		return nil, fmt.Errorf("%w: the server returns no scores of words; use a model that runs in the executors", llm.ErrModel)
	case len(r.Scores) == 0:
		chosen := slices.IndexFunc(words, func(w string) bool { return strings.TrimSpace(w) == strings.TrimSpace(r.Text) })
		if chosen < 0 {
			return nil, sensitive.Errorf("%w: its answer %s is not one of the labels", llm.ErrModel, sensitive.Text(r.Text))
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
			scores[i] = s - (1-q.keep)*b.of[i]
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
	return fmt.Errorf("%w: it returned %d scores for %d labels", llm.ErrModel, len(r.Scores), labels)
}

// best returns the label with the best mean score over all questions, and the
// probabilities of all labels at a temperature. Of equal labels it returns the first.
func (f fit) best(temperature float64) (int, []float64) {
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
	for i := range p {
		p[i] /= temperature
	}
	softmax(p)
	return best, p
}

// probabilities writes the probabilities as JSON, in the order of the labels.
func probabilities(labels []label, p []float64) string {
	var b strings.Builder
	for i, name := range names(labels) {
		if i > 0 {
			b.WriteString(", ")
		}
		quoted, _ := json.Marshal(name) // cannot fail for a string
		fmt.Fprintf(&b, "%s: %.4f", quoted, p[i])
	}
	return "{" + b.String() + "}"
}

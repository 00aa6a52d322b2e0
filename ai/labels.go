package ai

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// maxLabelledTokens bounds how much of a text is read to label it; a longer
// one is cut, and its answer says so.
const maxLabelledTokens = 1024

// labeller chooses among labels by their score after a prompt, less their
// bias: see calibrate.go. Of equals the first label is chosen.
type labeller struct {
	prompt prompt
	known  biases
}

func newLabeller(promptFile string, blanks ...string) *labeller {
	return &labeller{prompt: mustPrompt(promptFile, blanks...)}
}

// scored is one text to label.
type scored struct {
	content string
	labels  []string
}

// oneLine keeps a text from posing as the lines of the prompt that follow it.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// request asks for the label of a text without line ends. Labels are asked for
// without the spaces around them, which a list cut at commas has.
func (l *labeller) request(content string, labels []string) llm.Request {
	trimmed := make([]string, len(labels))
	for i, label := range labels {
		trimmed[i] = strings.TrimSpace(label)
	}
	r := l.prompt.fill("content", content, "labels", strings.Join(trimmed, ", "))
	return l.prompt.choose(r, trimmed)
}

// label answers rows; input gives a row's text and labels.
func (l *labeller) label(ctx context.Context, model Source, rows []Row, input func(Row) (scored, bool, error)) ([]Answer, error) {
	return ask(ctx, model, rows, input, func(m llm.Model, need []asked[scored]) error {
		requests := make([]llm.Request, 0, len(need))
		c := calibration{labeller: l, model: m.Info(), sets: map[string]*bias{}}
		set := make([]*bias, len(need)) // of each row
		for i, a := range need {
			var content string
			content, a.Cut = m.Cut(oneLine.Replace(strings.TrimSpace(a.in.content)), maxLabelledTokens)
			requests = append(requests, l.request(content, a.in.labels))
			set[i] = c.bias(a.in.labels)
		}
		results, err := do(ctx, m, append(requests, c.requests...))
		if err != nil {
			return err
		}
		c.read(results[len(need):])
		for i, a := range need {
			a.Value, a.Err = best(a.in.labels, results[i], set[i])
		}
		return nil
	})
}

// best gives the label of best score: nil with an error.
func best(labels []string, r llm.Result, b *bias) (any, error) {
	switch {
	case r.Err != nil:
		return nil, r.Err
	case len(r.Scores) == 0:
		// A model that cannot score has chosen one.
		if i := slices.Index(labels, strings.TrimSpace(r.Text)); i >= 0 {
			return labels[i], nil
		}
		return nil, fmt.Errorf("%w: it answered %q, which is none of the labels", llm.ErrModel, r.Text)
	case len(r.Scores) != len(labels):
		return nil, wrongScores(r, labels)
	case b.err != nil:
		return nil, b.err
	}
	best := 0
	for i, s := range r.Scores {
		if s-b.mean[i] > r.Scores[best]-b.mean[best] {
			best = i
		}
	}
	return labels[best], nil
}

func wrongScores(r llm.Result, labels []string) error {
	return fmt.Errorf("%w: it gave %d scores for %d labels", llm.ErrModel, len(r.Scores), len(labels))
}

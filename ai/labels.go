package ai

import (
	"context"
	"strings"
	"sync"

	"github.com/firesteel/firesteel/llm"
)

// maxLabelledTokens bounds how much of a text is read to label it; a longer
// one is cut, and its answer says so.
const maxLabelledTokens = 1024

// contentFree inputs say nothing, so that what a model makes of them is its
// bias. See Zhao et al., "Calibrate Before Use", 2021.
var contentFree = []string{"N/A", "", "..."}

// labeller chooses among labels by their score after a prompt, less the mean
// score of the same labels after the prompt about nothing.
type labeller struct{ prompt prompt }

// scored is one text to label.
type scored struct {
	content string
	labels  []string
}

func (l labeller) request(content string, labels []string) llm.Request {
	return l.prompt.choose(l.prompt.fill("content", content, "labels", strings.Join(labels, ", ")), labels)
}

// label answers rows; input gives a row's text and labels, or false where the
// answer is NULL or already an error.
func (l labeller) label(ctx context.Context, m llm.Model, rows []Row, input func(Row, *Answer) (scored, bool)) ([]Answer, error) {
	labels := make([][]string, len(rows))
	row := -1
	request := func(r Row, a *Answer) (llm.Request, bool) {
		row++
		in, ok := input(r, a)
		if !ok {
			return llm.Request{}, false
		}
		labels[row] = in.labels
		in.content, a.Cut = m.Cut(in.content, maxLabelledTokens)
		return l.request(in.content, in.labels), true
	}
	var biasErr error
	read := func(row int, r llm.Result, a *Answer) {
		bias, err := l.bias(ctx, m, labels[row])
		if err != nil {
			biasErr = err
			return
		}
		best := 0
		for i := range bias {
			if r.Scores[i]-bias[i] > r.Scores[best]-bias[best] {
				best = i
			}
		}
		a.Value = labels[row][best]
	}
	answers, err := ask(ctx, m, rows, request, read)
	if err == nil {
		err = biasErr
	}
	return answers, err
}

// biases keeps the bias of each prompt and label set per model: asking again
// would give the same numbers.
var biases = struct {
	sync.Mutex
	of map[biasKey][]float64
}{of: map[biasKey][]float64{}}

type biasKey struct {
	model  llm.Model
	prompt string // the first content-free request, rendered
}

// maxBiases bounds the memory where each row brings labels of its own.
const maxBiases = 4096

func (l labeller) bias(ctx context.Context, m llm.Model, labels []string) ([]float64, error) {
	requests := make([]llm.Request, len(contentFree))
	for i, text := range contentFree {
		requests[i] = l.request(text, labels)
	}
	var key strings.Builder
	for _, message := range requests[0].Messages {
		key.WriteString(message.Text + "\x00")
	}
	key.WriteString(requests[0].Prefix + "\x00" + requests[0].Text + "\x00")
	key.WriteString(strings.Join(labels, "\x00"))
	k := biasKey{m, key.String()}

	biases.Lock()
	bias := biases.of[k]
	biases.Unlock()
	if bias != nil {
		return bias, nil
	}
	results, err := m.Do(ctx, requests)
	if err != nil {
		return nil, err
	}
	bias = make([]float64, len(labels))
	for _, r := range results {
		if r.Err != nil {
			return nil, r.Err
		}
		for i, s := range r.Scores {
			bias[i] += s / float64(len(results))
		}
	}
	biases.Lock()
	defer biases.Unlock()
	if len(biases.of) >= maxBiases {
		clear(biases.of)
	}
	biases.of[k] = bias
	return bias, nil
}

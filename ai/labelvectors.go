package ai

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/firesteel/firesteel/llm"
)

// labelSpace is a set of labels as vectors of an embedder.
type labelSpace struct {
	labels [][]float32
	// spread is the mean standard deviation of the similarities of the labels to a
	// neutral text. It brings the similarities of all embedders to one scale.
	spread float64
	err    error
}

// labelSpaces caches spaces. Concurrent calls may compute the same space twice, with
// the same result.
type labelSpaces struct {
	mu    sync.Mutex
	known map[biasKey]*labelSpace
}

// maxSpaces bounds the memory if each row has its own labels.
const maxSpaces = 64

func (s *labelSpaces) get(m llm.Info, labels string) *labelSpace {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[biasKeyOf(m, labels)]
}

// put keeps a space, unless the name of the model may denote another one later.
func (s *labelSpaces) put(m llm.Info, labels string, space *labelSpace) {
	if m.Digest == "" || space.err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxSpaces {
		s.known = map[biasKey]*labelSpace{}
	}
	s.known[biasKeyOf(m, labels)] = space
}

// labelTexts are the texts that stand for a label: its words, alone, in a request and
// with its description, and its examples.
type labelTexts struct{ about, examples []string }

func (t labelTexts) all() []string { return slices.Concat(t.about, t.examples) }

// labelRequest precedes the words of a label. A sentence is nearer to texts than a
// name is: the mean of both is better than the name alone with each of three embedders,
// also for texts that are no requests. See docs/decisions/2026-12-01-asking-for-labels.md.
const labelRequest = "I want to ask about "

func (in labelInput) labelTexts() []labelTexts {
	words, names := labelWords(in.labels), trimmed(in.labels)
	all := make([]labelTexts, len(words))
	for i, l := range in.labels {
		all[i].about = []string{words[i], labelRequest + words[i] + "."}
		if about := oneLine.Replace(strings.TrimSpace(l.about)); about != "" {
			all[i].about = append(all[i].about, words[i]+": "+about)
		}
		for _, e := range in.examples {
			if e.Output == names[i] {
				all[i].examples = append(all[i].examples, e.Input)
			}
		}
	}
	return all
}

// LabelTexts reads the value of an argument of type Labels. It returns the names of the labels and, for each, the
// texts that stand for it: the mean of their vectors is the vector of the label, as ai_classify reads it.
func LabelTexts(v any) (names []string, texts [][]string, err error) {
	labels, _, err := readLabels("labels", v, math.MaxInt)
	if err != nil {
		return nil, nil, err
	}
	in := labelInput{labels: labels}
	for _, t := range in.labelTexts() {
		texts = append(texts, t.about)
	}
	return trimmed(labels), texts, nil
}

// vectorScores returns the similarity of each text to each of its labels, divided by
// the spread of the labels, and the embedding of the text or its error. spaces holds
// the labels that are known.
func vectorScores(ctx context.Context, m llm.Model, spaces *labelSpaces, need []task[labelInput]) ([][]float64, []llm.Embedding, error) {
	contents := make([]llm.EmbedRequest, len(need))
	for i, a := range need {
		contents[i].Text = oneLine.Replace(strings.TrimSpace(a.in.content))
	}
	requests := slices.Clone(contents)
	of := make([]*labelSpace, len(need))
	byKey := map[string]*labelSpace{}
	unknown := map[string][]labelTexts{}
	for i, a := range need {
		labels := a.in.labelTexts()
		key := labelsKey(labels)
		if of[i] = byKey[key]; of[i] != nil {
			continue
		}
		if of[i] = spaces.get(m.Info(), key); of[i] == nil {
			of[i] = &labelSpace{}
			unknown[key] = labels
			for _, texts := range labels {
				for _, text := range texts.all() {
					requests = append(requests, llm.EmbedRequest{Text: text})
				}
			}
			for _, text := range neutral {
				requests = append(requests, llm.EmbedRequest{Text: text})
			}
		}
		byKey[key] = of[i]
	}
	vectors, err := embedDistinct(ctx, m, requests)
	if err != nil {
		return nil, nil, err
	}
	for key, labels := range unknown {
		byKey[key].read(labels, func(text string) llm.Embedding { return vectors[llm.EmbedRequest{Text: text}] })
		spaces.put(m.Info(), key, byKey[key])
	}
	scores, embeddings := make([][]float64, len(need)), make([]llm.Embedding, len(need))
	for i, space := range of {
		v := vectors[contents[i]]
		if v.Err == nil {
			v.Err = space.err
		}
		embeddings[i] = v
		if v.Err == nil {
			scores[i], embeddings[i].Err = space.scores(v.Vector)
		}
	}
	return scores, embeddings, nil
}

// labelsKey returns a key that is different for different labels.
func labelsKey(labels []labelTexts) string {
	var key []byte
	for _, texts := range labels {
		for _, group := range [][]string{texts.about, texts.examples} {
			key = binary.AppendUvarint(key, uint64(len(group)))
			for _, text := range group {
				key = binary.AppendUvarint(key, uint64(len(text)))
				key = append(key, text...)
			}
		}
	}
	return string(key)
}

// read computes the space from the embeddings of the texts of the labels and of the
// neutral texts. The vector of a label is the mean of two: that of its words and
// description, and that of its examples.
func (s *labelSpace) read(labels []labelTexts, embedding func(text string) llm.Embedding) {
	mean := func(texts []string) []float32 {
		var sum []float32
		for _, text := range texts {
			e := embedding(text)
			if s.err == nil && e.Err != nil {
				s.err = fmt.Errorf("the vector of a label: %w", e.Err)
			}
			sum = plus(sum, e.Vector)
		}
		return unit(sum)
	}
	for _, texts := range labels {
		s.labels = append(s.labels, unit(plus(mean(texts.about), mean(texts.examples))))
	}
	if s.err != nil {
		return
	}
	s.spread = 1
	sum := 0.0
	for _, text := range neutral {
		e := embedding(text)
		if e.Err != nil {
			s.err = fmt.Errorf("the vector of a text of no label: %w", e.Err)
			return
		}
		of, err := s.scores(e.Vector)
		if s.err = err; err != nil {
			return
		}
		sum += deviation(of) / float64(len(neutral))
	}
	if sum > 0 { // one label, or labels with the same vector, have no spread
		s.spread = sum
	}
}

// scores returns the similarity of a vector to each label, divided by the spread.
func (s *labelSpace) scores(v []float32) ([]float64, error) {
	all := make([]float64, len(s.labels))
	for i, l := range s.labels {
		if len(l) != len(v) {
			return nil, fmt.Errorf("%w: its vectors have %d and %d numbers", llm.ErrModel, len(l), len(v))
		}
		all[i] = cosine(v, l) / s.spread
	}
	return all, nil
}

func deviation(x []float64) float64 {
	mean, sum := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(x)))
}

// plus returns the sum of two vectors. An empty vector is 0.
func plus(x, y []float32) []float32 {
	if len(x) != len(y) {
		if len(x) == 0 {
			return y
		}
		return x
	}
	sum := make([]float32, len(x))
	for i := range x {
		sum[i] = x[i] + y[i]
	}
	return sum
}

// unit returns a vector of the length 1 with the direction of x.
func unit(x []float32) []float32 {
	length := 0.0
	for _, v := range x {
		length += float64(v) * float64(v)
	}
	if length == 0 {
		return x
	}
	u := make([]float32, len(x))
	for i, v := range x {
		u[i] = float32(float64(v) / math.Sqrt(length))
	}
	return u
}

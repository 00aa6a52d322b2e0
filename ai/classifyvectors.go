package ai

import (
	"context"
	"errors"
	"fmt"

	"github.com/firesteel/firesteel/llm"
)

// The numbers below were chosen on development data; see
// docs/decisions/2026-12-01-asking-for-labels.md.
const (
	// fewLabels is the largest number of labels for which no embedder is asked, so
	// that a call with two or three labels needs one model only.
	fewLabels = 3
	// listedLabels is the largest number of labels that a large model is asked about
	// if there is an embedder.
	listedLabels = 20
)

// classifyAsks implements Function.Asks for ai_classify.
func classifyAsks(row Row) []Ask {
	text := asksLarger([]Ask{{Role: llm.Text}}, row[2], classifyOptions)
	both := asksLarger([]Ask{{Role: llm.Text}, {Role: llm.Embed, Optional: true}}, row[2], classifyOptions)
	labels, given, err := readLabels("labels", row[1], maxChoices)
	if err != nil || given && len(labels) <= fewLabels {
		return text
	}
	if options, err := readOptions("options", row[2], classifyOptions...); err == nil {
		if several, err := readMultiLabel(options); err == nil && several {
			return text
		}
	}
	return both
}

// scoreClasses is a labelScorer: see answerClasses.
func scoreClasses(ctx context.Context, source Source, need []task[labelInput], answer func(task[labelInput], fit)) error {
	return answerClasses(answer)(ctx, source, need)
}

// answerClasses scores labels by questions to the text model, by vectors of an
// embedder, or by both, and calls answer for each row. Vectors are used for rows
// with more than fewLabels labels, if the session has an embedder. They take the
// place of a small text model, and of any with more than listedLabels labels. A
// server is asked without vectors, if it can be.
func answerClasses(answer func(task[labelInput], fit)) func(context.Context, Source, []task[labelInput]) error {
	return func(ctx context.Context, source Source, need []task[labelInput]) error {
		m, err := open(ctx, source, llm.Text, "")
		if err != nil {
			return err
		}
		var e llm.Model
		var asked, embedded []task[labelInput]
		similar := map[*Answer][]float64{}
		size := m.Info().Parameters
		alsoAsked := func(a task[labelInput]) bool { return size >= largeParameters && len(a.in.labels) <= listedLabels }
		for _, a := range need {
			n := len(a.in.labels)
			vectors := n > fewLabels && !a.in.multiLabel && (size > 0 || n > maxLabels)
			if vectors && e == nil {
				if e, err = embedder(ctx, source); err != nil {
					return err
				}
			}
			vectors = vectors && e != nil
			if vectors {
				embedded = append(embedded, a)
			}
			if !vectors || alsoAsked(a) {
				asked = append(asked, a)
			}
		}
		if len(embedded) > 0 {
			scores, embeddings, err := vectorScores(ctx, e, &classifySpaces, embedded)
			if err != nil {
				return err
			}
			for i, a := range embedded {
				a.noteCut(embeddings[i])
				if a.Err = embeddings[i].Err; a.Err == nil {
					similar[a.Answer] = scores[i]
				}
			}
		}
		for _, a := range embedded {
			if a.Err == nil && !alsoAsked(a) {
				answer(a, fit{onQuestionScale(similar[a.Answer])})
			}
		}
		return classifyLabeller.score(ctx, m, withoutError(asked), func(a task[labelInput], f fit) {
			if of := similar[a.Answer]; of != nil {
				for _, scores := range f {
					for i, s := range onQuestionScale(of) {
						scores[i] += s
					}
				}
			}
			answer(a, f)
		})
	}
}

var classifySpaces labelSpaces

// onQuestionScale brings similarities, whose softmax is calibrated, to the scale of
// the scores of questions, which classTemperature divides.
func onQuestionScale(similar []float64) []float64 {
	scores := make([]float64, len(similar))
	for i, s := range similar {
		scores[i] = s * classTemperature
	}
	return scores
}

func withoutError(all []task[labelInput]) []task[labelInput] {
	var rest []task[labelInput]
	for _, a := range all {
		if a.Err == nil {
			rest = append(rest, a)
		}
	}
	return rest
}

// embedder returns the model of the role Embed, or nil if the session has none that
// was made for it: the vectors of text models are not good enough.
func embedder(ctx context.Context, source Source) (llm.Model, error) {
	e, err := open(ctx, source, llm.Embed, "")
	switch {
	case errors.Is(err, llm.ErrRole) || errors.Is(err, llm.ErrNoModel):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the embedder: %w", err)
	case e.Info().Has(llm.Text):
		return nil, nil
	}
	return e, nil
}

package ai

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

var predictParams = []Param{
	{Name: "content", Type: String, About: "the text"},
	{Name: "model", Type: String, About: "the name of a model of the session that firesteel fit made"},
	{Name: "options", Type: Options, Optional: true, About: "MAP('threshold', '0.7'): the probability below which no label is given (default: that of the model); for ai_predict also escalate_below and escalate_to"},
}

const predictErrors = "NULL and blank content, and a NULL model, give NULL without a model call. The query fails if the session does not have the model, if the model was fitted on the vectors of another " +
	"embedder than the session's, and if an option is unknown. Only the start of a text is read if it is longer than the embedder's context window. The text is embedded once for all " +
	"functions of a query that read its vector. "

const measuredPredict = "Fitted on vectors of bge-small-en in 8 bits. banking77, 77 intents, 10,003 rows of which 1,968 were held out: accuracy 0.930 (0.918 to 0.941), calibration error 0.015; " +
	"scikit-learn's logistic regression on the same vectors 0.931 (another fifth held out). ai_classify, asked without labelled rows, has 0.686 on 3,000 rows of the same data."

const predictWeakness = "A label that the fitted rows did not have is never predicted. For texts of another kind than the fitted ones, probabilities are too high."

var predict = define(&Function{
	Name:    "ai_predict",
	Params:  predictParams,
	Returns: Struct(Field{"label", String}, Field{"probability", Float}),
	Summary: "returns the label that a model fitted on your labelled rows predicts, and its probability",
	Detail: predictErrors + aboutEscalation + "That model chooses among the names of the labels. The label is NULL if its probability is below the threshold: the text has none of the labels. The query fails for a model that predicts several labels " +
		"(use ai_predict_labels) or a number (ai_predict_number).",
	Differs:  "Databricks has no such function. BigQuery's ML.PREDICT and Snowflake's models are methods of a model; here it is a function with the name of the model.",
	Measured: measuredPredict,
	Weakness: predictWeakness,
	Example:  "SELECT ai_predict('My card was charged twice.', 'topic') AS prediction",
	Sample:   Row{"My card was charged twice.", "topic"},
	asks:     asksHead,
}, readPredict(true), answerPredictions(llm.PredictsLabel, func(info llm.Info, in predictInput, scores []float64) any {
	best := 0
	for k, p := range scores {
		if p > scores[best] {
			best = k
		}
	}
	var label any
	if scores[best] >= in.limit(info) {
		label = info.Labels[best]
	}
	return []any{label, scores[best]}
}))

var predictLabels = define(&Function{
	Name:    "ai_predict_labels",
	Params:  predictParams,
	Returns: Array(Struct(Field{"label", String}, Field{"probability", Float})),
	Summary: "returns all labels that a model fitted on your labelled rows predicts, with their probabilities",
	Detail: predictErrors + "The labels are those from the threshold on, the most probable first; the list may be empty. For a model that predicts one label, the probabilities are those of " +
		"ai_predict, and all labels from the threshold on are listed. The query fails for a model that predicts a number.",
	Differs:  "A registered function has one result type in all versions of Spark, so that for several labels has a name of its own.",
	Measured: "As ai_predict.",
	Weakness: predictWeakness,
	Example:  "SELECT ai_predict_labels('My card was charged twice.', 'topic') AS predictions",
	Sample:   Row{"My card was charged twice.", "topic"},
	asks:     asksHead,
}, readPredict(true), answerPredictions(llm.PredictsLabels, func(info llm.Info, in predictInput, scores []float64) any {
	var reached []int
	for k, p := range scores {
		if p >= in.limit(info) {
			reached = append(reached, k)
		}
	}
	slices.SortStableFunc(reached, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	labels := []any{}
	for _, k := range reached {
		labels = append(labels, []any{info.Labels[k], scores[k]})
	}
	return labels
}))

var predictNumber = define(&Function{
	Name:     "ai_predict_number",
	Params:   predictParams[:2],
	Returns:  Double,
	Summary:  "returns the number that a model fitted on your rows predicts",
	Detail:   predictErrors + "The query fails for a model that predicts labels. Numbers beyond those of the fitted rows are possible.",
	Differs:  "A registered function has one result type in all versions of Spark, so that for numbers has a name of its own.",
	Measured: "Not measured beyond the figures that firesteel fit prints for your data.",
	Weakness: "A vector of a text has its subject and its tone, and hardly its exact quantities.",
	Example:  "SELECT ai_predict_number('My card was charged twice.', 'urgency') AS urgency",
	Sample:   Row{"My card was charged twice.", "urgency"},
	asks:     asksHead,
}, readPredict(false), answerPredictions(llm.PredictsNumber, func(_ llm.Info, _ predictInput, scores []float64) any { return scores[0] }))

// predictFunction is the function for what a model predicts.
var predictFunction = map[llm.PredictionKind]string{
	llm.PredictsLabel: "ai_predict", llm.PredictsLabels: "ai_predict_labels", llm.PredictsNumber: "ai_predict_number",
}

// asksHead implements Function.asks: the embedder, and the model that a row names.
func asksHead(row Row) []Ask {
	name, given := row[1].(string)
	asks := []Ask{{Role: llm.Embed}, {Role: llm.Predict, Name: name, Any: !given}}
	if len(row) > 2 {
		asks = asksLarger(asks, row[2], predictOptions)
	}
	return asks
}

type predictInput struct {
	content, model string
	threshold      float64 // NaN stands for that of the model
	escalation
}

// predictOptions are the names of the options.
var predictOptions = append([]string{"threshold"}, escalationOptions...)

// limit is the probability below which no label is given.
func (in predictInput) limit(info llm.Info) float64 {
	if math.IsNaN(in.threshold) {
		return info.Threshold
	}
	return in.threshold
}

func readPredict(options bool) func(Row) (predictInput, bool, error) {
	return func(row Row) (in predictInput, ok bool, err error) {
		in.threshold = math.NaN()
		in.content, ok = text(row[0])
		var named bool
		in.model, named = row[1].(string)
		if named && strings.TrimSpace(in.model) == "" {
			return in, false, badArgument("model", "it is blank; name a model that firesteel fit made")
		}
		if options {
			given, err := readOptions("options", row[2], predictOptions...)
			if err != nil {
				return in, false, err
			}
			if in.threshold, err = readProbability(given, "threshold", in.threshold); err != nil {
				return in, false, err
			}
			if in.escalation, err = readEscalation(given); err != nil {
				return in, false, err
			}
		}
		return in, ok && named, nil
	}
}

// answerPredictions embeds the texts, and applies the models that the rows name.
func answerPredictions(kind llm.PredictionKind, answer func(llm.Info, predictInput, []float64) any) func(context.Context, Source, []task[predictInput]) error {
	return func(ctx context.Context, source Source, need []task[predictInput]) error {
		heads := map[string]llm.Model{}
		var rows []task[predictInput]
		for _, a := range need {
			m, known := heads[a.in.model]
			if !known {
				var err error
				m, err = open(ctx, source, llm.Predict, a.in.model)
				var unknown *llm.UnknownModelError
				switch {
				case errors.As(err, &unknown), errors.Is(err, llm.ErrRole):
					a.Err, a.fatal = &ArgumentError{"model", err}, true
					continue
				case err != nil:
					return err
				}
				heads[a.in.model] = m
			}
			if has := m.Info().Predicts; has != kind && (kind != llm.PredictsLabels || has != llm.PredictsLabel) {
				a.Err, a.fatal = badArgument("model", "%s predicts %s: use %s", m.Info().Name, predicted[has], predictFunction[has]), true
				continue
			}
			rows = append(rows, a)
		}
		if len(rows) == 0 {
			return nil
		}
		e, err := open(ctx, source, llm.Embed, "")
		if err != nil {
			return fmt.Errorf("the embedder: %w", err)
		}
		requests := make([]llm.EmbedRequest, len(rows))
		for i, a := range rows {
			requests[i].Text = a.in.content
		}
		embeddings, err := embedDistinct(ctx, e, requests)
		if err != nil {
			return err
		}
		unsure, err := predictAll(ctx, e.Info(), heads, rows, embeddings, answer)
		if err != nil {
			return err
		}
		return classifyUnsure(ctx, source, heads, kind, unsure)
	}
}

// predicted describes what a model predicts.
var predicted = map[llm.PredictionKind]string{llm.PredictsLabel: "one label", llm.PredictsLabels: "several labels", llm.PredictsNumber: "a number"}

// classifyUnsure asks larger models for the labels of rows.
func classifyUnsure(ctx context.Context, source Source, heads map[string]llm.Model, kind llm.PredictionKind, unsure []task[predictInput]) error {
	var rows []task[labelInput]
	for _, a := range unsure {
		names := heads[a.in.model].Info().Labels
		if kind != llm.PredictsLabel || len(names) > maxChoices {
			a.Err, a.fatal = badArgument("options", "no row can be sent to a larger model: that is possible for one of up to %d labels, by ai_predict", maxChoices), true
			continue
		}
		in := labelInput{content: a.in.content, escalation: a.in.escalation}
		for _, name := range names {
			in.labels = append(in.labels, label{name: name})
		}
		rows = append(rows, task[labelInput]{in, a.Answer})
	}
	return askLarger(ctx, source, rows, func(in labelInput) string { return in.to }, func(larger Source, rows []task[labelInput]) error {
		return scoreClasses(ctx, larger, rows, bestWithProbability)
	})
}

// predictAll applies to each row the model that it names. It returns the rows that are not sure enough.
func predictAll(ctx context.Context, embedder llm.Info, heads map[string]llm.Model, rows []task[predictInput], embeddings map[llm.EmbedRequest]llm.Embedding,
	answer func(llm.Info, predictInput, []float64) any) (unsure []task[predictInput], err error) {
	of := map[string][]task[predictInput]{}
	var names []string
	for _, a := range rows {
		e := embeddings[llm.EmbedRequest{Text: a.in.content}]
		a.noteCut(e)
		if a.Err = e.Err; a.Err != nil {
			continue
		}
		if of[a.in.model] == nil {
			names = append(names, a.in.model)
		}
		of[a.in.model] = append(of[a.in.model], a)
	}
	for _, name := range names {
		m := heads[name]
		vectors := make([][]float32, len(of[name]))
		for i, a := range of[name] {
			vectors[i] = embeddings[llm.EmbedRequest{Text: a.in.content}].Vector
		}
		predictions, err := m.Predict(ctx, embedder, vectors)
		var other *llm.EmbedderError
		if errors.As(err, &other) {
			for _, a := range of[name] {
				a.Err, a.fatal = &ArgumentError{"model", err}, true
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(predictions) != len(vectors) {
			return nil, fmt.Errorf("%w: %s returned %d predictions for %d vectors", llm.ErrModel, m.Info().Name, len(predictions), len(vectors))
		}
		for i, a := range of[name] {
			if a.Err = predictions[i].Err; a.Err == nil {
				if a.in.to != "" {
					if slices.Max(predictions[i].Scores) < a.in.below {
						unsure = append(unsure, a)
						continue
					}
					a.Stage = Smaller
				}
				a.Value = answer(m.Info(), a.in, predictions[i].Scores)
			}
		}
	}
	return unsure, nil
}

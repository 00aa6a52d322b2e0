package ai

import (
	"context"
	"errors"
	"math"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// Stage is the place of a model in a cascade, which the option escalate_to makes.
type Stage uint8

// The stages of a cascade.
const (
	NoCascade Stage = iota
	Smaller         // it was sure enough
	Larger          // the smaller model was not sure enough
)

// escalation sends the rows whose answer is not sure enough to a larger model.
type escalation struct {
	below float64 // the probability below which a row is sent on
	to    string  // the name of the model; empty sends none on
}

// escalationOptions are the names of the options.
var escalationOptions = []string{"escalate_below", "escalate_to"}

const aboutEscalation = "escalate_below and escalate_to, which firesteel calibrate chooses, send the rows whose answer has a smaller probability to a larger model of the session. "

func readEscalation(options map[string]string) (e escalation, err error) {
	_, isBelow := options["escalate_below"]
	to, isTo := options["escalate_to"]
	if isBelow != isTo {
		return e, badArgument("options", "escalate_below and escalate_to belong together: a probability, and the name of a model")
	}
	if !isTo {
		return e, nil
	}
	if e.below, err = readProbability(options, "escalate_below", 0); err != nil {
		return e, err
	}
	if e.to = to; strings.TrimSpace(to) == "" {
		return e, badArgument("options", "escalate_to is blank; name a model of the session")
	}
	return e, nil
}

// asksLarger adds the model that options name to those that a call asks.
func asksLarger(asks []Ask, options any, known []string) []Ask {
	given, err := readOptions("options", options, known...)
	if err != nil || given["escalate_to"] == "" {
		return asks
	}
	return append(asks, Ask{Role: llm.Text, Name: given["escalate_to"]})
}

// labelScorer scores the labels of rows and calls answer for each row.
type labelScorer func(ctx context.Context, source Source, need []task[labelInput], answer func(task[labelInput], fit)) error

// escalating answers rows, and asks the larger model about those whose answer is not sure enough.
func escalating(score labelScorer, sure func(labelInput, fit) float64, set func(task[labelInput], fit)) func(context.Context, Source, []task[labelInput]) error {
	return func(ctx context.Context, source Source, need []task[labelInput]) error {
		var unsure []task[labelInput]
		err := score(ctx, source, need, func(a task[labelInput], f fit) {
			if e := a.in.escalation; e.to != "" {
				if sure(a.in, f) < e.below {
					unsure = append(unsure, a)
					return
				}
				a.Stage = Smaller
			}
			set(a, f)
		})
		if err != nil {
			return err
		}
		return askLarger(ctx, source, unsure, func(in labelInput) string { return in.escalation.to }, func(source Source, rows []task[labelInput]) error {
			return score(ctx, source, rows, set)
		})
	}
}

// askLarger calls ask with the rows of each larger model, and a source of which it is the text model.
func askLarger[In any](ctx context.Context, source Source, rows []task[In], to func(In) string, ask func(Source, []task[In]) error) error {
	of := map[string][]task[In]{}
	var names []string
	for _, a := range rows {
		a.Stage = Larger
		name := to(a.in)
		if of[name] == nil {
			names = append(names, name)
		}
		of[name] = append(of[name], a)
	}
	for _, name := range names {
		_, err := open(ctx, source, llm.Text, name)
		var unknown *llm.UnknownModelError
		if errors.As(err, &unknown) || errors.Is(err, llm.ErrRole) {
			for _, a := range of[name] {
				a.Err, a.fatal = &ArgumentError{"options", err}, true
			}
			continue
		}
		if err != nil {
			return err
		}
		larger := func(ctx context.Context, role llm.ModelRole, asked string) (llm.Model, error) {
			if role == llm.Text && asked == "" {
				asked = name
			}
			return source(ctx, role, asked)
		}
		if err := ask(larger, of[name]); err != nil {
			return err
		}
	}
	return nil
}

// sureOfBest is the probability of the best label.
func sureOfBest(temperature float64) func(labelInput, fit) float64 {
	return func(_ labelInput, f fit) float64 {
		best, p := f.best(temperature)
		return p[best]
	}
}

// sureOfTruth is the probability of true or false, whichever is larger.
func sureOfTruth(_ labelInput, f fit) float64 {
	p := truth(f)
	return math.Max(p, 1-p)
}

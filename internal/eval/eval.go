// Package eval measures the answers of an AI function on labelled data. It reads
// the rows, asks the function and the systems to compare it with, computes figures
// with package metric, and reports them as text and as a page.
package eval

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/sensitive"
)

// Options configure an Evaluation.
type Options struct {
	Function *ai.Function
	// Kind is the kind of the answers; empty stands for KindOf the function.
	Kind Kind
	// Arguments is a JSON object of the function's arguments after the first;
	// empty stands for none.
	Arguments string
	// Renamed maps labels of the data to labels of the function.
	Renamed map[string]string
	// Keep lists the labels of spans that count, after Renamed; empty stands for
	// the labels of the arguments.
	Keep []string
	// Plain compares with a plain prompt to the same model.
	Plain bool
	// Prompt, if not empty, is a prompt to compare with. It contains Content.
	Prompt string
	// OtherModel, if not empty, names another model to compare with.
	OtherModel string
	// OtherFunction, if not nil, is another function to compare with, or the same one with OtherArguments.
	OtherFunction  *ai.Function
	OtherArguments string
	// None, if not empty, is the label of the data for rows of which the function returns NULL or a NULL label.
	None string
	Seed uint64 // of intervals and tests
	// Worst is the number of wrong answers to show.
	Worst int
	// ShowContent shows arguments and all answers in reports.
	ShowContent bool
	// Data names the labelled data in reports.
	Data string
	// WorstHint and MatrixHint say how to see wrong answers and large confusion
	// matrices that are not shown.
	WorstHint, MatrixHint string
}

// Evaluation is an evaluation of a function. Call Ask, then Measure, then WriteText
// and Page.
type Evaluation struct {
	options  Options
	question           // that is measured
	other    *question // of OtherFunction
	task     Task
	rows     []Row // with a label
	gold     []Gold
	leftOut  int // rows without a label
	notes    []string
	begun    time.Time

	systems     []system // the first is the function
	comparisons [][]metric.Comparison
}

// question is a function with its arguments.
type question struct {
	function *ai.Function
	call     *ai.Binding // with all arguments but the first constant
}

// system is a way to get answers.
type system struct {
	name   string
	prompt string // for ai_gen; empty if the function is asked
	question
	model string

	outcomes    []Outcome
	scores      []metric.Score
	statistics  *metric.Statistics
	calibration []metric.Score // empty without probabilities
	bins        []metric.Bin
	took        time.Duration
	steps       []step
}

// step is the number of answered rows at a time.
type step struct {
	at   time.Duration // since the first row
	done int
}

// NoLabelsError reports data without a label.
type NoLabelsError struct{ Rows int }

func (e *NoLabelsError) Error() string {
	return fmt.Sprintf("none of the %d rows has a label", e.Rows)
}

// LabelError reports a label that the function does not return.
type LabelError struct {
	Row      int // from 1
	Label    string
	Function string
	Labels   []string // that the function returns
}

func (e *LabelError) Error() string { return e.text().Error() }

// Shown is the error with the labels.
func (e *LabelError) Shown() string { return sensitive.Shown(e.text()) }

func (e *LabelError) text() error {
	return sensitive.Errorf("row %d: %s does not return the label %s, only %s", e.Row, e.Function,
		sensitive.Text(e.Label), sensitive.Text(strings.Join(e.Labels, ", ")))
}

// New prepares an evaluation of labelled rows. Its error is an *ArgumentsError, a
// *NoLabelsError, a *LabelError, or about a label that cannot be read.
func New(o Options, rows []Row) (*Evaluation, error) {
	e := &Evaluation{options: o, begun: time.Now()}
	e.task = Task{Kind: o.Kind, Keep: o.Keep, AllAnswers: o.ShowContent, None: o.None}
	if e.task.Kind == "" {
		var err error
		if e.task.Kind, err = KindOf(o.Function.Name); err != nil {
			return nil, err
		}
	}
	if !slices.ContainsFunc(rows, labelled) {
		return nil, &NoLabelsError{len(rows)}
	}
	var err error
	if e.question, err = e.bind(o.Function, o.Arguments, rows); err != nil {
		return nil, err
	}
	if at := labelsParam(e.function); at >= 0 {
		e.task.Labels = ai.LabelNames(e.call.Constants()[at])
	}
	switch {
	case e.function.Answers != nil:
		e.task.Labels = e.function.Answers
	case isGen(e.function) && e.task.Kind == LabelKind:
		e.task.Labels = e.dataLabels(rows)
	}
	if o.None != "" && len(e.task.Labels) > 0 {
		e.task.Labels = append(slices.Clone(e.task.Labels), o.None)
	}
	if e.task.Kind == ExtractKind && len(o.Keep) == 0 {
		e.task.Keep = e.task.Labels
	}
	if err := e.readGold(rows); err != nil {
		return nil, err
	}
	if e.question, err = e.preferScores(e.question, o.Arguments); err != nil {
		return nil, err
	}
	if o.OtherFunction == nil {
		return e, nil
	}
	other, err := e.bind(o.OtherFunction, o.OtherArguments, rows)
	if err != nil {
		return nil, &OtherError{err}
	}
	if other, err = e.preferScores(other, o.OtherArguments); err != nil {
		return nil, &OtherError{err}
	}
	e.other = &other
	return e, nil
}

// OtherError reports that Options.OtherArguments do not match OtherFunction.
type OtherError struct{ Err error }

func (e *OtherError) Error() string { return "the function to compare with: " + e.Err.Error() }
func (e *OtherError) Unwrap() error { return e.Err }

func labelled(row Row) bool { return row.Label != nil && strings.TrimSpace(*row.Label) != "" }

// readGold reads the labels of the rows that have one.
func (e *Evaluation) readGold(rows []Row) error {
	for _, row := range rows {
		if !labelled(row) {
			e.leftOut++
			continue
		}
		g, err := e.task.Gold(*row.Label, deref(row.Input), e.options.Renamed)
		if err != nil {
			return fmt.Errorf("row %d: the label: %w", row.Number, err)
		}
		if e.task.Kind == LabelKind && len(e.task.Labels) > 0 && !slices.Contains(e.task.Labels, g.Label) {
			return &LabelError{row.Number, g.Label, e.function.Name, e.task.Labels}
		}
		e.rows, e.gold = append(e.rows, row), append(e.gold, g)
	}
	return nil
}

// deref returns the text, or "" for NULL.
func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// ArgumentsError reports that Options.Arguments is not a JSON object, or that it
// does not match the parameters of the function (*ai.CallError).
type ArgumentsError struct{ Err error }

func (e *ArgumentsError) Error() string { return "the arguments of the function: " + e.Err.Error() }
func (e *ArgumentsError) Unwrap() error { return e.Err }

// bind binds the arguments of a function. For LabelKind, the labels of the data are the labels
// of a function that is given none.
func (e *Evaluation) bind(f *ai.Function, arguments string, rows []Row) (question, error) {
	var named map[string]json.RawMessage
	if arguments != "" {
		if err := json.Unmarshal([]byte(arguments), &named); err != nil {
			return question{}, &ArgumentsError{sensitive.JSON(err)}
		}
	}
	args := []ai.Argument{{}} // the input
	if e.task.Kind == ScoreKind && TwoTexts(f.Name) && !e.asksVectors(f) {
		args = append(args, ai.Argument{})
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		args = append(args, ai.Argument{Name: name, Values: ai.JSONValue(named[name]), Constant: true})
	}
	if at := labelsParam(f); at >= 0 && named["labels"] == nil && e.task.Kind == LabelKind {
		labels := e.dataLabels(rows)
		args = append(args, ai.Argument{Name: "labels", Values: ai.GoValues(labels), Constant: true})
		e.note(fmt.Sprintf("labels: the %d labels of the data", len(labels)))
	}
	call, err := f.Bind(args...)
	if err != nil {
		return question{}, &ArgumentsError{err}
	}
	return question{f, call}, nil
}

// note adds a note to the reports, once.
func (e *Evaluation) note(text string) {
	if !slices.Contains(e.notes, text) {
		e.notes = append(e.notes, text)
	}
}

// labelsParam is the index of the parameter labels, or -1.
func labelsParam(f *ai.Function) int {
	return slices.IndexFunc(f.Params, func(p ai.Param) bool { return p.Name == "labels" })
}

// dataLabels lists the labels of the data in order.
func (e *Evaluation) dataLabels(rows []Row) []string {
	seen := map[string]bool{}
	for _, row := range rows {
		if labelled(row) {
			g, _ := Task{Kind: LabelKind}.Gold(*row.Label, "", e.options.Renamed) // a label has no error
			if g.Label != e.options.None || e.options.None == "" {
				seen[g.Label] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// preferScores replaces the function by the one that returns the same labels with
// probabilities, if there is one.
func (e *Evaluation) preferScores(q question, arguments string) (question, error) {
	scored, err := ai.Lookup(q.function.Name + "_score")
	if err != nil || e.task.Kind != LabelKind || e.task.None != "" || strings.Contains(arguments, "multilabel") || strings.Contains(arguments, "threshold") {
		return q, nil
	}
	e.note("asked by " + scored.Name + ", which returns the same labels with probabilities")
	args := []ai.Argument{{}}
	for p, v := range q.call.Constants() {
		if v != nil {
			args = append(args, ai.Argument{Name: scored.Params[p].Name, Values: ai.GoValues(v), Constant: true})
		}
	}
	call, err := scored.Bind(args...)
	if err != nil {
		return question{}, &ArgumentsError{err}
	}
	return question{scored, call}, nil
}

package cli

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/eval"
	"github.com/firesteel/firesteel/internal/sensitive"
)

// evalRun is a run of firesteel eval.
type evalRun struct {
	flags    evalFlags
	function *ai.Function
	task     eval.Task
	others   []any // the function's arguments after the first
	rows     []labelledRow
	gold     []eval.Gold
	leftOut  int // rows without a label
	notes    []string
	begun    time.Time

	asked       []evalSystem // the first is what is measured
	comparisons [][]eval.Comparison
}

// evalSystem is one way to get answers.
type evalSystem struct {
	name   string
	prompt string // asked as it is, by ai_gen; empty: by the function
	model  string

	outcomes    []eval.Outcome
	scores      []eval.Score
	stats       *eval.Statistics
	calibration []eval.Score // none without probabilities
	bins        []eval.Bin
	took        time.Duration
	steps       []rowStep
}

// rowStep says when so many rows were done.
type rowStep struct {
	at   time.Duration
	done int
}

func newEvalRun(f evalFlags, fn *ai.Function, kind eval.Kind, rows []labelledRow) (*evalRun, error) {
	run := &evalRun{flags: f, function: fn, task: eval.Task{Kind: kind, Keep: f.only, AllAnswers: f.logContent}, begun: time.Now()}
	arguments := f.arguments
	if labelsAt(fn) >= 0 && kind == eval.LabelKind {
		labels := dataLabels(rows, f.renamed)
		var added bool
		if arguments, added = withLabels(arguments, labels); added {
			run.notes = append(run.notes, fmt.Sprintf("labels: the %d that the data has", len(labels)))
		}
	}
	var err error
	if run.others, err = readArguments(fn, arguments); err != nil {
		return nil, err
	}
	if at := labelsAt(fn); at >= 0 {
		run.task.Labels = labelsOf(run.others[at])
	}
	if fn.Answers != nil {
		run.task.Labels = fn.Answers
	}
	if kind == eval.ExtractKind && len(f.only) == 0 {
		run.task.Keep = run.task.Labels
	}
	run.rows, run.gold, err = goldOf(run.task, rows, f.renamed)
	if err != nil {
		return nil, err
	}
	run.leftOut = len(rows) - len(run.rows)
	if len(run.rows) == 0 {
		return nil, fmt.Errorf("there is no row with a label in %s among %d rows", f.data.label, len(rows))
	}
	if kind == eval.LabelKind && len(run.task.Labels) > 0 {
		for i, g := range run.gold {
			if !slices.Contains(run.task.Labels, g.Label) {
				return nil, sensitive.Errorf("row %d: the label %s is none that %s gives: %s; name it by --map LABEL=...",
					run.rows[i].number, sensitive.Text(g.Label), fn.Name, sensitive.Text(strings.Join(run.task.Labels, ", ")))
			}
		}
	}
	run.preferScores()
	return run, nil
}

// preferScores measures by the function that gives the same labels with their
// probability, where there is one.
func (run *evalRun) preferScores() {
	scored, err := ai.Lookup(run.function.Name + "_score")
	if err != nil || run.task.Kind != eval.LabelKind || len(scored.Params) != len(run.function.Params) || strings.Contains(run.flags.arguments, "multilabel") {
		return
	}
	run.notes = append(run.notes, "asked by "+scored.Name+", which gives the same labels with their probability")
	run.function = scored
}

// labelsAt is the place of labels among the arguments after the first, or -1.
func labelsAt(fn *ai.Function) int {
	return slices.IndexFunc(fn.Params[1:], func(p ai.Param) bool { return p.Name == "labels" })
}

func dataLabels(rows []labelledRow, renamed map[string]string) []string {
	var labels []string
	for _, row := range rows {
		if row.gold == nil {
			continue
		}
		g, err := eval.Task{Kind: eval.LabelKind}.Gold(*row.gold, "", renamed)
		if err == nil && g.Label != eval.None && !slices.Contains(labels, g.Label) {
			labels = append(labels, g.Label)
		}
	}
	sort.Strings(labels)
	return labels
}

// systems gives what is to be asked of the main model, or of the other one.
func (run *evalRun) systems(otherModel bool) []evalSystem {
	if otherModel {
		return []evalSystem{{name: run.function.Name + " by " + run.flags.compareModel}}
	}
	all := []evalSystem{{name: run.function.Name}}
	if run.flags.baseline == "plain" {
		prompt, err := eval.PlainPrompt(run.function.Name)
		if err == nil {
			all = append(all, evalSystem{name: "asked plainly", prompt: prompt})
		}
	}
	if run.flags.comparePrompt != "" {
		all = append(all, evalSystem{name: "the prompt", prompt: run.flags.comparePrompt})
	}
	return all
}

// byRules reports whether none of the systems asks a model.
func (run *evalRun) byRules(systems []evalSystem) bool {
	prompted := slices.ContainsFunc(systems, func(s evalSystem) bool { return s.prompt != "" })
	return !prompted && run.function.ByRules(append(ai.Row{nil}, run.others...))
}

// ask has one system answer all rows.
func (a *app) ask(ctx context.Context, run *evalRun, s *evalSystem, who answerer) error {
	fn, others := run.function, run.others
	inputs := make([]*string, len(run.rows))
	for i, row := range run.rows {
		inputs[i] = row.input
	}
	if s.prompt != "" {
		gen, err := ai.Lookup("ai_gen")
		if err != nil {
			return err
		}
		arguments := argumentTexts(fn, others)
		if arguments["labels"] == "" {
			arguments["labels"] = strings.Join(dataLabels(run.rows, run.flags.renamed), ", ")
		}
		fn, others = gen, make([]any, len(gen.Params)-1)
		for i, input := range inputs {
			if input != nil {
				filled := eval.FillPrompt(s.prompt, *input, arguments)
				inputs[i] = &filled
			}
		}
	}
	begun := time.Now()
	meter := newRowMeter(a.err, s.name, len(inputs))
	defer meter.end()
	defer a.queries.end()
	values, failures, err := who.answer(ctx, fn, inputs, others, func(done int) {
		s.steps = append(s.steps, rowStep{time.Since(begun), done})
		meter.step(done)
	})
	if err != nil {
		return err
	}
	s.took = time.Since(begun)
	for i, value := range values {
		input := ""
		if run.rows[i].input != nil {
			input = *run.rows[i].input
		}
		o := run.task.Read(value, input)
		switch text, isText := value.(string); {
		case failures[i] != nil:
			o = run.task.Failed(failures[i])
		case s.prompt != "" && isText:
			o = run.task.ReadPlain(text, input)
		case s.prompt != "" && value != nil:
			// try_ai_gen's answer, whose result is the text.
			o = run.readTried(value, input)
		}
		s.outcomes = append(s.outcomes, o)
	}
	return nil
}

// readTried opens a try_ function's answer to a plain prompt.
func (run *evalRun) readTried(value any, input string) eval.Outcome {
	opened := eval.Task{Kind: eval.TextKind}.Read(value, input)
	if opened.Err != nil {
		return run.task.Failed(opened.Err)
	}
	return run.task.ReadPlain(opened.Text, input)
}

// measure computes all figures.
func (run *evalRun) measure() {
	r := eval.Resampling{Seed: run.flags.seed}
	for i := range run.asked {
		s := &run.asked[i]
		s.stats = run.task.Measure(run.gold, s.outcomes)
		s.scores = s.stats.Scores(r)
		if right, probability := run.task.Probabilities(run.gold, s.outcomes); len(right) > 0 {
			const bins = 10
			s.calibration = eval.Calibration(right, probability, bins).Scores(r)
			s.bins = eval.Reliability(right, probability, bins)
		}
		if i > 0 {
			run.comparisons = append(run.comparisons, eval.Compare(run.asked[0].stats, s.stats, r))
		}
	}
}

// unanswered counts rows without an answer that could be read.
func (s *evalSystem) unanswered() int {
	n := 0
	for _, o := range s.outcomes {
		if o.Err != nil {
			n++
		}
	}
	return n
}

// worst gives up to n rows whose answers are not right: the worst first, and of
// equals the first ones.
func (run *evalRun) worst(s *evalSystem, n int) (rows []int, wrong int) {
	quality := make([]float64, len(run.rows))
	for i := range run.rows {
		if quality[i] = run.task.Quality(run.gold[i], s.outcomes[i]); quality[i] < 1 {
			rows = append(rows, i)
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return quality[rows[i]] < quality[rows[j]] })
	return rows[:min(n, len(rows))], len(rows)
}

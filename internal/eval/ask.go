package eval

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/llm"
)

// Asker asks a function of a model for all rows.
type Asker interface {
	// Ask returns a value (see Task.Read) or an error for each row. inputs has the
	// columns of the first one or two arguments of the function, and call holds the
	// others. Ask reports the number of answered rows by step.
	Ask(ctx context.Context, f *ai.Function, inputs [][]*string, call *ai.Binding, step func(done int)) ([]any, []error, error)
	// Model describes the models that the last call of Ask asked, for reports.
	Model() string
}

// Progress reports the work of a system on a number of rows. The evaluation calls
// step with the number of answered rows, and end once.
type Progress func(system string, rows int) (step func(done int), end func())

// Asks returns the models that the systems of the main model ask, or with other,
// that of Options.OtherModel. It is empty if rules answer all rows.
func (e *Evaluation) Asks(other bool) []ai.Ask {
	var asks []ai.Ask
	for _, s := range e.compared(other) {
		of := []ai.Ask{{Role: llm.Text}}
		if s.prompt == "" {
			of = s.function.Asks(s.call.Constants())
		}
		for _, ask := range of {
			if !slices.Contains(asks, ask) {
				asks = append(asks, ask)
			}
		}
	}
	return asks
}

// Ask asks the systems of the main model, or with other, of Options.OtherModel.
func (e *Evaluation) Ask(ctx context.Context, a Asker, other bool, progress Progress) error {
	for _, s := range e.compared(other) {
		if err := e.ask(ctx, &s, a, progress); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		s.model = a.Model()
		e.systems = append(e.systems, s)
		if local, ok := a.(*Local); ok && s.prompt == "" {
			e.advise(s.function, local.asked)
		}
	}
	return nil
}

// advise notes the advice about models.
func (e *Evaluation) advise(f *ai.Function, asked []llm.Info) {
	for _, m := range asked {
		if advice := ai.Advise(f, m); advice != nil {
			e.note(advice.String())
		}
	}
}

// compared lists the systems of the main or of the other model.
func (e *Evaluation) compared(other bool) []system {
	if other {
		return []system{{name: e.function.Name + " by " + e.options.OtherModel, question: e.question}}
	}
	all := []system{{name: e.function.Name, question: e.question}}
	if e.other != nil {
		name := e.other.function.Name
		if name == e.function.Name {
			name += " with other arguments"
		}
		all = append(all, system{name: name, question: *e.other})
	}
	if e.options.Plain {
		if prompt, err := PlainPrompt(e.function.Name); err == nil {
			all = append(all, system{name: "plain prompt", prompt: prompt})
		}
	}
	if e.options.Prompt != "" {
		all = append(all, system{name: "own prompt", prompt: e.options.Prompt})
	}
	return all
}

func (e *Evaluation) ask(ctx context.Context, s *system, a Asker, progress Progress) error {
	f, call, inputs := s.function, s.call, make([]*string, len(e.rows))
	for i, row := range e.rows {
		inputs[i] = row.Input
	}
	if s.prompt != "" {
		var err error
		if f, err = ai.Lookup("ai_gen"); err != nil {
			return err
		}
		if call, err = f.Bind(ai.Argument{}); err != nil {
			return err
		}
		arguments := e.argumentTexts()
		for i, input := range inputs {
			if input != nil {
				inputs[i] = new(FillPrompt(s.prompt, *input, arguments))
			}
		}
	}
	begun := time.Now()
	columns := [][]*string{inputs}
	vectors := s.prompt == "" && e.asksVectors(s.function)
	if s.prompt == "" && e.task.Kind == ScoreKind && TwoTexts(s.function.Name) {
		second := make([]*string, len(e.rows))
		for i, row := range e.rows {
			second[i] = row.Second
		}
		if vectors {
			columns[0] = append(columns[0], second...)
		} else {
			columns = append(columns, second)
		}
	}
	show, end := progress(s.name, len(columns[0]))
	defer end()
	values, failures, err := a.Ask(ctx, f, columns, call, func(done int) {
		s.steps = append(s.steps, step{time.Since(begun), done})
		show(done)
	})
	if err != nil {
		return err
	}
	s.took = time.Since(begun)
	if vectors {
		values, failures = similarities(values, failures)
	}
	for i, value := range values {
		s.outcomes = append(s.outcomes, e.outcome(s, value, failures[i], deref(e.rows[i].Input)))
	}
	return nil
}

// outcome reads the answer of a row.
func (e *Evaluation) outcome(s *system, value any, failure error, input string) Outcome {
	text, isText := value.(string)
	switch {
	case failure != nil:
		return e.task.Failed(failure)
	case s.prompt == "" && !isGen(s.function) || value == nil:
		return e.task.Read(value, input)
	case isText:
		return e.task.ReadPlain(text, input)
	}
	tried := Task{Kind: TextKind}.Read(value, input) // the struct of try_ai_gen
	if tried.Err != nil {
		return e.task.Failed(tried.Err)
	}
	return e.task.ReadPlain(tried.Text, input)
}

// isGen reports whether a function is ai_gen, whose inputs are prompts: its answers
// are read as those to plain prompts.
func isGen(f *ai.Function) bool { return strings.TrimPrefix(f.Name, "try_") == "ai_gen" }

// argumentTexts gives the arguments by name as texts for a prompt.
func (e *Evaluation) argumentTexts() map[string]string {
	texts := map[string]string{}
	for p, v := range e.call.Constants() {
		switch v := v.(type) {
		case nil:
		case []string:
			texts[e.function.Params[p].Name] = strings.Join(v, ", ")
		default:
			texts[e.function.Params[p].Name] = fmt.Sprint(v)
		}
	}
	if texts["labels"] == "" {
		texts["labels"] = strings.Join(e.dataLabels(e.rows), ", ")
	}
	return texts
}

// Local asks models in this process. Source may be nil if rules answer all rows.
type Local struct {
	Source ai.Source

	asked []llm.Info // by the last call of Ask, each once
}

// localChunk is the number of rows that are asked at once: enough for the engine
// to schedule them, and few enough to show progress.
const localChunk = 32

// Ask implements Asker.
func (l *Local) Ask(ctx context.Context, f *ai.Function, inputs [][]*string, call *ai.Binding, step func(int)) ([]any, []error, error) {
	n := len(inputs[0])
	values, failures := make([]any, 0, n), make([]error, 0, n)
	l.asked = nil
	source := func(ctx context.Context, role llm.ModelRole, name string) (llm.Model, error) {
		m, err := l.Source(ctx, role, name)
		if err == nil && !slices.ContainsFunc(l.asked, func(i llm.Info) bool { return i.Name == m.Info().Name }) {
			l.asked = append(l.asked, m.Info())
		}
		return m, err
	}
	for done := 0; done < n; {
		chunk := min(localChunk, n-done)
		columns := make([]ai.Values, len(inputs))
		for c, column := range inputs {
			texts := make([]any, chunk)
			for i, input := range column[done : done+chunk] {
				if input != nil {
					texts[i] = *input
				}
			}
			columns[c] = ai.GoValues(texts...)
		}
		rows, err := call.Rows(chunk, columns...)
		if err != nil {
			return nil, nil, err
		}
		answers, err := f.Eval(ctx, source, rows)
		if err != nil {
			return nil, nil, err
		}
		for _, a := range answers {
			values, failures = append(values, decoded(a.Value, f.Returns)), append(failures, a.Err)
		}
		done += chunk
		step(done)
	}
	return values, failures, nil
}

// Model implements Asker.
func (l *Local) Model() string {
	if len(l.asked) == 0 {
		return "rules, without a model"
	}
	names := make([]string, len(l.asked))
	for i, m := range l.asked {
		names[i] = m.Name
	}
	return strings.Join(names, ", ")
}

// decoded converts an answer to what encoding/json decodes.
func decoded(v any, t ai.Type) any {
	switch v := v.(type) {
	case ai.Map:
		m := make(map[string]any, len(v))
		for _, entry := range v {
			m[entry.Key] = entry.Value
		}
		return m
	case []any:
		m := make(map[string]any, len(v))
		for i, field := range t.Fields() {
			if i < len(v) {
				m[field.Name] = decoded(v[i], field.Type)
			}
		}
		return m
	case float32:
		return float64(v)
	}
	return v
}

package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/llm"
)

// aiFunction evaluates a function of package ai over Arrow columns.
type aiFunction struct{ f *ai.Function }

// loggedErrors is how many rows' errors a batch puts into the log in full.
const loggedErrors = 3

func (a aiFunction) name() string { return a.f.Name }

func (a aiFunction) bind(args []argument) ([]int, error) {
	params := make([]string, len(a.f.Params))
	for i, p := range a.f.Params {
		params[i] = p.Name
	}
	columns, err := bindArguments(a.f.Name, params, args)
	if err == nil && len(columns) != len(params) {
		err = fmt.Errorf("%s is called with the wrong number of arguments: %d instead of %d", a.f.Signature(), len(columns), len(params))
	}
	return columns, err
}

func (a aiFunction) eval(ctx context.Context, s *scope, args []arrow.Array, n int) (arrow.Array, error) {
	rows, err := rowsOf(a.f, args, n)
	if err != nil {
		return nil, err
	}
	// A batch that has nothing to ask does not load the model.
	var loading time.Duration
	model := func(ctx context.Context) (llm.Model, error) {
		start := time.Now()
		defer func() { loading += time.Since(start) }()
		return s.model(ctx)
	}
	start := time.Now()
	answers, err := a.f.Eval(ctx, model, rows)
	s.stats.model += time.Since(start) - loading
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, err
	}
	if len(answers) != n {
		return nil, fmt.Errorf("it gave %d answers for %d rows", len(answers), n)
	}
	logged := 0
	for i := range answers {
		if answers[i].Cut {
			s.stats.cut++
		}
		if answers[i].Err == nil {
			continue
		}
		s.stats.errors++
		if logged++; logged <= loggedErrors {
			s.log.Warn("a row could not be answered; its result is NULL",
				"function", a.f.Name, "row", s.stats.rows+int64(i), "error", answers[i].Err)
		}
	}
	return a.arrayOf(s, answers)
}

// rowsOf turns columns into rows of arguments.
func rowsOf(f *ai.Function, args []arrow.Array, n int) ([]ai.Row, error) {
	k := len(f.Params)
	values := make([]any, n*k)
	for p, param := range f.Params {
		value, err := valueReader(param, args[p])
		if err != nil {
			return nil, err
		}
		for i := range n {
			if !isNull(args[p], i) {
				values[i*k+p] = value(i)
			}
		}
	}
	rows := make([]ai.Row, n)
	for i := range rows {
		rows[i] = ai.Row(values[i*k : (i+1)*k : (i+1)*k])
	}
	return rows, nil
}

// returns is the Arrow type of the function's result.
func (a aiFunction) returns(s *scope) arrow.DataType {
	switch a.f.Returns {
	case ai.String:
		return s.stringType()
	case ai.StringArray:
		return arrow.ListOf(s.stringType())
	}
	panic(fmt.Sprintf("worker: %s returns the type %s, which has no Arrow type here", a.f.Name, a.f.Returns))
}

// arrayOf turns answers into a column of the function's type.
func (a aiFunction) arrayOf(s *scope, answers []ai.Answer) (arrow.Array, error) {
	b := array.NewBuilder(s.mem, a.returns(s))
	var appendValue func(any) bool
	switch b := b.(type) {
	case array.StringLikeBuilder:
		appendValue = func(v any) bool {
			text, ok := v.(string)
			if ok {
				b.Append(text)
			}
			return ok
		}
	case *array.ListBuilder:
		appendValue = func(v any) bool {
			list, ok := v.([]string)
			if ok {
				b.Append(true)
				for _, text := range list {
					b.ValueBuilder().(array.StringLikeBuilder).Append(text)
				}
			}
			return ok
		}
	}
	defer b.Release()
	b.Reserve(len(answers))
	for i, answer := range answers {
		if answer.Value == nil || answer.Err != nil {
			b.AppendNull()
		} else if !appendValue(answer.Value) {
			return nil, fmt.Errorf("its answer in row %d is a %T, not %s", i, answer.Value, a.f.Returns)
		}
	}
	return b.NewArray(), nil
}

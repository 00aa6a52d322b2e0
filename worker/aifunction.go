package worker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/llm"
)

// aiFunction evaluates a function of package ai over Arrow columns.
type aiFunction struct {
	f *ai.Function
	// given says which parameter each argument is; nil, until bind: in order.
	given []int
}

// loggedErrors is how many rows' errors a batch puts into the log in full.
const loggedErrors = 3

func (a *aiFunction) name() string { return a.f.Name }

func (a *aiFunction) bind(args []argument) ([]int, error) {
	params := make([]string, len(a.f.Params))
	required := make([]bool, len(params))
	for i, p := range a.f.Params {
		params[i], required[i] = p.Name, !p.Optional
	}
	bound, err := bindOptional(a.f.Name, params, required, args)
	if err != nil {
		return nil, fmt.Errorf("%w; it is called as %s", err, a.f.Signature())
	}
	a.given = nil
	var all []int
	for p, c := range bound {
		if c >= 0 {
			a.given = append(a.given, p)
			all = append(all, c)
		}
	}
	return all, nil
}

func (a *aiFunction) eval(ctx context.Context, s *scope, args []arrow.Array, n int) (arrow.Array, error) {
	rows, err := columns.Rows(a.f, a.given, args, n)
	if err != nil {
		return nil, err
	}
	// A batch that has nothing to ask does not load the model.
	var loading time.Duration
	model := func(ctx context.Context, name string) (llm.Model, error) {
		start := time.Now()
		defer func() { loading += time.Since(start) }()
		m, err := s.model(ctx, name)
		if err == nil {
			advise(s, a.f, m.Info())
		}
		return m, err
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
	logged, noted := 0, map[string]bool{}
	for i, answer := range answers {
		if answer.Cut {
			s.stats.cut++
		}
		if note := answer.Note; note != "" && len(noted) < loggedErrors && !noted[note] {
			noted[note] = true
			s.log.Info("about a row's answer", "function", a.f.Name, "row", s.stats.rows+int64(i), "note", note)
		}
		if answer.Err == nil {
			continue
		}
		s.stats.errors++
		if logged++; logged <= loggedErrors {
			s.log.Warn("a row could not be answered; its result is NULL",
				"function", a.f.Name, "row", s.stats.rows+int64(i), "error", s.told(answer.Err))
		}
	}
	return s.results.Answers(s.mem, a.f.Returns, answers)
}

// advised holds what has been advised in this process: each function and model
// once.
var advised sync.Map

// advise says that the model is not good for the function, if it is not.
func advise(s *scope, f *ai.Function, model llm.Info) {
	advice := ai.Advice(f, model)
	if advice == "" {
		return
	}
	if _, said := advised.LoadOrStore(advice, true); !said && s.log != nil {
		s.log.Warn(advice)
	}
}

// returns is the Arrow type of the function's result.
func (a *aiFunction) returns(s *scope) arrow.DataType { return s.results.Of(a.f.Returns) }

// bindOptional gives a column for each parameter, and -1 for those that are
// left out, which must not be required.
func bindOptional(function string, params []string, required []bool, args []argument) ([]int, error) {
	positional := slices.IndexFunc(args, func(a argument) bool { return a.name != "" })
	if positional < 0 {
		positional = len(args)
	}
	if positional > len(params) {
		return nil, fmt.Errorf("%s is called with %d arguments, but has %d parameters", function, len(args), len(params))
	}
	columns := make([]int, 0, len(params))
	for _, a := range args[:positional] {
		columns = append(columns, a.column)
	}
	for len(columns) < len(params) {
		columns = append(columns, -1)
	}
	if err := placeNamed(function, params, args[positional:], columns); err != nil {
		return nil, err
	}
	for i, c := range columns {
		if c < 0 && required[i] {
			return nil, fmt.Errorf("%s: the argument %q is missing", function, params[i])
		}
	}
	return columns, nil
}

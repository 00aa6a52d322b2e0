package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/llm"
)

// aiFunction evaluates a function of package ai over Arrow columns.
type aiFunction struct {
	f       *ai.Function
	binding *ai.Binding
}

// loggedErrors is the number of rows of a batch whose errors are logged.
const loggedErrors = 3

func (a *aiFunction) name() string { return a.f.Name }

// bind returns the columns in the order of the arguments, as Binding.Rows takes
// them.
func (a *aiFunction) bind(args []argument) (cols []int, err error) {
	for _, arg := range args {
		cols = append(cols, arg.column)
	}
	a.binding, err = a.f.Bind(unread(args)...)
	return cols, err
}

func (a *aiFunction) eval(ctx context.Context, s *scope, args []arrow.Array, n int) (arrow.Array, error) {
	values := make([]ai.Values, len(args))
	for i, arg := range args {
		values[i] = columns.Values{Array: arg}
	}
	rows, err := a.binding.Rows(n, values...)
	if err != nil {
		return nil, err
	}
	answers, err := a.answer(ctx, s, rows)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, err
	}
	if len(answers) != n {
		return nil, fmt.Errorf("it returned %d answers for %d rows", len(answers), n)
	}
	logged, noted := 0, map[string]bool{}
	for i, answer := range answers {
		if answer.Cut {
			s.stats.cut++
		}
		if note := answer.Note; note != "" && len(noted) < loggedErrors && !noted[note] {
			noted[note] = true
			s.log.Info("note on the answer of a row", "function", a.f.Name, "row", s.stats.rows+int64(i), "note", note)
		}
		if answer.Err == nil {
			continue
		}
		if spent := job.AsSpent(answer.Err); spent != nil {
			answers[i] = a.f.Failed(errors.New(job.SkippedPrefix + spent.Reason))
			if s.stats.skipped++; s.stats.skipped == 1 {
				s.log.Warn("rows are skipped; their results are NULL", "function", a.f.Name, "reason", spent.Reason)
			}
			continue
		}
		s.stats.errors++
		if logged++; logged <= loggedErrors {
			s.log.Warn("a row could not be answered; its result is NULL",
				"function", a.f.Name, "row", s.stats.rows+int64(i), "error", s.errorText(answer.Err))
		}
	}
	return s.results.Answers(s.mem, a.f.Returns, answers)
}

// answer asks the function, through the session's ledger if there is one.
func (a *aiFunction) answer(ctx context.Context, s *scope, rows []ai.Row) ([]ai.Answer, error) {
	// The function calls model only if it has something to ask.
	var loading time.Duration
	model := func(ctx context.Context, role llm.ModelRole, name string) (llm.Model, error) {
		start := time.Now()
		defer func() { loading += time.Since(start) }()
		m, err := s.model(ctx, role, name)
		if err == nil {
			advise(s, a.f, m.Info())
		}
		return m, err
	}
	start := time.Now()
	defer func() { s.stats.model += time.Since(start) - loading }()
	ctx = a.withProgress(ctx, s)
	asks := a.f.Asks(a.binding.Constants())
	if s.ledger == nil || len(asks) == 0 || a.f.Direct {
		return a.f.Eval(ctx, model, rows)
	}
	return s.ledger.answer(ctx, a.f, asks, model, s.stats.rows, rows)
}

// progressEvery is the time between two lines in the log about a large group.
const progressEvery = time.Minute

// withProgress returns a context in which a function over groups logs how far it is.
func (a *aiFunction) withProgress(ctx context.Context, s *scope) context.Context {
	last := time.Now()
	return ai.WithProgress(ctx, func(p ai.Progress) {
		if now := time.Now(); now.Sub(last) >= progressEvery {
			last = now
			s.log.Info("groups are being read", "function", a.f.Name, "step", p.Level+1, "prompts_done", p.Done, "prompts", p.Prompts)
		}
	})
}

// advised holds the advice that this process has logged.
var advised sync.Map

// advise logs, once in a process, that a model is too weak for a function.
func advise(s *scope, f *ai.Function, model llm.Info) {
	advice := ai.Advise(f, model)
	if advice == nil {
		return
	}
	text := advice.String()
	if _, logged := advised.LoadOrStore(text, true); !logged && s.log != nil {
		s.log.Warn(text)
	}
}

// returns is the Arrow type of the result.
func (a *aiFunction) returns(s *scope) arrow.DataType { return s.results.Of(a.f.Returns) }

package ai

import (
	"context"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// tryFunction returns the try_ function of f. It returns a STRUCT with the error of
// a row, instead of failing the query or returning NULL without a reason.
func tryFunction(f *Function) *Function {
	t := *f
	t.Of = f
	t.Name = "try_" + f.Name
	t.Returns = Struct(Field{"result", f.Returns}, Field{"error", String}, Field{"raw", String})
	t.Summary = "is like " + f.Name + ", but also returns the error of each row"
	t.Detail = "Like " + f.Name + ", but returns a STRUCT. The field result is the result of " + f.Name + ". The field error is NULL if there was no " +
		"error or remark; otherwise it says why there is no result, or has a remark about the result (such as how much of a long text was " +
		"read). The field raw is the output of the model from which result was read. An invalid argument, which fails the " +
		"query with " + f.Name + ", is the error of the row here. If " + f.Name + " returns NULL for NULL or blank content, the whole STRUCT is NULL."
	t.Example = strings.Replace(f.Example, f.Name+"(", t.Name+"(", 1)
	t.Eval = func(ctx context.Context, model Source, rows []Row) ([]Answer, error) {
		answers, err := f.eval(ctx, model, rows, true)
		if err != nil {
			return nil, err
		}
		for i := range answers {
			answers[i].Value = structOf(answers[i])
		}
		return answers, nil
	}
	return &t
}

// Failed returns the answer to a row that has an error: NULL, which for a try_
// function is a STRUCT with the error.
func (f *Function) Failed(err error) Answer {
	a := Answer{Err: err}
	if f.Of != nil {
		a.Value = structOf(a)
	}
	return a
}

// structOf returns an answer as a STRUCT of result, error and raw, or NULL if all
// are NULL.
func structOf(a Answer) any {
	var problem, raw any
	switch {
	case a.Err != nil:
		problem = sensitive.Shown(a.Err) // the result is data too
	case a.Note != "":
		problem = a.Note
	}
	if a.Raw != "" {
		raw = a.Raw
	}
	if a.Value == nil && problem == nil && raw == nil {
		return nil
	}
	return []any{a.Value, problem, raw}
}

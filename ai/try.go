package ai

import (
	"context"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// tried is the function that tries f: instead of failing, or of a NULL that
// does not say why, it gives a STRUCT.
func tried(f *Function) *Function {
	t := *f
	t.Of = f
	t.Name = "try_" + f.Name
	t.Returns = Struct(Field{"result", f.Returns}, Field{"error", String}, Field{"raw", String})
	t.Summary = "does what " + f.Name + " does, and gives a row's error beside its result"
	t.Detail = "As " + f.Name + ", but gives a STRUCT. Its result is what " + f.Name + " gives. Its error is NULL if all went " +
		"well; otherwise it says why there is no result, or, beside a result, what to know about it (of a long text, say, how " +
		"much was read). Its raw is what the model said, where result is read from that. A wrong argument, which would fail the " +
		"query with " + f.Name + ", is the row's error here. Where " + f.Name + " gives NULL for NULL or blank content, so does this: the whole STRUCT is NULL."
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

// structOf is an answer as a STRUCT of result, error and raw; NULL of NULL.
func structOf(a Answer) any {
	var problem, raw any
	switch {
	case a.Err != nil:
		problem = sensitive.Shown(a.Err) // is data
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

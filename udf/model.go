package udf

import (
	"context"
	"errors"

	"github.com/firesteel/firesteel/llm"
)

type modelKey struct{}

// Model is the session's model (spark.WithModel), which all tasks of an
// executor share, for a function to ask. ctx is the one that the function was
// called with. The first call of a process loads it.
func Model(ctx context.Context) (llm.Model, error) { return NamedModel(ctx, llm.DefaultModel) }

// NamedModel is Model for one of several, by the name that the session gave it
// (spark.WithNamedModel).
func NamedModel(ctx context.Context, name string) (llm.Model, error) {
	open, ok := ctx.Value(modelKey{}).(func(context.Context, string) (llm.Model, error))
	if !ok {
		return nil, errors.New("there is no model here: this context is not that of a function on an executor")
	}
	return open(ctx, name)
}

// WithModels makes a context that Model finds its models in. The worker makes
// one for each call; a program's own tests may.
func WithModels(ctx context.Context, open func(ctx context.Context, name string) (llm.Model, error)) context.Context {
	return context.WithValue(ctx, modelKey{}, open)
}

package udf

import (
	"context"
	"errors"

	"github.com/firesteel/firesteel/llm"
)

type modelKey struct{}

// Model returns the default model of the session (spark.WithModel). All tasks of an
// executor share it; the first call in a process loads it. ctx is the context of the
// call of the declared function.
func Model(ctx context.Context) (llm.Model, error) { return NamedModel(ctx, llm.DefaultModel) }

// NamedModel returns the model with a name (spark.WithNamedModel).
func NamedModel(ctx context.Context, name string) (llm.Model, error) {
	open, ok := ctx.Value(modelKey{}).(func(context.Context, string) (llm.Model, error))
	if !ok {
		return nil, errors.New("the context has no model: it is not the context of a function on an executor")
	}
	return open(ctx, name)
}

// WithModels returns a context in which Model and NamedModel open models by the
// given function. The worker makes one for each call, and tests of functions may.
func WithModels(ctx context.Context, open func(ctx context.Context, name string) (llm.Model, error)) context.Context {
	return context.WithValue(ctx, modelKey{}, open)
}

package udf

import (
	"context"
	"errors"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/llm"
)

type modelKey struct{}

// Model returns the text model of the session (spark.WithModel). All tasks of an
// executor share it; the first call in a process loads it. ctx is the context of the
// call of the declared function.
func Model(ctx context.Context) (llm.Model, error) { return ModelFor(ctx, llm.Text) }

// ModelFor returns the session's default model of a role (spark.WithModelFor).
func ModelFor(ctx context.Context, role llm.ModelRole) (llm.Model, error) {
	return open(ctx, role, "")
}

// NamedModel returns the model with a name (spark.WithNamedModel).
func NamedModel(ctx context.Context, name string) (llm.Model, error) {
	if name == "" {
		return nil, &llm.UnknownModelError{}
	}
	return open(ctx, "", name)
}

func open(ctx context.Context, role llm.ModelRole, name string) (llm.Model, error) {
	source, ok := ctx.Value(modelKey{}).(ai.Source)
	if !ok {
		return nil, errors.New("the context has no model: it is not the context of a function on an executor")
	}
	return source(ctx, role, name)
}

// WithModels returns a context in which Model and NamedModel open models by the
// given function. The worker makes one for each call, and tests of functions may.
func WithModels(ctx context.Context, source ai.Source) context.Context {
	return context.WithValue(ctx, modelKey{}, source)
}

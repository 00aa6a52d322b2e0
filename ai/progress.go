package ai

import "context"

// Progress says how far the answer of a function over groups is.
type Progress struct {
	// Level is the step of the tree of partial answers: 0 for the texts themselves.
	Level int
	// Done of Prompts prompts of this step are answered, over all groups of a call.
	Done, Prompts int
}

type progressKey struct{}

// WithProgress returns a context in which functions over groups call report after each part of
// their prompts.
func WithProgress(ctx context.Context, report func(Progress)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

func reportProgress(ctx context.Context, p Progress) {
	if report, ok := ctx.Value(progressKey{}).(func(Progress)); ok {
		report(p)
	}
}

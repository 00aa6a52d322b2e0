package cli

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqlcalls"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// adviceText returns the advice on a model for a function, with what to type. It is
// empty if there is none.
func adviceText(f *ai.Function, m llm.Info) string {
	a := ai.Advise(f, m)
	switch {
	case a == nil:
		return ""
	case a.Better.Entry == nil:
		return a.String()
	case a.Role == llm.Text:
		return fmt.Sprintf("%s: --model %s", a, a.Better.Entry.Name)
	}
	return fmt.Sprintf("%s: --model %s=%s", a, a.Role, a.Better.Entry.Name)
}

// adviseSQL warns of default models that are weak at functions of a statement, once
// for each model and function. The session has found the models, so it downloads
// none.
func (a *app) adviseSQL(ctx context.Context, set models.Set, statement string) {
	sqlcalls.Find(statement, func(f *ai.Function, fixed ai.Row) {
		for _, ask := range f.Asks(fixed) {
			if !ask.Any && ask.Name == "" {
				a.printAdvice(adviceText(f, infoOf(ctx, set, ask.Role)))
			}
		}
	})
}

// printAdvice prints a text that was not printed before.
func (a *app) printAdvice(text string) {
	if text == "" || a.advised[text] {
		return
	}
	if a.advised == nil {
		a.advised = map[string]bool{}
	}
	a.advised[text] = true
	fmt.Fprintln(a.err, text)
}

// infoOf describes the default model of a role, if it is a model of files.
func infoOf(ctx context.Context, set models.Set, role llm.ModelRole) llm.Info {
	i := set.Default(role)
	if i < 0 || set[i].Reference.Remote() {
		return llm.Info{}
	}
	m, err := models.Resolve(ctx, set[i].Reference, models.Options{})
	if err != nil {
		return llm.Info{} // the session reports it
	}
	return m.Info
}

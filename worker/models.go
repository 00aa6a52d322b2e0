package worker

import (
	"context"
	"errors"
	"log/slog"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// archiveModels are the models of the archive. Each is opened when the first
// task needs it.
type archiveModels struct {
	root     string // the archive's folder
	manifest bundle.Manifest
	set      models.Set
	all      []*sharedModel // of the set's entries
}

func newArchiveModels(log *slog.Logger, root string, m bundle.Manifest) (*archiveModels, error) {
	a := &archiveModels{root: root, manifest: m}
	for i := range m.Models {
		spec := &m.Models[i]
		r, err := models.Parse(spec.Ref)
		if err != nil {
			return a, err
		}
		a.set = append(a.set, models.Entry{Names: spec.Aliases, Reference: r, Title: spec.Name})
		a.all = append(a.all, newSharedModel(log, root, spec))
	}
	return a, a.set.Check()
}

// get is an ai.Source: it opens the model that a query names, or for an empty name the default model
// of the role.
func (a *archiveModels) get(ctx context.Context, role llm.ModelRole, name string) (llm.Model, error) {
	if len(a.all) == 0 {
		return nil, errors.New("the session was opened without a model; open it with one (spark.WithModel)")
	}
	if name == "" {
		name = llm.DefaultModel
	}
	i, err := a.set.Find(name)
	if err != nil {
		return nil, err
	}
	return a.all[i].get(ctx)
}

// begin counts a task that starts and may ask any of the models.
func (a *archiveModels) begin(cpus int) {
	for _, m := range a.all {
		m.begin(cpus)
	}
}

// end counts a task that ended.
func (a *archiveModels) end(cpus int) { a.begin(-cpus) }

// loads returns how often a model was opened.
func (a *archiveModels) loads() int {
	n := 0
	for _, m := range a.all {
		n += m.loads()
	}
	return n
}

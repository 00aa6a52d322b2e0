package worker

import (
	"context"
	"errors"
	"log/slog"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/llm"
)

// models are those of the archive, each opened when the first task needs it.
type models struct {
	root     string // the archive's folder
	manifest bundle.Manifest
	all      []*sharedModel // as the manifest's
}

func newModels(log *slog.Logger, root string, m bundle.Manifest) *models {
	s := &models{root: root, manifest: m}
	for i := range m.Models {
		s.all = append(s.all, newSharedModel(log, root, &m.Models[i]))
	}
	return s
}

// get is an ai.Source: it opens the model that a query names.
func (s *models) get(ctx context.Context, name string) (llm.Model, error) {
	if len(s.all) == 0 {
		return nil, errors.New("this archive holds no model: open the session with one (WithModel, or --model)")
	}
	i := s.manifest.Find(name)
	if i < 0 {
		return nil, &llm.UnknownModelError{Name: name, Have: s.manifest.Names()}
	}
	return s.all[i].get(ctx)
}

// begin counts a task in, which may ask any of the models.
func (s *models) begin(cpus int) {
	for _, m := range s.all {
		m.begin(cpus)
	}
}

// end counts a task out.
func (s *models) end(cpus int) { s.begin(-cpus) }

// loads counts the times that a model was opened.
func (s *models) loads() int {
	n := 0
	for _, m := range s.all {
		n += m.loads()
	}
	return n
}

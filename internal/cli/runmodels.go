package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/endpoint"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
)

// runModels are all that --model names, open. A row names one as it would on
// Spark.
type runModels struct {
	opened   []llm.Model
	manifest bundle.Manifest
	of       []llm.Model // of the manifest's models
}

// openModels opens each reference once.
func openModels(ctx context.Context, f shipFlags, progress fetch.Progress) (*runModels, error) {
	m := &runModels{}
	named, err := f.named()
	if err != nil {
		return nil, err
	}
	byReference := map[string]llm.Model{}
	for _, n := range named {
		model := byReference[n.reference]
		if model == nil {
			one := f
			one.models = []string{n.reference}
			if model, err = openModel(ctx, one, progress); err != nil {
				return nil, errors.Join(err, m.Close())
			}
			byReference[n.reference] = model
			m.opened = append(m.opened, model)
		}
		m.manifest.Models = append(m.manifest.Models, bundle.Model{Aliases: []string{n.name}, Ref: n.reference, Name: model.Info().Name})
		m.of = append(m.of, model)
	}
	if m.manifest.Find(llm.DefaultModel) < 0 {
		first := &m.manifest.Models[0]
		first.Aliases = append(first.Aliases, llm.DefaultModel)
	}
	return m, nil
}

// models gives them to a job.
func (m *runModels) models() job.Models {
	find := func(name string) (llm.Model, error) {
		if i := m.manifest.Find(name); i >= 0 {
			return m.of[i], nil
		}
		return nil, &llm.UnknownModelError{Name: name, Have: m.manifest.Names()}
	}
	return job.Models{Model: m.of[m.manifest.Find(llm.DefaultModel)], Named: find}
}

func (m *runModels) Close() error {
	var err error
	for _, model := range m.opened {
		err = errors.Join(err, model.Close())
	}
	return err
}

// hosts are the addresses of the servers among the models; empty where all are
// on this machine.
func (f shipFlags) hosts() string {
	var all []string
	named, _ := f.named() // mistakes are told where the flags are checked
	for _, m := range named {
		if _, address, _ := strings.Cut(m.reference, "@"); endpoint.IsReference(m.reference) {
			all = append(all, address)
		}
	}
	return strings.Join(all, ", ")
}

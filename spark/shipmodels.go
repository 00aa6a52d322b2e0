package spark

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// WithModel registers the AI functions in the session. Connect resolves the
// reference (see package models; the model may be downloaded), uploads the
// model's files together with this program as the executors' worker, and
// registers the functions. For a model of a server (openai:MODEL@URL, see
// WithEndpointLimits), Connect uploads the reference.
//
// The worker is this program, so its main must call worker.Main first.
func WithModel(reference string) Option {
	return func(c *config) { c.ship.wanted, c.ship.model = true, reference }
}

// WithNamedModel adds a model that ai_query asks by a name. The name may be that
// of an endpoint of another system, so that queries written for that system run
// unchanged. All other functions ask the model of WithModel or, without it, the
// first named model. A reference may have several names: its files are uploaded
// once, and loaded once on an executor.
func WithNamedModel(name, reference string) Option {
	return func(c *config) {
		c.ship.wanted = true
		c.ship.named = append(c.ship.named, models.Named{Name: name, Reference: reference})
	}
}

// models returns the session's models, the default one first.
func (s *shipment) models() (models.Set, error) {
	all := slices.Clone(s.named)
	if s.model != "" {
		all = slices.Insert(all, 0, models.Named{Name: llm.DefaultModel, Reference: s.model})
	}
	set, err := models.NewSet(all...)
	if err != nil {
		return nil, err
	}
	if p := s.place; len(set) > 1 && p != "" && p != InArchive && p != AtSamePath {
		return nil, fmt.Errorf("the place %s is that of one model, but the session has %d models; for several, use %s or %s", fetch.Redact(p), len(set), InArchive, AtSamePath)
	}
	return set, nil
}

// shipModels resolves the session's models and adds them to the archive.
func (s *Session) shipModels(ctx context.Context, a *bundle.Archive) error {
	set, err := s.config.ship.models()
	if err != nil {
		return err
	}
	limits := s.config.ship.limits
	options := models.Options{
		Progress: s.config.ship.progress, Precision: llm.Precision(s.config.ship.precision),
		Server: models.ServerOptions{RequestsPerMinute: limits.RequestsPerMinute, TokensPerMinute: limits.TokensPerMinute},
	}
	for _, e := range set {
		m, err := models.Resolve(ctx, e.Reference, options)
		if err != nil {
			return err
		}
		// A damaged file is an error here, not minutes later on an executor.
		if err := m.Check(); err != nil {
			return fmt.Errorf("model %s: %w", e.Reference, err)
		}
		shipped := shippedModel(e.Names, m)
		if e.Reference.Remote() {
			shipped.Endpoint, err = s.shipEndpoint(ctx, m.Info.Name)
		} else {
			err = s.config.ship.placed(&shipped, m)
		}
		if err != nil {
			return err
		}
		a.Manifest.Models, a.ModelPaths = append(a.Manifest.Models, shipped), append(a.ModelPaths, m.Root)
	}
	return nil
}

// shippedModel describes a model in the archive's manifest. The folder of a
// model gets the model's name, because in the hub's cache it has the name of a
// commit.
func shippedModel(names []string, m *models.Resolved) bundle.Model {
	s := bundle.Model{
		Aliases: names, Ref: m.Reference.String(), Name: m.Info.Name,
		Size: m.Size, SHA256: m.Info.Digest, Precision: string(m.Info.Precision),
	}
	switch {
	case len(m.Files) > 0:
		s.File = m.Info.Name
	case m.Root != "":
		s.File = filepath.Base(m.Root)
	}
	for _, f := range m.Files {
		s.Files = append(s.Files, bundle.File(f))
	}
	return s
}

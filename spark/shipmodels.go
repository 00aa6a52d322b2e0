package spark

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/version"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// WithModel registers the AI functions in the session, with a model that they ask
// for text. Connect resolves the reference (see package models; the model may be
// downloaded), uploads the model's files together with this program as the
// executors' worker, and registers the functions. For a model of a server
// (openai:MODEL@URL, see WithEndpointLimits), Connect uploads the reference.
//
// A role that is not given a model (see WithModelFor) has its default from the
// catalogue, which is downloaded and uploaded when a statement or a DataFrame
// first calls a function that asks it. A model that cannot write text is the
// default of its own roles instead.
//
// The worker is this program, so its main must call worker.Main first.
func WithModel(reference string) Option {
	return func(c *config) { c.ship.wanted, c.ship.model = true, reference }
}

// WithModelFor is like WithModel for any role: functions ask the model for this
// role.
func WithModelFor(role llm.ModelRole, reference string) Option {
	return WithNamedModel(string(role), reference)
}

// WithAIFunctions registers the AI functions in the session and names no model: each
// role has its default (see WithModel), so nothing is uploaded for calls that ask no
// model, such as a mask of e-mail addresses.
func WithAIFunctions() Option {
	return func(c *config) { c.ship.wanted, c.ship.functions = true, true }
}

// WithDefaultModels uploads the default models of roles in Connect. A session
// that another client uses needs it, since Connect does not see the queries of
// that client. Roles that have a model are not changed.
func WithDefaultModels(roles ...llm.ModelRole) Option {
	return func(c *config) {
		c.ship.wanted = true
		c.ship.defaults = append(c.ship.defaults, roles...)
	}
}

// WithNamedModel adds a model that ai_query asks by a name. The name may be that
// of an endpoint of another system, so that queries written for that system run
// unchanged. The first named model writes text for other functions if there is no
// WithModel. A reference may have several names: its files are uploaded once, and
// loaded once on an executor.
func WithNamedModel(name, reference string) Option {
	return func(c *config) {
		c.ship.wanted = true
		c.ship.named = append(c.ship.named, models.Named{Name: name, Reference: reference})
	}
}

// models returns the session's models, the text model first.
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
	for i := 0; i < len(set); i++ {
		if set[i].Roles, err = s.shipModel(ctx, a, set[i], s.config.ship.place); err != nil {
			return err
		}
	}
	for _, role := range s.config.ship.defaults {
		before := len(set)
		var i int
		if set, i, err = set.WithDefault(role); err != nil {
			return err
		}
		if len(set) == before {
			a.Manifest.Models[i].Aliases = set[i].Names
			continue
		}
		if _, err := s.shipModel(ctx, a, set[i], s.defaultPlace()); err != nil {
			return models.ForDefault(role, set[i].Reference, err)
		}
	}
	// A model of the session may be the default of a role that a query asks later.
	for _, role := range llm.Roles {
		more, i, err := set.WithDefault(role)
		if err == nil && len(more) == len(set) && i < len(a.Manifest.Models) {
			set = more
			a.Manifest.Models[i].Aliases = set[i].Names
		}
	}
	s.models = set
	return nil
}

// defaultPlace is the place of the default model of a role: a place of the
// session that names one model is not that of another one.
func (s *Session) defaultPlace() string {
	if p := s.config.ship.place; p == AtSamePath {
		return p
	}
	return InArchive
}

// shipModel resolves a model and adds it to an archive. It returns the roles of
// the model, if they are known.
func (s *Session) shipModel(ctx context.Context, a *bundle.Archive, e models.Entry, place string) ([]llm.ModelRole, error) {
	limits := s.config.ship.limits
	m, err := models.Resolve(ctx, e.Reference, models.Options{
		Progress: s.config.ship.progress, Precision: llm.Precision(s.config.ship.precision),
		Server: models.ServerOptions{RequestsPerMinute: limits.RequestsPerMinute, TokensPerMinute: limits.TokensPerMinute},
	})
	if err != nil {
		return nil, err
	}
	// A damaged file is an error here, not minutes later on an executor.
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("model %s: %w", e.Reference, err)
	}
	shipped := shippedModel(e.Names, m)
	if e.Reference.Remote() {
		shipped.Endpoint, err = s.shipEndpoint(ctx, m.Info.Name)
	} else {
		err = s.config.ship.placed(&shipped, m, place)
	}
	if err != nil {
		return nil, err
	}
	a.Manifest.Models, a.ModelPaths = append(a.Manifest.Models, shipped), append(a.ModelPaths, m.Root)
	return m.Info.Roles, nil
}

// shipDefaults uploads the default models of roles that the session does not have,
// each in an archive of its own, which workers that run already find.
func (s *Session) shipDefaults(ctx context.Context, roles []askedRole) error {
	s.shipping.Lock()
	defer s.shipping.Unlock()
	if !s.config.ship.functions && len(s.models) == 0 {
		return nil // the session has no AI functions
	}
	for _, asked := range roles {
		err := s.shipDefault(ctx, asked.role)
		if asked.optional && errors.Is(err, llm.ErrNoModel) {
			continue // the calls do without it
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shipDefault uploads the default model of a role unless the session has one.
func (s *Session) shipDefault(ctx context.Context, role llm.ModelRole) error {
	set, i, err := s.models.WithDefault(role)
	if err != nil || len(set) == len(s.models) {
		return err
	}
	archive := bundle.Archive{Manifest: bundle.Manifest{Firesteel: version.String(), Spark: s.version}}
	if _, err := s.shipModel(ctx, &archive, set[i], s.defaultPlace()); err != nil {
		return models.ForDefault(role, set[i].Reference, err)
	}
	if err := s.addBundle(ctx, archive, bundle.RoleDir(string(role))); err != nil {
		return fmt.Errorf("uploading the default model of the role %s to Spark: %w", role, err)
	}
	s.models = set
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
	for _, r := range m.Info.Roles {
		s.Roles = append(s.Roles, string(r))
	}
	for _, f := range m.Files {
		s.Files = append(s.Files, bundle.File(f))
	}
	return s
}

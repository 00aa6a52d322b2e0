package spark

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/endpoint"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/weights"
	"github.com/firesteel/firesteel/llm"
)

// namedModel is a model by the name that queries have for it.
type namedModel struct{ name, reference string }

// WithModel makes the AI functions known to the session: Connect finds the
// model (see weights.Resolve; it may be downloaded), uploads its files with
// this program as the executors' worker, and registers the functions. Of an
// endpoint (openai:MODEL@URL, see WithEndpointLimits) the reference is uploaded.
//
// The worker is this very program, so its main must call worker.Main first.
func WithModel(reference string) Option {
	return func(c *config) { c.ship.wanted, c.ship.model = true, reference }
}

// WithNamedModel adds a model that ai_query asks by a name, which may be that
// of an endpoint elsewhere, so that queries written for it run as they are. All
// other functions ask the model of WithModel or, without that, the first one
// named. Several names may be given to one reference: its files are uploaded,
// and loaded on an executor, once.
func WithNamedModel(name, reference string) Option {
	return func(c *config) {
		c.ship.wanted = true
		c.ship.named = append(c.ship.named, namedModel{name, reference})
	}
}

// models lists the references, the default one first, each with its names.
func (s *shipment) models() (bundle.Manifest, error) {
	all := slices.Clone(s.named)
	if s.model != "" {
		all = slices.Insert(all, 0, namedModel{bundle.DefaultAlias, s.model})
	}
	for _, n := range all {
		if n.reference == "" {
			return bundle.Manifest{}, fmt.Errorf("the model %q has no reference; see WithModel", n.name)
		}
	}
	slices.SortStableFunc(all, func(a, b namedModel) int { return rank(a) - rank(b) })
	if len(all) > 0 && rank(all[0]) > 0 {
		all = slices.Insert(all, 0, namedModel{bundle.DefaultAlias, all[0].reference})
	}
	var m bundle.Manifest
	for _, n := range all {
		same := func(have bundle.Model) bool { return have.Ref == n.reference }
		if i := slices.IndexFunc(m.Models, same); i >= 0 {
			m.Models[i].Aliases = append(m.Models[i].Aliases, n.name)
			continue
		}
		m.Models = append(m.Models, bundle.Model{Aliases: []string{n.name}, Ref: n.reference})
	}
	if p := s.place; len(m.Models) > 1 && p != "" && p != InArchive && p != AtSamePath {
		return m, fmt.Errorf("the place %s is one model's, but the session has %d; executors get several by %s or %s", fetch.Redact(p), len(m.Models), InArchive, AtSamePath)
	}
	return m, m.Check()
}

// rank puts the default model before the others.
func rank(n namedModel) int {
	if strings.EqualFold(n.name, bundle.DefaultAlias) {
		return 0
	}
	return 1
}

// shipModels finds the session's models and puts them into the archive.
func (s *Session) shipModels(ctx context.Context, a *bundle.Archive) error {
	precision, err := llm.ParsePrecision(s.config.ship.precision)
	if err != nil {
		return err
	}
	named, err := s.config.ship.models()
	if err != nil {
		return err
	}
	for _, n := range named.Models {
		if endpoint.IsReference(n.Ref) {
			if err := s.shipEndpoint(ctx, &n); err != nil {
				return err
			}
			a.Manifest.Models, a.ModelPaths = append(a.Manifest.Models, n), append(a.ModelPaths, "")
			continue
		}
		m, err := weights.Resolve(ctx, n.Ref, weights.Options{Progress: s.config.ship.progress})
		if err != nil {
			return err
		}
		// A damaged file is found here, not minutes later on an executor.
		if err := m.Check(); err != nil {
			return fmt.Errorf("model %s: %w", n.Ref, err)
		}
		n.Precision = string(precision)
		n = shipped(n, m)
		if err := s.config.ship.placed(&n, m); err != nil {
			return err
		}
		a.Manifest.Models = append(a.Manifest.Models, n)
		if len(m.Files) > 0 {
			a.ModelPaths = append(a.ModelPaths, m.Folder())
		} else {
			a.ModelPaths = append(a.ModelPaths, m.Path)
		}
	}
	return nil
}

// shipped completes a model of the archive's manifest. A folder gets the name
// of the model: in the hub's cache it has that of a commit.
func shipped(s bundle.Model, m weights.Model) bundle.Model {
	s.Name, s.File, s.Size, s.SHA256 = m.Name, filepath.Base(m.Path), m.Size, m.SHA256
	if len(m.Files) > 0 {
		s.File = m.Name
	}
	for _, f := range m.Files {
		s.Files = append(s.Files, bundle.File(f))
	}
	return s
}

package worker

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// archiveModels are the models of the session's archives. Each is opened when the
// first task needs it.
type archiveModels struct {
	log  *slog.Logger
	root string // the folder of the first archive, with the program

	mu       sync.Mutex
	manifest bundle.Manifest // with the models of all archives
	set      models.Set
	all      []*sharedModel // of the set's entries
	cpus     int            // CPUs of the running tasks
}

func newArchiveModels(log *slog.Logger, root string, m bundle.Manifest) (*archiveModels, error) {
	a := &archiveModels{log: log, root: root, manifest: m}
	a.manifest.Models = nil
	return a, a.add(root, m.Models)
}

// add adds the models of an archive.
func (a *archiveModels) add(root string, more []bundle.Model) error {
	set := slices.Clone(a.set)
	for i := range more {
		spec := &more[i]
		r, err := models.Parse(spec.Ref)
		if err != nil {
			return err
		}
		e := models.Entry{Names: spec.Aliases, Reference: r, Title: spec.Name}
		for _, role := range spec.Roles {
			e.Roles = append(e.Roles, llm.ModelRole(role))
		}
		set = append(set, e)
	}
	if err := set.Check(); err != nil {
		return err
	}
	for i := range more {
		m := newSharedModel(a.log, root, &more[i])
		m.begin(a.cpus)
		a.all = append(a.all, m)
	}
	a.set, a.manifest.Models = set, append(a.manifest.Models, more...)
	return nil
}

// addRole adds the default model of a role if its archive has arrived: the client
// uploads it when a query first asks the role.
func (a *archiveModels) addRole(role llm.ModelRole) error {
	if !slices.Contains(llm.Roles, role) || a.set.Default(role) >= 0 {
		return nil
	}
	root := filepath.Join(filepath.Dir(a.root), bundle.RoleDir(string(role)))
	m, err := readManifest(root)
	if err != nil || len(m.Models) == 0 {
		return err
	}
	if err := a.add(root, m.Models); err != nil {
		return fmt.Errorf("the archive's manifest in %s is malformed: %w", root, err)
	}
	return nil
}

// get is an ai.Source: it opens the model that a query names, or for an empty name the default model
// of the role.
func (a *archiveModels) get(ctx context.Context, role llm.ModelRole, name string) (llm.Model, error) {
	m, err := a.find(role, name)
	if err != nil {
		return nil, err
	}
	return m.get(ctx)
}

func (a *archiveModels) find(role llm.ModelRole, name string) (*sharedModel, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if name == llm.DefaultModel && role == llm.Text {
		name = "" // it may come later, too
	}
	if name != "" {
		i, err := a.set.Find(name)
		if err != nil {
			return nil, err
		}
		return a.all[i], nil
	}
	if err := a.addRole(role); err != nil {
		return nil, err
	}
	i := a.set.Default(role)
	if i < 0 {
		return nil, &noModelError{role}
	}
	return a.all[i], nil
}

// noModelError reports a role without a model. The client did not see that the
// query asks the role.
type noModelError struct{ role llm.ModelRole }

func (e *noModelError) Error() string {
	return fmt.Sprintf("the session has no model with the role %s; open it with one (spark.WithModelFor)", e.role)
}

// Is reports whether target is llm.ErrNoModel.
func (e *noModelError) Is(target error) bool { return target == llm.ErrNoModel }

// arrived returns the models whose archives have arrived.
func (a *archiveModels) arrived() (bundle.Manifest, []*sharedModel, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, role := range llm.Roles {
		if err := a.addRole(role); err != nil {
			return bundle.Manifest{}, nil, err
		}
	}
	m := a.manifest
	m.Models = slices.Clone(m.Models)
	return m, slices.Clone(a.all), nil
}

// begin counts a task that starts and may ask any of the models.
func (a *archiveModels) begin(cpus int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cpus += cpus
	for _, m := range a.all {
		m.begin(cpus)
	}
}

// end counts a task that ended.
func (a *archiveModels) end(cpus int) { a.begin(-cpus) }

// loads returns how often a model was opened.
func (a *archiveModels) loads() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, m := range a.all {
		n += m.loads()
	}
	return n
}

package models

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/firesteel/firesteel/internal/endpoint"
	"github.com/firesteel/firesteel/internal/engine"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
)

// Open resolves a reference and opens its model.
func Open(ctx context.Context, r Reference, o Options) (llm.Model, error) {
	found, err := Resolve(ctx, r, o)
	if err != nil {
		return nil, err
	}
	return found.Open(ctx, o)
}

// Open opens the model: its files in this process, or a client of its server.
// Info.Name, Info.Digest and Info.Precision are what the opened model reports.
func (r *Resolved) Open(ctx context.Context, o Options) (llm.Model, error) {
	if r.Reference.Remote() {
		m, err := endpoint.Open(r.Reference.text, o.Server.endpoint())
		if err != nil {
			return nil, err // a nil *Endpoint in the interface would not be nil
		}
		return m, nil
	}
	if r.isHead() {
		m, err := r.openHead()
		if err != nil {
			return nil, err
		}
		return m, nil
	}
	m, err := engine.Open(ctx, r.Path(), engine.Options{
		Pooling: poolingOf(r.Info.Digest), Name: r.Info.Name, Digest: r.Info.Digest, Precision: r.Info.Precision,
		Threads: o.Threads, PrefixBytes: o.PrefixBytes, AnswerBytes: o.AnswerBytes,
	})
	if err != nil {
		return nil, damaged(r.Reference, err)
	}
	return m, nil
}

// poolingOf returns the pooling of a model whose files do not state it, according
// to the catalogue of this program, or "". Executors have no other catalogue.
func poolingOf(digest string) string {
	e, ok := catalogue.Embedded().ByDigest(digest)
	if !ok {
		return ""
	}
	return e.Pooling
}

// Opened holds models by name and by role, each of which is opened when it is
// first needed. Its methods may be called at the same time. A nil *Opened holds
// no models.
type Opened struct {
	open func(context.Context, Reference) (llm.Model, error) // nil: no more models can be added
	only bool                                                // the one model is that of every role
	wrap func(llm.Model) llm.Model                           // nil: models is not wrapped
	of   *Opened                                             // the models that wrap wraps

	mu      sync.Mutex
	set     Set
	models  []llm.Model       // of the set's entries; nil for those that are not open
	wrapped map[int]llm.Model // by the entry of of
}

// Open opens all models of the set. If one fails, it closes the others.
func (s Set) Open(ctx context.Context, o Options) (*Opened, error) {
	return s.OpenWith(ctx, func(ctx context.Context, r Reference) (llm.Model, error) { return Open(ctx, r, o) })
}

// OpenWith opens all models of the set with a function, which is called once for
// each reference. If it fails, the models that are open already are closed.
func (s Set) OpenWith(ctx context.Context, open func(context.Context, Reference) (llm.Model, error)) (*Opened, error) {
	all := s.Lazy(open)
	for i := range s {
		if _, err := all.at(ctx, i); err != nil {
			return nil, errors.Join(err, all.Close())
		}
	}
	return all, nil
}

// Lazy returns the models of the set without opening them. Source opens a model,
// and for a role without a default in the set that of the catalogue (see
// DefaultFor), with the given function, which is called once for each reference.
func (s Set) Lazy(open func(context.Context, Reference) (llm.Model, error)) *Opened {
	return &Opened{open: open, set: slices.Clone(s), models: make([]llm.Model, len(s))}
}

// Of returns m as the only model: as the default of every role, and by its own
// name.
func Of(m llm.Model) *Opened {
	return &Opened{only: true, set: Set{{Names: []string{llm.DefaultModel}, Title: m.Info().Name, Roles: m.Info().Roles}}, models: []llm.Model{m}}
}

// at opens the model of entry i. The caller holds o.mu, or is the only user.
func (o *Opened) at(ctx context.Context, i int) (llm.Model, error) {
	if o.models[i] != nil {
		return o.models[i], nil
	}
	m, err := o.open(ctx, o.set[i].Reference)
	if err != nil {
		return nil, err
	}
	o.models[i] = m
	o.set[i].Title, o.set[i].Roles = m.Info().Name, m.Info().Roles
	return m, nil
}

// Model returns an open model: the one that a query names (see Set.Find) or, for
// an empty name, the default of the role. A default that is not open is an
// *llm.UnknownModelError.
func (o *Opened) Model(role llm.ModelRole, name string) (llm.Model, error) {
	_, m, err := o.find(role, name, func(base *Opened) (int, error) {
		i, err := base.index(role, name)
		if err == nil && (i < 0 || base.models[i] == nil) {
			err = &llm.UnknownModelError{Name: cmp.Or(name, string(role)), Have: base.set.Names()}
		}
		return i, err
	})
	return m, err
}

// Source returns the model that a query names or, for an empty name, the default
// of the role. It opens the model if that is necessary. It has the signature that
// functions call.
func (o *Opened) Source(ctx context.Context, role llm.ModelRole, name string) (llm.Model, error) {
	_, m, err := o.find(role, name, func(base *Opened) (int, error) { return base.opening(ctx, role, name) })
	return m, err
}

// find returns a model and its entry, wrapped if o wraps models. Of the models
// that o opened, at returns the entry, whose model is open.
func (o *Opened) find(role llm.ModelRole, name string, at func(base *Opened) (int, error)) (int, llm.Model, error) {
	if o == nil {
		return -1, nil, &llm.UnknownModelError{Name: name}
	}
	if o.of == nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		i, err := at(o)
		if err != nil {
			return -1, nil, err
		}
		return i, o.models[i], nil
	}
	i, m, err := o.of.find(role, name, at)
	if err != nil {
		return -1, nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.wrapped[i] == nil {
		o.wrapped[i] = o.wrap(m)
	}
	return i, o.wrapped[i], nil
}

// index returns the entry of a model, or -1 if a role has no default in the set.
func (o *Opened) index(role llm.ModelRole, name string) (int, error) {
	switch {
	case name != "":
		return o.set.Find(name)
	case o.only:
		return 0, nil
	}
	return o.set.Default(role), nil
}

// opening opens a model and returns its entry.
func (o *Opened) opening(ctx context.Context, role llm.ModelRole, name string) (int, error) {
	// The roles of a model without a name of a role may be known only when it is open.
	if plain := o.set.Default(llm.Text); name == "" && plain >= 0 && len(o.set[plain].Roles) == 0 && o.set.Default(role) < 0 {
		if _, err := o.at(ctx, plain); err != nil {
			return -1, err
		}
	}
	i, err := o.index(role, name)
	if err == nil && i >= 0 {
		_, err = o.at(ctx, i)
	}
	if err == nil && i >= 0 && name == "" { // it may be known now to have other roles only
		i, err = o.index(role, name)
	}
	if err == nil && i < 0 {
		return o.fromCatalogue(ctx, role)
	}
	return i, err
}

// fromCatalogue opens the default model of a role and returns its entry.
func (o *Opened) fromCatalogue(ctx context.Context, role llm.ModelRole) (int, error) {
	set, i, err := o.set.WithDefault(role)
	if err != nil {
		return -1, err
	}
	before := o.set
	if o.set = set; i == len(o.models) {
		o.models = append(o.models, nil)
	}
	if _, err = o.at(ctx, i); err != nil {
		err = ForDefault(role, o.set[i].Reference, err)
		o.set, o.models = before, o.models[:len(before)]
	}
	return i, err
}

// Set returns the models, with what is known of those that are open.
func (o *Opened) Set() Set {
	if o == nil {
		return nil
	}
	if o.of != nil {
		return o.of.Set()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.set)
}

// Wrap returns the same models, each wrapped by a function, which is called at
// most once for each. Closing the result does not close the models.
func (o *Opened) Wrap(wrap func(llm.Model) llm.Model) *Opened {
	if o == nil {
		return nil
	}
	return &Opened{of: o, wrap: wrap, wrapped: map[int]llm.Model{}}
}

// Close closes the models.
func (o *Opened) Close() error {
	if o == nil || o.of != nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var err error
	for _, m := range o.models {
		if m != nil {
			err = errors.Join(err, m.Close())
		}
	}
	return err
}

package models

import (
	"context"
	"errors"

	"github.com/firesteel/firesteel/internal/endpoint"
	"github.com/firesteel/firesteel/internal/engine"
	"github.com/firesteel/firesteel/llm"
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
	m, err := engine.Open(ctx, r.Path(), engine.Options{
		Name: r.Info.Name, Digest: r.Info.Digest, Precision: r.Info.Precision,
		Threads: o.Threads, PrefixBytes: o.PrefixBytes, AnswerBytes: o.AnswerBytes,
	})
	if err != nil {
		return nil, damaged(r.Reference, err)
	}
	return m, nil
}

// Opened holds open models by name. Its methods may be called at the same time. A
// nil *Opened holds no models.
type Opened struct {
	set    Set
	models []llm.Model // of the set's entries
	wraps  bool        // the models belong to another Opened
}

// Open opens all models of the set. If one fails, it closes the others.
func (s Set) Open(ctx context.Context, o Options) (*Opened, error) {
	return s.OpenWith(ctx, func(ctx context.Context, r Reference) (llm.Model, error) { return Open(ctx, r, o) })
}

// OpenWith opens all models of the set with a function, which is called once for
// each reference. If it fails, the models that are open already are closed.
func (s Set) OpenWith(ctx context.Context, open func(context.Context, Reference) (llm.Model, error)) (*Opened, error) {
	all := &Opened{set: append(Set(nil), s...)}
	for i, e := range s {
		m, err := open(ctx, e.Reference)
		if err != nil {
			return nil, errors.Join(err, all.Close())
		}
		all.models = append(all.models, m)
		all.set[i].Title = m.Info().Name
	}
	return all, nil
}

// Of returns m as the only model: by the name llm.DefaultModel, and by its own.
func Of(m llm.Model) *Opened {
	return &Opened{set: Set{{Names: []string{llm.DefaultModel}, Title: m.Info().Name}}, models: []llm.Model{m}}
}

// Default returns the model that functions ask unless a row names another one.
// It is nil if there are no models.
func (o *Opened) Default() llm.Model {
	if o == nil || len(o.models) == 0 {
		return nil
	}
	return o.models[0]
}

// Model returns the model that a query names (see Set.Find), or for an empty name the default model
// of the role.
func (o *Opened) Model(role llm.ModelRole, name string) (llm.Model, error) {
	if o == nil {
		return nil, &llm.UnknownModelError{Name: name}
	}
	if name == "" {
		name = llm.DefaultModel
	}
	i, err := o.set.Find(name)
	if err != nil {
		return nil, err
	}
	return o.models[i], nil
}

// Source is Model with the signature that functions call.
func (o *Opened) Source(_ context.Context, role llm.ModelRole, name string) (llm.Model, error) {
	return o.Model(role, name)
}

// Wrap returns the same models, each wrapped by a function, which is called at
// most once for each. Closing the result does not close the models.
func (o *Opened) Wrap(wrap func(llm.Model) llm.Model) *Opened {
	if o == nil {
		return nil
	}
	w := &Opened{set: o.set, models: make([]llm.Model, len(o.models)), wraps: true}
	for i, m := range o.models {
		w.models[i] = wrap(m)
	}
	return w
}

// Close closes the models.
func (o *Opened) Close() error {
	if o == nil || o.wraps {
		return nil
	}
	var err error
	for _, m := range o.models {
		err = errors.Join(err, m.Close())
	}
	return err
}

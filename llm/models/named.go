package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/firesteel/firesteel/internal/weights"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
)

// DefaultFor returns the reference of the default model of a role: a name of the
// catalogue. The error is a *NoDefaultError if the role has none.
//
// The model of such a reference is downloaded only if its licence allows any
// use; see LicenceError.
func DefaultFor(role llm.ModelRole) (Reference, error) {
	c, err := catalogue.Current()
	if err != nil {
		return Reference{}, fmt.Errorf("%w: %w", ErrReference, err)
	}
	e, ok := c.Default(role)
	if !ok {
		return Reference{}, &NoDefaultError{role}
	}
	return Reference{text: e.Name, entry: e, implied: true}, nil
}

// NoDefaultError reports a role that has no default model.
type NoDefaultError struct{ Role llm.ModelRole }

func (e *NoDefaultError) Error() string {
	return fmt.Sprintf("there is no default model for the role %s; name one", e.Role)
}

// DefaultError reports that the default model of a role cannot be opened, for
// example because it is not on this machine and cannot be downloaded.
type DefaultError struct {
	Role  llm.ModelRole
	Entry *catalogue.Entry
	Err   error
}

func (e *DefaultError) Error() string {
	return fmt.Sprintf("the default model of the role %s, %s: %v", e.Role, e.Entry.Name, e.Err)
}

func (e *DefaultError) Unwrap() error { return e.Err }

// LicenceError reports a default model whose licence does not allow any use. It
// is downloaded only for those who name it.
type LicenceError struct{ Entry *catalogue.Entry }

func (e *LicenceError) Error() string {
	return fmt.Sprintf("the default model %s has the licence %s, which does not allow any use; read the licence, and name the model to download it", e.Entry.Name, e.Entry.Licence.SPDX)
}

// Entry returns the entry of the catalogue whose name r is, or nil.
func (r Reference) Entry() *catalogue.Entry { return r.entry }

// roles returns the roles of a model of the catalogue, which r names, or to one
// of whose sources it refers with or without a version. It is empty for others.
func (r Reference) roles() []llm.ModelRole {
	if r.entry != nil {
		return r.entry.Roles
	}
	c, err := catalogue.Current()
	if err != nil {
		return nil
	}
	for _, name := range c.Names() {
		for _, source := range c.Models[name].Sources {
			if source == r.text || strings.HasPrefix(source, r.text+"==") || strings.HasPrefix(source, r.text+"@") {
				return c.Models[name].Roles
			}
		}
	}
	return nil
}

// Implied reports whether r comes from DefaultFor, and not from a text.
func (r Reference) Implied() bool { return r.implied }

// parseName returns the reference of a name of the catalogue. A text with a ':'
// or a separator of paths is no name.
func parseName(text string) (Reference, bool, error) {
	if strings.ContainsAny(text, `:/\~`) {
		return Reference{}, false, nil
	}
	c, err := catalogue.Current()
	if err != nil {
		return Reference{}, false, fmt.Errorf("%w: %w", ErrReference, err)
	}
	e, ok := c.Lookup(text)
	if !ok {
		return Reference{}, false, nil
	}
	for i, source := range e.Sources {
		if err := weights.CheckReference(source); err != nil {
			return Reference{}, false, fmt.Errorf("%w: %w", ErrReference, e.At(fmt.Sprint("sources.", source), fmt.Errorf("source %d: %w", i+1, err)))
		}
	}
	return Reference{text: text, entry: e}, true, nil
}

// Download describes a download of a model of the catalogue, before it begins.
type Download struct {
	Entry   *catalogue.Entry
	Source  string // the reference that is tried first
	Implied bool   // the model is a default, and was not named
}

// find returns the files of a model. It downloads those of the first source that
// serves the expected files.
func (r Reference) find(ctx context.Context, o Options) (weights.Model, error) {
	if r.entry == nil {
		return weights.Resolve(ctx, r.text, weights.Options{Progress: o.Progress})
	}
	e := r.entry
	w := weights.Options{Progress: o.Progress, Cached: true}
	for _, f := range e.Files {
		w.Files = append(w.Files, weights.File(f))
	}
	var failed []error
	for _, source := range e.Sources {
		m, err := weights.Resolve(ctx, source, w)
		if err == nil {
			return r.named(m), nil
		}
		var other *weights.ContentError
		if !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &other) {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return weights.Model{}, fmt.Errorf("model %s: %w", e.Name, errors.Join(failed...))
	}
	if r.implied && !e.Licence.Free() {
		return weights.Model{}, &LicenceError{e}
	}
	if o.Announce != nil {
		o.Announce(Download{e, e.Sources[0], r.implied})
	}
	w.Cached = false
	for _, source := range e.Sources {
		m, err := weights.Resolve(ctx, source, w)
		if err == nil {
			return r.named(m), nil
		}
		if ctx.Err() != nil {
			return weights.Model{}, err
		}
		failed = append(failed, err)
	}
	return weights.Model{}, fmt.Errorf("no source has the model %s:\n%w", e.Name, errors.Join(failed...))
}

// named gives a model the name of its entry.
func (r Reference) named(m weights.Model) weights.Model {
	m.Name, m.Note = r.entry.Name, ""
	return m
}
